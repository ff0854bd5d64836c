/* SPDX-License-Identifier: MIT */
#include "oauth/grant-kind.h"

#define URN "urn:ietf:params:oauth:grant-type:"

static const struct grant_kind kinds[OAUTH_N_GRANTS] = {
        [OAUTH_GRANT_CODE] = {
                .name = "code",
                .needs = GRANT_CLIENT | GRANT_CODE,
                .takes = GRANT_VERIFIER | GRANT_REDIRECT,
                .endpoint = OAUTH_TOKEN,
                .grant_type = "authorization_code",
                .tells_whose = true,
        },
        [OAUTH_GRANT_REFRESH] = {
                .name = "refresh",
                .needs = GRANT_CLIENT | GRANT_TOKEN,
                .endpoint = OAUTH_TOKEN,
                .grant_type = "refresh_token",
                .token_name = "refresh_token",
        },
        [OAUTH_GRANT_ASSERTION] = {
                .name = "assertion",
                .needs = GRANT_TOKEN,
                .endpoint = OAUTH_TOKEN,
                .grant_type = URN "jwt-bearer",
                .token_name = "assertion",
        },
        [OAUTH_GRANT_DEVICE_START] = {
                .name = "device_start",
                .needs = GRANT_CLIENT,
                .takes = GRANT_SCOPES,
                .endpoint = OAUTH_DEVICE_AUTHORIZATION,
        },
        [OAUTH_GRANT_DEVICE] = {
                .name = "device",
                .needs = GRANT_CLIENT | GRANT_TOKEN,
                .endpoint = OAUTH_TOKEN,
                .grant_type = URN "device_code",
                .token_name = "device_code",
                .tells_whose = true,
        },
        [OAUTH_GRANT_REVOKE] = {
                .name = "revoke",
                .needs = GRANT_TOKEN,
                .endpoint = OAUTH_REVOCATION,
                .token_name = "token",
        },
        [OAUTH_GRANT_TEST] = {
                .name = "test",
                .needs = GRANT_CLIENT,
                .endpoint = OAUTH_TOKEN,
                .grant_type = "authorization_code",
        },
        [OAUTH_GRANT_METADATA] = {
                .name = "metadata",
        },
};

const struct grant_kind *grant_kind(enum oauth_grant_kind kind) {
        return &kinds[kind];
}
