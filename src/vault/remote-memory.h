/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the backends behind HTTP remember of a few records between two questions, because the vault
 * cannot: a renewed record that it did not take, a refresh token that the provider has refused, a
 * renewal that was in vain. Each note is about a record as it was read, and is worth nothing once
 * the vault holds another. When there are too many, the oldest is forgotten. Pure.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "vault/record.h"

#define MEMORY_MAX_NOTES 256

#define RECORD_DIGEST_SIZE 32
/* Tells two versions of a record apart by their tokens. */
void record_digest(const struct record *r, unsigned char ret[static RECORD_DIGEST_SIZE]);
bool record_digest_is(const struct record *r, const unsigned char *digest);

struct note {
        struct record_id id; /* owned */
        unsigned char of[RECORD_DIGEST_SIZE];
        bool refused;
        uint64_t failed_usec; /* CLOCK_MONOTONIC: when the provider was last asked in vain; 0: never */
        enum ae_code failure; /* what came of that */
        char message[AE_MESSAGE_SIZE];
        struct record unsaved; /* owned; without a token: there is none */
        TAILQ_ENTRY(note) in_memory;
};

TAILQ_HEAD(note_list, note);

struct memory {
        struct note_list notes; /* the oldest first */
        unsigned n;
};

void memory_init(struct memory *m);
void memory_done(struct memory *m);

/* The note of that record, or NULL. */
struct note *memory_find(const struct memory *m, const struct record_id *id);
/*
 * A note of that record as it was read, empty unless there is one already. NULL when memory is
 * out. It is borrowed until the next call.
 */
struct note *memory_note(struct memory *m, const struct record_id *id,
                         const unsigned char of[static RECORD_DIGEST_SIZE]);
void memory_forget(struct memory *m, const struct record_id *id);

bool record_id_equals(const struct record_id *a, const struct record_id *b);
/* Copies what there is; what was copied is the caller's in any case. Returns 0 or -ENOMEM. */
int record_id_copy(const struct record_id *id, struct record_id *ret);
void record_id_done(struct record_id *id);
