/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Key sets as an issuer publishes them (JWK Set, RFC 7517 §5). What cannot be used here costs that
 * key alone, since a set holds keys for others as well. A member `iss` of the set, ours, binds all
 * its keys to that issuer.
 */

#include "auth/jwk.h"

#define JWKS_TEXT_MAX (128 << 10)
#define JWKS_MAX_KEYS 64

struct jwks {
        struct jwk *keys[JWKS_MAX_KEYS]; /* owned; public, each with a kid; one may come twice */
        size_t n_keys;
};

void jwks_done(struct jwks *s);

/*
 * on_skipped() hears why a key is passed over. The caller calls jwks_done() on *ret. Returns 0;
 * -ENOMEM; -EINVAL with `error` saying what is wrong with the set ("it has no 'keys'…").
 */
int jwks_parse(const char *text, size_t size,
               void (*on_skipped)(const char *sentence, void *userdata), void *userdata,
               struct jwks *ret, struct ae_error *error);
