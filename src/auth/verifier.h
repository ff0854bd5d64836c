/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Token in, identity out: keys, signature, claims and the memory of what was verified before. Pure
 * but for that memory: the time is an argument, the keys are given.
 */

#include <stdint.h>
#include <sys/types.h>

#include "auth/identity.h"
#include "auth/keyring.h"
#include "auth/revocations.h"
#include "base/cleanup.h"
#include "base/error.h"

struct verifier;

/* Takes over `keys` on success. The caller owns *ret. Returns 0 or -ENOMEM. */
int verifier_new(struct keyring *keys, size_t cache_entries, uint64_t skew_usec,
                 struct verifier **ret);
struct verifier *verifier_free(struct verifier *v);
DEFINE_CLEANUP(struct verifier *, verifier_free);

/* Takes over `keys`; NULL: there are none, and nothing that was proved holds any longer. */
void verifier_set_keys(struct verifier *v, struct keyring *keys);
const struct keyring *verifier_keys(const struct verifier *v); /* NULL: there are none */
size_t verifier_n_keys(const struct verifier *v);

/* Takes over the list of revoked tokens; NULL, as in the beginning: there are none. */
void verifier_set_revocations(struct verifier *v, struct revocations *list);
size_t verifier_n_revoked(const struct verifier *v);

/* A key beside those: taken over, and not replaced with them. */
void verifier_set_own_key(struct verifier *v, struct jwk *key);
const struct jwk *verifier_own_key(const struct verifier *v); /* NULL: there is none */

/* As auth_verify() and auth_still_valid(), at that real time. */
int verifier_verify(struct verifier *v, const char *token, size_t size, uid_t uid,
                    uint64_t now_usec, struct identity **ret, struct ae_error *error);
int verifier_check(const struct verifier *v, const struct identity *id, uint64_t now_usec,
                   struct ae_error *error);
