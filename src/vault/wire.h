/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What both ends of the vault's socket must agree on. The operations are told in vaultd/ops.c.
 */

#include "base/json-scan.h"
#include "base/secret.h"

/* A line either way: two tokens, each character escaped, and all the scopes there may be. */
#define VAULT_WIRE_MAX_LINE ((size_t)128 << 10)

#define VAULT_WIRE_MAX_TOKEN 16384 /* bytes */

/*
 * Takes a token out of a scanned string: 1 to VAULT_WIRE_MAX_TOKEN of RFC 6749's VSCHAR, which is
 * printable ASCII, so that it can stand in a header. The caller owns *ret. 0, -EINVAL, -ENOMEM.
 */
int vault_wire_secret(const struct json_slice *s, struct secret **ret);
