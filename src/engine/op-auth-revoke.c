/* SPDX-License-Identifier: MIT */
/*
 * auth_revoke: an account is no longer to be used.
 */
#include "engine/op.h"

#include <cjson/cJSON.h>

#include "base/json.h"

static void on_revoked(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        struct buffer *to = &call->result;
        struct vault_key key;
        const char *reason;

        call->vault_call = NULL;
        if (answer->error) {
                call_fail(call, answer->error);
                return;
        }

        key = (struct vault_key){ call_user(call), call->request.platform, call_account(call) };
        op_audit_account(call, ACCOUNT_REVOKED, &key, /* identity= */ NULL);
        op_add_string(to, "{", "platform", key.platform);
        op_add_string(to, ",", "account", key.account);
        op_add_string(to, ",", "status", "not_connected");
        buffer_printf(to, ",\"revoked\":%s",
                      cJSON_IsTrue(json_member(answer->status, "revoked")) ? "true" : "false");
        reason = json_string(answer->status, "reason");
        if (reason)
                op_add_string(to, ",", "reason", reason);
        buffer_putc(to, '}');
        call_succeed(call);
}

int op_auth_revoke(struct call *call, struct ae_error *error) {
        const struct platform *platform;
        struct vault_key key;
        int r;

        r = op_find_platform(call, &platform, error);
        if (r < 0)
                return r;
        r = op_reserve_audit(call, error);
        if (r < 0)
                return r;

        key = (struct vault_key){ call_user(call), call->request.platform, call_account(call) };
        r = vault_revoke(call->client->engine->vault, &key, on_revoked, call, &call->vault_call);
        if (r < 0)
                return r;
        call->leaving = true;
        return CALL_PENDING;
}
