/* SPDX-License-Identifier: MIT */
/*
 * Grants as JSON, between who keeps the secrets and who has a network.
 */
#include "oauth/grant.h"

#include <errno.h>
#include <string.h>

#include "oauth/app-members.h"
#include "oauth/grant-kind.h"
#include "oauth/members.h"

#define MAX_SCOPES (OAUTH_MAX_SCOPES * (OAUTH_MAX_SCOPE + 1))

struct draft {
        struct oauth_grant grant;
        char *kind;
        struct json_slice app;
};

/* A rule is not told: who sends it is one of ours. */
#define GRANT(field) offsetof(struct draft, grant.field)

/* clang-format off */
static const struct member draft_members[] = {
        { "kind",         MEMBER_TEXT,   offsetof(struct draft, kind), 16, text_is_vschar, "" },
        { "app",          MEMBER_SLICE,  offsetof(struct draft, app), 0, NULL, "" },
        { "token",        MEMBER_SECRET, GRANT(token), OAUTH_MAX_TOKEN, text_is_vschar, "" },
        { "code",         MEMBER_SECRET, GRANT(code), OAUTH_MAX_TOKEN, text_is_vschar, "" },
        { "verifier",     MEMBER_SECRET, GRANT(verifier), 128, text_is_vschar, "" },
        { "redirect_uri", MEMBER_TEXT,   GRANT(redirect_uri), OAUTH_MAX_URL, text_is_vschar, "" },
        { "scopes",       MEMBER_TEXT,   GRANT(scopes), MAX_SCOPES, text_is_vschar, "" },
};
/* clang-format on */

void oauth_grant_done(struct oauth_grant *g) {
        oauth_app_done(&g->app);
        secret_free(g->token);
        secret_free(g->code);
        secret_free(g->verifier);
        free(g->redirect_uri);
        free(g->scopes);
        *g = (struct oauth_grant){ 0 };
}

static void draft_done(struct draft *d) {
        oauth_grant_done(&d->grant);
        free(d->kind);
}

static unsigned parts_of(const struct oauth_grant *g) {
        return (g->token ? GRANT_TOKEN : 0) | (g->code ? GRANT_CODE : 0) |
               (g->verifier ? GRANT_VERIFIER : 0) | (g->redirect_uri ? GRANT_REDIRECT : 0) |
               (g->scopes ? GRANT_SCOPES : 0) | (g->app.client_id ? GRANT_CLIENT : 0);
}

static int find_kind(const char *name, enum oauth_grant_kind *ret) {
        for (size_t i = 0; name && i < OAUTH_N_GRANTS; i++)
                if (strcmp(grant_kind((enum oauth_grant_kind)i)->name, name) == 0) {
                        *ret = (enum oauth_grant_kind)i;
                        return 0;
                }
        return -EBADMSG;
}

static int read_app(const struct json_slice *json, struct oauth_app *ret) {
        _cleanup_(ae_error_done) struct ae_error unheard = { 0 };
        int r;

        if (!json->text)
                return -EBADMSG;
        r = app_read(json, ret, &unheard);
        return r < 0 && r != -ENOMEM ? -EBADMSG : r;
}

int oauth_grant_parse(const struct json_slice *json, struct oauth_grant *ret) {
        _cleanup_(draft_done) struct draft d = { 0 };
        const struct grant_kind *kind;
        struct members_fault fault;
        unsigned parts;
        int r;

        r = members_read(&MEMBERS(draft_members), json, &d, &fault);
        if (r >= 0)
                r = find_kind(d.kind, &d.grant.kind);
        if (r >= 0)
                r = read_app(&d.app, &d.grant.app);
        if (r < 0)
                return r;

        /* A client's id beside what needs none is part of its app. */
        kind = grant_kind(d.grant.kind);
        parts = parts_of(&d.grant);
        if ((parts & kind->needs) != kind->needs ||
            parts & ~(kind->needs | kind->takes | GRANT_CLIENT))
                return -EBADMSG;
        if (d.grant.kind == OAUTH_GRANT_CODE && !d.grant.verifier &&
            oauth_app_uses_pkce(&d.grant.app))
                return -EBADMSG;

        *ret = d.grant;
        d.grant = (struct oauth_grant){ 0 };
        return 0;
}

void oauth_grant_print(const struct oauth_grant *g, struct buffer *to) {
        struct draft d = { .grant = *g, .kind = (char *)grant_kind(g->kind)->name };

        (void)buffer_reserve(to, members_size(&MEMBERS(draft_members), &d) +
                                                 app_print_size(&g->app) + 16);
        buffer_putc(to, '{');
        members_print(&MEMBERS(draft_members), &d, to);
        member_print_name("app", to);
        oauth_app_print(&g->app, /* with_secret= */ true, to);
        buffer_putc(to, '}');
}
