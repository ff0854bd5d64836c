/* SPDX-License-Identifier: MIT */
/*
 * How long each question to the vault is waited for, and when the vault itself is in doubt.
 */
#include "test.h"

#include "base/clock.h"
#include "vault/embedded-calls.h"

#define NOW (1000 * USEC_PER_SEC)
#define TIMEOUT (10 * USEC_PER_SEC)
#define WITH_PROVIDER (70 * USEC_PER_SEC)

static struct embedded_call *ask(struct embedded_queue *q, enum vault_op op, uint64_t at) {
        const struct vault_question question = { .op = op, .key = { "u", "p", "a" } };
        struct embedded_call *c;

        assert_int_equal(embedded_call_new(NULL, &question, q->size + 1, at, TIMEOUT, &c), 0);
        embedded_queue_put(q, c);
        return c;
}

static void test_who_may_take_long(void **state) {
        static const struct {
                enum vault_op op;
                uint64_t usec;
        } cases[] = {
                { VAULT_DELETE_TOKEN, TIMEOUT },  { VAULT_EXCHANGE, WITH_PROVIDER },
                { VAULT_FIND_PROVIDER, TIMEOUT }, { VAULT_GET_TOKEN, WITH_PROVIDER },
                { VAULT_REVOKE, WITH_PROVIDER },  { VAULT_START_DEVICE, WITH_PROVIDER },
                { VAULT_STATUS, TIMEOUT },        { VAULT_STORE_TOKEN, TIMEOUT },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct embedded_queue q = { 0 };
                struct embedded_call *c = ask(&q, cases[i].op, NOW);

                assert_null(embedded_queue_late(&q, NOW + cases[i].usec - 1));
                assert_ptr_equal(embedded_queue_late(&q, NOW + cases[i].usec), c);
                assert_int_equal(embedded_call_is_slow(c), cases[i].usec != TIMEOUT);
                embedded_queue_done(&q);
        }
}

/* A slow one at the head holds up nobody behind it. */
static void test_each_has_its_own_time(void **state) {
        struct embedded_queue q = { 0 };
        struct embedded_call *slow = ask(&q, VAULT_EXCHANGE, NOW);
        struct embedded_call *quick = ask(&q, VAULT_STATUS, NOW + 1);

        assert_int_equal(embedded_queue_next_look(&q, NOW, TIMEOUT), NOW + 1 + TIMEOUT);
        assert_ptr_equal(embedded_queue_late(&q, NOW + 1 + TIMEOUT), quick);
        embedded_call_free(embedded_queue_take(&q, quick->id));

        /* Alone, it is waited for as long as the vault is heard. */
        assert_null(embedded_queue_late(&q, NOW + 1 + TIMEOUT));
        assert_int_equal(embedded_queue_next_look(&q, NOW, TIMEOUT), NOW + TIMEOUT);
        assert_int_equal(embedded_queue_next_look(&q, NOW + TIMEOUT, TIMEOUT), NOW + 2 * TIMEOUT);
        assert_int_equal(embedded_queue_next_look(&q, NOW + WITH_PROVIDER, TIMEOUT),
                         NOW + WITH_PROVIDER);

        /* Who was told is in nobody's way. */
        slow->deadline_usec = CALL_NEVER;
        assert_null(embedded_queue_late(&q, NOW + 10 * WITH_PROVIDER));
        assert_true(embedded_queue_next_look(&q, NOW, TIMEOUT) == CALL_NEVER);
        embedded_queue_done(&q);
        assert_true(embedded_queue_next_look(&q, NOW, TIMEOUT) == CALL_NEVER);
}

static void test_taken_from_anywhere(void **state) {
        for (uint64_t first = 1; first <= 3; first++)
                for (uint64_t second = 1; second <= 3; second++) {
                        struct embedded_queue q = { 0 };

                        for (int i = 0; i < 3; i++)
                                (void)ask(&q, VAULT_GET_TOKEN, NOW);
                        embedded_call_free(embedded_queue_take(&q, first));
                        assert_null(embedded_queue_take(&q, first));
                        embedded_call_free(embedded_queue_take(&q, second));
                        assert_int_equal(q.size, first == second ? 2 : 1);
                        assert_null(q.last->next);
                        embedded_queue_done(&q);
                        assert_null(q.first);
                        assert_null(q.last);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_may_take_long),
                cmocka_unit_test(test_each_has_its_own_time),
                cmocka_unit_test(test_taken_from_anywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
