/* SPDX-License-Identifier: MIT */
#include "vault/kv2-text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/escape.h"
#include "vault/wire.h"

#define MAX_VERSION (INT64_C(1) << 53)
#define MAX_SECONDS (INT64_C(100) * 366 * 24 * 3600)
#define MAX_KEYS 256

static const char mismatch[] = "check-and-set parameter did not match the current version";

void kv2_print_path(const char *mount, const char *kind, const char *prefix,
                    const struct record_id *id, struct buffer *to) {
        const char *parts[] = { id->user_id, id->platform, id->account };

        buffer_printf(to, "/v1/%s/%s/%s", mount, kind, prefix);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                buffer_putc(to, '/');
                if (!parts[i])
                        return;
                escape_segment(parts[i], to);
        }
}

void kv2_print_write(const struct record *r, const struct record_id *id, int64_t version,
                     const struct kv2_claim *claim, struct buffer *to) {
        char until[RFC3339_SIZE];

        buffer_printf(to, "{\"options\":{\"cas\":%" PRId64 "},\"data\":{", version);
        record_print_owned(r, id, to);
        if (claim) {
                clock_format_rfc3339(claim->until_usec, until);
                buffer_printf(to, ",\"renewing\":{\"engine\":\"%s\",\"until\":\"%s\"}",
                              claim->engine, until);
        }
        buffer_puts(to, "}}");
}

/* Returns 0, -EBADMSG, -ENOMEM. */
static int scan_object(const char *text, size_t size, struct json_envelope *ret) {
        struct json_fault fault;
        int r;

        r = json_scan(text, size, ret, &fault);
        if (r < 0)
                return r;
        return ret->root.type == JSON_OBJECT ? 0 : -EBADMSG;
}

/* The object of that name in an answer. Returns as above. */
static int scan_member(const char *text, size_t size, const char *name, struct json_envelope *ret) {
        struct json_envelope whole;
        const struct json_slice *s;
        int r;

        r = scan_object(text, size, &whole);
        if (r < 0)
                return r;
        s = json_envelope_find(&whole, name);
        return s ? scan_object(s->text, s->size, ret) : -EBADMSG;
}

static int read_number(const struct json_envelope *e, const char *name, int64_t min, int64_t max,
                       int64_t *ret) {
        const struct json_slice *s = json_envelope_find(e, name);

        return s && json_slice_integer(s, min, max, ret) == 0 ? 0 : -EBADMSG;
}

int kv2_read_claim(const struct json_slice *data, struct kv2_claim *ret) {
        _cleanup_(freep) char *engine = NULL, *until = NULL;
        const struct json_slice *by, *end;
        struct kv2_claim claim = { 0 };
        struct json_envelope e;
        int r;

        *ret = claim;
        r = scan_member(data->text, data->size, "renewing", &e);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        by = json_envelope_find(&e, "engine");
        end = json_envelope_find(&e, "until");
        if (!by || !end)
                return 0;

        r = json_slice_string(by, &engine);
        if (r == 0)
                r = json_slice_string(end, &until);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || strlen(engine) >= sizeof(claim.engine) ||
            clock_parse_rfc3339(until, &claim.until_usec) < 0)
                return 0;
        strcpy(claim.engine, engine);
        *ret = claim;
        return 0;
}

/* {"errors":[]}: a word in it would say that something else is wrong, such as the mount. */
static bool says_nothing(const struct json_envelope *e) {
        const struct json_slice *errors = json_envelope_find(e, "errors");

        return errors && errors->type == JSON_ARRAY &&
               strspn(errors->text + 1, " \t\r\n") == errors->size - 2;
}

int kv2_read_version(int status, const char *body, size_t size, struct kv2_version *ret) {
        struct json_envelope whole, inner, metadata;
        struct kv2_version v = { 0 };
        const struct json_slice *s;
        int r;

        r = scan_object(body, size, &whole);
        if (r < 0)
                return r;
        s = json_envelope_find(&whole, "data");
        if (status == 404 && (!s || s->type == JSON_NULL)) {
                if (!says_nothing(&whole))
                        return -EBADMSG;
                *ret = v;
                return 0;
        }

        r = s ? scan_object(s->text, s->size, &inner) : -EBADMSG;
        if (r < 0)
                return r;
        s = json_envelope_find(&inner, "metadata");
        r = s ? scan_object(s->text, s->size, &metadata) : -EBADMSG;
        if (r == 0)
                r = read_number(&metadata, "version", 1, MAX_VERSION, &v.version);
        if (r < 0)
                return r;

        s = json_envelope_find(&inner, "data");
        if (status == 200 && s && s->type == JSON_OBJECT)
                v.data = *s;
        else if (status != 404 || (s && s->type != JSON_NULL))
                return -EBADMSG;
        *ret = v;
        return 0;
}

bool kv2_is_mismatch(const char *body, size_t size) {
        return memmem(body, size, mismatch, strlen(mismatch));
}

/* `lifetime` is the name of what says how long it is good for. */
static int read_lease(const struct json_envelope *e, const char *lifetime, struct kv2_lease *ret) {
        const struct json_slice *renewable = json_envelope_find(e, "renewable");
        int64_t seconds;

        if (read_number(e, lifetime, 0, MAX_SECONDS, &seconds) < 0 ||
            (renewable && json_slice_bool(renewable, &ret->renewable) < 0))
                return -EBADMSG;
        ret->seconds = (uint64_t)seconds;
        return 0;
}

int kv2_read_auth(const char *body, size_t size, struct kv2_lease *ret) {
        const struct json_slice *token;
        struct kv2_lease lease = { 0 };
        struct json_envelope auth;
        int r;

        r = scan_member(body, size, "auth", &auth);
        if (r == 0)
                r = read_lease(&auth, "lease_duration", &lease);
        if (r < 0)
                return r;

        token = json_envelope_find(&auth, "client_token");
        if (token && !json_slice_equals(token, "")) {
                r = vault_wire_secret(token, &lease.token);
                if (r < 0)
                        return r == -EINVAL ? -EBADMSG : r;
        }
        *ret = lease;
        return 0;
}

int kv2_read_lookup(const char *body, size_t size, struct kv2_lease *ret) {
        struct kv2_lease lease = { 0 };
        struct json_envelope data;
        int r;

        r = scan_member(body, size, "data", &data);
        if (r == 0)
                r = read_lease(&data, "ttl", &lease);
        if (r == 0)
                *ret = lease;
        return r;
}

int kv2_read_keys(const char *body, size_t size, struct cJSON **ret) {
        _cleanup_(json_freep) cJSON *keys = NULL;
        const struct json_slice *s;
        struct json_envelope data;
        const cJSON *key;
        int r;

        r = scan_member(body, size, "data", &data);
        if (r < 0)
                return r;
        s = json_envelope_find(&data, "keys");
        if (!s || s->type != JSON_ARRAY)
                return -EBADMSG;
        r = json_slice_tree(s, &keys);
        if (r < 0)
                return r;

        if (cJSON_GetArraySize(keys) > MAX_KEYS)
                return -EBADMSG;
        cJSON_ArrayForEach (key, keys)
                if (!cJSON_IsString(key))
                        return -EBADMSG;
        *ret = TAKE_PTR(keys);
        return 0;
}
