/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a token says (claims, RFC 7519; `cnf`, RFC 7800), once its signature is known to be good.
 * A pure function of text, time and uid.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define TOKEN_AUDIENCE "action-engine"
#define TOKEN_USER_MAX 128 /* bytes of a user id, and of a jti */

struct token_claims {
        char *issuer;
        char *subject;
        char *jti;     /* NULL when there is none */
        char **scopes; /* NULL-terminated, never NULL itself */
        char **users;  /* the same; empty when any_user */
        bool any_user;
        uint64_t not_before_usec; /* real time, as the token says: without the skew */
        uint64_t expires_at_usec; /* the same */
};

/*
 * Reads a payload. `now_usec` is real time; `uid` is who presents the token. The caller calls
 * token_claims_done() on *ret. Returns 0, or a negative errno with `error` set: token_invalid,
 * token_expired (said only of a token that would be good otherwise), internal.
 */
int token_claims_parse(const char *payload, size_t size, uint64_t now_usec, uint64_t skew_usec,
                       uid_t uid, struct token_claims *ret, struct ae_error *error);
void token_claims_done(struct token_claims *c);

/* 1 to 128 bytes without control characters. */
bool token_jti_is_valid(const char *text);

/* Whether a token's time has not come or is over, other clocks being off by up to the skew. */
bool token_is_early(uint64_t not_before_usec, uint64_t now_usec, uint64_t skew_usec);
bool token_has_expired(uint64_t expires_at_usec, uint64_t now_usec, uint64_t skew_usec);
