/* SPDX-License-Identifier: MIT */
/*
 * The way on from an action that failed for want of a credential: a command that a person runs, and
 * where that can be, a link to open. A link begins a login; a caller who repeats an action is given
 * the same one, for a while, so that whoever is on the way is not stopped by it.
 */
#include "engine/op.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "action/scopes.h"
#include "engine/connect.h"

#define MAX_COMMAND 220 /* bytes, of a command in a message */

static const struct adapter *adapter_of(const struct call *call) {
        return call->action->type->platform->adapter;
}

/* As any login, and what Engine Control requires: else the next action would end as this one. */
static int scopes_to_ask(const struct call *call, char **ret) {
        _cleanup_(buffer_done) struct buffer scopes = { 0 };
        _cleanup_(freep) char *usual = NULL;
        const cJSON *scope;
        int r;

        r = connect_usual_scopes(adapter_of(call), call->action->type->adapter, &usual);
        if (r < 0)
                return r;
        buffer_puts(&scopes, usual);
        cJSON_ArrayForEach (scope, call->action->required_scopes)
                if (!scopes_hold(scopes.data ?: "", scope->valuestring))
                        buffer_printf(&scopes, "%s%s", scopes.size > 0 ? " " : "",
                                      scope->valuestring);
        return buffer_take(&scopes, ret, NULL);
}

/* What a command line takes as it is, and what becomes a part of one. */
static bool is_plain(const char *text) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789%+,-./:=@_";

        return text[strspn(text, plain)] == 0;
}

/* Whether Engine Control wants more than a login asks for untold. */
static bool wants_more(const struct call *call, const char *usual) {
        const cJSON *required;

        cJSON_ArrayForEach (required, call->action->required_scopes)
                if (!scopes_hold(usual, required->valuestring))
                        return true;
        return false;
}

static void add_scope(const char *scope, struct buffer *to) {
        if (is_plain(scope))
                buffer_printf(to, " --scope=%s", scope);
}

/* A scope that is named stands in the place of the usual ones, so they are named as well. */
static int add_scopes(const struct call *call, struct buffer *to) {
        const struct adapter_action *action = call->action->type->adapter;
        _cleanup_(freep) char *usual = NULL, *all = NULL;
        char *rest;
        int r;

        r = connect_usual_scopes(adapter_of(call), /* wanted= */ NULL, &usual);
        if (r < 0)
                return r;
        if (!wants_more(call, usual)) {
                if (action->scope_on_request)
                        add_scope(action->oauth_scopes[0], to); /* it covers the others */
                return 0;
        }
        r = scopes_to_ask(call, &all);
        if (r < 0)
                return r;
        for (char *scope = strtok_r(all, " ", &rest); scope; scope = strtok_r(NULL, " ", &rest))
                add_scope(scope, to);
        return 0;
}

/*
 * The message is for whoever reads it, and names the command as long as there is room; the link
 * stands among the details, for programs.
 */
static void fail_with(struct call *call, const char *more, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer command = { 0 };

        buffer_printf(&command, "actionctl auth login %s", call->request.platform);
        if (call->request.account)
                buffer_printf(&command, " --account=%s", call->request.account);
        if (add_scopes(call, &command) < 0 || buffer_error(&command) < 0) {
                call_fail(call, error);
                return;
        }
        ae_error_detail(error, "start", command.data);
        if (command.size <= MAX_COMMAND)
                (void)ae_error_set(error, error->code, "%.220s; connect it with '%s'%s",
                                   error->message, command.data, more);
        else
                (void)ae_error_set(error, error->code,
                                   "%.220s; connect it with the command of details.start%s",
                                   error->message, more);
        call_fail(call, error);
}

static void with_words(struct call *call, struct ae_error *error) {
        fail_with(call, "", error);
}

static void with_link(struct call *call, const struct flow *f, struct ae_error *error) {
        char expires_at[RFC3339_SIZE];

        clock_format_rfc3339(f->expires_at_usec, expires_at);
        ae_error_detail(error, "authorization_url", f->url);
        ae_error_detail(error, "state", f->state);
        ae_error_detail(error, "expires_at", expires_at);
        fail_with(call, ", or through details.authorization_url", error);
}

static int begin(struct call *call, const struct cJSON *app, const struct flow **ret) {
        _cleanup_(ae_error_done) struct ae_error reason = { 0 };
        struct connect how;
        int r;

        r = scopes_to_ask(call, &call->scopes);
        if (r < 0)
                return r;
        how = (struct connect){
                .owner = op_flow_owner(call),
                .provider = adapter_of(call)->provider,
                .scopes = call->scopes,
                .is_link = true,
        };
        return connect_begin(call->client->engine->flows, &how, app, ret, &reason);
}

/* Without an app, or with one that names no redirect, there are words. */
static void on_app(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        struct ae_error *error = &call->action->error;
        const struct flow *f;

        call->vault_call = NULL;
        if (answer->error || begin(call, answer->status, &f) < 0)
                with_words(call, error);
        else
                with_link(call, f, error);
}

static bool may_connect(const struct call *call) {
        return identity_covers_user(call->identity, call_user(call)) &&
               identity_has_scope(call->identity, "auth", call->request.platform);
}

/* Whether the action could be carried out with what that login asks for. */
static bool serves(const struct call *call, const struct flow *f) {
        const char *scope = call->action->type->adapter->oauth_scopes[0];
        const cJSON *required;

        cJSON_ArrayForEach (required, call->action->required_scopes)
                if (!scopes_hold(f->scopes, required->valuestring))
                        return false;
        return !scope || scopes_hold(f->scopes, scope);
}

void op_fail_with_link(struct call *call, struct ae_error *error) {
        const struct engine *e = call->client->engine;
        const struct flow_owner owner = op_flow_owner(call);
        const struct flow *f;

        if ((error->code != AE_NOT_CONNECTED && error->code != AE_REAUTHORIZATION_REQUIRED) ||
            !adapter_of(call)->provider) {
                call_fail(call, error);
                return;
        }
        if (call->client->gone || !may_connect(call)) {
                with_words(call, error);
                return;
        }
        f = flows_find_link(e->flows, &owner, clock_usec(FLOW_CLOCK));
        if (f && serves(call, f))
                with_link(call, f, error);
        else if (vault_find_provider(e->vault, adapter_of(call)->provider, on_app, call,
                                     &call->vault_call) < 0)
                with_words(call, error);
}
