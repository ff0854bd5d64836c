/* SPDX-License-Identifier: MIT */
/*
 * How a login ends: a code is redeemed, and what comes of that is told to the caller and to the
 * journal.
 */
#include "engine/op.h"

#include "base/json.h"
#include "engine/connect.h"

void op_login_fail(struct call *call, const struct ae_error *said) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        switch (said->code) {
        case AE_FORBIDDEN:
        case AE_INTERNAL:
        case AE_TOKEN_EXPIRED:
        case AE_TOKEN_INVALID:
                call_fail(call, said);
                return;
        case AE_NOT_FOUND:
                (void)op_no_app(call->client->engine, call->flow->provider, &error);
                break;
        default:
                (void)ae_error_set(&error, said->code, "%s", said->message);
                break;
        }
        (void)ae_error_set(&error, AE_AUTHORIZATION_FAILED, "%s was not connected: %.350s; %s",
                           call->request.platform, error.message, OP_BEGIN_AGAIN);
        call_fail(call, &error);
}

static struct vault_key key_of(const struct flow *f) {
        return (struct vault_key){ f->user_id, f->platform, f->account };
}

static void add_member(struct buffer *to, const char *name, const cJSON *value) {
        if (!value)
                return;
        buffer_printf(to, ",\"%s\":", name);
        json_print(value, to);
}

/* What was asked for and not granted: people can untick scopes. */
static int add_missing(const struct flow *f, const cJSON *granted, struct buffer *to) {
        _cleanup_(json_freep) cJSON *missing = NULL;
        int r;

        if (!granted)
                return 0;
        r = connect_missing_scopes(f->scopes, granted, &missing);
        if (r < 0)
                return r;
        if (cJSON_GetArraySize(missing) > 0)
                add_member(to, "missing_scopes", missing);
        return 0;
}

void op_login_succeed(struct call *call, const cJSON *status) {
        const struct flow *f = call->flow;
        struct buffer *to = &call->result;
        const struct vault_key key = key_of(f);

        op_audit_account(call, ACCOUNT_CONNECTED, &key, json_string(status, "identity"));
        op_add_string(to, "{", "platform", f->platform);
        op_add_string(to, ",", "account", f->account);
        op_add_string(to, ",", "status", "active");
        add_member(to, "scopes", json_member(status, "scopes"));
        add_member(to, "expires_at", json_member(status, "expires_at"));
        add_member(to, "identity", json_member(status, "identity"));
        if (add_missing(f, json_member(status, "scopes"), to) < 0)
                to->failed = true;
        buffer_putc(to, '}');
        call_succeed(call);
}

int op_login_redeem(struct call *call, const struct secret *code, vault_answer_fn *on_answer) {
        const struct flow *f = call->flow;
        const struct vault_key key = key_of(f);
        const struct vault_exchange x = {
                .provider = f->provider,
                .code = code,
                .verifier = f->verifier,
                .redirect_uri = f->redirect_uri,
                .device_code = f->device_code,
                .scopes = f->scopes,
        };
        int r;

        r = vault_exchange(call->client->engine->vault, &key, &x, on_answer, call,
                           &call->vault_call);
        if (r == 0)
                call->leaving = true; /* what comes of it is told in the journal in any case */
        return r;
}
