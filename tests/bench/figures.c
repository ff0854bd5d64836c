/* SPDX-License-Identifier: MIT */
#include "figures.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

void figures_start(struct figures *f, size_t n) {
        *f = (struct figures){ .latencies = calloc(n, sizeof(*f->latencies)) };
        if (!f->latencies) {
                fprintf(stderr, "there is no room for %zu answers\n", n);
                exit(1);
        }
        f->started_usec = clock_usec(CLOCK_MONOTONIC);
}

void figures_add(struct figures *f, uint64_t sent_usec) {
        f->latencies[f->n_done++] = (uint32_t)(clock_usec(CLOCK_MONOTONIC) - sent_usec);
}

static int compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

void figures_print(struct figures *f) {
        uint64_t took_usec = clock_usec(CLOCK_MONOTONIC) - f->started_usec;

        qsort(f->latencies, f->n_done, sizeof(*f->latencies), compare);
        printf("{\"requests\":%zu,\"failed\":%zu,\"per_second\":%.0f,\"p50_usec\":%u,"
               "\"p99_usec\":%u,\"max_usec\":%u}\n",
               f->n_done, f->n_failed, (double)f->n_done * 1e6 / (double)took_usec,
               f->latencies[f->n_done / 2], f->latencies[f->n_done * 99 / 100],
               f->latencies[f->n_done - 1]);
}
