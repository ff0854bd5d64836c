/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/clock.h"
#include "engine/refusals.h"

#define MINUTE (60 * USEC_PER_SEC)

static unsigned count(struct refusals *r, uid_t uid, uint64_t now_usec, unsigned n) {
        unsigned n_told = 0, untold;

        for (unsigned i = 0; i < n; i++)
                n_told += refusals_admit(r, uid, now_usec, &untold);
        return n_told;
}

static void test_one_uid_is_bounded(void **state) {
        struct refusals r = { 0 };
        unsigned untold;

        assert_int_equal(count(&r, 1000, MINUTE, 1000), REFUSALS_PER_UID);
        assert_int_equal(count(&r, 1000, 2 * MINUTE - 1, 1000), 0);
        /* Another's entries are none of its business. */
        assert_true(refusals_admit(&r, 1001, 2 * MINUTE - 1, &untold));
        assert_int_equal(untold, 0);

        /* What was kept quiet is told with the next, once. */
        assert_true(refusals_admit(&r, 1000, 2 * MINUTE, &untold));
        assert_int_equal(untold, 2000 - REFUSALS_PER_UID);
        assert_true(refusals_admit(&r, 1000, 2 * MINUTE, &untold));
        assert_int_equal(untold, 0);
}

/* Somebody with many uids, as a container has them, floods no more than one. */
static void test_all_uids_are_bounded(void **state) {
        struct refusals r = { 0 };
        unsigned n = 0;

        for (uid_t uid = 0; uid < 10000; uid++)
                n += count(&r, uid, MINUTE, 20);
        assert_int_equal(n, REFUSALS_PER_MINUTE);
        assert_int_equal(count(&r, 5, 2 * MINUTE, 1), 1);
}

/* A uid beyond those remembered pushes out the one whose minute is the oldest. */
static void test_the_oldest_gives_way(void **state) {
        struct refusals r = { 0 };

        for (uid_t uid = 0; uid < REFUSALS_UIDS; uid++)
                assert_int_equal(count(&r, uid, MINUTE + uid * MINUTE, REFUSALS_PER_UID + 1),
                                 REFUSALS_PER_UID);
        assert_int_equal(count(&r, REFUSALS_UIDS, MINUTE * (REFUSALS_UIDS + 1), 1), 1);
        assert_int_equal(r.rows[0].uid, REFUSALS_UIDS);
        assert_int_equal(r.rows[1].uid, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_uid_is_bounded),
                cmocka_unit_test(test_all_uids_are_bounded),
                cmocka_unit_test(test_the_oldest_gives_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
