/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Names for things: request ids that sort by time, and random ids that cannot be guessed.
 */

#include <stddef.h>

#define UUID_SIZE sizeof("01234567-89ab-7def-8123-456789abcdef")

/*
 * Writes a fresh UUIDv7 (RFC 9562 §5.7). Within a process the ids rise strictly, also within one
 * millisecond. For the event loop's thread.
 */
void id_uuid7(char ret[static UUID_SIZE]);

/* Writes n_bytes of randomness as 2 * n_bytes lower-case hex digits and a NUL. */
void id_random_hex(size_t n_bytes, char *ret);
