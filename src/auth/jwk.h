/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Keys as JSON (JWK, RFC 7517) and what can be done with them. The algorithm is a property of the
 * key; one row says how it is read, written, made, and used. EdDSA with Ed25519 (RFC 8037) is what
 * tokens are made with here; ES256 and RS256 (RFC 7518) are only checked, for issuers that sign so.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json-scan.h"
#include "base/secret.h"

#define JWK_KID_MAX 64
#define JWK_TEXT_MAX 4096
#define JWK_SIGNATURE_MAX 1024 /* of all rows: RSA with 8192 bits */
#define JWK_FINGERPRINT_SIZE 32

struct evp_pkey_st;
struct jwk;

struct jwk_algorithm {
        const char *name; /* `alg` of RFC 7518 §3.1 and its registry */
        const char *kty;
        const char *crv; /* NULL where the key type has none */

        /*
         * Fills public_key, private_key where `e` has a private part, and evp where the row is on
         * OpenSSL. Returns 0, or a negative errno with `error` set.
         */
        int (*read)(const struct json_envelope *e, struct jwk *k, struct ae_error *error);

        /* The next three are NULL where signatures are only checked. */

        /* Appends the type's own members, each with a comma before it. */
        void (*write)(const struct jwk *k, bool with_private, struct buffer *to);
        /* Fills public_key and private_key. Returns 0 or -ENOMEM. */
        int (*generate)(struct jwk *k);
        /* Needs a private key. Returns 0 or a negative errno. */
        int (*sign)(const struct jwk *k, const void *data, size_t size,
                    unsigned char ret[static JWK_SIGNATURE_MAX], size_t *ret_size);

        bool (*verify)(const struct jwk *k, const void *data, size_t size,
                       const unsigned char *signature, size_t signature_size);
};

extern const struct jwk_algorithm jwk_ed25519;
extern const struct jwk_algorithm jwk_es256;
extern const struct jwk_algorithm jwk_rs256;

/* NULL when no key could have this algorithm. */
const struct jwk_algorithm *jwk_algorithm_find(const char *name);

struct jwk {
        const struct jwk_algorithm *algorithm;
        char kid[JWK_KID_MAX + 1]; /* "" when the text names none */
        char *issuer;              /* owned; NULL: good for any issuer */
        unsigned char *public_key; /* owned; in the algorithm's own form, as is the next */
        size_t public_size;
        struct evp_pkey_st *evp;    /* owned; the public key once more, for OpenSSL; or NULL */
        struct secret *private_key; /* owned; NULL in a public key */
        /* Another one as soon as anything differs that a signature by this key proves. */
        unsigned char fingerprint[JWK_FINGERPRINT_SIZE];
};

struct jwk *jwk_free(struct jwk *k);
DEFINE_CLEANUP(struct jwk *, jwk_free);

enum jwk_part {
        JWK_PUBLIC,
        JWK_PRIVATE,
};

/*
 * Reads one key of that part: a private key is refused where a public one is wanted, and the other
 * way round. The caller owns *ret. Returns 0; -ENOMEM; -EINVAL with `error` saying what is wrong
 * with the key ("it has no 'x'…"), so that the caller can say which key.
 */
int jwk_parse(const char *text, size_t size, enum jwk_part part, struct jwk **ret,
              struct ae_error *error);

/* Makes a key pair, of a row that can. `issuer` may be NULL. The caller owns *ret. 0, -EINVAL (a bad kid), -ENOMEM. */
int jwk_generate(const struct jwk_algorithm *algorithm, const char *kid, const char *issuer,
                 struct jwk **ret);

/* A key of a row that can sign as JSON, one line with its end. The caller owns *ret. Returns 0 or -ENOMEM. */
int jwk_print(const struct jwk *k, enum jwk_part part, struct secret **ret);

/* 1 to 64 of [A-Za-z0-9._-], not beginning with a dot. */
bool jwk_kid_is_valid(const char *kid);
