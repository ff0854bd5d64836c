/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a load has measured, told as one line of JSON: the rate, the latencies, and how many answers
 * were not successes.
 */

#include <stddef.h>
#include <stdint.h>

struct figures {
        uint64_t started_usec; /* monotonic, as all times here */
        size_t n_done, n_failed;
        uint32_t *latencies; /* of each that is done, in microseconds */
};

/* Starts the clock, for so many answers. Without memory for them it ends the program. */
void figures_start(struct figures *f, size_t n);
void figures_add(struct figures *f, uint64_t sent_usec);
void figures_print(struct figures *f);
