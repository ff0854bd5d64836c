/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A disk that can lose power, and fail. It stands in for the calls of the C library by which this
 * process, SQLite included, writes files below one folder: each is done, and recorded. Of what was
 * recorded an image can be made that a power cut may leave: what was synced is there, and of the rest
 * each write may be there, be missing, be there in part, or have overtaken another; so may each name
 * in a folder that was not synced. Links the program alone: for tests with one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Records from now on what happens in the folders below `root`, which are there and are empty; what
 * was recorded before is forgotten. Real syncs are left out: they would only take time.
 */
void power_record(const char *root);
void power_stop(void);

/* How many calls were recorded. Each is a moment at which power can be cut. */
size_t power_now(void);

/* Writes to the folders below `to`, which are there and are emptied first, what may be left. */
void power_cut(size_t moment, uint64_t seed, const char *to);

/* As if syncs of files so called did nothing. NULL: none. */
void power_ignore_syncs_of(const char *suffix);

/*
 * The `nth` call from now on, counting reads too, and `n` in all, fail with `error`. What a failed
 * sync should have written is partly lost, and no later sync finds it. 0 for `n`: none fails.
 */
void power_fail(size_t nth, size_t n, int error);
/* How many of them have failed. */
size_t power_failures(void);
