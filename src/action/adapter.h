/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a platform is: a table. An adapter is data plus up to four pure functions per action. They
 * do no I/O, keep no state and never see the network, the vault or the client, so that tests reach
 * them with strings. The engine validates, authorises, fetches the credential, sends and answers.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "http/http.h"

struct cJSON;

/* What a repeat would do. action-engine-protocol(7), "Once, and only once". */
enum idempotency {
        IDEMPOTENCY_READ,
        IDEMPOTENCY_IDEMPOTENT,   /* the platform itself recognises a repeat */
        IDEMPOTENCY_RECONCILABLE, /* the platform can be asked what became of it */
        IDEMPOTENCY_UNREPEATABLE,
};

/* What build() works from. All borrowed. */
struct adapter_input {
        const struct cJSON *payload; /* valid: schema and check() have passed */
        const char *base_url;        /* without a slash at its end */
        const char *action_id;       /* 32 hex digits, random: the marker of this action, one for
                                        all its attempts */
        uint64_t now_usec;           /* CLOCK_REALTIME */
};

struct adapter_action {
        const char *action_type; /* "send_email" */
        const char *title;
        const char *description;
        const char *payload_schema; /* JSON Schema, as text */
        const char *result_schema;
        const char *const *oauth_scopes; /* any one of them is enough; NULL-terminated */
        enum idempotency idempotency;

        /*
         * What a schema cannot say: adds a finding for each fault. May be NULL. Returns 0 or a
         * negative errno for our own failures.
         */
        int (*check)(const struct cJSON *payload, struct ae_error *error);

        /*
         * Payload → request. The engine adds the credential, X-Request-Id, traceparent and
         * User-Agent, and sets `repeatable`. *ret is zero-initialised; what it owns is freed by
         * the caller in every case. Returns 0, or a negative errno with `error` filled.
         */
        int (*build)(const struct adapter_input *input, struct http_request *ret,
                     struct ae_error *error);

        /*
         * Answer (HTTP_ANSWERED, any status) → result or error. *ret_result is an object that the
         * caller owns; the engine adds `timestamp` where it is missing. A 5xx is told as
         * `upstream_error`: the engine makes `outcome_unknown` of it where a repeat would do harm.
         */
        int (*interpret)(const struct adapter_input *input, const struct http_response *response,
                         struct cJSON **ret_result, struct ae_error *error);
};

struct adapter {
        const char *platform; /* "gmail" */
        const char *title;
        const char *base_url;          /* where the platform is, unless configured */
        const char *credential_schema; /* of auth_token's `credential` */
        const struct adapter_action *actions;
        size_t n_actions;
};

/* Made by adapters/meson.build from its list of folders; NULL-terminated. */
extern const struct adapter *const adapters[];
