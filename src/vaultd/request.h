/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A line, read: the values in it, each checked, none unknown. Pure; the operations are told in
 * ops.c.
 */

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json-scan.h"
#include "base/secret.h"
#include "vault/record.h"

enum field_flags {
        FIELD_USER_ID = 1 << 0,
        FIELD_PLATFORM = 1 << 1,
        FIELD_ACCOUNT = 1 << 2,
        FIELD_REJECTED = 1 << 3,
        FIELD_CREDENTIAL = 1 << 4,
        FIELD_PROVIDER = 1 << 5,
        FIELD_CODE = 1 << 6,
        FIELD_CODE_VERIFIER = 1 << 7,
        FIELD_REDIRECT_URI = 1 << 8,
        FIELD_DEVICE_CODE = 1 << 9,
        FIELD_SCOPES = 1 << 10,
        FIELD_REVOKE = 1 << 11,
        FIELD_APP = 1 << 12,
        FIELD_ISSUER = 1 << 13,
};

/* What was not given is NULL, or false. */
struct request {
        unsigned given;                               /* enum field_flags */
        char *user_id, *platform, *account;           /* owned */
        char *provider, *redirect_uri, *issuer;       /* owned */
        char *scopes;                                 /* owned */
        struct secret *code, *verifier, *device_code; /* owned */
        unsigned char rejected[crypto_hash_sha256_BYTES];
        bool revoke;
        const struct json_slice *credential, *app; /* objects; they live as long as the line */
};

void request_done(struct request *q);

/*
 * Scans the line and finds its id, as far as that goes with a line that is refused: *ret_id is
 * NULL when there is none that may be echoed.
 */
int request_scan(const char *line, size_t size, struct json_envelope *ret,
                 const struct json_slice **ret_id, struct ae_error *error);

/* What an operation takes; `needs` and `may_have` are of enum field_flags. */
struct request_shape {
        const char *op;
        unsigned needs, may_have;
};

/* Reads the fields into a zeroed request. What the shape does not name is refused by its name. */
int request_read(struct request *q, const struct json_envelope *e,
                 const struct request_shape *shape, struct ae_error *error);
