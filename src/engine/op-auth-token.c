/* SPDX-License-Identifier: MIT */
/*
 * auth_token: a credential that a person already has. With `verify` the platform is asked about it
 * before it is stored.
 */
#include "engine/op.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "action/outcome.h"
#include "base/clock.h"
#include "base/json.h"

struct verification {
        const struct platform *platform;
        cJSON *credential; /* owned, as is all below */
        cJSON *payload, *notes, *result;
        struct secret *token;
        struct http_request request;
        struct http_call *http_call;
};

struct verification *verification_free(struct verification *v) {
        if (!v)
                return NULL;
        if (v->http_call)
                http_call_cancel(v->http_call); /* before the request that it borrows */
        http_request_done(&v->request);
        secret_free(v->token);
        cJSON_Delete(v->result);
        cJSON_Delete(v->notes);
        cJSON_Delete(v->payload);
        cJSON_Delete(v->credential);
        free(v);
        return NULL;
}
DEFINE_CLEANUP(struct verification *, verification_free);

static int check_credential(const struct platform *platform, const cJSON *credential,
                            struct ae_error *error) {
        if (schema_validate(platform->credential_schema, credential, error) == 0)
                return 0;
        return ae_error_set(error, AE_INVALID_PAYLOAD,
                            "credential does not match what %s takes; the paths are within it",
                            platform->adapter->platform);
}

/* As one string: JSON in ASCII, since that is what vaults keep. */
static int fold_secret(cJSON *credential) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        json_print_ascii(credential, &text);
        if (buffer_error(&text) < 0)
                return -ENOMEM;
        while (credential->child)
                cJSON_Delete(cJSON_DetachItemViaPointer(credential, credential->child));
        return cJSON_AddStringToObject(credential, "access_token", text.data) ? 0 : -ENOMEM;
}

/* The vault knows one name for what is secret, whatever the platform calls it. */
static int rename_secret(const struct adapter *adapter, cJSON *credential) {
        cJSON *secret;

        if (adapter->credential_whole)
                return fold_secret(credential);
        if (!adapter->credential_member)
                return 0;
        secret = cJSON_DetachItemFromObjectCaseSensitive(credential, adapter->credential_member);
        if (!cJSON_AddItemToObject(credential, "access_token", secret)) {
                cJSON_Delete(secret);
                return -ENOMEM;
        }
        return 0;
}

/* What can be renewed says by whom. */
static int add_provider(const struct adapter *adapter, cJSON *credential) {
        if (!adapter->provider || (!json_member(credential, "refresh_token") &&
                                   !json_member(credential, "service_account")))
                return 0;
        return cJSON_AddStringToObject(credential, "provider", adapter->provider) ? 0 : -ENOMEM;
}

static int read_credential(const struct call *call, const struct platform *platform, cJSON **ret,
                           struct ae_error *error) {
        _cleanup_(json_freep) cJSON *credential = NULL;
        int r;

        r = json_slice_tree(&call->request.credential, &credential);
        if (r < 0)
                return r;
        r = check_credential(platform, credential, error);
        if (r < 0)
                return r;
        r = rename_secret(platform->adapter, credential);
        if (r < 0)
                return r;
        r = add_provider(platform->adapter, credential);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(credential);
        return 0;
}

static struct vault_key key_of(const struct call *call) {
        return (struct vault_key){ call_user(call), call->request.platform, call_account(call) };
}

static void on_stored(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        const struct verification *v = call->verification;
        const struct vault_key key = key_of(call);
        struct buffer *to = &call->result;
        const char *identity = json_string(v->result, "identity");

        call->vault_call = NULL;
        if (answer->error) {
                call_fail(call, answer->error);
                return;
        }

        op_audit_account(call, ACCOUNT_CONNECTED, &key, identity);
        op_add_string(to, "{", "platform", key.platform);
        op_add_string(to, ",", "account", key.account);
        op_add_string(to, ",", "status", "active");
        if (call->request.verify)
                buffer_printf(to, ",\"verified\":%s", v->result ? "true" : "false");
        if (identity)
                op_add_string(to, ",", "identity", identity);
        buffer_putc(to, '}');
        call_succeed(call);
}

static int store(struct call *call) {
        const struct vault_key key = key_of(call);
        int r;

        r = vault_store_token(call->client->engine->vault, &key, call->verification->credential,
                              on_stored, call, &call->vault_call);
        if (r == 0)
                call->leaving = true;
        return r;
}

static struct adapter_input input_of(const struct verification *v) {
        return (struct adapter_input){
                .payload = v->payload,
                .base_url = v->platform->base_url,
                .action_id = "",
                .now_usec = clock_usec(CLOCK_REALTIME),
                .credential = v->token,
                .notes = v->notes,
        };
}

/* The platform says no to this very credential: that is what was asked. */
static void blame_credential(const struct platform *platform, struct ae_error *error) {
        if (error->code == AE_REAUTHORIZATION_REQUIRED || error->code == AE_UPSTREAM_REJECTED)
                (void)ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                   "%s refuses the credential, and nothing was stored: %.300s",
                                   platform->adapter->platform, error->message);
}

static int take_identity(struct verification *v, struct ae_error *error) {
        const char *identity = json_string(v->result, "identity");

        if (!identity || json_member(v->credential, "identity"))
                return 0;
        return cJSON_AddStringToObject(v->credential, "identity", identity) ? 0 : -ENOMEM;
}

static void on_response(const struct http_response *response, void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct call *call = userdata;
        struct verification *v = call->verification;
        const struct adapter_input input = input_of(v);
        int r;

        v->http_call = NULL;
        r = outcome_of_response(v->platform->adapter->identify->interpret, &input,
                                /* repeatable= */ true, response, &v->result, &error);
        outcome_withhold(v->token, v->result, &error);
        if (r >= 0 && !v->result)
                r = -EBADMSG;
        if (r < 0)
                blame_credential(v->platform, &error);
        else
                r = take_identity(v, &error);
        if (r >= 0)
                r = store(call);
        if (r < 0) {
                (void)ae_error_from_errno(&error, r);
                call_fail(call, &error);
        }
}

static int ask_platform(struct call *call, struct ae_error *error) {
        static const struct http_handler handler = { .on_done = on_response };
        struct verification *v = call->verification;
        const struct adapter_identify *identify = v->platform->adapter->identify;
        const char *token = json_string(v->credential, "access_token");
        uint64_t patience_usec = call->request.deadline_usec;
        struct adapter_input input;
        int r;

        v->payload = cJSON_CreateObject();
        v->notes = cJSON_CreateObject();
        if (!v->payload || !v->notes || secret_new(token, strlen(token), &v->token) < 0)
                return -ENOMEM;
        input = input_of(v);
        r = identify->build(&input, &v->request, error);
        if (r < 0)
                return r;
        v->request.configured = http_url_is_of_same_origin(v->request.url, input.base_url);
        if (!identify->brings_credential)
                v->request.bearer = v->token;
        r = http_request_header(&v->request, "X-Request-Id", call->request.request_id);
        if (r < 0)
                return r;
        return http_call(call->client->engine->http, &v->request,
                         patience_usec > 0 ? clock_usec(CLOCK_MONOTONIC) + patience_usec : 0,
                         &handler, call, &v->http_call);
}

/* What has no access token yet can be asked about by nobody but the vault, which renews it. */
static bool can_be_asked(const struct verification *v) {
        return v->platform->adapter->identify && json_string(v->credential, "access_token");
}

int op_auth_token(struct call *call, struct ae_error *error) {
        _cleanup_(verification_freep) struct verification *v = calloc(1, sizeof(*v));
        int r;

        if (!v)
                return -ENOMEM;
        r = op_find_platform(call, &v->platform, error);
        if (r < 0)
                return r;
        r = read_credential(call, v->platform, &v->credential, error);
        if (r < 0)
                return r;
        r = op_reserve_audit(call, error);
        if (r < 0)
                return r;

        call->verification = TAKE_PTR(v);
        r = call->request.verify && can_be_asked(call->verification) ? ask_platform(call, error)
                                                                     : store(call);
        return r < 0 ? r : CALL_PENDING;
}
