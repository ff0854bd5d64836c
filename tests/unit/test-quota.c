/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "ipc/quota.h"

static struct quota_waiter *served[8];
static size_t n_served;

static void on_room(struct quota_waiter *w) {
        served[n_served++] = w;
}

static int setup(void **state) {
        memset(served, 0, sizeof(served));
        n_served = 0;
        return 0;
}

static void test_limit_and_one_more(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct quota_waiter a = { .on_room = on_room }, b = a;

        assert_int_equal(quota_new(100, &q), 0);
        assert_true(quota_reserve(q, 100, &a));
        assert_int_equal(a.size, 100);
        assert_false(quota_reserve(q, 1, &b));
        assert_true(b.waiting);
        quota_release(q, 1);
        assert_int_equal(n_served, 1);
        assert_ptr_equal(served[0], &b);
        assert_false(b.waiting);
        quota_release(q, 100);
}

/* More than there will ever be is cut, or it would wait for ever. */
static void test_too_much_is_cut_to_the_limit(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct quota_waiter a = { .on_room = on_room }, b = a;

        assert_int_equal(quota_new(100, &q), 0);
        assert_true(quota_reserve(q, 1000, &a));
        assert_int_equal(a.size, 100);
        assert_false(quota_reserve(q, SIZE_MAX, &b));
        quota_release(q, 99);
        assert_int_equal(n_served, 0);
        quota_release(q, 1);
        assert_int_equal(n_served, 1);
        assert_int_equal(b.size, 100);
        quota_release(q, 100);
}

/* A small one does not overtake a large one, which would else never have its turn. */
static void test_first_come_first_served(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct quota_waiter w[4] = { 0 };

        assert_int_equal(quota_new(100, &q), 0);
        for (size_t i = 0; i < ELEMENTSOF(w); i++)
                w[i].on_room = on_room;
        assert_true(quota_reserve(q, 60, &w[0]));
        assert_false(quota_reserve(q, 80, &w[1]));
        assert_false(quota_reserve(q, 10, &w[2])); /* would fit */
        assert_false(quota_reserve(q, 10, &w[3]));

        quota_release(q, 20);
        assert_int_equal(n_served, 0);
        quota_release(q, 30);
        assert_int_equal(n_served, 2);
        assert_ptr_equal(served[0], &w[1]);
        assert_ptr_equal(served[1], &w[2]);
        quota_release(q, 80);
        assert_int_equal(n_served, 3);
        quota_release(q, 10 + 10 + 10);

        /* nothing is left over, nothing is missing */
        assert_true(quota_reserve(q, 100, &w[0]));
        quota_release(q, 100);
}

static void test_who_leaves_lets_others_pass(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct quota_waiter first = { .on_room = on_room }, large = first, small = first,
                            last = first;

        assert_int_equal(quota_new(100, &q), 0);
        quota_forget(q, &large); /* in no queue */
        assert_true(quota_reserve(q, 60, &first));
        assert_false(quota_reserve(q, 80, &large));
        assert_false(quota_reserve(q, 40, &small));
        assert_false(quota_reserve(q, 40, &last));

        quota_forget(q, &large);
        assert_false(large.waiting);
        assert_int_equal(n_served, 1);
        assert_ptr_equal(served[0], &small);
        quota_forget(q, &last);
        quota_forget(q, &last);
        quota_release(q, 100);
        assert_int_equal(n_served, 1);

        /* the queue's end is where it belongs, though the last one left */
        assert_true(quota_reserve(q, 100, &first));
        assert_false(quota_reserve(q, 1, &last));
        quota_release(q, 100);
        assert_int_equal(n_served, 2);
        quota_release(q, 1);
}

static struct quota *shared;

static void on_room_release(struct quota_waiter *w) {
        on_room(w);
        quota_release(shared, w->size);
}

static void on_room_queue_again(struct quota_waiter *w) {
        on_room(w);
        if (n_served < 3)
                assert_false(quota_reserve(shared, w->size, w));
}

/* What on_room() does to the quota from within a release must not confuse it. */
static void test_reentrance(void **state) {
        struct quota_waiter first = { 0 };
        struct quota_waiter a = { .on_room = on_room_release }, b = a;
        struct quota_waiter c = { .on_room = on_room_queue_again };

        assert_int_equal(quota_new(10, &shared), 0);
        assert_true(quota_reserve(shared, 10, &first));
        assert_false(quota_reserve(shared, 10, &a));
        assert_false(quota_reserve(shared, 10, &b));
        quota_release(shared, 10);
        assert_int_equal(n_served, 2);

        n_served = 0;
        assert_true(quota_reserve(shared, 10, &first));
        assert_false(quota_reserve(shared, 10, &c));
        for (int i = 0; i < 3; i++)
                quota_release(shared, 10);
        assert_int_equal(n_served, 3);
        quota_release(shared, 10);
        shared = quota_unref(shared);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_limit_and_one_more, setup),
                cmocka_unit_test_setup(test_too_much_is_cut_to_the_limit, setup),
                cmocka_unit_test_setup(test_first_come_first_served, setup),
                cmocka_unit_test_setup(test_who_leaves_lets_others_pass, setup),
                cmocka_unit_test_setup(test_reentrance, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
