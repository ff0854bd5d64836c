/* SPDX-License-Identifier: MIT */
/*
 * Operations on proofs and credentials: authenticate, auth_token.
 */
#include "engine/op.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "base/journal.h"
#include "base/json.h"

int op_authenticate(struct call *call, struct ae_error *error) {
        struct client *c = call->client;
        struct buffer *to = &call->result;
        const char *separator = "";
        int r;

        /* Whoever asks to be somebody else must not go on as who he was if that fails. */
        c->identity = identity_unref(c->identity);
        r = auth_verify(c->engine->auth, call->request.token, strlen(call->request.token),
                        c->peer.uid, &c->identity, error);
        if (r < 0)
                return r;

        op_add_string(to, "{", "user_id", identity_user(c->identity));
        buffer_puts(to, ",\"scopes\":[");
        for (const char *const *s = identity_scopes(c->identity); *s; s++) {
                buffer_puts(to, separator);
                json_print_string(*s, strlen(*s), to);
                separator = ",";
        }
        buffer_putc(to, ']');
        op_add_time(to, ",", "expires_at", identity_expires_at_usec(c->identity));
        buffer_printf(to, ",\"peer\":{\"uid\":%u,\"gid\":%u,\"pid\":%d}}", (unsigned)c->peer.uid,
                      (unsigned)c->peer.gid, (int)c->peer.pid);
        return 0;
}

static int check_credential(const struct platform *platform, const cJSON *credential,
                            struct ae_error *error) {
        if (schema_validate(platform->credential_schema, credential, error) == 0)
                return 0;
        return ae_error_set(error, AE_INVALID_PAYLOAD,
                            "credential does not match what %s takes; the paths are within it",
                            platform->adapter->platform);
}

/* The vault knows one name for what is secret, whatever the platform calls it. */
static int rename_secret(const struct adapter *adapter, cJSON *credential) {
        cJSON *secret;

        if (!adapter->credential_member)
                return 0;
        secret = cJSON_DetachItemFromObjectCaseSensitive(credential, adapter->credential_member);
        if (!cJSON_AddItemToObject(credential, "access_token", secret)) {
                cJSON_Delete(secret);
                return -ENOMEM;
        }
        return 0;
}

static void on_stored(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        const struct request *q = &call->request;

        call->vault_call = NULL;
        if (answer->error) {
                call_fail(call, answer->error);
                return;
        }

        log_info("The credential of %s for %s/%s was stored by uid %u, pid %d", call_user(call),
                 q->platform, call_account(call), (unsigned)call->client->peer.uid,
                 (int)call->client->peer.pid);
        op_add_string(&call->result, "{", "platform", q->platform);
        op_add_string(&call->result, ",", "account", call_account(call));
        op_add_string(&call->result, ",", "status", "active");
        buffer_putc(&call->result, '}');
        call_succeed(call);
}

int op_auth_token(struct call *call, struct ae_error *error) {
        struct engine *e = call->client->engine;
        const struct request *q = &call->request;
        _cleanup_(json_freep) cJSON *credential = NULL;
        const struct platform *platform;
        struct vault_key key;
        int r;

        r = registry_find_platform(e->registry, q->platform, &platform, error);
        if (r < 0)
                return r;
        r = identity_permits(call->identity, call_user(call), "auth", q->platform, error);
        if (r < 0)
                return r;

        r = json_slice_tree(&q->credential, &credential);
        if (r < 0)
                return r;
        r = check_credential(platform, credential, error);
        if (r < 0)
                return r;
        r = rename_secret(platform->adapter, credential);
        if (r < 0)
                return r;

        key = (struct vault_key){ call_user(call), q->platform, call_account(call) };
        r = vault_store_token(e->vault, &key, credential, on_stored, call, &call->vault_call);
        return r < 0 ? r : CALL_PENDING;
}
