/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One line of a client, taken apart: the fields of action-engine-protocol(7), checked for their
 * types, and the writing of the answer. Knows nothing of connections and operations.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/id.h"
#include "base/json-scan.h"

#define REQUEST_ID_MAX 128 /* bytes of a string id, unescaped */

/* The fields that some operation cannot do without, or no other takes. */
enum request_field {
        REQUEST_ACTION_TYPE = 1 << 0,
        REQUEST_APPROVAL_ID = 1 << 1,
        REQUEST_AUTHORIZATION_RESPONSE = 1 << 2,
        REQUEST_CODE = 1 << 3,
        REQUEST_CREDENTIAL = 1 << 4,
        REQUEST_DEVICE = 1 << 5,
        REQUEST_PAYLOAD = 1 << 6,
        REQUEST_PLATFORM = 1 << 7,
        REQUEST_REDIRECT_URI = 1 << 8,
        REQUEST_SCOPES = 1 << 9,
        REQUEST_STATE = 1 << 10,
        REQUEST_TOKEN = 1 << 11,
        REQUEST_USER_ID = 1 << 12,
        REQUEST_VERIFY = 1 << 13,
};

/* The first of them, as the protocol calls it; NULL when there is none. */
const char *request_field_name(unsigned fields);

/* The strings are owned and NULL when absent; the slices are borrowed from the line. */
struct request {
        char *id;      /* owned: as JSON text, echoed; NULL when there is none */
        uint64_t line; /* its number on the connection, which an error without id carries */
        char request_id[UUID_SIZE];
        bool reconciled; /* for the answer: the platform had to be asked what became of it */

        unsigned present; /* enum request_field */
        char *op;
        char *token;
        char *user_id;
        char *platform;
        char *action_type;
        char *account;
        char *approval_id;
        char *idempotency_key;
        char *traceparent;
        struct json_slice payload;    /* .text NULL when absent */
        struct json_slice credential; /* the same; of auth_token */
        struct json_slice scopes;     /* an array; the same */
        char *authorization_response; /* this and the next are secrets */
        char *code;
        char *state;
        char *redirect_uri;
        uint64_t deadline_usec; /* 0: not said */
        bool dry_run;
        bool interactive;
        bool device;
        bool verify;
        bool has_big_integer; /* somewhere in the line: see json_slice_big_integers() */
};

/*
 * Scans a line. Returns 0, or a negative errno with `error` set: invalid_json, invalid_request.
 * Also then *ret is usable for an answer, with the id if it could be read.
 */
int request_parse(const char *text, size_t size, uint64_t line, struct request *ret,
                  struct ae_error *error);
void request_done(struct request *q);
/* Wipes the token, which nobody needs once it is verified: an action may take minutes. */
void request_forget_token(struct request *q);

/*
 * Write one response, without its LF. `result` is JSON text. `platform` and `action_type` are
 * named if the request named them.
 */
void request_write_result(const struct request *q, const char *result, size_t size,
                          struct buffer *to);
void request_write_error(const struct request *q, const struct ae_error *error, struct buffer *to);
