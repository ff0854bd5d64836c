/* SPDX-License-Identifier: MIT */
#include "vaultd/generation.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "vault/record.h"
#include "vaultd/seal.h"

#define SIZE (GENERATION_ID_SIZE + 8 + GENERATION_SUM_SIZE)

/* No record is of the user "". */
static struct record_id place_id(enum generation_place place) {
        return (struct record_id){ "", "generation", place == GENERATION_OF_MARK ? "mark" : "" };
}

void generation_init(struct generation *g) {
        *g = (struct generation){ 0 };
        randombytes_buf(g->id, sizeof(g->id));
}

/* Behind its length, so that no two rows are the same bytes. */
static void hash_part(crypto_generichash_state *state, const void *data, size_t size) {
        const uint64_t length = size;

        (void)crypto_generichash_update(state, (const unsigned char *)&length, sizeof(length));
        (void)crypto_generichash_update(state, data, size);
}

/*
 * The sum is the exclusive or of what each row hashes to. Whoever lacks the key knows none of the
 * parts, nor the sum; and no two rows are equal, for each was sealed with a nonce of its own.
 */
void generation_toggle(struct generation *g, const struct secret *key, const struct record_id *id,
                       const void *sealed, size_t size) {
        unsigned char own[crypto_generichash_KEYBYTES], hash[GENERATION_SUM_SIZE];
        crypto_generichash_state state;

        (void)crypto_kdf_derive_from_key(own, sizeof(own), 1, "aevstore",
                                         (const unsigned char *)key->data);
        (void)crypto_generichash_init(&state, own, sizeof(own), sizeof(hash));
        hash_part(&state, id->user_id, strlen(id->user_id));
        hash_part(&state, id->platform, strlen(id->platform));
        hash_part(&state, id->account, strlen(id->account));
        hash_part(&state, sealed, size);
        (void)crypto_generichash_final(&state, hash, sizeof(hash));

        for (size_t i = 0; i < sizeof(hash); i++)
                g->sum[i] ^= hash[i];
        sodium_memzero(own, sizeof(own));
        sodium_memzero(&state, sizeof(state));
}

int generation_seal(const struct generation *g, const struct secret *key,
                    enum generation_place place, struct buffer *to) {
        const struct record_id id = place_id(place);
        unsigned char plain[SIZE], *at = plain;

        at = mempcpy(at, g->id, sizeof(g->id));
        for (int shift = 56; shift >= 0; shift -= 8)
                *at++ = (unsigned char)(g->n_changes >> shift);
        memcpy(at, g->sum, sizeof(g->sum));
        return seal(key, &id, plain, sizeof(plain), to);
}

int generation_open(const struct secret *key, enum generation_place place, const void *sealed,
                    size_t size, struct generation *ret) {
        _cleanup_(secret_freep) struct secret *plain = NULL;
        const struct record_id id = place_id(place);
        const unsigned char *at;
        int r;

        r = seal_open(key, &id, sealed, size, &plain);
        if (r < 0)
                return r;
        if (plain->size != SIZE)
                return -EBADMSG;

        at = (const unsigned char *)plain->data;
        memcpy(ret->id, at, sizeof(ret->id));
        at += sizeof(ret->id);
        ret->n_changes = 0;
        for (int i = 0; i < 8; i++)
                ret->n_changes = ret->n_changes << 8 | *at++;
        memcpy(ret->sum, at, sizeof(ret->sum));
        return 0;
}
