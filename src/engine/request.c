/* SPDX-License-Identifier: MIT */
#include "engine/request.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "oauth/authorize.h"

#define MAX_SAFE_INTEGER (INT64_C(1) << 53)
#define MAX_DEADLINE_MSEC INT64_C(86400000)

/*
 * What a string field may hold. The limits that the protocol leaves open keep a misuse from
 * travelling far.
 */
struct text_rule {
        size_t min, max; /* bytes */
        bool (*accepts)(const char *text);
        const char *says;
};

static bool is_any(const char *text) {
        return true;
}

static bool is_printable(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return false;
        return true;
}

static bool is_printable_ascii(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
                        return false;
        return true;
}

static bool is_account(const char *text) {
        for (; *text; text++)
                if (!isalnum((unsigned char)*text) && !strchr("._@+-", *text))
                        return false;
        return true;
}

static bool is_lower_hex(const char *text, size_t n) {
        return strspn(text, "0123456789abcdef") >= n;
}

static bool is_zeros(const char *text, size_t n) {
        return strspn(text, "0") >= n;
}

/* W3C Trace Context: VERSION-TRACE_ID-PARENT_ID-FLAGS; a later version may append to it. */
static bool is_traceparent(const char *text) {
        size_t size = strlen(text);

        return size >= 55 && is_lower_hex(text, 2) && text[2] == '-' &&
               is_lower_hex(text + 3, 32) && text[35] == '-' && is_lower_hex(text + 36, 16) &&
               text[52] == '-' && is_lower_hex(text + 53, 2) && !is_zeros(text + 3, 32) &&
               !is_zeros(text + 36, 16) && strncmp(text, "ff", 2) != 0 &&
               (size == 55 ||
                (text[55] == '-' && strncmp(text, "00", 2) != 0 && is_printable_ascii(text + 55)));
}

/* Whether there is such an op or platform is not for this file to say. */
static const struct text_rule rule_name = { 0, 1024, is_any, "is longer than 1024 bytes" };
/* How long a token may be is for its verifier to say. */
static const struct text_rule rule_token = { 0, SIZE_MAX, is_any, "is not a string" };
static const struct text_rule rule_user = { 1, 128, is_printable,
                                            "is not a name of 1 to 128 bytes" };
static const struct text_rule rule_account = { 1, 64, is_account,
                                               "is not 1 to 64 of A-Z a-z 0-9 . _ @ + -" };
static const struct text_rule rule_key = { 1, 255, is_printable_ascii,
                                           "is not 1 to 255 printable ASCII characters" };
static const struct text_rule rule_traceparent = { 55, 255, is_traceparent,
                                                   "is not a W3C traceparent" };

static const struct text_rule rule_approval = { 1, 64, is_printable_ascii,
                                                "is not 1 to 64 printable ASCII characters" };

/* What the provider's answer may be is for the reader of it to say. */
static const struct text_rule rule_response = { 1, OAUTH_MAX_RESPONSE, is_printable_ascii,
                                                "is not 1 to 8192 printable ASCII characters" };
static const struct text_rule rule_code = { 1, 4096, is_printable_ascii,
                                            "is not 1 to 4096 printable ASCII characters" };
static const struct text_rule rule_state = { 1, 1024, is_printable_ascii,
                                             "is not 1 to 1024 printable ASCII characters" };
static const struct text_rule rule_url = { 1, OAUTH_MAX_URL, is_printable_ascii,
                                           "is not 1 to 2048 printable ASCII characters" };

struct field {
        const char *name;
        /* Reads the value into the request. Returns 0, -ENOMEM, or -EINVAL with *ret_says set. */
        int (*read)(const struct field *f, const struct json_slice *value, struct request *q,
                    const char **ret_says);
        size_t offset;
        const struct text_rule *rule;
        unsigned bit; /* enum request_field; 0: of every operation */
};

static void *target_of(const struct field *f, struct request *q) {
        return (char *)q + f->offset;
}

static int read_text(const struct field *f, const struct json_slice *value, struct request *q,
                     const char **ret_says) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        int r;

        r = json_slice_string(value, &text);
        if (r == -EINVAL)
                *ret_says = "is not a string";
        if (r < 0)
                return r;

        size = strlen(text);
        if (size < f->rule->min || size > f->rule->max || !f->rule->accepts(text)) {
                *ret_says = f->rule->says;
                return -EINVAL;
        }
        *(char **)target_of(f, q) = TAKE_PTR(text);
        return 0;
}

static int read_object(const struct field *f, const struct json_slice *value, struct request *q,
                       const char **ret_says) {
        if (value->type != JSON_OBJECT) {
                *ret_says = "is not an object";
                return -EINVAL;
        }
        *(struct json_slice *)target_of(f, q) = *value;
        return 0;
}

static int read_array(const struct field *f, const struct json_slice *value, struct request *q,
                      const char **ret_says) {
        if (value->type != JSON_ARRAY) {
                *ret_says = "is not an array";
                return -EINVAL;
        }
        *(struct json_slice *)target_of(f, q) = *value;
        return 0;
}

static int read_bool(const struct field *f, const struct json_slice *value, struct request *q,
                     const char **ret_says) {
        *ret_says = "is neither true nor false";
        return json_slice_bool(value, target_of(f, q));
}

static int read_deadline(const struct field *f, const struct json_slice *value, struct request *q,
                         const char **ret_says) {
        int64_t msec;
        int r;

        *ret_says = "is not an integer from 1 to 86400000";
        r = json_slice_integer(value, 1, MAX_DEADLINE_MSEC, &msec);
        if (r >= 0)
                *(uint64_t *)target_of(f, q) = (uint64_t)msec * USEC_PER_MSEC;
        return r;
}

/* Has been read before all others, so that whatever is wrong with them is told under its id. */
static int read_id(const struct field *f, const struct json_slice *value, struct request *q,
                   const char **ret_says) {
        if (q->id)
                return 0;
        *ret_says = "is neither a string of at most 128 bytes nor an integer within ±2^53";
        return -EINVAL;
}

#define AT(member) offsetof(struct request, member)

/* clang-format off */
static const struct field fields[] = {
        { "account",                read_text,     AT(account),                 &rule_account,     0                              },
        { "action_type",            read_text,     AT(action_type),             &rule_name,        REQUEST_ACTION_TYPE            },
        { "approval_id",            read_text,     AT(approval_id),             &rule_approval,    REQUEST_APPROVAL_ID            },
        { "authorization_response", read_text,     AT(authorization_response),  &rule_response,    REQUEST_AUTHORIZATION_RESPONSE },
        { "code",                   read_text,     AT(code),                    &rule_code,        REQUEST_CODE                   },
        { "credential",             read_object,   AT(credential),              NULL,              REQUEST_CREDENTIAL             },
        { "deadline_ms",            read_deadline, AT(deadline_usec),           NULL,              0                              },
        { "device",                 read_bool,     AT(device),                  NULL,              REQUEST_DEVICE                 },
        { "dry_run",                read_bool,     AT(dry_run),                 NULL,              0                              },
        { "id",                     read_id,       0,                           NULL,              0                              },
        { "idempotency_key",        read_text,     AT(idempotency_key),         &rule_key,         0                              },
        { "interactive",            read_bool,     AT(interactive),             NULL,              0                              },
        { "op",                     read_text,     AT(op),                      &rule_name,        0                              },
        { "payload",                read_object,   AT(payload),                 NULL,              REQUEST_PAYLOAD                },
        { "platform",               read_text,     AT(platform),                &rule_name,        REQUEST_PLATFORM               },
        { "redirect_uri",           read_text,     AT(redirect_uri),            &rule_url,         REQUEST_REDIRECT_URI           },
        { "scopes",                 read_array,    AT(scopes),                  NULL,              REQUEST_SCOPES                 },
        { "state",                  read_text,     AT(state),                   &rule_state,       REQUEST_STATE                  },
        { "token",                  read_text,     AT(token),                   &rule_token,       REQUEST_TOKEN                  },
        { "traceparent",            read_text,     AT(traceparent),             &rule_traceparent, 0                              },
        { "user_id",                read_text,     AT(user_id),                 &rule_user,        REQUEST_USER_ID                },
        { "verify",                 read_bool,     AT(verify),                  NULL,              REQUEST_VERIFY                 },
};
/* clang-format on */

/* A line with more members than fit holds an unknown one among those that do. */
static_assert(ELEMENTSOF(fields) <= JSON_ENVELOPE_MAX, "an envelope holds every known field");

static const struct field *find_field(const struct json_slice *key) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (json_slice_equals(key, fields[i].name))
                        return &fields[i];
        return NULL;
}

static int keep_id(const struct json_envelope *e, struct request *q) {
        const struct json_slice *id = json_envelope_find(e, "id");
        _cleanup_(freep) char *text = NULL;
        int64_t number;
        int r;

        if (!id)
                return 0;

        r = json_slice_integer(id, -MAX_SAFE_INTEGER, MAX_SAFE_INTEGER, &number);
        if (r < 0) {
                r = json_slice_string(id, &text);
                if (r == -ENOMEM)
                        return r;
                if (r < 0 || strlen(text) > REQUEST_ID_MAX)
                        return 0;
        }
        q->id = strndup(id->text, id->size);
        return q->id ? 0 : -ENOMEM;
}

static int unknown_field(const struct json_slice *key, struct ae_error *error) {
        _cleanup_(freep) char *name = NULL;
        int r;

        r = json_slice_string(key, &name);
        if (r < 0)
                return r;
        return ae_error_set(error, AE_INVALID_REQUEST,
                            "'%.64s' is not a field of a request; see action-engine-protocol(7)",
                            name);
}

static int read_fields(const struct json_envelope *e, struct request *q, struct ae_error *error) {
        for (size_t i = 0; i < e->n_members; i++) {
                const struct field *f = find_field(&e->members[i].key);
                const char *says = "cannot be read";
                int r;

                if (!f)
                        return unknown_field(&e->members[i].key, error);
                r = f->read(f, &e->members[i].value, q, &says);
                if (r == -EINVAL)
                        return ae_error_set(error, AE_INVALID_REQUEST, "'%s' %s", f->name, says);
                if (r < 0)
                        return r;
                q->present |= f->bit;
        }
        return 0;
}

const char *request_field_name(unsigned bits) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (fields[i].bit & bits)
                        return fields[i].name;
        return NULL;
}

int request_parse(const char *text, size_t size, uint64_t line, struct request *ret,
                  struct ae_error *error) {
        struct json_envelope envelope;
        struct json_fault fault;
        int r, k;

        *ret = (struct request){ .line = line };
        id_uuid7(ret->request_id);

        r = json_scan(text, size, &envelope, &fault);
        if (r == -ENOMEM)
                return r;
        k = keep_id(&envelope, ret);
        if (k < 0)
                return k;
        if (r < 0)
                return ae_error_set(error, AE_INVALID_JSON,
                                    "the line is no valid JSON: %s at byte %zu", fault.reason,
                                    fault.offset);
        if (envelope.root.type != JSON_OBJECT)
                return ae_error_set(error, AE_INVALID_REQUEST, "the line is JSON, but no object");
        ret->has_big_integer = envelope.has_big_integer;
        return read_fields(&envelope, ret, error);
}

static char *wipe_text(char *text) {
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
        return NULL;
}

void request_forget_token(struct request *q) {
        q->token = wipe_text(q->token);
}

void request_done(struct request *q) {
        free(q->id);
        free(q->op);
        request_forget_token(q);
        free(q->user_id);
        free(q->platform);
        free(q->action_type);
        free(q->account);
        free(q->approval_id);
        free(q->idempotency_key);
        free(q->traceparent);
        wipe_text(q->authorization_response);
        wipe_text(q->code);
        free(q->state);
        free(q->redirect_uri);
        *q = (struct request){ 0 };
}

static void write_string(const char *name, const char *value, struct buffer *to) {
        buffer_printf(to, ",\"%s\":", name);
        json_print_string(value, strlen(value), to);
}

static void write_head(const struct request *q, const char *status, struct buffer *to) {
        buffer_putc(to, '{');
        if (q->id) {
                buffer_puts(to, "\"id\":");
                buffer_puts(to, q->id);
                buffer_putc(to, ',');
        }
        buffer_puts(to, "\"request_id\":\"");
        buffer_append(to, q->request_id, UUID_SIZE - 1);
        buffer_puts(to, "\",\"status\":\"");
        buffer_puts(to, status);
        buffer_putc(to, '"');
        if (q->platform)
                write_string("platform", q->platform, to);
        if (q->action_type)
                write_string("action_type", q->action_type, to);
}

void request_write_result(const struct request *q, const char *result, size_t size,
                          struct buffer *to) {
        write_head(q, "success", to);
        if (q->reconciled)
                buffer_puts(to, ",\"reconciled\":true");
        buffer_puts(to, ",\"result\":");
        buffer_append(to, result, size);
        buffer_putc(to, '}');
}

static void write_upstream(const struct ae_error *error, struct buffer *to) {
        buffer_printf(to, ",\"upstream\":{\"status\":%d", error->upstream_status);
        if (error->upstream_reason[0])
                write_string("reason", error->upstream_reason, to);
        if (error->upstream_message[0])
                write_string("message", error->upstream_message, to);
        buffer_putc(to, '}');
}

/* Findings of an action that failed before its payload was looked at say nothing. */
static bool tells_findings(enum ae_code code) {
        return code == AE_INVALID_PAYLOAD || code == AE_RATE_LIMITED || code == AE_UPSTREAM_ERROR ||
               code == AE_UPSTREAM_REJECTED;
}

void request_write_error(const struct request *q, const struct ae_error *error, struct buffer *to) {
        write_head(q, "error", to);
        if (!q->id)
                buffer_printf(to, ",\"line\":%llu", (unsigned long long)q->line);

        buffer_printf(to, ",\"error\":{\"code\":\"%s\"", ae_code_name(error->code));
        write_string("message", error->message, to);
        buffer_printf(to, ",\"retryable\":%s", ae_code_retryable(error->code) ? "true" : "false");
        if (error->retry_after_msec > 0)
                buffer_printf(to, ",\"retry_after_ms\":%llu",
                              (unsigned long long)error->retry_after_msec);
        if (error->upstream_status != 0)
                write_upstream(error, to);
        if (error->errors && tells_findings(error->code)) {
                buffer_puts(to, ",\"errors\":");
                json_print(error->errors, to);
        }
        if (error->details) {
                buffer_puts(to, ",\"details\":");
                json_print(error->details, to);
        }
        buffer_puts(to, "}}");
}
