/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which store it is, how often it was changed, and a sum over all that is in it: sealed, so that
 * nobody without the key can make one, nor fit an older row into a newer store. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/secret.h"

struct record_id;

#define GENERATION_ID_SIZE 16
#define GENERATION_SUM_SIZE 32

struct generation {
        unsigned char id[GENERATION_ID_SIZE]; /* at random, for the store's life */
        uint64_t n_changes;
        unsigned char sum[GENERATION_SUM_SIZE];
};

/* Where one stands. It does not open as the other. */
enum generation_place {
        GENERATION_OF_STORE,
        GENERATION_OF_MARK,
};

/* Of a store that is empty, and new. */
void generation_init(struct generation *g);

/* Adds the row to the sum; takes it out when it is in. */
void generation_toggle(struct generation *g, const struct secret *key, const struct record_id *id,
                       const void *sealed, size_t size);

/* Appends to `to`, always as many bytes. Returns 0 or -ENOMEM. */
int generation_seal(const struct generation *g, const struct secret *key,
                    enum generation_place place, struct buffer *to);
/* Returns 0; -EBADMSG when it is not what was sealed for `place` under `key`; -ENOMEM. */
int generation_open(const struct secret *key, enum generation_place place, const void *sealed,
                    size_t size, struct generation *ret);
