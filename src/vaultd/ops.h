/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the vault can be asked: a line in, a line out. Knows no socket.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/secret.h"

struct store;

/* What an operation works on. Borrowed. */
struct keeper {
        struct store *store;
        const struct secret *key;
};

/*
 * Writes the answer to a line, the connection's `number`th, into `to`, which is empty: without an
 * LF, at most VAULT_WIRE_MAX_LINE bytes. It may hold a token. Out of memory shows in
 * buffer_error().
 */
void ops_answer(const struct keeper *keeper, const char *line, size_t size, uint64_t number,
                struct buffer *to);

/* The answer that carries `error` and belongs to no request; `number` 0: to no line either. */
void ops_refuse(const struct ae_error *error, uint64_t number, struct buffer *to);
