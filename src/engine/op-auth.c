/* SPDX-License-Identifier: MIT */
/*
 * What is proved, and what is connected: authenticate, auth_status.
 */
#include "engine/op.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/json.h"

int op_authenticate(struct call *call, struct ae_error *error) {
        struct client *c = call->client;
        struct buffer *to = &call->result;
        const char *separator = "";
        int r;

        /* Whoever asks to be somebody else must not go on as who he was if that fails. */
        c->identity = identity_unref(c->identity);
        r = op_verify_token(call, &c->identity, error);
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

/* Whether any record of that platform is in the vault's list. */
static bool is_listed(const cJSON *records, const char *platform) {
        const cJSON *record;

        cJSON_ArrayForEach (record, records) {
                const char *name = json_string(record, "platform");

                if (name && strcmp(name, platform) == 0)
                        return true;
        }
        return false;
}

/* The caller hears only of what it may authorise, and of one platform if it asked for one. */
static bool may_hear_of(const struct call *call, const char *platform) {
        const char *asked = call->request.platform;

        return (!asked || strcmp(asked, platform) == 0) &&
               identity_has_scope(call->identity, "auth", platform);
}

static void add_record(struct buffer *to, const char **separator, const char *platform,
                       const char *account, const char *status, const char *identity) {
        op_add_string(to, *separator, "platform", platform);
        *separator = ",{";
        if (account)
                op_add_string(to, ",", "account", account);
        op_add_string(to, ",", "status", status);
        if (identity)
                op_add_string(to, ",", "identity", identity);
        buffer_putc(to, '}');
}

static void add_records(const struct call *call, const cJSON *records, const char **separator,
                        struct buffer *to) {
        const cJSON *record;

        cJSON_ArrayForEach (record, records) {
                const char *platform = json_string(record, "platform");
                const char *account = json_string(record, "account");
                const char *status = json_string(record, "status");

                if (platform && account && status && may_hear_of(call, platform))
                        add_record(to, separator, platform, account, status,
                                   json_string(record, "identity"));
        }
}

static void on_user_status(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        struct buffer *to = &call->result;
        const struct platform *platforms;
        const char *separator = "{";
        const cJSON *records;
        size_t n;

        call->vault_call = NULL;
        if (answer->error) {
                call_fail(call, answer->error);
                return;
        }

        records = json_member(answer->status, "connected_platforms");
        buffer_puts(to, "{\"connected_platforms\":[");
        add_records(call, records, &separator, to);
        platforms = registry_platforms(call->client->engine->registry, &n);
        for (size_t i = 0; i < n; i++) {
                const char *name = platforms[i].adapter->platform;

                if (may_hear_of(call, name) && !is_listed(records, name))
                        add_record(to, &separator, name, NULL, "not_connected", NULL);
        }
        buffer_puts(to, "]}");
        call_succeed(call);
}

int op_auth_status(struct call *call, struct ae_error *error) {
        struct engine *e = call->client->engine;
        const char *asked = call->request.platform;
        const struct platform *platform;
        int r;

        if (asked) {
                r = registry_find_platform(e->registry, asked, &platform, error);
                if (r < 0)
                        return r;
                r = identity_permits(call->identity, call_user(call), "auth", asked, error);
        } else
                r = identity_permits_user(call->identity, call_user(call), error);
        if (r < 0)
                return r;

        r = vault_user_status(e->vault, call_user(call), on_user_status, call, &call->vault_call);
        return r < 0 ? r : CALL_PENDING;
}
