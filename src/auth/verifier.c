/* SPDX-License-Identifier: MIT */
#include "auth/verifier.h"

#include <errno.h>
#include <string.h>

#include "auth/cache.h"
#include "auth/jws.h"

struct verifier {
        struct keyring *keys;        /* owned; NULL: none */
        struct jwk *own_key;         /* the same */
        struct revocations *revoked; /* the same */
        struct cache *cache;
        uint64_t skew_usec;
};

int verifier_new(struct keyring *keys, size_t cache_entries, uint64_t skew_usec,
                 struct verifier **ret) {
        _cleanup_(verifier_freep) struct verifier *v = NULL;
        int r;

        v = calloc(1, sizeof(*v));
        if (!v)
                return -ENOMEM;
        v->skew_usec = skew_usec;
        r = cache_new(cache_entries, &v->cache);
        if (r < 0)
                return r;
        v->keys = keys; /* last: on failure they stay the caller's */
        *ret = TAKE_PTR(v);
        return 0;
}

struct verifier *verifier_free(struct verifier *v) {
        if (!v)
                return NULL;
        cache_free(v->cache);
        keyring_free(v->keys);
        jwk_free(v->own_key);
        revocations_free(v->revoked);
        free(v);
        return NULL;
}

void verifier_set_keys(struct verifier *v, struct keyring *keys) {
        keyring_free(v->keys);
        v->keys = keys;
}

const struct keyring *verifier_keys(const struct verifier *v) {
        return v->keys;
}

size_t verifier_n_keys(const struct verifier *v) {
        return (v->keys ? keyring_n_keys(v->keys) : 0) + (v->own_key ? 1 : 0);
}

void verifier_set_revocations(struct verifier *v, struct revocations *list) {
        revocations_free(v->revoked);
        v->revoked = list;
}

size_t verifier_n_revoked(const struct verifier *v) {
        return v->revoked ? revocations_n(v->revoked) : 0;
}

void verifier_set_own_key(struct verifier *v, struct jwk *key) {
        jwk_free(v->own_key);
        v->own_key = key;
}

const struct jwk *verifier_own_key(const struct verifier *v) {
        return v->own_key;
}

static const struct jwk *find_key(const struct verifier *v, const char *kid) {
        if (v->own_key && strcmp(v->own_key->kid, kid) == 0)
                return v->own_key;
        return v->keys ? keyring_find(v->keys, kid) : NULL;
}

static bool key_is_unchanged(const struct verifier *v, const struct identity *id) {
        const struct jwk *key = find_key(v, id->kid);

        return key && memcmp(key->fingerprint, id->key_fingerprint, JWK_FINGERPRINT_SIZE) == 0;
}

static int check_age(const struct verifier *v, const struct identity *id, uint64_t now_usec,
                     struct ae_error *error) {
        if (token_has_expired(id->claims.expires_at_usec, now_usec, v->skew_usec))
                return ae_error_set(error, AE_TOKEN_EXPIRED,
                                    "the token has expired; ask its issuer for a new one");
        /* The clock was set back: whoever comes new with it is refused as well. */
        if (token_is_early(id->claims.not_before_usec, now_usec, v->skew_usec))
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the token's time lies in the future (compare the clocks)");
        return 0;
}

static int check_revoked(const struct verifier *v, const struct token_claims *claims,
                         struct ae_error *error) {
        if (v->revoked && revocations_have(v->revoked, claims->jti))
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the token was revoked; ask its issuer for a new one");
        return 0;
}

/* What time or somebody may take away from a token whose key still stands. */
static int check_held(const struct verifier *v, const struct identity *id, uint64_t now_usec,
                      struct ae_error *error) {
        int r = check_revoked(v, &id->claims, error);

        return r < 0 ? r : check_age(v, id, now_usec, error);
}

int verifier_check(const struct verifier *v, const struct identity *id, uint64_t now_usec,
                   struct ae_error *error) {
        if (!key_is_unchanged(v, id))
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the key '%s' that signed the token was removed or replaced; "
                                    "ask its issuer for a new token",
                                    id->kid);
        return check_held(v, id, now_usec, error);
}

static int check_issuer(const struct jwk *key, const struct token_claims *claims,
                        struct ae_error *error) {
        if (key->issuer && strcmp(key->issuer, claims->issuer) != 0)
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the key '%s' is not for the issuer that the token's 'iss' "
                                    "names; have it signed with that issuer's key",
                                    key->kid);
        return 0;
}

/* The long way: signature first, since nothing in a token means anything before. */
static int verify_anew(const struct verifier *v, const char *token, size_t size, uid_t uid,
                       uint64_t now_usec, struct identity **ret, struct ae_error *error) {
        _cleanup_(jws_done) struct jws jws = { 0 };
        _cleanup_(token_claims_done) struct token_claims claims = { 0 };
        const struct jwk *key;
        int r;

        r = jws_parse(token, size, &jws, error);
        if (r < 0)
                return r;
        key = find_key(v, jws.kid);
        if (!key)
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the token's key '%s' is not known here; put its public part "
                                    "into the key folder, or use a token of a known key",
                                    jws.kid);
        r = jws_verify(&jws, key, error);
        if (r < 0)
                return r;
        r = token_claims_parse(jws.payload, jws.payload_size, now_usec, v->skew_usec, uid, &claims,
                               error);
        if (r < 0)
                return r;
        r = check_issuer(key, &claims, error);
        if (r < 0)
                return r;
        r = check_revoked(v, &claims, error);
        if (r < 0)
                return r;
        r = identity_new(&claims, key, ret);
        if (r < 0)
                return ae_error_from_errno(error, r);
        return 0;
}

/* Borrowed; NULL when the token is new here, or what it rested on has changed. */
static struct identity *recall(struct verifier *v, const unsigned char key[static CACHE_KEY_SIZE]) {
        struct identity *id = cache_find(v->cache, key);

        if (!id || key_is_unchanged(v, id))
                return id;
        cache_drop(v->cache, key);
        return NULL;
}

int verifier_verify(struct verifier *v, const char *token, size_t size, uid_t uid,
                    uint64_t now_usec, struct identity **ret, struct ae_error *error) {
        unsigned char key[CACHE_KEY_SIZE];
        struct identity *id;
        int r;

        if (size > JWS_MAX_SIZE) /* refused, without hashing megabytes first */
                return verify_anew(v, token, size, uid, now_usec, ret, error);

        cache_key(v->cache, token, size, uid, key);
        id = recall(v, key);
        if (id) {
                r = check_held(v, id, now_usec, error);
                if (r < 0) {
                        cache_drop(v->cache, key);
                        return r;
                }
                *ret = identity_ref(id);
                return 0;
        }

        r = verify_anew(v, token, size, uid, now_usec, ret, error);
        if (r < 0)
                return r;
        cache_add(v->cache, key, *ret);
        return 0;
}
