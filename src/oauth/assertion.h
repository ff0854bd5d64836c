/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Service accounts: a JWT, signed RS256 by OpenSSL, in the place of a person's grant. RFC 7523 §3;
 * developers.google.com/identity/protocols/oauth2/service-account. Pure.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/json-scan.h"
#include "base/secret.h"

/* What Google's console hands out as a file, and for whom it is used. */
struct oauth_service_account {
        char *client_email;         /* owned */
        char *private_key_id;       /* owned, or NULL */
        struct secret *private_key; /* owned: PEM, RSA of 2048 to 8192 bits */
        char *subject; /* owned, or NULL: whom it acts for, by domain-wide delegation */
};

void oauth_service_account_done(struct oauth_service_account *a);

/*
 * Reads a scanned JSON object: `type` must be service_account; client_email, private_key,
 * private_key_id?, subject?; what else stands in such a file is passed over, its token_uri too.
 * Proves that the key can sign. *ret is set on success only. 0, -ENOMEM, or invalid_request.
 */
int oauth_service_account_parse(const struct json_slice *json, struct oauth_service_account *ret,
                                struct ae_error *error);

/*
 * An assertion for `audience` (the token endpoint), good for an hour from `now_usec`. `scopes` are
 * separated by spaces. The caller owns *ret. Returns 0, -ENOMEM, or -EKEYREJECTED.
 */
int oauth_assertion_new(const struct oauth_service_account *a, const char *audience,
                        const char *scopes, uint64_t now_usec, struct secret **ret);
