/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The keys of the objects that a scan stands in, to find those that come twice. One array serves
 * all of them: an object's keys are its top, from where it was opened until it is closed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for a request with its payload, so that a small line allocates nothing. */
#define JSON_KEYS_AT_HAND 48

struct json_key {
        uint32_t offset; /* into the text, of the first byte behind the quote */
        uint32_t size : 31;
        uint32_t escaped : 1; /* there are escapes in it */
        uint64_t hash;        /* of the unescaped bytes; made when it is needed */
};

struct json_keys {
        struct json_key *items;
        size_t n, capacity;
        struct json_key at_hand[JSON_KEYS_AT_HAND];
};

void json_keys_init(struct json_keys *keys);
void json_keys_done(struct json_keys *keys);

/* Returns 0 or -ENOMEM. */
int json_keys_add(struct json_keys *keys, size_t offset, size_t size, bool escaped);

/*
 * Closes an object: takes its keys, those from `first` on, off the array. Returns 0, or -EEXIST
 * with the offset of the later one of two equal keys. O(n log n), whatever the keys are.
 */
int json_keys_close(struct json_keys *keys, const char *text, size_t first, size_t *ret_offset);
