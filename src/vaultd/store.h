/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Sealed records and apps at rest, in SQLite: what was answered as stored survives a power cut. Knows
 * no plain text. Blocking, for the vault's loop: records are tiny.
 */

#include <stddef.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/secret.h"

struct record_id;
struct store;

#define STORE_MAX_PER_USER 256
#define STORE_MAX_PROVIDERS 64
#define STORE_ERROR_SIZE 1024

/*
 * Opens `path`, or makes it (mode 0600), and brings an older schema up to date. What is damaged,
 * newer or not a vault's is refused and left as it is. The file never grows over `max_bytes`. As
 * long as it is open, no other store_open() in its folder succeeds. The caller owns *ret. Returns 0;
 * a negative errno with one sentence in `error`: -EUCLEAN damaged, -EPROTONOSUPPORT newer,
 * -EMEDIUMTYPE not a vault's, -EDEADLK open elsewhere.
 */
int store_open(const char *path, size_t max_bytes, struct store **ret,
               char error[static STORE_ERROR_SIZE]);
/*
 * From now on the store is held to its mark in `folder`, and each change moves the mark on, as
 * guard.h tells. `key` is borrowed. Before anything else is done with it. Returns 0; a negative
 * errno with one sentence in `error`: -EKEYREJECTED another key's, -ESTALE not as it was left.
 */
int store_guard(struct store *s, const struct secret *key, const char *folder,
                char error[static STORE_ERROR_SIZE]);
struct store *store_free(struct store *s);
DEFINE_CLEANUP(struct store *, store_free);

/*
 * Those below return -EIO when SQLite fails (store_problem() says why; the next call opens the file
 * anew, since a failed write leaves it unknown what the disk holds), -EBUSY when another program
 * has it locked, -ENOSPC when it is full, -EUCLEAN when it is damaged, -ENOMEM.
 */

/* Appends the sealed bytes to `to`. 0, or -ENOENT. */
int store_read(struct store *s, const struct record_id *id, struct buffer *to);
/* Writes or replaces. 0, or -EDQUOT when the user has STORE_MAX_PER_USER others. */
int store_write(struct store *s, const struct record_id *id, const void *sealed, size_t size);
/* 0, or -ENOENT. */
int store_delete(struct store *s, const struct record_id *id);

/*
 * Calls found() for each record of the user, ordered by platform and account; what it is given is
 * borrowed. A result of less than 0 ends the walk and is passed on.
 */
int store_list(struct store *s, const char *user_id,
               int (*found)(const struct record_id *id, const void *sealed, size_t size,
                            void *userdata),
               void *userdata);

/* What an app is sealed for. No record is of the user "": neither opens as the other. */
struct record_id store_provider_id(const char *name);

/* The same for the apps, each under its name. */
int store_read_provider(struct store *s, const char *name, struct buffer *to);
/* 0, or -EDQUOT when there are STORE_MAX_PROVIDERS others. */
int store_write_provider(struct store *s, const char *name, const void *sealed, size_t size);
int store_delete_provider(struct store *s, const char *name);
int store_list_providers(struct store *s,
                         int (*found)(const char *name, const void *sealed, size_t size,
                                      void *userdata),
                         void *userdata);

/* How many records there are. Costs nothing. */
size_t store_count(const struct store *s);

/* What SQLite said when it last failed. */
const char *store_problem(const struct store *s);
