/* SPDX-License-Identifier: MIT */
/*
 * A grant as a request. What is secret stands in the body or in a header, never in the URL.
 */
#include "oauth/grant.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "base/uri-escape.h"
#include "oauth/grant-kind.h"
#include "oauth/members.h"
#include "oauth/scopes.h"

#define MAX_PARAMETERS 10

/* For a code that cannot be. What it comes with must be of the right form, to be looked past. */
#define NO_CODE "no-such-code"
#define NO_VERIFIER "no-such-verifier-no-such-verifier-no-such-verifier"
#define NO_REDIRECT "http://127.0.0.1/oauth/callback"

/* What the body says, before it is JSON or a form. */
struct parameters {
        struct {
                const char *name, *text;
        } items[MAX_PARAMETERS];
        size_t n;
};

static void add(struct parameters *p, const char *name, const char *text) {
        if (!text)
                return;
        p->items[p->n].name = name;
        p->items[p->n++].text = text;
}

static const char *text_of(const struct secret *secret) {
        return secret ? secret->data : NULL;
}

static void add_code(struct parameters *p, const struct oauth_grant *g) {
        bool is_test = g->kind == OAUTH_GRANT_TEST;
        const char *redirect_uri = is_test ? g->app.redirect_uri : g->redirect_uri;

        add(p, "code", is_test ? NO_CODE : text_of(g->code));
        if (oauth_app_uses_pkce(&g->app))
                add(p, "code_verifier", is_test ? NO_VERIFIER : text_of(g->verifier));
        add(p, "redirect_uri", is_test && !redirect_uri ? NO_REDIRECT : redirect_uri);
}

/* A client without a secret tells its name alone, whatever its profile has. */
static enum oauth_client_auth client_auth(const struct oauth_grant *g) {
        const struct grant_kind *kind = grant_kind(g->kind);
        bool is_told = kind->endpoint == OAUTH_TOKEN ||
                       !(g->app.profile->flags & OAUTH_SECRET_FOR_TOKENS);

        return is_told && g->app.client_secret ? g->app.client_auth : OAUTH_CLIENT_NONE;
}

static void add_client(struct parameters *p, const struct oauth_grant *g) {
        enum oauth_client_auth auth = client_auth(g);
        bool is_token_enough = g->kind == OAUTH_GRANT_REVOKE &&
                               g->app.profile->flags & OAUTH_SECRET_FOR_TOKENS;

        if (auth != OAUTH_CLIENT_SECRET_BASIC && !is_token_enough)
                add(p, "client_id", g->app.client_id);
        if (auth == OAUTH_CLIENT_SECRET_POST)
                add(p, "client_secret", text_of(g->app.client_secret));
}

static void collect(struct parameters *p, const struct oauth_grant *g, const char *scopes) {
        const struct grant_kind *kind = grant_kind(g->kind);

        add(p, "grant_type", kind->grant_type);
        if (kind->token_name)
                add(p, kind->token_name, text_of(g->token));
        if (g->kind == OAUTH_GRANT_CODE || g->kind == OAUTH_GRANT_TEST)
                add_code(p, g);
        add(p, "scope", scopes);
        if (g->kind != OAUTH_GRANT_ASSERTION) /* it says itself who speaks */
                add_client(p, g);
}

static void print_form(const struct parameters *p, struct buffer *to) {
        for (size_t i = 0; i < p->n; i++) {
                if (i > 0)
                        buffer_putc(to, '&');
                buffer_puts(to, p->items[i].name);
                buffer_putc(to, '=');
                uri_escape(p->items[i].text, strlen(p->items[i].text), to);
        }
}

static void print_json(const struct parameters *p, struct buffer *to) {
        buffer_putc(to, '{');
        for (size_t i = 0; i < p->n; i++)
                member_print(p->items[i].name, p->items[i].text, to);
        buffer_putc(to, '}');
}

static void put_scopes(const struct oauth_grant *g, struct buffer *to) {
        const struct oauth_profile *profile = g->app.profile;

        scopes_add(to, profile->scope_separator, profile->identity_scopes);
        scopes_add(to, profile->scope_separator, g->scopes ? g->scopes : "");
}

static int put_body(const struct oauth_grant *g, struct http_request *q) {
        bool is_json = g->app.profile->flags & OAUTH_JSON_BODY;
        _cleanup_(buffer_done) struct buffer scopes = { 0 };
        struct parameters p = { 0 };
        size_t size = 2;
        int r;

        if (g->kind == OAUTH_GRANT_DEVICE_START)
                put_scopes(g, &scopes);
        if (buffer_error(&scopes) < 0)
                return -ENOMEM;
        collect(&p, g, scopes.data);
        /* All of it at once: a buffer that has to grow leaves copies behind. */
        for (size_t i = 0; i < p.n; i++)
                size += strlen(p.items[i].name) + 3 * strlen(p.items[i].text) + 6;
        (void)buffer_reserve(&q->body, size);
        (is_json ? print_json : print_form)(&p, &q->body);

        r = http_request_header(q, "Content-Type",
                                is_json ? "application/json" : "application/x-www-form-urlencoded");
        return r < 0 ? r : buffer_error(&q->body);
}

/* RFC 6749 §2.3.1: both halves are escaped before they are joined. */
static int put_basic(const struct oauth_app *app, struct http_request *q) {
        static const char scheme[] = "Basic ";
        _cleanup_(secret_freep) struct secret *value = NULL;
        _cleanup_(buffer_wipe) struct buffer pair = { 0 };
        size_t size = strlen(scheme), text_size;
        int r;

        (void)buffer_reserve(&pair, 3 * (strlen(app->client_id) + app->client_secret->size) + 1);
        uri_escape(app->client_id, strlen(app->client_id), &pair);
        buffer_putc(&pair, ':');
        uri_escape(app->client_secret->data, app->client_secret->size, &pair);
        r = buffer_error(&pair);
        if (r < 0)
                return r;

        text_size = sodium_base64_encoded_len(pair.size, sodium_base64_VARIANT_ORIGINAL);
        r = secret_new(NULL, size + text_size - 1, &value);
        if (r >= 0) {
                memcpy(value->data, scheme, size);
                sodium_bin2base64(value->data + size, text_size, (unsigned char *)pair.data,
                                  pair.size, sodium_base64_VARIANT_ORIGINAL);
                r = http_request_secret_header(q, "Authorization", value);
        }
        return r;
}

/* OpenID Connect Discovery §4.1: a slash at the issuer's end is not doubled. */
static int put_metadata_url(const struct oauth_app *app, struct http_request *q) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        size_t n;

        if (!app->issuer)
                return -EOPNOTSUPP;
        n = strlen(app->issuer);
        buffer_append(&url, app->issuer, n - (n > 0 && app->issuer[n - 1] == '/'));
        buffer_puts(&url, "/.well-known/openid-configuration");
        return buffer_take(&url, &q->url, NULL);
}

static int build_metadata(const struct oauth_app *app, struct http_request *q) {
        q->method = "GET";
        q->repeatable = true;
        return put_metadata_url(app, q);
}

static int build_call(const struct oauth_grant *g, struct http_request *q) {
        const char *endpoint = g->app.endpoints[grant_kind(g->kind)->endpoint];
        int r;

        if (!endpoint)
                return -EOPNOTSUPP;
        q->method = "POST";
        q->secret_answer = true;
        q->url = strdup(endpoint);
        if (!q->url)
                return -ENOMEM;

        r = put_body(g, q);
        if (r >= 0 && g->app.client_id && g->kind != OAUTH_GRANT_ASSERTION &&
            client_auth(g) == OAUTH_CLIENT_SECRET_BASIC)
                r = put_basic(&g->app, q);
        return r;
}

int oauth_grant_build(const struct oauth_grant *g, struct http_request *ret) {
        int r;

        r = g->kind == OAUTH_GRANT_METADATA ? build_metadata(&g->app, ret) : build_call(g, ret);
        if (r < 0)
                return r;
        return http_request_header(ret, "Accept", "application/json");
}
