/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Tokens of the engine's own, for development. Pure, but for random numbers.
 */

#include "auth/auth.h"
#include "auth/jwk.h"

/* A key with a kid that no file has. The caller owns *ret. Returns 0 or -ENOMEM. */
int login_key_new(struct jwk **ret);

/* As auth_login(), at that real time. */
int login_token(const struct jwk *key, const struct auth_login *login, uint64_t now_usec,
                struct secret **ret, uint64_t *ret_expires_at_usec);
