/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a platform is: a table. An adapter is data plus up to four pure functions per action. They
 * do no I/O, keep no state and never see the network, the vault or the client, so that tests reach
 * them with strings. The engine validates, authorises, fetches the credential, sends and answers.
 */

#include <stdbool.h>
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
        const struct secret *credential; /* an access token, or whatever the platform has instead */
        /*
         * An object, empty at first, in which one exchange leaves notes for the next: ids that it
         * was told, never a secret. What stands in it tells which exchange this is.
         */
        struct cJSON *notes;
};

/* What interpret() may return beside 0 and a negative errno. */
#define ADAPTER_CONTINUE 1 /* the notes are taken: build the next exchange */

/* An action takes at most so many; one more is a fault of the adapter. */
#define ADAPTER_MAX_EXCHANGES 8

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
         * Payload → request. The engine adds the credential (unless the adapter brings it itself),
         * X-Request-Id, traceparent and User-Agent. It sets `repeatable` where the class says so;
         * an exchange that only reads sets it by itself, and is then told as such when it fails.
         * *ret is zero-initialised; what it owns is freed by the caller in every case. Returns 0,
         * or a negative errno with `error` filled.
         */
        int (*build)(const struct adapter_input *input, struct http_request *ret,
                     struct ae_error *error);

        /*
         * Answer (HTTP_ANSWERED, any status) → result or error. Returns 0 with *ret_result, an
         * object that the caller owns (the engine adds `timestamp` where it is missing);
         * ADAPTER_CONTINUE; or a negative errno with `error` filled. A 5xx is told as
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
        const char *credential_member; /* which member of it is the secret; NULL: access_token */
        bool brings_credential; /* build() puts it where it belongs, for example in the URL */
        const struct adapter_action *actions;
        size_t n_actions;
};

/* Made by adapters/meson.build from its list of folders; NULL-terminated. */
extern const struct adapter *const adapters[];
