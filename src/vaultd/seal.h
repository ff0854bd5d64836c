/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Sealing a record: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, as libsodium has it) under a
 * random nonce, bound to whose record it is: moved to another user, platform or account it does
 * not open. Pure, but for the nonce.
 *
 * Sealed is: a version byte, 24 bytes of nonce, the ciphertext with its tag of 16 bytes.
 */

#include <stddef.h>

#include "base/buffer.h"
#include "base/secret.h"

struct record_id;

#define SEAL_KEY_SIZE 32
#define SEAL_NONCE_AT 1
#define SEAL_NONCE_SIZE 24
#define SEAL_OVERHEAD (SEAL_NONCE_AT + SEAL_NONCE_SIZE + 16)

/*
 * Makes a key of what a key file holds: SEAL_KEY_SIZE bytes, or twice as many hex digits (and a
 * line end, which an editor may have left). The caller owns *ret. 0, -EINVAL, -ENOMEM.
 */
int seal_key_new(const struct secret *file, struct secret **ret);

/* Appends to `to`. Returns 0 or -ENOMEM. */
int seal(const struct secret *key, const struct record_id *id, const void *plain, size_t size,
         struct buffer *to);

/* The caller owns *ret. 0; -EBADMSG when it is not what was sealed for `id` under `key`; -ENOMEM. */
int seal_open(const struct secret *key, const struct record_id *id, const void *sealed, size_t size,
              struct secret **ret);
