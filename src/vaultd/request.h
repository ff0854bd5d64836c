/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A line, read: the values in it, each checked, none unknown. Pure; the operations are told in
 * ops.c.
 */

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json-scan.h"
#include "vault/record.h"

enum field_flags {
        FIELD_USER_ID = 1 << 0,
        FIELD_PLATFORM = 1 << 1,
        FIELD_ACCOUNT = 1 << 2,
        FIELD_REJECTED = 1 << 3,
        FIELD_CREDENTIAL = 1 << 4,
};

struct request {
        struct json_envelope envelope;
        const struct json_slice *id; /* as it stands in the line; NULL: none that may be echoed */
        unsigned given;              /* enum field_flags */
        char *user_id, *platform, *account; /* owned; NULL when not given */
        unsigned char rejected[crypto_hash_sha256_BYTES];
        const struct json_slice *credential; /* an object */
};

void request_done(struct request *q);

/*
 * Scans the line, which must outlive q, into a zeroed request and finds its id, as far as that
 * goes with a line that is refused.
 */
int request_scan(struct request *q, const char *line, size_t size, struct ae_error *error);

/* What an operation takes; `needs` and `may_have` are of enum field_flags. */
struct request_shape {
        const char *op;
        unsigned needs, may_have;
};

/* Reads the fields. What the shape does not name is refused by its name. */
int request_read(struct request *q, const struct request_shape *shape, struct ae_error *error);
