/* SPDX-License-Identifier: MIT */
#include "vaultd/request.h"

#include <errno.h>
#include <string.h>

#include "oauth/app.h"
#include "vault/wire.h"

#define MAX_ID_STRING 128 /* bytes */
#define MAX_ID_INTEGER (INT64_C(1) << 53)

#define A_TOKEN "1 to 16384 printable ASCII characters"
#define A_URL "a URL of at most 2048 printable ASCII characters"

void request_done(struct request *q) {
        free(q->user_id);
        free(q->platform);
        free(q->account);
        free(q->provider);
        free(q->redirect_uri);
        free(q->issuer);
        free(q->scopes);
        secret_free(q->code);
        secret_free(q->verifier);
        secret_free(q->device_code);
        *q = (struct request){ 0 };
}

/* The id as it stands in the line, or NULL when there is none that may be echoed. */
static const struct json_slice *find_id(const struct json_envelope *e) {
        const struct json_slice *s = json_envelope_find(e, "id");
        _cleanup_(freep) char *text = NULL;
        int64_t number;

        if (!s)
                return NULL;
        if (json_slice_integer(s, -MAX_ID_INTEGER, MAX_ID_INTEGER, &number) == 0)
                return s;
        if (json_slice_string(s, &text) == 0 && strlen(text) <= MAX_ID_STRING)
                return s;
        return NULL;
}

int request_scan(const char *line, size_t size, struct json_envelope *ret,
                 const struct json_slice **ret_id, struct ae_error *error) {
        struct json_fault fault;
        int r;

        r = json_scan(line, size, ret, &fault);
        if (r == -ENOMEM)
                return r;
        *ret_id = find_id(ret);
        if (r < 0)
                return ae_error_set(error, AE_INVALID_JSON, "not valid JSON at byte %zu: %s",
                                    fault.offset, fault.reason);
        if (ret->root.type != JSON_OBJECT)
                return ae_error_set(error, AE_INVALID_REQUEST, "a request is a JSON object");
        if (!*ret_id)
                return ae_error_set(
                                error, AE_INVALID_REQUEST,
                                "'id' must be there, an integer or a string of at most %d bytes",
                                MAX_ID_STRING);
        return 0;
}

static int read_name(const struct json_slice *s, bool (*is_valid)(const char *text), char **ret) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = json_slice_string(s, &text);
        if (r < 0)
                return r;
        if (!is_valid(text))
                return -EINVAL;
        *ret = TAKE_PTR(text);
        return 0;
}

static int read_user_id(struct request *q, const struct json_slice *s) {
        return read_name(s, record_user_id_is_valid, &q->user_id);
}

static int read_platform(struct request *q, const struct json_slice *s) {
        return read_name(s, record_platform_is_valid, &q->platform);
}

static int read_account(struct request *q, const struct json_slice *s) {
        return read_name(s, record_account_is_valid, &q->account);
}

static int read_rejected(struct request *q, const struct json_slice *s) {
        _cleanup_(freep) char *text = NULL;
        size_t n;
        int r;

        r = json_slice_string(s, &text);
        if (r < 0)
                return r;
        if (strlen(text) != 2 * sizeof(q->rejected) ||
            sodium_hex2bin(q->rejected, sizeof(q->rejected), text, strlen(text), NULL, &n, NULL) <
                            0 ||
            n != sizeof(q->rejected))
                return -EINVAL;
        return 0;
}

static int read_credential(struct request *q, const struct json_slice *s) {
        q->credential = s;
        return s->type == JSON_OBJECT ? 0 : -EINVAL;
}

static int read_app(struct request *q, const struct json_slice *s) {
        q->app = s;
        return s->type == JSON_OBJECT ? 0 : -EINVAL;
}

static int read_code(struct request *q, const struct json_slice *s) {
        return vault_wire_secret(s, &q->code);
}

static int read_code_verifier(struct request *q, const struct json_slice *s) {
        return vault_wire_secret(s, &q->verifier);
}

static int read_device_code(struct request *q, const struct json_slice *s) {
        return vault_wire_secret(s, &q->device_code);
}

static int read_provider(struct request *q, const struct json_slice *s) {
        return read_name(s, oauth_name_is_valid, &q->provider);
}

/* A URL's form is checked where it matters: here it is kept from being anything at all. */
static bool is_address(const char *text) {
        size_t n = strlen(text);

        for (size_t i = 0; i < n; i++)
                if (text[i] <= 0x20 || text[i] > 0x7e)
                        return false;
        return n > 0 && n <= OAUTH_MAX_URL;
}

static int read_redirect_uri(struct request *q, const struct json_slice *s) {
        return read_name(s, is_address, &q->redirect_uri);
}

static int read_issuer(struct request *q, const struct json_slice *s) {
        return read_name(s, is_address, &q->issuer);
}

static int read_scopes(struct request *q, const struct json_slice *s) {
        return read_name(s, record_scopes_are_valid, &q->scopes);
}

static int read_revoke(struct request *q, const struct json_slice *s) {
        return json_slice_bool(s, &q->revoke);
}

/* clang-format off */
static const struct field {
        const char *name;
        unsigned flag;
        int (*read)(struct request *q, const struct json_slice *s); /* 0, -EINVAL, -ENOMEM */
        const char *must_be;
} fields[] = {
        { "account",       FIELD_ACCOUNT,       read_account,       "1 to 64 characters of [A-Za-z0-9._@+-]" },
        { "app",           FIELD_APP,           read_app,           "an object"                              },
        { "code",          FIELD_CODE,          read_code,          A_TOKEN                                  },
        { "code_verifier", FIELD_CODE_VERIFIER, read_code_verifier, A_TOKEN                                  },
        { "credential",    FIELD_CREDENTIAL,    read_credential,    "an object"                              },
        { "device_code",   FIELD_DEVICE_CODE,   read_device_code,   A_TOKEN                                  },
        { "issuer",        FIELD_ISSUER,        read_issuer,        A_URL                                    },
        { "platform",      FIELD_PLATFORM,      read_platform,      "1 to 64 characters of [a-z0-9_]"        },
        { "provider",      FIELD_PROVIDER,      read_provider,      "1 to 32 characters of [a-z0-9_]"        },
        { "redirect_uri",  FIELD_REDIRECT_URI,  read_redirect_uri,  A_URL                                    },
        { "rejected",      FIELD_REJECTED,      read_rejected,      "a SHA-256, as 64 hex digits"            },
        { "revoke",        FIELD_REVOKE,        read_revoke,        "true or false"                          },
        { "scopes",        FIELD_SCOPES,        read_scopes,        "at most 128 scopes (RFC 6749), separated by spaces" },
        { "user_id",       FIELD_USER_ID,       read_user_id,       "1 to 128 bytes, no control characters"  },
};
/* clang-format on */

static int read_member(struct request *q, const struct request_shape *shape,
                       const struct json_member *m, struct ae_error *error) {
        _cleanup_(freep) char *name = NULL;
        int r;

        if (json_slice_equals(&m->key, "id") || json_slice_equals(&m->key, "op"))
                return 0;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                if (!(fields[i].flag & (shape->needs | shape->may_have)) ||
                    !json_slice_equals(&m->key, fields[i].name))
                        continue;
                q->given |= fields[i].flag;
                r = fields[i].read(q, &m->value);
                if (r == -EINVAL)
                        return ae_error_set(error, AE_INVALID_REQUEST, "'%s' must be %s",
                                            fields[i].name, fields[i].must_be);
                return r;
        }

        r = json_slice_string(&m->key, &name);
        if (r < 0)
                return r;
        return ae_error_set(error, AE_INVALID_REQUEST, "'%s' takes no field '%.64s'", shape->op,
                            name);
}

int request_read(struct request *q, const struct json_envelope *e,
                 const struct request_shape *shape, struct ae_error *error) {
        int r;

        for (size_t i = 0; i < e->n_members; i++) {
                r = read_member(q, shape, &e->members[i], error);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (fields[i].flag & shape->needs & ~q->given)
                        return ae_error_set(error, AE_INVALID_REQUEST, "'%s' needs '%s'", shape->op,
                                            fields[i].name);
        return 0;
}
