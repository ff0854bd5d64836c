/* SPDX-License-Identifier: MIT */
#include "vault/record.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "oauth/app.h"
#include "oauth/assertion.h"
#include "vault/wire.h"

#define MAX_EXPIRES_IN_SEC (INT64_C(100) * 366 * 24 * 3600)
#define MAX_EXPIRES_AT_USEC (UINT64_C(253402300799) * USEC_PER_SEC) /* 9999-12-31T23:59:59Z */

static bool text_is(const char *text, size_t max, bool (*allowed)(unsigned char c)) {
        size_t n = strlen(text);

        if (n == 0 || n > max)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!allowed((unsigned char)text[i]))
                        return false;
        return true;
}

static bool is_alphanumeric(unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_no_control(unsigned char c) {
        return c >= 0x20 && c != 0x7f;
}

static bool is_platform(unsigned char c) {
        return c == '_' || (is_alphanumeric(c) && !(c >= 'A' && c <= 'Z'));
}

static bool is_account(unsigned char c) {
        return is_alphanumeric(c) || strchr("._@+-", c);
}

/* RFC 6749 appendix A.4: a scope-token. */
static bool is_scope(unsigned char c) {
        return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* RFC 9110 §5.6.2: it becomes an authentication scheme. */
static bool is_scheme(unsigned char c) {
        return is_alphanumeric(c) || strchr("!#$%&'*+-.^_`|~", c);
}

bool record_user_id_is_valid(const char *text) {
        return text_is(text, RECORD_MAX_USER_ID, is_no_control);
}

bool record_platform_is_valid(const char *text) {
        return text_is(text, RECORD_MAX_PLATFORM, is_platform);
}

bool record_account_is_valid(const char *text) {
        return text_is(text, RECORD_MAX_ACCOUNT, is_account);
}

bool record_scopes_are_valid(const char *text) {
        const char *at = text;
        size_t n, n_scopes = 0;

        for (;;) {
                at += strspn(at, " ");
                n = strcspn(at, " ");
                if (n == 0)
                        return n_scopes <= RECORD_MAX_SCOPES;
                if (n > RECORD_MAX_SCOPE)
                        return false;
                for (size_t i = 0; i < n; i++)
                        if (!is_scope((unsigned char)at[i]))
                                return false;
                n_scopes++;
                at += n;
        }
}

void record_done(struct record *r) {
        secret_free(r->access_token);
        secret_free(r->refresh_token);
        secret_free(r->service_account);
        free(r->provider);
        free(r->identity);
        free(r->token_type);
        json_free(r->scopes);
        *r = (struct record){ 0 };
}

struct reader {
        struct record *record;
        uint64_t now_usec;
        bool prove; /* that a service account's key can sign, which costs a signature */
        struct ae_error *error;
};

static int read_token(const struct reader *reader, const char *name, const struct json_slice *s,
                      struct secret **ret) {
        int r;

        r = vault_wire_secret(s, ret);
        if (r == -EINVAL)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'%s' must be 1 to %d printable ASCII characters", name,
                                    VAULT_WIRE_MAX_TOKEN);
        return r;
}

static int read_access_token(struct reader *reader, const struct json_slice *s) {
        return read_token(reader, "access_token", s, &reader->record->access_token);
}

static int read_refresh_token(struct reader *reader, const struct json_slice *s) {
        return read_token(reader, "refresh_token", s, &reader->record->refresh_token);
}

/* Kept as it was written: what else its file says is its owner's. */
static int read_service_account(struct reader *reader, const struct json_slice *s) {
        struct oauth_service_account account;
        int r;

        if (s->type != JSON_OBJECT || s->size > RECORD_MAX_SERVICE_ACCOUNT)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'service_account' must be an object of at most %d bytes",
                                    RECORD_MAX_SERVICE_ACCOUNT);
        if (reader->prove) {
                r = oauth_service_account_parse(s, &account, reader->error);
                if (r < 0)
                        return r;
                oauth_service_account_done(&account);
        }
        return secret_new(s->text, s->size, &reader->record->service_account);
}

static int read_provider(struct reader *reader, const struct json_slice *s) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = json_slice_string(s, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !oauth_name_is_valid(text))
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'provider' must be 1 to %d characters of [a-z0-9_]",
                                    OAUTH_MAX_NAME);
        reader->record->provider = TAKE_PTR(text);
        return 0;
}

static int read_identity(struct reader *reader, const struct json_slice *s) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = json_slice_string(s, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !text_is(text, RECORD_MAX_IDENTITY, is_no_control))
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'identity' must be 1 to %d bytes, no control characters",
                                    RECORD_MAX_IDENTITY);
        reader->record->identity = TAKE_PTR(text);
        return 0;
}

static int read_refused(struct reader *reader, const struct json_slice *s) {
        if (json_slice_bool(s, &reader->record->refused) < 0)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'refused' must be true or false");
        return 0;
}

static int read_token_type(struct reader *reader, const struct json_slice *s) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = json_slice_string(s, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !text_is(text, RECORD_MAX_TOKEN_TYPE, is_scheme))
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'token_type' must be 1 to %d characters of an HTTP token",
                                    RECORD_MAX_TOKEN_TYPE);
        reader->record->token_type = TAKE_PTR(text);
        return 0;
}

static int set_expiry(struct reader *reader, uint64_t usec) {
        if (reader->record->expires_at_usec)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'expires_at' and 'expires_in' exclude each other");
        if (usec > MAX_EXPIRES_AT_USEC)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "the credential must expire before the year 10000");
        reader->record->expires_at_usec = usec ? usec : 1; /* 1970 is known, and past */
        return 0;
}

static int read_expires_at(struct reader *reader, const struct json_slice *s) {
        _cleanup_(freep) char *text = NULL;
        uint64_t usec;
        int r;

        r = json_slice_string(s, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || clock_parse_rfc3339(text, &usec) < 0)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'expires_at' must be a time as in RFC 3339");
        return set_expiry(reader, usec);
}

static int read_expires_in(struct reader *reader, const struct json_slice *s) {
        int64_t seconds;

        if (json_slice_integer(s, 0, MAX_EXPIRES_IN_SEC, &seconds) < 0)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'expires_in' must be a number of seconds");
        return set_expiry(reader, reader->now_usec + (uint64_t)seconds * USEC_PER_SEC);
}

static bool array_is_valid(const cJSON *scopes) {
        const cJSON *scope;

        if (cJSON_GetArraySize(scopes) > RECORD_MAX_SCOPES)
                return false;
        cJSON_ArrayForEach (scope, scopes) {
                if (!cJSON_IsString(scope) ||
                    !text_is(scope->valuestring, RECORD_MAX_SCOPE, is_scope))
                        return false;
        }
        return true;
}

static int read_scopes(struct reader *reader, const struct json_slice *s) {
        _cleanup_(json_freep) cJSON *scopes = NULL;
        int r;

        if (s->type == JSON_ARRAY) {
                r = json_slice_tree(s, &scopes);
                if (r < 0)
                        return r;
        }
        if (!scopes || !array_is_valid(scopes))
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'scopes' must be at most %d scopes (RFC 6749) of at most %d "
                                    "characters, each a string of its own",
                                    RECORD_MAX_SCOPES, RECORD_MAX_SCOPE);
        reader->record->scopes = TAKE_PTR(scopes);
        return 0;
}

/* clang-format off */
static const struct field {
        const char *name;
        int (*read)(struct reader *reader, const struct json_slice *s);
} fields[] = {
        { "access_token",    read_access_token    },
        { "expires_at",      read_expires_at      },
        { "expires_in",      read_expires_in      },
        { "identity",        read_identity        },
        { "provider",        read_provider        },
        { "refresh_token",   read_refresh_token   },
        { "refused",         read_refused         },
        { "scopes",          read_scopes          },
        { "service_account", read_service_account },
        { "token_type",      read_token_type      },
};
/* clang-format on */

/* What no single field shows. */
static int check_whole(const struct reader *reader) {
        const struct record *r = reader->record;

        if (!r->access_token && !r->refresh_token && !r->service_account)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'access_token' is missing, and nothing is there to get one "
                                    "with");
        if (r->service_account && cJSON_GetArraySize(r->scopes) == 0)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "a 'service_account' needs 'scopes': it gets a token for "
                                    "those alone");
        return 0;
}

static int read_member(struct reader *reader, const struct json_member *m) {
        _cleanup_(freep) char *name = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (json_slice_equals(&m->key, fields[i].name))
                        return fields[i].read(reader, &m->value);

        r = json_slice_string(&m->key, &name);
        if (r < 0)
                return r;
        return ae_error_set(reader->error, AE_INVALID_REQUEST, "a credential has no field '%.64s'",
                            name);
}

static int parse(struct reader *reader, const struct json_slice *json) {
        struct json_envelope envelope;
        struct json_fault fault;
        int r;

        r = json_scan(json->text, json->size, &envelope, &fault);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || envelope.root.type != JSON_OBJECT)
                return ae_error_set(reader->error, AE_INVALID_REQUEST,
                                    "'credential' must be an object");

        for (size_t i = 0; i < envelope.n_members; i++) {
                r = read_member(reader, &envelope.members[i]);
                if (r < 0)
                        return r;
        }
        return check_whole(reader);
}

int record_parse(const struct json_slice *json, uint64_t now_usec, struct record *ret,
                 struct ae_error *error) {
        _cleanup_(record_done) struct record record = { 0 };
        struct reader reader = {
                .record = &record,
                .now_usec = now_usec,
                .prove = true,
                .error = error,
        };
        int r;

        r = parse(&reader, json);
        if (r < 0)
                return r;
        *ret = record;
        record = (struct record){ 0 };
        return 0;
}

int record_reopen(const struct json_slice *json, struct record *ret) {
        _cleanup_(record_done) struct record record = { 0 };
        _cleanup_(ae_error_done) struct ae_error unheard = { 0 };
        struct reader reader = { .record = &record, .error = &unheard };
        int r;

        r = parse(&reader, json);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        *ret = record;
        record = (struct record){ 0 };
        return 0;
}

/* Seconds since 1970. */
static int read_epoch(struct reader *reader, const struct json_slice *s) {
        int64_t seconds;

        if (json_slice_integer(s, 0, (int64_t)(MAX_EXPIRES_AT_USEC / USEC_PER_SEC), &seconds) < 0)
                return -EINVAL;
        return set_expiry(reader, (uint64_t)seconds * USEC_PER_SEC);
}

static int read_kept_member(struct reader *reader, const struct record_id *id,
                            const struct json_member *m) {
        const struct {
                const char *name, *expected;
        } owner[] = {
                { "user_id", id->user_id },
                { "platform", id->platform },
                { "account", id->account },
        };

        if (m->value.type == JSON_NULL || json_slice_equals(&m->key, "expires_in"))
                return 0;
        if (m->value.type == JSON_NUMBER && json_slice_equals(&m->key, "expires_at"))
                return read_epoch(reader, &m->value);

        for (size_t i = 0; i < ELEMENTSOF(owner); i++)
                if (json_slice_equals(&m->key, owner[i].name))
                        return json_slice_equals(&m->value, owner[i].expected) ? 0 : -EREMCHG;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (json_slice_equals(&m->key, fields[i].name))
                        return fields[i].read(reader, &m->value);
        return 0;
}

int record_read(const struct json_slice *json, const struct record_id *id, struct record *ret) {
        _cleanup_(record_done) struct record record = { 0 };
        _cleanup_(ae_error_done) struct ae_error unheard = { 0 };
        struct reader reader = { .record = &record, .error = &unheard };
        struct json_envelope envelope;
        struct json_fault fault;
        int r;

        r = json_scan(json->text, json->size, &envelope, &fault);
        if (r < 0)
                return r;
        /* Of more members not all are noted, and the owner might be among those that are not. */
        if (envelope.root.type != JSON_OBJECT || envelope.n_members == JSON_ENVELOPE_MAX)
                return -EBADMSG;

        for (size_t i = 0; i < envelope.n_members; i++) {
                r = read_kept_member(&reader, id, &envelope.members[i]);
                if (r == -ENOMEM || r == -EREMCHG)
                        return r;
                if (r < 0)
                        return -EBADMSG;
        }
        if (check_whole(&reader) < 0)
                return -EBADMSG;

        *ret = record;
        record = (struct record){ 0 };
        return 0;
}

bool record_is_expired(const struct record *r, uint64_t now_usec) {
        return r->expires_at_usec && r->expires_at_usec <= now_usec;
}

bool record_token_is(const struct record *r, const unsigned char *sha256) {
        unsigned char digest[crypto_hash_sha256_BYTES];

        if (!r->access_token)
                return false;
        crypto_hash_sha256(digest, (const unsigned char *)r->access_token->data,
                           r->access_token->size);
        return sodium_memcmp(digest, sha256, sizeof(digest)) == 0;
}
