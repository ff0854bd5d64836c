/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Numbers in a JWK: members in base64url, as the rows of algorithms read and write them.
 */

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json-scan.h"

/* Reads a member of 1 to `max` bytes. Returns 0, or -EINVAL with `error` set. */
int jwk_read_bytes(const struct json_envelope *e, const char *name, unsigned char *ret, size_t max,
                   size_t *ret_size, struct ae_error *error);

/* Reads a member of exactly `size` bytes. Returns as jwk_read_bytes(). */
int jwk_read_exactly(const struct json_envelope *e, const char *name, unsigned char *ret,
                     size_t size, struct ae_error *error);

/* Appends a member with a comma before it. */
void jwk_write_bytes(const char *name, const void *data, size_t size, struct buffer *to);
