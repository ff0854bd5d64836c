/* SPDX-License-Identifier: MIT */
#include "auth/cache.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/queue.h>

struct entry {
        unsigned char key[CACHE_KEY_SIZE];
        struct identity *id; /* owned; NULL: the place is free */
        struct entry *next;  /* in the same bucket */
        TAILQ_ENTRY(entry) age;
};

TAILQ_HEAD(by_age, entry);

struct cache {
        unsigned char secret[crypto_generichash_KEYBYTES];
        struct entry *entries;
        struct entry **buckets; /* as many as entries */
        size_t n_entries;
        struct by_age by_age; /* all entries: used last comes first, free ones are last */
};

int cache_new(size_t n_entries, struct cache **ret) {
        _cleanup_(cache_freep) struct cache *c = NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        TAILQ_INIT(&c->by_age);
        if (n_entries > 0) {
                c->entries = calloc(n_entries, sizeof(*c->entries));
                c->buckets = calloc(n_entries, sizeof(struct entry *));
                if (!c->entries || !c->buckets)
                        return -ENOMEM;
                c->n_entries = n_entries;
        }
        for (size_t i = 0; i < n_entries; i++)
                TAILQ_INSERT_TAIL(&c->by_age, &c->entries[i], age);
        randombytes_buf(c->secret, sizeof(c->secret));
        *ret = TAKE_PTR(c);
        return 0;
}

struct cache *cache_free(struct cache *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->n_entries; i++)
                identity_unref(c->entries[i].id);
        free(c->buckets);
        free(c->entries);
        sodium_memzero(c->secret, sizeof(c->secret));
        free(c);
        return NULL;
}

void cache_key(const struct cache *c, const char *token, size_t size, uid_t uid,
               unsigned char ret[static CACHE_KEY_SIZE]) {
        crypto_generichash_state state;

        crypto_generichash_init(&state, c->secret, sizeof(c->secret), CACHE_KEY_SIZE);
        crypto_generichash_update(&state, (const unsigned char *)&uid, sizeof(uid));
        crypto_generichash_update(&state, (const unsigned char *)token, size);
        crypto_generichash_final(&state, ret, CACHE_KEY_SIZE);
        sodium_memzero(&state, sizeof(state));
}

/* The place that points to the key's entry, or where a bucket ends. Keys are evenly spread. */
static struct entry **locate(struct cache *c, const unsigned char *key) {
        struct entry **p;
        uint64_t start;

        memcpy(&start, key, sizeof(start));
        for (p = &c->buckets[start % c->n_entries]; *p; p = &(*p)->next)
                if (sodium_memcmp((*p)->key, key, CACHE_KEY_SIZE) == 0)
                        break;
        return p;
}

static void move_to_front(struct cache *c, struct entry *e) {
        TAILQ_REMOVE(&c->by_age, e, age);
        TAILQ_INSERT_HEAD(&c->by_age, e, age);
}

static void entry_clear(struct cache *c, struct entry *e) {
        if (!e->id)
                return;
        *locate(c, e->key) = e->next;
        e->id = identity_unref(e->id);
        TAILQ_REMOVE(&c->by_age, e, age);
        TAILQ_INSERT_TAIL(&c->by_age, e, age);
}

struct identity *cache_find(struct cache *c, const unsigned char key[static CACHE_KEY_SIZE]) {
        struct entry *e = c->n_entries > 0 ? *locate(c, key) : NULL;

        if (!e)
                return NULL;
        move_to_front(c, e);
        return e->id;
}

void cache_drop(struct cache *c, const unsigned char key[static CACHE_KEY_SIZE]) {
        struct entry *e = c->n_entries > 0 ? *locate(c, key) : NULL;

        if (e)
                entry_clear(c, e);
}

void cache_add(struct cache *c, const unsigned char key[static CACHE_KEY_SIZE],
               struct identity *id) {
        struct entry *e = TAILQ_LAST(&c->by_age, by_age), **p;

        if (!e)
                return;
        entry_clear(c, e);

        memcpy(e->key, key, CACHE_KEY_SIZE);
        e->id = identity_ref(id);
        p = locate(c, key);
        e->next = *p;
        *p = e;
        move_to_front(c, e);
}
