/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An app: what somebody registered with a provider, so that people can connect their accounts.
 * Most of it is the provider's profile, a row of a table; the client id and the secret are one's
 * own. Its JSON form is the same wherever it is kept: in the embedded vault, in the systemd
 * credential `provider-NAME` for the other vaults, on the sockets of vault and action-grant.
 *
 *      {"profile":"google","client_id":"…","client_secret":"…"}
 *
 * and, where they differ from the profile's: issuer, authorization_endpoint, token_endpoint,
 * revocation_endpoint, device_authorization_endpoint, redirect_uri, client_auth, iss_required.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json-scan.h"
#include "base/secret.h"

/* RFC 6749 §2.3, in the words of RFC 8414's token_endpoint_auth_methods_supported. */
enum oauth_client_auth {
        OAUTH_CLIENT_SECRET_POST,
        OAUTH_CLIENT_SECRET_BASIC,
        OAUTH_CLIENT_NONE,
};

enum oauth_profile_flags {
        OAUTH_PKCE = 1 << 0,              /* RFC 7636: it knows code_challenge */
        OAUTH_JSON_BODY = 1 << 1,         /* its token endpoint takes JSON instead of a form */
        OAUTH_OK_MEMBER = 1 << 2,         /* errors come with status 200 and "ok":false */
        OAUTH_OPENID = 1 << 3,            /* it gives an id_token for the scope openid */
        OAUTH_REDIRECT_ANY_PORT = 1 << 4, /* RFC 8252 §7.3: of a loopback redirect */
        OAUTH_SECRET_FOR_TOKENS = 1 << 5, /* its other endpoints are not told the client's secret */
        OAUTH_REVOKES_ALL = 1 << 6,       /* one token revoked ends all that its account granted */
};

enum oauth_endpoint {
        OAUTH_AUTHORIZATION,
        OAUTH_TOKEN,
        OAUTH_REVOCATION,
        OAUTH_DEVICE_AUTHORIZATION,
        OAUTH_N_ENDPOINTS,
};

#define OAUTH_IDENTITY_DEPTH 2

/* How a provider speaks OAuth. Static; `oidc` has no endpoints of its own. */
struct oauth_profile {
        const char *name;  /* "google" */
        const char *title; /* "Google" */
        const char *issuer;
        const char *endpoints[OAUTH_N_ENDPOINTS]; /* NULL: it has none */
        enum oauth_client_auth client_auth;
        unsigned flags;
        const char *authorize_query; /* more for the authorization URL, or "" */
        const char *identity_scopes; /* asked for beside others, to learn whose account it is */
        /*
         * Where a token answer says whose it is without an id_token: a member, and one of it. A name
         * may be changed, and be another's as well, so the id stands behind it in brackets.
         */
        const char *identity[OAUTH_IDENTITY_DEPTH];
        const char *identity_id[OAUTH_IDENTITY_DEPTH];
        const char *token_type; /* its own word for a bearer token, or NULL */
        char scope_separator;   /* ' ' but for those who have it otherwise */
};

/* NULL when there is none of that name. */
const struct oauth_profile *oauth_profile_find(const char *name);
/* All of them, in the order of their names. */
const struct oauth_profile *oauth_profiles(size_t *ret_n);

#define OAUTH_MAX_NAME 32       /* bytes, of an app: [a-z0-9_] */
#define OAUTH_MAX_CLIENT_ID 256 /* bytes, printable ASCII */
#define OAUTH_MAX_URL 2048      /* bytes, of an endpoint or a redirect */

struct oauth_app {
        const struct oauth_profile *profile;
        char *client_id;              /* owned */
        struct secret *client_secret; /* owned; NULL: a public client, or not told */
        enum oauth_client_auth client_auth;
        char *issuer;                       /* owned; NULL: not known */
        char *endpoints[OAUTH_N_ENDPOINTS]; /* owned; NULL: it has none */
        char *redirect_uri;                 /* owned; where no other is asked for */
        bool iss_required;                  /* RFC 9207 §2.3, of its metadata */
};

void oauth_app_done(struct oauth_app *app);

/* All that the profile says, and no client. *ret is set on success only. Returns 0 or -ENOMEM. */
int oauth_app_init(const struct oauth_profile *profile, struct oauth_app *ret);
/* *ret is set on success only. Returns 0 or -ENOMEM. */
int oauth_app_copy(const struct oauth_app *app, struct oauth_app *ret);

/*
 * Whether its codes are asked for with a challenge (RFC 7636) and redeemed with a verifier alone:
 * where the provider knows that, and always without a secret, for then nothing else keeps a stolen
 * code from being redeemed (RFC 9700 §2.1.1).
 */
bool oauth_app_uses_pkce(const struct oauth_app *app);

bool oauth_name_is_valid(const char *name);

/*
 * Reads a scanned JSON object; what it does not say is the profile's. A field that is not named
 * above is refused by its name, as is an app without a client id or a token endpoint. URLs
 * are checked for their form alone: https://, or http:// to a loopback address; issuer and
 * redirect_uri may say localhost for it. *ret is set on success only. Returns 0, -ENOMEM, or
 * invalid_request.
 */
int oauth_app_parse(const struct json_slice *json, struct oauth_app *ret, struct ae_error *error);

/* The JSON that oauth_app_parse() reads. With the secret the caller wipes it. */
void oauth_app_print(const struct oauth_app *app, bool with_secret, struct buffer *to);
