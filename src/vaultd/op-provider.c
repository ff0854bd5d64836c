/* SPDX-License-Identifier: MIT */
/*
 * The administrator's operations: the apps that accounts are connected through. Only he, and no
 * program that an agent can reach, ever holds a client secret.
 */

#include <errno.h>
#include <string.h>

#include "base/journal.h"
#include "base/json.h"
#include "vaultd/ops.h"

static void print_provider(const char *name, struct buffer *to) {
        buffer_printf(to, "\"provider\":\"%s\"", name);
}

static int print_app(const char *name, const struct oauth_app *app, struct buffer *to) {
        print_provider(name, to);
        buffer_puts(to, ",\"app\":");
        oauth_app_print(app, /* with_secret= */ false, to);
        return 0;
}

int op_set_provider(struct call *c, struct buffer *to, struct ae_error *error) {
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        int r;

        r = oauth_app_parse(c->request.app, &app, error);
        if (r < 0)
                return r;
        r = keeper_write_app(&c->desk->keeper, c->request.provider, &app, error);
        if (r < 0)
                return r;
        jobs_forget(&c->desk->jobs);
        log_info("Set the provider '%s'", c->request.provider);
        print_provider(c->request.provider, to);
        return CALL_ANSWERED;
}

int op_delete_provider(struct call *c, struct buffer *to, struct ae_error *error) {
        int r;

        r = keeper_delete_app(&c->desk->keeper, c->request.provider, error);
        if (r < 0)
                return r;
        log_info("Deleted the provider '%s'", c->request.provider);
        print_provider(c->request.provider, to);
        return CALL_ANSWERED;
}

int op_get_provider(struct call *c, struct buffer *to, struct ae_error *error) {
        int r;

        r = keeper_read_app(&c->desk->keeper, c->request.provider, &c->app, error);
        return r < 0 ? r : print_app(c->request.provider, &c->app, to);
}

struct listing {
        struct buffer *to;
        const char *separator;
};

static int list_app(const char *name, const struct oauth_app *app, void *userdata) {
        struct listing *l = userdata;

        buffer_printf(l->to, "%s{", l->separator);
        print_app(name, app, l->to);
        buffer_putc(l->to, '}');
        l->separator = ",";
        return 0;
}

int op_list_providers(struct call *c, struct buffer *to, struct ae_error *error) {
        struct listing listing = { .to = to, .separator = "" };
        int r;

        buffer_puts(to, "\"providers\":[");
        r = keeper_list_apps(&c->desk->keeper, list_app, &listing, error);
        if (r < 0)
                return r;
        buffer_putc(to, ']');
        return CALL_ANSWERED;
}

/* The answer as action-grant spells it: result, and reason. */
static int after_test(struct call *c, struct buffer *to, struct ae_error *error) {
        struct oauth_answer verdict = { .result = c->answer->result };
        size_t start;

        memcpy(verdict.reason, c->answer->reason, sizeof(verdict.reason));
        print_provider(c->request.provider, to);
        buffer_putc(to, ',');
        start = to->size;
        oauth_answer_print(&verdict, to);
        call_unwrap(to, start);
        return CALL_ANSWERED;
}

static void on_tested(struct oauth_answer *answer, void *userdata) {
        struct call *c = userdata;

        c->answer = answer;
        call_step(c, after_test);
}

int op_test_provider(struct call *c, struct buffer *to, struct ae_error *error) {
        struct oauth_grant grant = { .kind = OAUTH_GRANT_TEST };
        int r;

        r = keeper_read_app(&c->desk->keeper, c->request.provider, &c->app, error);
        if (r < 0)
                return r;
        grant.app = c->app; /* borrowed: it is printed at once */
        return call_send(c, &grant, on_tested);
}

static int after_discovery(struct call *c, struct buffer *to, struct ae_error *error) {
        if (c->answer->result != OAUTH_OK || !c->answer->facts)
                return call_grant_error(c->answer, c->request.issuer, AE_UPSTREAM_ERROR, error);
        call_print_facts(c->answer, to);
        return CALL_ANSWERED;
}

static void on_discovered(struct oauth_answer *answer, void *userdata) {
        struct call *c = userdata;

        c->answer = answer;
        call_step(c, after_discovery);
}

/* An app of which nothing is known but its issuer, whose form is checked like any app's. */
static int make_issuer(const char *issuer, struct oauth_app *ret, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer json = { 0 };
        struct json_envelope envelope;
        struct json_fault fault;
        int r;

        buffer_puts(&json, "{\"profile\":\"oidc\",\"client_id\":\"none\",\"issuer\":");
        json_print_string(issuer, strlen(issuer), &json);
        buffer_puts(&json, ",\"token_endpoint\":");
        json_print_string(issuer, strlen(issuer), &json);
        buffer_putc(&json, '}');
        r = buffer_error(&json);
        if (r < 0)
                return r;
        r = json_scan(json.data, json.size, &envelope, &fault);
        return r < 0 ? r : oauth_app_parse(&envelope.root, ret, error);
}

int op_discover(struct call *c, struct buffer *to, struct ae_error *error) {
        struct oauth_grant grant = { .kind = OAUTH_GRANT_METADATA };
        int r;

        r = make_issuer(c->request.issuer, &c->app, error);
        if (r < 0)
                return r;
        grant.app = c->app; /* borrowed: it is printed at once */
        return call_send(c, &grant, on_discovered);
}
