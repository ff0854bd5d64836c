/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The options: one table, from which they are read, refused where they mean nothing, and explained.
 */

#include "actionctl/ctl.h"

#define OPTIONS_ERROR_SIZE 256

/*
 * Reads all options, wherever they stand, into *ret, and moves the other arguments to the end of
 * argv: *ret_first is the index of the first. Returns 0, or -EINVAL with a sentence in `error`.
 * options_done() is due in every case.
 */
int options_read(int argc, char *argv[], struct ctl *ret, int *ret_first,
                 char error[static OPTIONS_ERROR_SIZE]);
void options_done(struct ctl *ctl);

/* Whether what was given suits the verb. Returns 0, or -EINVAL with a sentence in `error`. */
int options_check(const struct ctl *ctl, const char *verb, char error[static OPTIONS_ERROR_SIZE]);

/* One line for each option of a verb, in words of its own, or of CTL_ANY. */
void options_print(unsigned verbs);

/* "2.5", "90s", "15m", "1h", "7d": milliseconds in *ret. 0, or -EINVAL when it is none or over max. */
int options_parse_duration(const char *text, uint64_t max_msec, uint64_t *ret);
