/* SPDX-License-Identifier: MIT */
/*
 * The providers that are known by name: a row each. What a row says is what the provider's own
 * documentation says; an app may say otherwise.
 */
#include "oauth/app.h"

#include <string.h>

static const struct oauth_profile profiles[] = {
        {
                /* developers.google.com/identity/protocols/oauth2 */
                .name = "google",
                .title = "Google",
                .issuer = "https://accounts.google.com",
                .endpoints = {
                        [OAUTH_AUTHORIZATION] = "https://accounts.google.com/o/oauth2/v2/auth",
                        [OAUTH_TOKEN] = "https://oauth2.googleapis.com/token",
                        [OAUTH_REVOCATION] = "https://oauth2.googleapis.com/revoke",
                        [OAUTH_DEVICE_AUTHORIZATION] =
                                "https://oauth2.googleapis.com/device/code",
                },
                .client_auth = OAUTH_CLIENT_SECRET_POST,
                .flags = OAUTH_PKCE | OAUTH_OPENID | OAUTH_REDIRECT_ANY_PORT |
                         OAUTH_SECRET_FOR_TOKENS | OAUTH_REVOKES_ALL,
                /* Without them a client of the type "web" is given no refresh token again. */
                .authorize_query = "access_type=offline&prompt=consent",
                .identity_scopes = "openid email",
                .scope_separator = ' ',
        },
        {
                /*
                 * developers.notion.com/docs/authorization: what it may do is set on its side. It
                 * knows no PKCE, and no client without a secret.
                 */
                .name = "notion",
                .title = "Notion",
                .endpoints = {
                        [OAUTH_AUTHORIZATION] = "https://api.notion.com/v1/oauth/authorize",
                        [OAUTH_TOKEN] = "https://api.notion.com/v1/oauth/token",
                        [OAUTH_REVOCATION] = "https://api.notion.com/v1/oauth/revoke",
                },
                .client_auth = OAUTH_CLIENT_SECRET_BASIC,
                .flags = OAUTH_JSON_BODY,
                .authorize_query = "owner=user",
                .identity_scopes = "",
                .identity = { "workspace_name" },
                .identity_id = { "bot_id" }, /* of each who consents in that workspace */
                .scope_separator = ' ',
        },
        {
                /*
                 * Endpoints, and where it is told what they are, come from the app. It acts when
                 * nobody is there, hence offline_access; OpenID Connect Core §11 gives it for a
                 * consent alone, and who does not know it passes it over (§3.1.2.1).
                 */
                .name = "oidc",
                .title = "OpenID Connect",
                .client_auth = OAUTH_CLIENT_SECRET_BASIC,
                .flags = OAUTH_PKCE | OAUTH_OPENID,
                .authorize_query = "prompt=consent",
                .identity_scopes = "openid email offline_access",
                .scope_separator = ' ',
        },
        {
                /*
                 * docs.slack.dev/authentication/using-pkce: its PKCE is for clients without a secret
                 * alone, and a verifier beside a secret is refused.
                 */
                .name = "slack",
                .title = "Slack",
                .endpoints = {
                        [OAUTH_AUTHORIZATION] = "https://slack.com/oauth/v2/authorize",
                        [OAUTH_TOKEN] = "https://slack.com/api/oauth.v2.access",
                },
                .client_auth = OAUTH_CLIENT_SECRET_BASIC,
                .flags = OAUTH_OK_MEMBER,
                .authorize_query = "",
                .identity_scopes = "",
                .identity = { "team", "name" },
                .identity_id = { "team", "id" },
                .token_type = "bot",
                .scope_separator = ',',
        },
};

const struct oauth_profile *oauth_profile_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(profiles); i++)
                if (strcmp(profiles[i].name, name) == 0)
                        return &profiles[i];
        return NULL;
}

const struct oauth_profile *oauth_profiles(size_t *ret_n) {
        *ret_n = ELEMENTSOF(profiles);
        return profiles;
}
