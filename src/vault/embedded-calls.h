/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The calls of the embedded backend: who waits for an answer, and until when. Pure: the time is an
 * argument.
 *
 * Some questions a vault answers by itself, and at once: when one of them is not answered in time,
 * it is deaf. For the others it may have to ask a provider, which takes as long as it takes. While
 * only such ones wait and nothing is heard, the vault is to be asked how it is.
 */

#include <stdbool.h>
#include <stdint.h>

#include "vault/backend.h"

#define CALL_NEVER UINT64_MAX
#define CALL_REASON_SIZE 240

struct embedded_call {
        struct vault_call head;
        uint64_t id;
        uint64_t deadline_usec; /* CALL_NEVER: it has been told that it took too long */
        enum vault_op op;
        struct vault_key key;       /* of VAULT_GET_TOKEN; owned */
        vault_answer_fn *on_answer; /* NULL: cancelled */
        void *userdata;
        enum ae_code failure;
        char reason[CALL_REASON_SIZE];
        struct embedded_call *next;
};

/* In order of their ids. Zero-initialised is valid: empty. */
struct embedded_queue {
        struct embedded_call *first, *last;
        unsigned size;
};

/*
 * A call of that id, asked now; `timeout_usec` is how long a vault by itself may take. The caller
 * owns *ret. Returns 0 or -ENOMEM.
 */
int embedded_call_new(struct vault *v, const struct vault_question *q, uint64_t id,
                      uint64_t now_usec, uint64_t timeout_usec, struct embedded_call **ret);
struct embedded_call *embedded_call_free(struct embedded_call *c);
DEFINE_CLEANUP(struct embedded_call *, embedded_call_free);

/* Whether the vault may have to ask a provider before it can answer. */
bool embedded_call_is_slow(const struct embedded_call *c);

/* Takes the call over. */
void embedded_queue_put(struct embedded_queue *q, struct embedded_call *c);
/* Takes out the call of that id, which is nearly always the first. NULL when there is none. */
struct embedded_call *embedded_queue_take(struct embedded_queue *q, uint64_t id);
void embedded_queue_done(struct embedded_queue *q);

/* The first whose deadline has passed; NULL: none. */
struct embedded_call *embedded_queue_late(const struct embedded_queue *q, uint64_t now_usec);

/*
 * When it is to be looked what waits: at the next deadline, or when nothing was heard since
 * `heard_usec` for a whole timeout and nobody is about to find out why. CALL_NEVER: nothing waits.
 */
uint64_t embedded_queue_next_look(const struct embedded_queue *q, uint64_t heard_usec,
                                  uint64_t timeout_usec);
