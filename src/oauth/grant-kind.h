/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the kinds of grants differ by. For oauth/ alone.
 */

#include "oauth/grant.h"

enum grant_part {
        GRANT_TOKEN = 1 << 0,
        GRANT_CODE = 1 << 1,
        GRANT_VERIFIER = 1 << 2,
        GRANT_REDIRECT = 1 << 3,
        GRANT_SCOPES = 1 << 4,
        GRANT_CLIENT = 1 << 5, /* the app's client id */
};

struct grant_kind {
        const char *name;
        const char *grant_type; /* RFC 6749's parameter, or NULL */
        const char *token_name; /* what its token is called in the request, or NULL */
        unsigned needs;         /* enum grant_part */
        unsigned takes;         /* beside them */
        enum oauth_endpoint endpoint;
        bool tells_whose; /* an id_token in the answer is the person's who just consented */
};

const struct grant_kind *grant_kind(enum oauth_grant_kind kind);
