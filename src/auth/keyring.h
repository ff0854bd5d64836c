/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A folder of public keys, read once: KID.jwk with one key each, and NAME.jwks with a set of them. A change in the folder makes a new ring; who
 * watches the folder is none of this file's business.
 */

#include <stddef.h>

#include "auth/jwk.h"
#include "base/cleanup.h"
#include "base/error.h"

#define KEYRING_MAX_KEYS 256

struct keyring;

/*
 * Reads the folder. What is wrong with a single file, or with a key in a set, is told to
 * on_problem() in one sentence, with a syslog(3) priority, and costs that alone. A file that was
 * good in `old` (borrowed; NULL: there was nothing) and cannot be read any more keeps the keys that
 * it had, unless anybody may write it; one that is gone has none.
 * Of two keys with one kid the first counts, in the order of the files' names. Other names than
 * *.jwk and *.jwks, and those that begin with a dot, are passed over.
 * The caller owns *ret. Returns 0, or a negative errno with `error` set when the folder, or for
 * want of memory or descriptors a file in it, cannot be read.
 */
int keyring_load(const char *directory, const struct keyring *old,
                 void (*on_problem)(int priority, const char *sentence, void *userdata),
                 void *userdata, struct keyring **ret, struct ae_error *error);
struct keyring *keyring_free(struct keyring *k);
DEFINE_CLEANUP(struct keyring *, keyring_free);

size_t keyring_n_keys(const struct keyring *k);

/* Borrowed from the ring; NULL when there is no such key. */
const struct jwk *keyring_find(const struct keyring *k, const char *kid);
