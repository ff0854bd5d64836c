/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which refused tokens the journal hears of: somebody who knocks is to be seen, and must not be
 * able to flood it. So many a minute from one uid, so many from all of them; the rest is counted.
 * Pure: the time is an argument.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define REFUSALS_PER_UID 10
#define REFUSALS_PER_MINUTE 60
#define REFUSALS_UIDS 64 /* remembered; one more takes the place of the oldest */

struct refusals {
        struct refusals_window {
                uint64_t since_usec; /* monotonic; 0: unused */
                unsigned n;
        } all;
        struct {
                uid_t uid;
                struct refusals_window window;
                unsigned n_untold;
        } rows[REFUSALS_UIDS];
};

/*
 * Whether to tell. If so, *ret_n_untold says of how many from that uid nothing was said since the
 * last that was told.
 */
bool refusals_admit(struct refusals *r, uid_t uid, uint64_t now_usec, unsigned *ret_n_untold);
