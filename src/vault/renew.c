/* SPDX-License-Identifier: MIT */
#include "vault/renew.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "oauth/assertion.h"

/* A refresh token is of no use without the app that it was given to. */
static bool can_renew(const struct record *r) {
        return !r->refused && (r->service_account || (r->refresh_token && r->provider));
}

enum renew_need record_renewal(const struct record *r, uint64_t now_usec,
                               const unsigned char *rejected) {
        bool can = can_renew(r);

        if (!r->access_token || record_is_expired(r, now_usec) ||
            (rejected && record_token_is(r, rejected)))
                return can ? RENEW_NOW : RENEW_NEVER;
        if (can && record_is_expired(r, now_usec + RENEW_AHEAD_USEC))
                return RENEW_EARLY;
        return RENEW_NOT;
}

static int copy_text(const char *text, char **ret) {
        if (!text)
                return 0;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int copy_secret(const struct secret *s, struct secret **ret) {
        return s ? secret_new(s->data, s->size, ret) : 0;
}

static int copy_app(const struct oauth_app *app, struct oauth_app *ret) {
        _cleanup_(oauth_app_done) struct oauth_app copy = {
                .profile = app->profile,
                .client_auth = app->client_auth,
                .iss_required = app->iss_required,
        };
        int r;

        r = copy_text(app->client_id, &copy.client_id)
                            ?: copy_text(app->issuer, &copy.issuer)
                            ?: copy_text(app->redirect_uri, &copy.redirect_uri)
                            ?: copy_secret(app->client_secret, &copy.client_secret);
        for (size_t i = 0; r == 0 && i < OAUTH_N_ENDPOINTS; i++)
                r = copy_text(app->endpoints[i], &copy.endpoints[i]);
        if (r < 0)
                return r;

        *ret = copy;
        copy = (struct oauth_app){ 0 };
        return 0;
}

/* Separated by spaces. The caller owns *ret. */
static int join_scopes(const cJSON *scopes, char **ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        const cJSON *scope;

        cJSON_ArrayForEach (scope, scopes)
                buffer_printf(&text, "%s%s", text.size > 0 ? " " : "", scope->valuestring);
        return buffer_take(&text, ret, &(size_t){ 0 });
}

static int split_scopes(const char *text, cJSON **ret) {
        _cleanup_(json_freep) cJSON *scopes = cJSON_CreateArray();
        _cleanup_(freep) char *copy = strdup(text);
        char *rest = copy, *scope;
        cJSON *item;

        if (!scopes || !copy)
                return -ENOMEM;
        while ((scope = strsep(&rest, " "))) {
                if (!*scope)
                        continue;
                item = cJSON_CreateString(scope);
                if (!item)
                        return -ENOMEM;
                (void)cJSON_AddItemToArray(scopes, item);
        }
        *ret = TAKE_PTR(scopes);
        return 0;
}

/* Service accounts are Google's: their assertions go where its profile says. */
static int default_app(struct oauth_app *ret) {
        const struct oauth_profile *google = oauth_profile_find("google");
        _cleanup_(oauth_app_done) struct oauth_app app = {
                .profile = google,
                .client_auth = OAUTH_CLIENT_NONE,
        };
        int r;

        r = copy_text("service_account", &app.client_id)
                            ?: copy_text(google->endpoints[OAUTH_TOKEN],
                                         &app.endpoints[OAUTH_TOKEN]);
        if (r < 0)
                return r;
        *ret = app;
        app = (struct oauth_app){ 0 };
        return 0;
}

static int make_assertion(const struct record *r, const struct oauth_app *app, uint64_t now_usec,
                          struct secret **ret) {
        _cleanup_(oauth_service_account_done) struct oauth_service_account account = { 0 };
        const struct json_slice json = {
                .text = r->service_account->data,
                .size = r->service_account->size,
                .type = JSON_OBJECT,
        };
        _cleanup_(ae_error_done) struct ae_error unheard = { 0 };
        _cleanup_(freep) char *scopes = NULL;
        int result;

        result = oauth_service_account_parse(&json, &account, &unheard);
        if (result < 0)
                return result == -ENOMEM ? result : -EKEYREJECTED;
        result = join_scopes(r->scopes, &scopes);
        if (result < 0)
                return result;
        return oauth_assertion_new(&account, app->endpoints[OAUTH_TOKEN], scopes, now_usec, ret);
}

int record_renewal_grant(const struct record *r, const struct oauth_app *app, uint64_t now_usec,
                         struct oauth_grant *ret) {
        _cleanup_(oauth_grant_done) struct oauth_grant grant = { 0 };
        bool by_refresh = r->refresh_token && app;
        int result;

        if (r->refused || (!by_refresh && !r->service_account))
                return -ENOKEY;

        result = app ? copy_app(app, &grant.app) : default_app(&grant.app);
        if (result < 0)
                return result;
        grant.kind = by_refresh ? OAUTH_GRANT_REFRESH : OAUTH_GRANT_ASSERTION;
        result = by_refresh ? copy_secret(r->refresh_token, &grant.token)
                            : make_assertion(r, &grant.app, now_usec, &grant.token);
        if (result < 0)
                return result;

        *ret = grant;
        grant = (struct oauth_grant){ 0 };
        return 0;
}

int record_take_tokens(struct record *r, struct oauth_tokens *tokens, const char *asked) {
        int result;

        if (!tokens->scopes && asked && *asked) {
                result = split_scopes(asked, &tokens->scopes);
                if (result < 0)
                        return result;
        }

        if (tokens->access_token) {
                secret_free(r->access_token);
                r->access_token = TAKE_PTR(tokens->access_token);
        }
        if (tokens->refresh_token) {
                secret_free(r->refresh_token);
                r->refresh_token = TAKE_PTR(tokens->refresh_token);
        }
        if (tokens->identity) {
                free(r->identity);
                r->identity = TAKE_PTR(tokens->identity);
        }
        if (tokens->scopes) {
                json_free(r->scopes);
                r->scopes = TAKE_PTR(tokens->scopes);
        }
        free(r->token_type);
        r->token_type = TAKE_PTR(tokens->token_type);
        r->expires_at_usec = tokens->expires_at_usec;
        r->refused = false;
        return 0;
}

bool record_is_anothers(const struct record *r, const struct oauth_tokens *tokens) {
        return r->identity && tokens->identity && strcmp(r->identity, tokens->identity) != 0;
}
