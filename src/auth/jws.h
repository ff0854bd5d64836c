/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Signed tokens in compact form (JWS, RFC 7515): taken apart, checked, made. Knows nothing of what
 * the payload says. The algorithm belongs to the key, so a header can only agree with it.
 */

#include <stddef.h>

#include "auth/jwk.h"
#include "base/error.h"
#include "base/secret.h"

#define JWS_MAX_SIZE 8192

/* A token taken apart. Nothing in it is to be believed before jws_verify() has returned 0. */
struct jws {
        const struct jwk_algorithm *algorithm; /* what the header claims */
        char kid[JWK_KID_MAX + 1];             /* valid in form: names a key, never a path */
        const char *signed_text;               /* borrowed: the token's first two parts */
        size_t signed_size;
        char *payload; /* owned, NUL-terminated; any bytes */
        size_t payload_size;
        unsigned char signature[JWK_SIGNATURE_MAX];
        size_t signature_size;
};

/* The caller calls jws_done() on *ret. Returns 0, or a negative errno with `error` set. */
int jws_parse(const char *token, size_t size, struct jws *ret, struct ae_error *error);
void jws_done(struct jws *j);

/* The kid in a token's header, however little else is right; "" when there is none valid in form. */
void jws_claimed_kid(const char *token, size_t size, char ret[static JWK_KID_MAX + 1]);

/* Returns 0 when the key made this signature; else a negative errno with `error` set. */
int jws_verify(const struct jws *j, const struct jwk *key, struct ae_error *error);

/*
 * Makes a token: who holds the text may do what it says, hence a secret. The key is private and
 * has a kid. The caller owns *ret. Returns 0, -EINVAL, -EMSGSIZE when the token would be larger
 * than JWS_MAX_SIZE, -ENOMEM.
 */
int jws_sign(const char *payload, size_t size, const struct jwk *key, struct secret **ret);
