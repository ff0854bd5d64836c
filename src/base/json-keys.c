/* SPDX-License-Identifier: MIT */
#include "base/json-keys.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-escape.h"

/* Up to here comparing each with each is cheaper than sorting. */
#define FEW_KEYS 8

/* Up to here moving keys aside is cheaper than counting into buckets. */
#define INSERTION_KEYS 48

static uint64_t seed[2];

/* So that nobody can prepare keys whose hashes collide, or whose order is a bad one to sort. */
static void make_seed(void) {
        randombytes_buf(seed, sizeof(seed));
}

void json_keys_init(struct json_keys *keys) {
        keys->items = keys->at_hand;
        keys->capacity = JSON_KEYS_AT_HAND;
        keys->n = 0;
}

void json_keys_done(struct json_keys *keys) {
        if (keys->items != keys->at_hand)
                free(keys->items);
}

static int grow(struct json_keys *keys) {
        struct json_key *old = keys->items != keys->at_hand ? keys->items : NULL;
        size_t capacity = keys->capacity * 2;
        struct json_key *items;

        items = reallocarray(old, capacity, sizeof(*items));
        if (!items)
                return -ENOMEM;
        if (!old)
                memcpy(items, keys->at_hand, keys->n * sizeof(*items));

        keys->items = items;
        keys->capacity = capacity;
        return 0;
}

int json_keys_add(struct json_keys *keys, size_t offset, size_t size, bool escaped) {
        int r;

        if (keys->n == keys->capacity) {
                r = grow(keys);
                if (r < 0)
                        return r;
        }

        keys->items[keys->n++] = (struct json_key){
                .offset = (uint32_t)offset,
                .size = size & INT32_MAX,
                .escaped = escaped,
        };
        return 0;
}

static int compare_text(const struct json_key *a, const struct json_key *b, const char *text) {
        size_t common = a->size < b->size ? a->size : b->size;
        int r;

        if (a->escaped || b->escaped)
                return json_compare(text + a->offset, a->size, text + b->offset, b->size);

        r = memcmp(text + a->offset, text + b->offset, common);
        return r != 0 ? r : (a->size > b->size) - (a->size < b->size);
}

static bool same_text(const struct json_key *a, const struct json_key *b, const char *text) {
        if (a->size != b->size && !a->escaped && !b->escaped)
                return false;
        return compare_text(a, b, text) == 0;
}

static bool few_are_unique(const struct json_key *keys, size_t n, const char *text,
                           size_t *ret_offset) {
        for (size_t i = 1; i < n; i++)
                for (size_t j = 0; j < i; j++)
                        if (same_text(&keys[i], &keys[j], text)) {
                                *ret_offset = keys[i].offset;
                                return false;
                        }
        return true;
}

static uint64_t mix(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;

        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to eight unescaped bytes, zeroes behind them: no key holds a NUL. Returns how many. */
static size_t read_block(struct json_cursor *c, bool escaped, unsigned char ret[static 8]) {
        size_t n = 0;
        int byte;

        memset(ret, 0, 8);
        if (!escaped) {
                n = c->end - c->at < 8 ? (size_t)(c->end - c->at) : 8;
                memcpy(ret, c->at, n);
                c->at += n;
                return n;
        }
        while (n < 8 && (byte = json_cursor_next(c)) >= 0)
                ret[n++] = (unsigned char)byte;
        return n;
}

static uint64_t hash_key(const struct json_key *key, const char *text) {
        struct json_cursor c = { .at = text + key->offset, .end = text + key->offset + key->size };
        uint64_t hash = seed[0], block;
        unsigned char bytes[8];

        while (read_block(&c, key->escaped, bytes) > 0) {
                memcpy(&block, bytes, sizeof(block));
                hash = mix(hash ^ block, seed[1] | 1);
        }
        return hash;
}

static void insertion_sort(struct json_key *keys, size_t n) {
        for (size_t i = 1; i < n; i++) {
                struct json_key key = keys[i];
                size_t j = i;

                for (; j > 0 && keys[j - 1].hash > key.hash; j--)
                        keys[j] = keys[j - 1];
                keys[j] = key;
        }
}

/*
 * By one byte of the hash after the other, in place: linear in n whatever the hashes are, where
 * qsort() would copy a hundred megabytes for a hostile line, or turn quadratic for want of them.
 */
static void sort_by_hash(struct json_key *keys, size_t n, unsigned shift) {
        size_t next[256], end[256] = { 0 }, at = 0;

        for (size_t i = 0; i < n; i++)
                end[keys[i].hash >> shift & 0xff]++;
        for (size_t b = 0; b < 256; b++) {
                next[b] = at;
                at = end[b] += at;
        }

        for (size_t b = 0; b < 256; b++)
                while (next[b] < end[b]) {
                        struct json_key key = keys[next[b]];
                        size_t home = key.hash >> shift & 0xff;

                        keys[next[b]] = keys[next[home]];
                        keys[next[home]++] = key;
                }

        for (size_t b = 0; shift > 0 && b < 256; b++) {
                size_t begin = b > 0 ? end[b - 1] : 0, n_bucket = end[b] - begin;

                if (n_bucket <= INSERTION_KEYS)
                        insertion_sort(keys + begin, n_bucket);
                else
                        sort_by_hash(keys + begin, n_bucket, shift - 8);
        }
}

static int compare_in_text(const void *left, const void *right, void *text) {
        return compare_text(left, right, text);
}

/* Keys of one hash: nearly always one key, or the same key twice. */
static bool run_is_unique(struct json_key *keys, size_t n, const char *text, size_t *ret_offset) {
        qsort_r(keys, n, sizeof(*keys), compare_in_text, (void *)text);
        for (size_t i = 1; i < n; i++)
                if (compare_text(&keys[i - 1], &keys[i], text) == 0) {
                        *ret_offset = keys[i].offset > keys[i - 1].offset ? keys[i].offset
                                                                          : keys[i - 1].offset;
                        return false;
                }
        return true;
}

static bool many_are_unique(struct json_key *keys, size_t n, const char *text, size_t *ret_offset) {
        static pthread_once_t seeded = PTHREAD_ONCE_INIT;
        size_t run;

        (void)pthread_once(&seeded, make_seed);
        for (size_t i = 0; i < n; i++)
                keys[i].hash = hash_key(&keys[i], text);
        if (n <= INSERTION_KEYS)
                insertion_sort(keys, n);
        else
                sort_by_hash(keys, n, 56);

        for (size_t i = 0; i < n; i += run) {
                for (run = 1; i + run < n && keys[i + run].hash == keys[i].hash; run++)
                        ;
                if (run > 1 && !run_is_unique(keys + i, run, text, ret_offset))
                        return false;
        }
        return true;
}

int json_keys_close(struct json_keys *keys, const char *text, size_t first, size_t *ret_offset) {
        size_t n = keys->n - first;
        bool unique;

        keys->n = first;
        unique = n <= FEW_KEYS ? few_are_unique(keys->items + first, n, text, ret_offset)
                               : many_are_unique(keys->items + first, n, text, ret_offset);
        return unique ? 0 : -EEXIST;
}
