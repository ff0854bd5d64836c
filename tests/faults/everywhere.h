/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * For unit tests: a piece of work, of which each call fails in turn.
 */

#include <stddef.h>

#include "faults.h"

/*
 * Does the work, frees all that it made, and asserts whatever must hold. Returns 0 for a success,
 * which is then one in full, or a negative errno.
 */
typedef int attempt_fn(void *userdata);

/*
 * Lets the allocations of `attempt` fail, the first of them, then the second, until it comes to its
 * end undisturbed. Each time it must succeed all the same or return -ENOMEM, and leave no block
 * behind. Once before it runs as it is, for whatever is allocated once and kept. Only this thread
 * is disturbed. Returns how many allocations there were.
 */
size_t fails_everywhere(attempt_fn *attempt, void *userdata);

/*
 * The same for calls of other kinds, which must end in one of the errnos in `expected`
 * (terminated by 0). Blocks are not counted.
 */
size_t fails_everywhere_with(unsigned kinds, const int *expected, attempt_fn *attempt,
                             void *userdata);
