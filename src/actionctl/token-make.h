/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A token, as the options say; and what the options would say of one that is there.
 */

#include <stdbool.h>

#include "actionctl/ctl.h"
#include "auth/jwk.h"
#include "base/json.h"

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

/*
 * The claims of a signed token, whoever has signed it. The caller owns *ret. Returns 0, -EBADMSG when
 * it is none, or -ENOMEM.
 */
int token_read_claims(const char *token, size_t size, cJSON **ret);
/* Whether it allows what these options say, no less and no more. */
bool token_allows_the_same(const struct ctl *ctl, const cJSON *claims);
/* Whether its time is over. */
bool token_is_over(const cJSON *claims);
