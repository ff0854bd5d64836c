/* SPDX-License-Identifier: MIT */
/*
 * The row for EdDSA with Ed25519 (RFC 8037, RFC 8032) on libsodium. A private key is held in
 * libsodium's form: the seed, and the public key behind it.
 */
#include "auth/jwk.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "auth/jwk-member.h"

/* Whoever can choose a key of low order can make one signature fit many texts. */
static int read_public(const struct json_envelope *e, struct jwk *k, struct ae_error *error) {
        int r;

        k->public_size = crypto_sign_PUBLICKEYBYTES;
        k->public_key = malloc(k->public_size);
        if (!k->public_key)
                return -ENOMEM;

        r = jwk_read_exactly(e, "x", k->public_key, k->public_size, error);
        if (r < 0)
                return r;
        if (!crypto_core_ed25519_is_valid_point(k->public_key))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'x' is no public key of Ed25519");
        return 0;
}

static int read_private(const struct json_envelope *e, struct jwk *k, struct ae_error *error) {
        _cleanup_(secret_freep) struct secret *seed = NULL;
        unsigned char derived[crypto_sign_PUBLICKEYBYTES];
        int r;

        r = secret_new(NULL, crypto_sign_SEEDBYTES, &seed);
        if (r < 0)
                return r;
        r = secret_new(NULL, crypto_sign_SECRETKEYBYTES, &k->private_key);
        if (r < 0)
                return r;

        r = jwk_read_exactly(e, "d", (unsigned char *)seed->data, seed->size, error);
        if (r < 0)
                return r;

        crypto_sign_seed_keypair(derived, (unsigned char *)k->private_key->data,
                                 (const unsigned char *)seed->data);
        if (memcmp(derived, k->public_key, sizeof(derived)) != 0)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'x' and 'd' do not belong together");
        return 0;
}

static int ed25519_read(const struct json_envelope *e, struct jwk *k, struct ae_error *error) {
        int r = read_public(e, k, error);

        if (r < 0 || !json_envelope_find(e, "d"))
                return r;
        return read_private(e, k, error);
}

static void ed25519_write(const struct jwk *k, bool with_private, struct buffer *to) {
        jwk_write_bytes("x", k->public_key, k->public_size, to);
        if (with_private)
                jwk_write_bytes("d", k->private_key->data, crypto_sign_SEEDBYTES, to);
}

static int ed25519_generate(struct jwk *k) {
        int r;

        k->public_size = crypto_sign_PUBLICKEYBYTES;
        k->public_key = malloc(k->public_size);
        if (!k->public_key)
                return -ENOMEM;
        r = secret_new(NULL, crypto_sign_SECRETKEYBYTES, &k->private_key);
        if (r < 0)
                return r;
        crypto_sign_keypair(k->public_key, (unsigned char *)k->private_key->data);
        return 0;
}

static int ed25519_sign(const struct jwk *k, const void *data, size_t size,
                        unsigned char ret[static JWK_SIGNATURE_MAX], size_t *ret_size) {
        _Static_assert(crypto_sign_BYTES <= JWK_SIGNATURE_MAX, "a signature fits");

        crypto_sign_detached(ret, NULL, data, size, (const unsigned char *)k->private_key->data);
        *ret_size = crypto_sign_BYTES;
        return 0;
}

static bool ed25519_verify(const struct jwk *k, const void *data, size_t size,
                           const unsigned char *signature, size_t signature_size) {
        return signature_size == crypto_sign_BYTES &&
               crypto_sign_verify_detached(signature, data, size, k->public_key) == 0;
}

const struct jwk_algorithm jwk_ed25519 = {
        .name = "EdDSA",
        .kty = "OKP",
        .crv = "Ed25519",
        .read = ed25519_read,
        .write = ed25519_write,
        .generate = ed25519_generate,
        .sign = ed25519_sign,
        .verify = ed25519_verify,
};
