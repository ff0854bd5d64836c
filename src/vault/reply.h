/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An answer of action-vaultd, read. Pure. No tree is built of what holds a token, so that there is
 * one copy of it to wipe, the caller's line.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/json-scan.h"
#include "vault/vault.h"

struct vault_reply {
        int64_t id;               /* of the request; 0: it belongs to none */
        struct ae_error error;    /* owned; AE_NONE: success, and there is a result */
        struct json_slice result; /* an object, in the line */
};

/*
 * Reads a line. A code that vault.h does not name becomes one that it does. Returns 0; -EBADMSG
 * when it is no answer; -ENOMEM.
 */
int vault_reply_read(const char *line, size_t size, struct vault_reply *ret);

/*
 * Takes the credential out of a result of get_token. The caller calls credential_done(). Returns
 * 0; -EBADMSG when it is none; -EREMCHG when it is of another record than `key`; -ENOMEM.
 */
int vault_reply_credential(const struct json_slice *result, const struct vault_key *key,
                           struct credential *ret);

/* The app in a result of get_provider. The caller owns *ret. Returns 0, -EBADMSG, -ENOMEM. */
int vault_reply_app(const struct json_slice *result, struct cJSON **ret);
