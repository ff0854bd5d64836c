/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "vault/remote-memory.h"

static struct secret *secret(const char *text) {
        struct secret *s;

        assert_int_equal(secret_new(text, strlen(text), &s), 0);
        return s;
}

/* What is a token's must count, and nothing may pass for another token's. */
static void test_a_digest_tells_tokens_apart(void **state) {
        static const struct {
                const char *access, *refresh, *account;
        } cases[] = {
                { NULL, NULL, NULL }, { "a", NULL, NULL }, { NULL, "a", NULL },
                { NULL, NULL, "a" },  { "a", "b", NULL },  { "ab", NULL, NULL },
                { "", "ab", NULL },   { "a", NULL, "b" },  { "a", "b", "" },
        };
        unsigned char digests[ELEMENTSOF(cases)][RECORD_DIGEST_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct record r = {
                        .access_token = cases[i].access ? secret(cases[i].access) : NULL,
                        .refresh_token = cases[i].refresh ? secret(cases[i].refresh) : NULL,
                        .service_account = cases[i].account ? secret(cases[i].account) : NULL,
                };

                record_digest(&r, digests[i]);
                r.refused = true;
                r.expires_at_usec = 1;
                assert_true(record_digest_is(&r, digests[i]));
                for (size_t j = 0; j < i; j++)
                        assert_false(record_digest_is(&r, digests[j]));
                record_done(&r);
        }
}

static const unsigned char old[RECORD_DIGEST_SIZE] = { 1 }, new[RECORD_DIGEST_SIZE] = { 2 };

static void test_a_note_is_about_one_version(void **state) {
        static const struct record_id a = { "u1", "gmail", "default" },
                                      others[] = { { "u2", "gmail", "default" },
                                                   { "u1", "notion", "default" },
                                                   { "u1", "gmail", "work" } };
        struct memory m;
        struct note *n;

        memory_init(&m);
        memory_forget(&m, &a);
        n = memory_note(&m, &a, old);
        assert_non_null(n);
        n->refused = true;
        assert_true(memory_find(&m, &a) == n);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_null(memory_find(&m, &others[i]));

        assert_true(memory_note(&m, &a, old) == n);
        assert_false(memory_note(&m, &a, new)->refused);
        assert_int_equal(m.n, 1);
        memory_forget(&m, &a);
        assert_null(memory_find(&m, &a));
        memory_done(&m);
}

static struct note *note(struct memory *m, int i) {
        char user[16];

        snprintf(user, sizeof(user), "u%d", i);
        return memory_note(m, &(struct record_id){ user, "gmail", "default" }, old);
}

static bool has(const struct memory *m, int i) {
        char user[16];

        snprintf(user, sizeof(user), "u%d", i);
        return memory_find(m, &(struct record_id){ user, "gmail", "default" });
}

/* The oldest goes, but what is nowhere else goes last. */
static void test_the_limit(void **state) {
        struct memory m;

        memory_init(&m);
        for (int i = 0; i < MEMORY_MAX_NOTES; i++) {
                struct note *n = note(&m, i);

                assert_non_null(n);
                if (i != 1)
                        n->unsaved.access_token = secret("at");
        }
        assert_true(has(&m, 0));
        note(&m, MEMORY_MAX_NOTES)->unsaved.access_token = secret("at");
        assert_int_equal(m.n, MEMORY_MAX_NOTES);
        assert_true(has(&m, 0) && !has(&m, 1));

        assert_non_null(note(&m, MEMORY_MAX_NOTES + 1));
        assert_int_equal(m.n, MEMORY_MAX_NOTES);
        assert_true(!has(&m, 0) && has(&m, 2) && has(&m, MEMORY_MAX_NOTES + 1));
        while (!TAILQ_EMPTY(&m.notes)) /* one by one: nothing is lost, and nothing is said */
                memory_forget(&m, &TAILQ_FIRST(&m.notes)->id);
        assert_int_equal(m.n, 0);
        memory_done(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_digest_tells_tokens_apart),
                cmocka_unit_test(test_a_note_is_about_one_version),
                cmocka_unit_test(test_the_limit),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
