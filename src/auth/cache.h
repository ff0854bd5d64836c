/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Tokens that were verified before, known again by a keyed hash: a bounded table that forgets
 * first what was asked for longest ago. It holds no token, and does not know when an entry has
 * ceased to be true.
 */

#include <stddef.h>
#include <sys/types.h>

#include "auth/identity.h"
#include "base/cleanup.h"

#define CACHE_KEY_SIZE 32

struct cache;

/* With n_entries 0 nothing is kept. The caller owns *ret. Returns 0 or -ENOMEM. */
int cache_new(size_t n_entries, struct cache **ret);
struct cache *cache_free(struct cache *c);
DEFINE_CLEANUP(struct cache *, cache_free);

/* The name of a token that this uid presents. Another process would give it another one. */
void cache_key(const struct cache *c, const char *token, size_t size, uid_t uid,
               unsigned char ret[static CACHE_KEY_SIZE]);

/* Borrowed; NULL when it is not (or no longer) there. */
struct identity *cache_find(struct cache *c, const unsigned char key[static CACHE_KEY_SIZE]);
/* Takes a reference of its own. The key must not be there yet. */
void cache_add(struct cache *c, const unsigned char key[static CACHE_KEY_SIZE],
               struct identity *id);
void cache_drop(struct cache *c, const unsigned char key[static CACHE_KEY_SIZE]);
