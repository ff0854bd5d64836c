/* SPDX-License-Identifier: MIT */
#include "oauth/authorize.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/uri-escape.h"
#include "oauth/scopes.h"
#include "oauth/url.h"

#define N_RANDOM 32 /* bytes */

static void to_base64url(const unsigned char bytes[static N_RANDOM],
                         char ret[static OAUTH_STATE_SIZE]) {
        sodium_bin2base64(ret, OAUTH_STATE_SIZE, bytes, N_RANDOM,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static void random_text(char ret[static OAUTH_STATE_SIZE]) {
        unsigned char bytes[N_RANDOM];

        randombytes_buf(bytes, sizeof(bytes));
        to_base64url(bytes, ret);
        sodium_memzero(bytes, sizeof(bytes));
}

void oauth_new_state(char ret[static OAUTH_STATE_SIZE]) {
        random_text(ret);
}

void oauth_new_verifier(char ret[static OAUTH_VERIFIER_SIZE]) {
        random_text(ret);
}

void oauth_challenge(const char *verifier, char ret[static OAUTH_VERIFIER_SIZE]) {
        unsigned char digest[crypto_hash_sha256_BYTES];

        crypto_hash_sha256(digest, (const unsigned char *)verifier, strlen(verifier));
        to_base64url(digest, ret);
}

int oauth_check_verifier(const struct oauth_app *app, const struct secret *verifier,
                         struct ae_error *error) {
        if (verifier || !oauth_app_uses_pkce(app))
                return 0;
        return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                            "the code came without the verifier that it was asked for with: begin "
                            "again");
}

static void put_parameter(struct buffer *to, const char *name, const char *text) {
        if (!text)
                return;
        buffer_putc(to, '&');
        buffer_puts(to, name);
        buffer_putc(to, '=');
        uri_escape(text, strlen(text), to);
}

/* Those that tell whose account it is, then the others as they were asked for. */
static void put_scopes(struct buffer *to, const struct oauth_profile *profile,
                       const char *const *scopes) {
        _cleanup_(buffer_done) struct buffer all = { 0 };

        scopes_add(&all, profile->scope_separator, profile->identity_scopes);
        for (; *scopes; scopes++)
                scopes_add(&all, profile->scope_separator, *scopes);
        if (all.size > 0)
                put_parameter(to, "scope", all.data);
        to->failed |= all.failed;
}

static void put_challenge(struct buffer *to, const char *verifier) {
        char challenge[OAUTH_VERIFIER_SIZE];

        oauth_challenge(verifier, challenge);
        put_parameter(to, "code_challenge", challenge);
        put_parameter(to, "code_challenge_method", "S256");
}

int oauth_authorize_url(const struct oauth_app *app, const struct oauth_authorize *a,
                        struct buffer *to) {
        const struct oauth_profile *profile = app->profile;
        const char *endpoint = app->endpoints[OAUTH_AUTHORIZATION];

        if (!endpoint)
                return -EOPNOTSUPP;

        buffer_puts(to, endpoint);
        buffer_puts(to, strchr(endpoint, '?') ? "&response_type=code" : "?response_type=code");
        put_parameter(to, "client_id", app->client_id);
        put_parameter(to, "redirect_uri", a->redirect_uri);
        put_parameter(to, "state", a->state);
        put_scopes(to, profile, a->scopes);
        if (oauth_app_uses_pkce(app))
                put_challenge(to, a->verifier);
        if (*profile->authorize_query) {
                buffer_putc(to, '&');
                buffer_puts(to, profile->authorize_query);
        }
        if (profile->flags & OAUTH_OPENID)
                put_parameter(to, "login_hint", a->login_hint);
        return 0;
}

/* A port that was registered is meant: some compare it, whatever RFC 8252 §7.3 says. */
static bool leaves_port_open(const struct oauth_app *app, const char *host, const char *rest) {
        return app->profile->flags & OAUTH_REDIRECT_ANY_PORT &&
               rest == app->redirect_uri + strlen("http://") + strlen(host);
}

bool oauth_redirect_is_allowed(const struct oauth_app *app, const char *redirect_uri) {
        const char *host, *rest, *own_host, *own_rest;
        bool is_loopback = url_split_loopback(redirect_uri, &host, &rest);

        if (!app->redirect_uri)
                return is_loopback;
        if (strcmp(app->redirect_uri, redirect_uri) == 0)
                return true;
        return is_loopback && url_split_loopback(app->redirect_uri, &own_host, &own_rest) &&
               leaves_port_open(app, own_host, own_rest) && strcmp(host, own_host) == 0 &&
               strcmp(rest, own_rest) == 0;
}
