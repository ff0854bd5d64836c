/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Records and apps in the clear: what the store keeps, opened and sealed with the key. Knows who
 * wrote last: who waited for a provider meanwhile must not overwrite what is newer.
 *
 * What a provider has rotated and the store does not take is held, sealed, until it does: the old
 * refresh token is spent, so that nobody else in the world has what is needed to go on.
 */

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "oauth/app.h"
#include "vault/record.h"
#include "vaultd/seal.h"

struct held;
struct store;

/* Zero-initialised but for the first two, which are borrowed. */
struct keeper {
        struct store *store;
        const struct secret *key;
        struct held *held;
        unsigned n_held;
};

#define KEEPER_MAX_HELD 256

void keeper_done(struct keeper *k);

/* Which writing of a record: no two are the same, and zeroes are none. */
struct record_version {
        unsigned char nonce[SEAL_NONCE_SIZE];
};

bool record_version_equals(const struct record_version *a, const struct record_version *b);

/*
 * Those below return 0, -ENOMEM, or fill `error`: not_connected, not_found, internal (it does not
 * open: wrong key or damaged), store_unavailable, invalid_request (over a limit). What fails in the
 * store or does not open is logged here.
 */

/* *ret_version may be NULL. *ret is set on success only; the caller calls record_done(). */
int keeper_read(struct keeper *k, const struct record_id *id, struct record *ret,
                struct record_version *ret_version, struct ae_error *error);

/* How a record is written. */
struct keeper_writing {
        const struct record_version *only_if; /* NULL: whatever is there is replaced */
        bool hold;                            /* where the store fails, keep it until it can */
};

/* Also -ESTALE, without an error: it has changed since `only_if`; upstream_error: it is no record. */
int keeper_write(struct keeper *k, const struct record_id *id, const struct record *r,
                 const struct keeper_writing *how, struct ae_error *error);
/* The same; `only_if` may be NULL. */
int keeper_delete(struct keeper *k, const struct record_id *id,
                  const struct record_version *only_if, struct ae_error *error);

typedef int keeper_record_fn(const struct record_id *id, const struct record *r, void *userdata);

/* All of a user's, sorted. What found() returns below zero ends the walk and is passed on. */
int keeper_list(struct keeper *k, const char *user_id, keeper_record_fn *found, void *userdata,
                struct ae_error *error);

int keeper_read_app(struct keeper *k, const char *name, struct oauth_app *ret,
                    struct ae_error *error);
int keeper_write_app(struct keeper *k, const char *name, const struct oauth_app *app,
                     struct ae_error *error);
int keeper_delete_app(struct keeper *k, const char *name, struct ae_error *error);

typedef int keeper_app_fn(const char *name, const struct oauth_app *app, void *userdata);

int keeper_list_apps(struct keeper *k, keeper_app_fn *found, void *userdata,
                     struct ae_error *error);

/* Tries again to write what is held. */
void keeper_flush(struct keeper *k);
