/* SPDX-License-Identifier: MIT */
#include "vault/renew.h"

#include <errno.h>
#include <sodium.h>
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

/* Separated by spaces. The caller owns *ret. */
static int join_scopes(const cJSON *scopes, char **ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        const cJSON *scope;

        cJSON_ArrayForEach (scope, scopes)
                buffer_printf(&text, "%s%s", text.size > 0 ? " " : "", scope->valuestring);
        return buffer_take(&text, ret, NULL);
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

        /* Service accounts are Google's. */
        result = app ? oauth_app_copy(app, &grant.app)
                     : oauth_app_init(oauth_profile_find("google"), &grant.app);
        if (result < 0)
                return result;
        grant.kind = by_refresh ? OAUTH_GRANT_REFRESH : OAUTH_GRANT_ASSERTION;
        result = by_refresh ? secret_new(r->refresh_token->data, r->refresh_token->size,
                                         &grant.token)
                            : make_assertion(r, &grant.app, now_usec, &grant.token);
        if (result < 0)
                return result;

        *ret = grant;
        grant = (struct oauth_grant){ 0 };
        return 0;
}

bool record_renews_like(const struct record *r, const struct record *other) {
        const struct secret *x = r->refresh_token, *y = other->refresh_token;

        return x && y && x->size == y->size && sodium_memcmp(x->data, y->data, x->size) == 0;
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

/* Of "NAME (ID)". Without an id the name is the id as well. Borrowed. */
struct whose {
        const char *name, *id;
        size_t name_size, id_size;
};

static struct whose whose_of(const char *identity) {
        size_t n = strlen(identity);
        const char *bracket = n > 0 && identity[n - 1] == ')' ? strrchr(identity, '(') : NULL;

        if (!bracket || bracket < identity + 2 || bracket[-1] != ' ')
                return (struct whose){ identity, identity, n, n };
        return (struct whose){
                .name = identity,
                .name_size = (size_t)(bracket - 1 - identity),
                .id = bracket + 1,
                .id_size = n - (size_t)(bracket + 1 - identity) - 1,
        };
}

static bool is_same(const char *a, size_t n, const char *b, size_t m) {
        return n == m && memcmp(a, b, n) == 0;
}

bool record_is_of_same(const struct record *r, const struct oauth_tokens *tokens) {
        struct whose a, b;

        if (!r->identity || !tokens->identity)
                return false;
        a = whose_of(r->identity);
        b = whose_of(tokens->identity);
        return is_same(a.id, a.id_size, b.id, b.id_size);
}

bool record_is_anothers(const struct record *r, const struct oauth_tokens *tokens) {
        struct whose a, b;

        if (!r->identity || !tokens->identity || record_is_of_same(r, tokens))
                return false;
        a = whose_of(r->identity);
        b = whose_of(tokens->identity);
        /* The name is all that one of them tells. */
        return (a.id == a.name) == (b.id == b.name) ||
               !is_same(a.name, a.name_size, b.name, b.name_size);
}
