/* SPDX-License-Identifier: MIT */
#include "vault/remote-memory.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/journal.h"

void record_digest(const struct record *r, unsigned char ret[static RECORD_DIGEST_SIZE]) {
        const struct secret *parts[] = { r->access_token, r->refresh_token, r->service_account };
        crypto_generichash_state state;

        (void)crypto_generichash_init(&state, NULL, 0, RECORD_DIGEST_SIZE);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                uint64_t size = parts[i] ? parts[i]->size : UINT64_MAX;

                (void)crypto_generichash_update(&state, (const unsigned char *)&size, sizeof(size));
                if (parts[i])
                        (void)crypto_generichash_update(
                                        &state, (const unsigned char *)parts[i]->data, size);
        }
        (void)crypto_generichash_final(&state, ret, RECORD_DIGEST_SIZE);
        sodium_memzero(&state, sizeof(state));
}

bool record_digest_is(const struct record *r, const unsigned char *digest) {
        unsigned char own[RECORD_DIGEST_SIZE];

        record_digest(r, own);
        return sodium_memcmp(own, digest, sizeof(own)) == 0;
}

bool record_id_equals(const struct record_id *a, const struct record_id *b) {
        return strcmp(a->user_id, b->user_id) == 0 && strcmp(a->platform, b->platform) == 0 &&
               strcmp(a->account, b->account) == 0;
}

int record_id_copy(const struct record_id *id, struct record_id *ret) {
        const struct {
                const char *from, **to;
        } parts[] = {
                { id->user_id, &ret->user_id },
                { id->platform, &ret->platform },
                { id->account, &ret->account },
        };

        *ret = (struct record_id){ 0 };
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                if (!parts[i].from)
                        continue;
                *parts[i].to = strdup(parts[i].from);
                if (!*parts[i].to)
                        return -ENOMEM;
        }
        return 0;
}

void record_id_done(struct record_id *id) {
        free((char *)id->user_id);
        free((char *)id->platform);
        free((char *)id->account);
        *id = (struct record_id){ 0 };
}

static struct note *note_free(struct note *n) {
        if (!n)
                return NULL;
        record_id_done(&n->id);
        record_done(&n->unsaved);
        free(n);
        return NULL;
}

static void drop(struct memory *m, struct note *n) {
        TAILQ_REMOVE(&m->notes, n, in_memory);
        m->n--;
        note_free(n);
}

void memory_init(struct memory *m) {
        *m = (struct memory){ 0 };
        TAILQ_INIT(&m->notes);
}

static void lose(struct memory *m, struct note *n) {
        if (n->unsaved.access_token)
                log_error("The renewed credential of %s/%s/%s is lost: the vault never took it, "
                          "and its account may have to be connected again",
                          n->id.user_id, n->id.platform, n->id.account);
        drop(m, n);
}

void memory_done(struct memory *m) {
        struct note *n;

        while ((n = TAILQ_FIRST(&m->notes)))
                lose(m, n);
}

struct note *memory_find(const struct memory *m, const struct record_id *id) {
        struct note *n;

        TAILQ_FOREACH(n, &m->notes, in_memory)
        if (record_id_equals(&n->id, id))
                return n;
        return NULL;
}

/* What would be lost for good goes last. */
static void make_room(struct memory *m) {
        struct note *n;

        if (m->n < MEMORY_MAX_NOTES)
                return;
        TAILQ_FOREACH(n, &m->notes, in_memory)
        if (!n->unsaved.access_token)
                break;
        lose(m, n ?: TAILQ_FIRST(&m->notes));
}

struct note *memory_note(struct memory *m, const struct record_id *id,
                         const unsigned char of[static RECORD_DIGEST_SIZE]) {
        struct note *n = memory_find(m, id);

        if (n && sodium_memcmp(n->of, of, RECORD_DIGEST_SIZE) == 0)
                return n;
        if (n)
                drop(m, n);
        make_room(m);

        n = calloc(1, sizeof(*n));
        if (!n)
                return NULL;
        if (record_id_copy(id, &n->id) < 0)
                return note_free(n);
        memcpy(n->of, of, RECORD_DIGEST_SIZE);
        TAILQ_INSERT_TAIL(&m->notes, n, in_memory);
        m->n++;
        return n;
}

void memory_forget(struct memory *m, const struct record_id *id) {
        struct note *n = memory_find(m, id);

        if (n)
                drop(m, n);
}
