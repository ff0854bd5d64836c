/* SPDX-License-Identifier: MIT */
#include "everywhere.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX_CALLS 100000

static bool is_expected(int r, const int *expected) {
        for (; *expected; expected++)
                if (r == -*expected)
                        return true;
        return r == 0;
}

/* Returns whether the call was there to fail. */
static bool fails_at(size_t nth, unsigned kinds, const int *expected, attempt_fn *attempt,
                     void *userdata) {
        int r;

        *fault_plan = (struct fault_plan){ .nth = nth, .thread = (uint64_t)pthread_self() };
        fault_plan->kinds = kinds;
        r = attempt(userdata);
        fault_plan->kinds = 0;

        if (!is_expected(r, expected))
                fail_msg("call %zu failed, and the work ended in %d", nth, r);
        if (kinds & FAULT_MEMORY && fault_plan->n_live != 0)
                fail_msg("call %zu failed, and %lld blocks are left", nth,
                         (long long)fault_plan->n_live);
        return fault_plan->n_failed > 0;
}

size_t fails_everywhere_with(unsigned kinds, const int *expected, attempt_fn *attempt,
                             void *userdata) {
        size_t nth = 1;

        assert_int_equal(attempt(userdata), 0);
        while (fails_at(nth, kinds, expected, attempt, userdata))
                assert_true(nth++ < MAX_CALLS);
        assert_int_equal(fault_plan->n_calls, nth - 1);
        return nth - 1;
}

size_t fails_everywhere(attempt_fn *attempt, void *userdata) {
        static const int expected[] = { ENOMEM, 0 };

        return fails_everywhere_with(FAULT_MEMORY, expected, attempt, userdata);
}
