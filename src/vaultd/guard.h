/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Whether the store is the one that was left: not an older copy of it, nor another, nor one that
 * somebody else has written to. Its generation changes with each change, in the same transaction;
 * once that is on the disk, the mark follows. So the store may be ahead of its mark (a crash came
 * between), and is refused behind it. Of changes in a row the mark is on the disk once a second: a
 * kill loses nothing of it, a power cut no more than the kernel has not written yet.
 *
 *      old store, old mark         a backup of everything: not noticed, nor could it be
 *      old store                   refused
 *      old rows in a new store     refused, for the sum is another
 *      no mark, or another's       refused, once the store has ever been changed
 *
 * Who restores a backup on purpose says so by a file beside the mark, which is good once.
 */

#include <stdbool.h>

#include "base/secret.h"
#include "vaultd/database.h"
#include "vaultd/generation.h"

struct record_id;

#define GUARD_MARK "mark"
#define GUARD_ACCEPT "accept-restored"

/* Zero-initialised guards nothing: no key was given yet. */
struct guard {
        const struct secret *key; /* borrowed */
        char *mark, *accept;      /* owned: their paths */
        struct generation now, next;
        sqlite3_stmt *save;
        int place;            /* in the mark, where the next is written */
        uint64_t synced_usec; /* CLOCK_MONOTONIC: when the mark was last sure to be on the disk */
        bool unsynced;
        bool mark_failed;
};

/* 0 or -ENOMEM. */
int guard_init(struct guard *g, const struct secret *key, const char *folder);
void guard_done(struct guard *g);

/*
 * For a database that was just opened; guard_close() before it is closed. Fills d->problem unless it
 * returns 0: -EKEYREJECTED the key opens nothing of it, -ESTALE it is not as it was left, or an
 * errno of database_failed().
 */
int guard_open(struct guard *g, struct database *d);
void guard_close(struct guard *g);

/* Within a transaction: what it does, then guard_save(). Nothing of it counts before guard_keep(). */
void guard_begin(struct guard *g);
void guard_toggle(struct guard *g, const struct record_id *id, const void *sealed, size_t size);
int guard_save(struct guard *g, struct database *d);

/* The transaction is on the disk. */
void guard_keep(struct guard *g);
