/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A token, as the options say.
 */

#include "actionctl/ctl.h"
#include "auth/jwk.h"

#define TOKEN_JTI_BYTES 16

/* What a person may want to know of a new token, and it does not show. */
struct token_facts {
        char jti[2 * TOKEN_JTI_BYTES + 1];
        uint64_t expires_at_sec;
};

/*
 * The caller owns *ret. Returns 0, or tells what is wrong with what was asked for and returns an
 * exit code.
 */
int token_make(const struct ctl *ctl, const struct jwk *key, struct secret **ret,
               struct token_facts *ret_facts);
