/* SPDX-License-Identifier: MIT */
#include "vault/reply.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "vault/wire.h"

#define MAX_ID (INT64_C(1) << 53)

/* What the vault says that a caller of vault.h may hear; all else is `internal`. */
static const struct {
        enum ae_code said, heard;
} codes[] = {
        { AE_AUTHORIZATION_FAILED, AE_AUTHORIZATION_FAILED },
        { AE_FORBIDDEN, AE_FORBIDDEN },
        { AE_INVALID_REQUEST, AE_INVALID_REQUEST },
        { AE_NOT_CONNECTED, AE_NOT_CONNECTED },
        { AE_NOT_FOUND, AE_NOT_FOUND },
        { AE_REAUTHORIZATION_REQUIRED, AE_REAUTHORIZATION_REQUIRED },
        { AE_STORE_UNAVAILABLE, AE_VAULT_UNAVAILABLE },
        { AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR },
        { AE_UPSTREAM_TIMEOUT, AE_UPSTREAM_TIMEOUT },
        { AE_UPSTREAM_UNREACHABLE, AE_UPSTREAM_UNREACHABLE },
        { AE_VAULT_UNAVAILABLE, AE_VAULT_UNAVAILABLE },
};

static enum ae_code heard(const char *name) {
        enum ae_code code = ae_code_from_name(name);

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (codes[i].said == code)
                        return codes[i].heard;
        return AE_INTERNAL;
}

static int scan_object(const char *text, size_t size, struct json_envelope *ret) {
        struct json_fault fault;
        int r;

        r = json_scan(text, size, ret, &fault);
        if (r < 0)
                return r;
        return ret->root.type == JSON_OBJECT ? 0 : -EBADMSG;
}

/* The string of that name. Returns 0, -EBADMSG when there is none, -ENOMEM. */
static int find_string(const struct json_envelope *e, const char *name, char **ret) {
        const struct json_slice *s = json_envelope_find(e, name);
        int r;

        if (!s)
                return -EBADMSG;
        r = json_slice_string(s, ret);
        return r == -EINVAL ? -EBADMSG : r;
}

static int read_error(const struct json_slice *s, struct ae_error *ret) {
        _cleanup_(freep) char *code = NULL, *message = NULL;
        struct json_envelope e;
        int r;

        if (!s)
                return -EBADMSG;
        r = scan_object(s->text, s->size, &e);
        if (r < 0)
                return r;
        r = find_string(&e, "code", &code);
        if (r < 0)
                return r;
        r = find_string(&e, "message", &message);
        if (r < 0)
                return r;
        (void)ae_error_set(ret, heard(code), "%s", message);
        if (ret->code == AE_FORBIDDEN)
                ae_error_detail(ret, "by", "configuration");
        return 0;
}

int vault_reply_read(const char *line, size_t size, struct vault_reply *ret) {
        const struct json_slice *id, *status, *result;
        struct vault_reply reply = { 0 };
        struct json_envelope e;
        int r;

        r = scan_object(line, size, &e);
        if (r < 0)
                return r;

        id = json_envelope_find(&e, "id");
        if (id && json_slice_integer(id, 1, MAX_ID, &reply.id) < 0)
                return -EBADMSG;

        status = json_envelope_find(&e, "status");
        result = json_envelope_find(&e, "result");
        if (id && status && json_slice_equals(status, "success") && result &&
            result->type == JSON_OBJECT)
                reply.result = *result;
        else if (status && json_slice_equals(status, "error")) {
                r = read_error(json_envelope_find(&e, "error"), &reply.error);
                if (r < 0)
                        return r;
        } else
                return -EBADMSG;

        *ret = reply;
        return 0;
}

/* An answer for somebody else must never be taken for one's own. */
static int check_record(const struct json_envelope *e, const struct vault_key *key) {
        const struct {
                const char *name, *expected;
        } parts[] = {
                { "user_id", key->user_id },
                { "platform", key->platform },
                { "account", key->account },
        };

        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                const struct json_slice *s = json_envelope_find(e, parts[i].name);

                if (!s || s->type != JSON_STRING)
                        return -EBADMSG;
                if (!json_slice_equals(s, parts[i].expected))
                        return -EREMCHG;
        }
        return 0;
}

static int read_expiry(const struct json_envelope *e, uint64_t *ret) {
        _cleanup_(freep) char *text = NULL;
        int r;

        if (!json_envelope_find(e, "expires_at"))
                return 0;
        r = find_string(e, "expires_at", &text);
        if (r < 0)
                return r;
        return clock_parse_rfc3339(text, ret) < 0 ? -EBADMSG : 0;
}

static int read_scopes(const struct json_envelope *e, char **ret) {
        const struct json_slice *s = json_envelope_find(e, "scopes");
        _cleanup_(json_freep) cJSON *scopes = NULL;
        _cleanup_(buffer_done) struct buffer joined = { 0 };
        const cJSON *scope;
        int r;

        if (!s)
                return 0;
        if (s->type != JSON_ARRAY)
                return -EBADMSG;
        r = json_slice_tree(s, &scopes);
        if (r < 0)
                return r;

        cJSON_ArrayForEach (scope, scopes) {
                if (!cJSON_IsString(scope))
                        return -EBADMSG;
                if (joined.size > 0)
                        buffer_putc(&joined, ' ');
                buffer_puts(&joined, scope->valuestring);
        }
        return buffer_take(&joined, ret, NULL);
}

int vault_reply_credential(const struct json_slice *result, const struct vault_key *key,
                           struct credential *ret) {
        _cleanup_(credential_done) struct credential c = { 0 };
        const struct json_slice *token;
        struct json_envelope e;
        int r;

        r = scan_object(result->text, result->size, &e);
        if (r < 0)
                return r;
        r = check_record(&e, key);
        if (r < 0)
                return r;

        token = json_envelope_find(&e, "access_token");
        r = token ? vault_wire_secret(token, &c.access_token) : -EBADMSG;
        if (r < 0)
                return r == -EINVAL ? -EBADMSG : r;
        r = read_expiry(&e, &c.expires_at_usec);
        if (r < 0)
                return r;
        r = read_scopes(&e, &c.scopes);
        if (r < 0)
                return r;

        *ret = c;
        c = (struct credential){ 0 };
        return 0;
}

int vault_reply_app(const struct json_slice *result, struct cJSON **ret) {
        const struct json_slice *app;
        struct json_envelope e;
        int r;

        r = scan_object(result->text, result->size, &e);
        if (r < 0)
                return r;
        app = json_envelope_find(&e, "app");
        if (!app || app->type != JSON_OBJECT)
                return -EBADMSG;
        return json_slice_tree(app, ret);
}
