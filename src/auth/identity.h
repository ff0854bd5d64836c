/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a token has proved, for as long as it holds: its claims, and the key that they rest on.
 */

#include "auth/auth.h"
#include "auth/jwk.h"
#include "auth/token.h"

struct identity {
        unsigned n_refs;
        struct token_claims claims;
        char kid[JWK_KID_MAX + 1];
        unsigned char key_fingerprint[JWK_FINGERPRINT_SIZE];
};

/*
 * Takes over *claims on success and leaves it empty. The caller owns one reference in *ret.
 * Returns 0 or -ENOMEM.
 */
int identity_new(struct token_claims *claims, const struct jwk *key, struct identity **ret);
