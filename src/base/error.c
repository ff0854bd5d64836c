/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define MAX_FINDINGS 100

struct code {
        const char *name;
        int error;
        bool retryable;
};

/* clang-format off */
static const struct code codes[AE_CODE_MAX] = {
        [AE_NONE]                     = { "none",                     0,               false },
        [AE_INVALID_JSON]             = { "invalid_json",             EBADMSG,         false },
        [AE_INVALID_REQUEST]          = { "invalid_request",          EINVAL,          false },
        [AE_MESSAGE_TOO_LARGE]        = { "message_too_large",        EMSGSIZE,        false },
        [AE_UNKNOWN_OP]               = { "unknown_op",               EOPNOTSUPP,      false },
        [AE_UNAUTHENTICATED]          = { "unauthenticated",          EACCES,          false },
        [AE_TOKEN_INVALID]            = { "token_invalid",            EKEYREJECTED,    false },
        [AE_TOKEN_EXPIRED]            = { "token_expired",            EKEYEXPIRED,     false },
        [AE_FORBIDDEN]                = { "forbidden",                EPERM,           false },
        [AE_APPROVAL_REQUIRED]        = { "approval_required",        EPERM,           false },
        [AE_APPROVAL_DENIED]          = { "approval_denied",          EPERM,           false },
        [AE_APPROVAL_TIMEOUT]         = { "approval_timeout",         ETIMEDOUT,       false },
        [AE_UNSUPPORTED_PLATFORM]     = { "unsupported_platform",     EPFNOSUPPORT,    false },
        [AE_UNSUPPORTED_ACTION]       = { "unsupported_action",       ENOSYS,          false },
        [AE_INVALID_PAYLOAD]          = { "invalid_payload",          EINVAL,          false },
        [AE_NOT_CONNECTED]            = { "not_connected",            ENOKEY,          false },
        [AE_REAUTHORIZATION_REQUIRED] = { "reauthorization_required", EKEYREVOKED,     false },
        [AE_AUTHORIZATION_FAILED]     = { "authorization_failed",     EACCES,          false },
        [AE_VAULT_UNAVAILABLE]        = { "vault_unavailable",        EHOSTDOWN,       true  },
        [AE_POLICY_UNAVAILABLE]       = { "policy_unavailable",       EHOSTDOWN,       true  },
        [AE_STORE_UNAVAILABLE]        = { "store_unavailable",        EIO,             true  },
        [AE_RATE_LIMITED]             = { "rate_limited",             EAGAIN,          true  },
        [AE_OVERLOADED]               = { "overloaded",               EBUSY,           true  },
        [AE_DEADLINE_EXCEEDED]        = { "deadline_exceeded",        ETIME,           true  },
        [AE_CANCELLED]                = { "cancelled",                ECANCELED,       false },
        [AE_UPSTREAM_UNREACHABLE]     = { "upstream_unreachable",     EHOSTUNREACH,    true  },
        [AE_UPSTREAM_TIMEOUT]         = { "upstream_timeout",         ETIMEDOUT,       true  },
        [AE_UPSTREAM_ERROR]           = { "upstream_error",           EREMOTEIO,       true  },
        [AE_UPSTREAM_REJECTED]        = { "upstream_rejected",        EREMOTEIO,       false },
        [AE_OUTCOME_UNKNOWN]          = { "outcome_unknown",          EINPROGRESS,     false },
        [AE_IDEMPOTENCY_CONFLICT]     = { "idempotency_conflict",     EALREADY,        true  },
        [AE_IDEMPOTENCY_MISMATCH]     = { "idempotency_mismatch",     EEXIST,          false },
        [AE_NOT_FOUND]                = { "not_found",                ENOENT,          false },
        [AE_INVALID_STATE]            = { "invalid_state",            EBUSY,           false },
        [AE_INTERNAL]                 = { "internal",                 ENOTRECOVERABLE, false },
};
/* clang-format on */

void ae_error_done(struct ae_error *error) {
        cJSON_Delete(error->errors);
        cJSON_Delete(error->details);
        *error = (struct ae_error){ 0 };
}

void ae_error_quote(char *ret, size_t size, const char *text) {
        size_t n = strnlen(text, size - 1), span;

        /* Not through the middle of a UTF-8 character. */
        if (text[n])
                while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
                        n--;

        for (size_t i = 0; i < n; i += span) {
                bool is_ascii = (unsigned char)text[i] < 0x80;

                span = is_ascii ? (text[i] >= 0x20 && text[i] != 0x7f) : utf8_span(text + i, n - i);
                if (span > 0)
                        memcpy(ret + i, text + i, span);
                else {
                        ret[i] = '?';
                        span = 1;
                }
        }
        ret[n] = 0;
}

__attribute__((__format__(__printf__, 3, 0))) static void format_text(char *ret, size_t size,
                                                                      const char *format,
                                                                      va_list ap) {
        char text[2 * AE_MESSAGE_SIZE];

        vsnprintf(text, sizeof(text), format, ap);
        ae_error_quote(ret, size, text);
}

int ae_error_set(struct ae_error *error, enum ae_code code, const char *format, ...) {
        va_list ap;

        assert(code > AE_NONE && code < AE_CODE_MAX);

        error->code = code;
        va_start(ap, format);
        format_text(error->message, sizeof(error->message), format, ap);
        va_end(ap);
        return -codes[code].error;
}

void ae_error_add(struct ae_error *error, const char *path, const char *format, ...) {
        char message[AE_MESSAGE_SIZE];
        cJSON *finding;
        va_list ap;

        if (!error->errors)
                error->errors = cJSON_CreateArray();
        if (cJSON_GetArraySize(error->errors) >= MAX_FINDINGS)
                return;

        va_start(ap, format);
        format_text(message, sizeof(message), format, ap);
        va_end(ap);

        finding = cJSON_CreateObject();
        cJSON_AddStringToObject(finding, "path", path);
        cJSON_AddStringToObject(finding, "message", message);
        if (!cJSON_AddItemToArray(error->errors, finding))
                cJSON_Delete(finding);
}

size_t ae_error_count(const struct ae_error *error) {
        return (size_t)cJSON_GetArraySize(error->errors);
}

void ae_error_detail(struct ae_error *error, const char *name, const char *value) {
        if (!error->details)
                error->details = cJSON_CreateObject();
        cJSON_AddStringToObject(error->details, name, value);
}

int ae_error_from_errno(struct ae_error *error, int r) {
        if (error->code == AE_NONE)
                (void)ae_error_set(error, AE_INTERNAL,
                                   "the engine failed; its journal has the detail: %s",
                                   strerror(-r));
        return r;
}

const char *ae_code_name(enum ae_code code) {
        return codes[code].name;
}

enum ae_code ae_code_from_name(const char *name) {
        for (enum ae_code code = AE_NONE + 1; code < AE_CODE_MAX; code++)
                if (strcmp(codes[code].name, name) == 0)
                        return code;
        return AE_NONE;
}

int ae_code_errno(enum ae_code code) {
        return -codes[code].error;
}

bool ae_code_retryable(enum ae_code code) {
        return codes[code].retryable;
}
