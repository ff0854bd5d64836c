/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a client is told when something failed: the codes of action-engine-protocol(7). Inside,
 * functions return a negative errno; where a client will read the reason, a struct ae_error
 * travels along and is filled once, by who knows it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

/* In the protocol's order. A row in base/error.c belongs to each. */
enum ae_code {
        AE_NONE,
        AE_INVALID_JSON,
        AE_INVALID_REQUEST,
        AE_MESSAGE_TOO_LARGE,
        AE_UNKNOWN_OP,
        AE_UNAUTHENTICATED,
        AE_TOKEN_INVALID,
        AE_TOKEN_EXPIRED,
        AE_FORBIDDEN,
        AE_APPROVAL_REQUIRED,
        AE_APPROVAL_DENIED,
        AE_APPROVAL_TIMEOUT,
        AE_UNSUPPORTED_PLATFORM,
        AE_UNSUPPORTED_ACTION,
        AE_INVALID_PAYLOAD,
        AE_NOT_CONNECTED,
        AE_REAUTHORIZATION_REQUIRED,
        AE_AUTHORIZATION_FAILED,
        AE_VAULT_UNAVAILABLE,
        AE_POLICY_UNAVAILABLE,
        AE_STORE_UNAVAILABLE,
        AE_RATE_LIMITED,
        AE_OVERLOADED,
        AE_DEADLINE_EXCEEDED,
        AE_CANCELLED,
        AE_UPSTREAM_UNREACHABLE,
        AE_UPSTREAM_TIMEOUT,
        AE_UPSTREAM_ERROR,
        AE_UPSTREAM_REJECTED,
        AE_OUTCOME_UNKNOWN,
        AE_IDEMPOTENCY_CONFLICT,
        AE_IDEMPOTENCY_MISMATCH,
        AE_NOT_FOUND,
        AE_INVALID_STATE,
        AE_INTERNAL,
        AE_CODE_MAX,
};

#define AE_MESSAGE_SIZE 512

struct ae_error {
        enum ae_code code;
        char message[AE_MESSAGE_SIZE]; /* one sentence for a person; never a secret */
        uint64_t retry_after_msec;     /* 0: not said */
        struct cJSON *errors;          /* owned: [{path, message}], or NULL */
        struct cJSON *details;         /* owned: an object, or NULL */
        int upstream_status;           /* 0: no HTTP answer */
        char upstream_reason[64];
        char upstream_message[256];
};

void ae_error_done(struct ae_error *error);

/*
 * Fills `error` and returns its code's negative errno, so that telling and leaving are one
 * statement. Foreign text is cut at the field's size (a precision may cut it anywhere), and freed
 * of control characters.
 * A later call on the same error replaces code and message.
 */
int ae_error_set(struct ae_error *error, enum ae_code code, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));

/*
 * Adds one finding to `errors` (`path` is an RFC 6901 JSON Pointer). At most 100 are kept. Code
 * and message stay as they are: whoever looked at everything sets them in the end.
 */
void ae_error_add(struct ae_error *error, const char *path, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));

/* How many findings there are. */
size_t ae_error_count(const struct ae_error *error);

/* Adds a string to `details`. */
void ae_error_detail(struct ae_error *error, const char *name, const char *value);

/*
 * Copies foreign text as far as it fits, whole UTF-8 characters; control characters, and bytes that
 * are none, as '?'.
 */
void ae_error_quote(char *ret, size_t size, const char *text);

/* For a failure that nobody explained: keeps what `error` says, else says `internal`. Returns r. */
int ae_error_from_errno(struct ae_error *error, int r);

const char *ae_code_name(enum ae_code code);
/* AE_NONE when there is no such code. */
enum ae_code ae_code_from_name(const char *name);
int ae_code_errno(enum ae_code code);
bool ae_code_retryable(enum ae_code code);
