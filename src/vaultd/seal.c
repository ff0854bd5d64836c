/* SPDX-License-Identifier: MIT */
#include "vaultd/seal.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "vault/record.h"

#define VERSION 1
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES

static_assert(SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "libsodium's key");
static_assert(SEAL_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "its nonce");
static_assert(SEAL_OVERHEAD == SEAL_NONCE_AT + SEAL_NONCE_SIZE + TAG_SIZE, "its sizes");

int seal_key_new(const struct secret *file, struct secret **ret) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        size_t size = file->size, n;
        int r;

        if (size == SEAL_KEY_SIZE)
                return secret_new(file->data, size, ret);

        if (size == 2 * SEAL_KEY_SIZE + 1 && file->data[size - 1] == '\n')
                size--;
        if (size != 2 * SEAL_KEY_SIZE)
                return -EINVAL;

        r = secret_new(NULL, SEAL_KEY_SIZE, &key);
        if (r < 0)
                return r;
        if (sodium_hex2bin((unsigned char *)key->data, key->size, file->data, size, NULL, &n,
                           NULL) < 0 ||
            n != SEAL_KEY_SIZE)
                return -EINVAL;

        *ret = TAKE_PTR(key);
        return 0;
}

/* Each part behind its length, so that no two names are the same bytes. */
static void append_part(const char *text, struct buffer *to) {
        size_t n = strlen(text);
        const char length[] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n };

        buffer_append(to, length, sizeof(length));
        buffer_append(to, text, n);
}

static int associated_data(const struct record_id *id, struct buffer *to) {
        buffer_putc(to, VERSION);
        append_part(id->user_id, to);
        append_part(id->platform, to);
        append_part(id->account, to);
        return buffer_error(to);
}

int seal(const struct secret *key, const struct record_id *id, const void *plain, size_t size,
         struct buffer *to) {
        _cleanup_(buffer_done) struct buffer ad = { 0 };
        unsigned char *sealed, *nonce, *text;
        int r;

        assert(key->size == SEAL_KEY_SIZE);

        r = associated_data(id, &ad);
        if (r < 0)
                return r;
        sealed = (unsigned char *)buffer_reserve(to, size + SEAL_OVERHEAD);
        if (!sealed)
                return -ENOMEM;

        nonce = sealed + SEAL_NONCE_AT;
        text = nonce + SEAL_NONCE_SIZE;
        sealed[0] = VERSION;
        randombytes_buf(nonce, SEAL_NONCE_SIZE);
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
                        text, NULL, plain, size, (const unsigned char *)ad.data, ad.size, NULL,
                        nonce, (const unsigned char *)key->data);
        buffer_advance(to, size + SEAL_OVERHEAD);
        return 0;
}

int seal_open(const struct secret *key, const struct record_id *id, const void *sealed, size_t size,
              struct secret **ret) {
        _cleanup_(secret_freep) struct secret *plain = NULL;
        _cleanup_(buffer_done) struct buffer ad = { 0 };
        const unsigned char *nonce = (const unsigned char *)sealed + SEAL_NONCE_AT,
                            *text = nonce + SEAL_NONCE_SIZE;
        int r;

        assert(key->size == SEAL_KEY_SIZE);

        if (size < SEAL_OVERHEAD || *(const unsigned char *)sealed != VERSION)
                return -EBADMSG;

        r = associated_data(id, &ad);
        if (r < 0)
                return r;
        r = secret_new(NULL, size - SEAL_OVERHEAD, &plain);
        if (r < 0)
                return r;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)plain->data, NULL, NULL,
                                                       text, size - SEAL_NONCE_AT - SEAL_NONCE_SIZE,
                                                       (const unsigned char *)ad.data, ad.size,
                                                       nonce, (const unsigned char *)key->data) < 0)
                return -EBADMSG;

        *ret = TAKE_PTR(plain);
        return 0;
}
