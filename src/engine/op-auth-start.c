/* SPDX-License-Identifier: MIT */
/*
 * auth_start: the way to a provider, in the browser or on another device.
 */
#include "engine/op.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "engine/connect.h"

int op_find_platform(struct call *call, const struct platform **ret, struct ae_error *error) {
        const char *name = call->request.platform;
        int r;

        r = registry_find_platform(call->client->engine->registry, name, ret, error);
        if (r < 0)
                return r;
        return identity_permits(call->identity, call_user(call), "auth", name, error);
}

int op_no_app(const struct engine *e, const char *provider, struct ae_error *error) {
        if (e->settings->vault_backend == VAULT_EMBEDDED)
                return ae_error_set(error, AE_NOT_FOUND,
                                    "no app is registered for %s: actionctl provider add %s",
                                    provider, provider);
        return ae_error_set(error, AE_NOT_FOUND,
                            "no app is registered for %s: the engine needs it as the credential "
                            "'provider-%s', see action-engine.conf(5)",
                            provider, provider);
}

struct flow_owner op_flow_owner(const struct call *call) {
        return (struct flow_owner){
                .uid = call->client->peer.uid,
                .subject = identity_user(call->identity),
                .user_id = call_user(call),
                .platform = call->request.platform,
                .account = call_account(call),
        };
}

static void fail(struct call *call, int r, struct ae_error *error) {
        (void)ae_error_from_errno(error, r);
        call_fail(call, error);
}

static const struct adapter *adapter_of(const struct call *call) {
        const struct platform *p;

        /* It was found before anything was asked, and platforms stay. */
        return registry_find_platform(call->client->engine->registry, call->request.platform, &p,
                                      &(struct ae_error){ 0 }) < 0
                               ? NULL
                               : p->adapter;
}

static struct connect connect_of(const struct call *call) {
        return (struct connect){
                .owner = op_flow_owner(call),
                .provider = adapter_of(call)->provider,
                .scopes = call->scopes,
                .redirect_uri = call->request.redirect_uri,
        };
}

/* What the vault refuses, as a sentence that helps. */
static void tell_refusal(struct call *call, const struct ae_error *said) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        if (said->code != AE_NOT_FOUND) {
                call_fail(call, said);
                return;
        }
        (void)op_no_app(call->client->engine, adapter_of(call)->provider, &error);
        call_fail(call, &error);
}

static void add_flow(struct buffer *to, const struct flow *f) {
        op_add_string(to, ",", "state", f->state);
        op_add_time(to, ",", "expires_at", f->expires_at_usec);
}

static void on_app(const struct vault_answer *answer, void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct call *call = userdata;
        struct connect how;
        const struct flow *f;
        int r;

        call->vault_call = NULL;
        if (answer->error) {
                tell_refusal(call, answer->error);
                return;
        }
        how = connect_of(call);
        r = connect_begin(call->client->engine->flows, &how, answer->status, &f, &error);
        if (r < 0) {
                fail(call, r, &error);
                return;
        }

        op_add_string(&call->result, "{", "authorization_url", f->url);
        add_flow(&call->result, f);
        buffer_putc(&call->result, '}');
        call_succeed(call);
}

static void on_device(const struct vault_answer *answer, void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        static const char complete[] = "verification_uri_complete";
        struct call *call = userdata;
        struct buffer *to = &call->result;
        const cJSON *facts = answer->status;
        struct connect how;
        const struct flow *f;
        int r;

        call->vault_call = NULL;
        if (answer->error) {
                tell_refusal(call, answer->error);
                return;
        }
        how = connect_of(call);
        r = connect_begin_device(call->client->engine->flows, &how, facts, &f, &error);
        if (r < 0) {
                fail(call, r, &error);
                return;
        }

        op_add_string(to, "{", "verification_uri", json_string(facts, "verification_uri"));
        if (json_string(facts, complete))
                op_add_string(to, ",", complete, json_string(facts, complete));
        op_add_string(to, ",", "user_code", json_string(facts, "user_code"));
        buffer_printf(to, ",\"interval_ms\":%llu",
                      (unsigned long long)(f->interval_usec / USEC_PER_MSEC));
        add_flow(to, f);
        buffer_putc(to, '}');
        call_succeed(call);
}

static int read_scopes(struct call *call, const struct adapter *adapter, struct ae_error *error) {
        if (call->request.present & REQUEST_SCOPES)
                return connect_read_scopes(&call->request.scopes, &call->scopes, error);
        return connect_usual_scopes(adapter, NULL, &call->scopes);
}

int op_auth_start(struct call *call, struct ae_error *error) {
        const struct request *q = &call->request;
        struct vault *vault = call->client->engine->vault;
        const struct platform *platform;
        const char *provider;
        int r;

        r = op_find_platform(call, &platform, error);
        if (r < 0)
                return r;
        provider = platform->adapter->provider;
        if (!provider)
                return ae_error_set(error, AE_UNSUPPORTED_PLATFORM,
                                    "%s has no login: store its credential with auth_token, or "
                                    "'actionctl auth import %s'",
                                    q->platform, q->platform);
        if (q->device && q->redirect_uri)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'redirect_uri' says nothing to a login with 'device'");
        r = read_scopes(call, platform->adapter, error);
        if (r < 0)
                return r;

        if (q->device)
                r = vault_start_device(vault, provider, call->scopes, on_device, call,
                                       &call->vault_call);
        else
                r = vault_find_provider(vault, provider, on_app, call, &call->vault_call);
        return r < 0 ? r : CALL_PENDING;
}
