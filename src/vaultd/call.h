/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A request under way. Each operation is a step: it answers, or it waits for a provider or for a
 * job and another step follows. Who asked may be gone by then; a call that was begun is finished.
 */

#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "vaultd/grant-link.h"
#include "vaultd/jobs.h"
#include "vaultd/keeper.h"
#include "vaultd/request.h"

/* What the operations work with: the vault, but for its connections. */
struct desk {
        sd_event *event; /* borrowed */
        struct keeper keeper;
        struct jobs jobs;
        struct grants *grants; /* owned */
        struct call *calls;    /* owned: those under way */
        unsigned n_calls;
};

/* Ends all that is under way without answering. */
void desk_done(struct desk *d);

/*
 * The answer: without an LF, at most VAULT_WIRE_MAX_LINE bytes; it may hold a token. What is not
 * taken out of the buffer is wiped. Out of memory shows in buffer_error(). NULL: none will come,
 * for the vault ends.
 */
typedef void call_answer_fn(struct buffer *answer, void *userdata);

struct call {
        struct desk *desk;
        struct request request; /* without what lives in the line, once a step has waited */
        struct record_id id;    /* borrowed of the request; NULL where it has none */
        char *wire_id;          /* owned: its id as it stood in the line */
        call_answer_fn *on_answer;
        void *userdata;
        struct call *previous, *next;

        /* Of the operations: what a step leaves to the next one. */
        struct job_waiter waiter;
        enum job_end how;               /* of the job it waited for */
        const struct ae_error *failure; /* with JOB_FAILED; lives for the step */
        struct oauth_answer *answer;    /* of the grant it sent; lives for the step */
        struct job *job;
        struct oauth_app app;
        unsigned n_waits;
        sd_event_source *patience; /* owned: on while what there is would serve as well */
        bool is_impatient;
};

/* What a step returns, or a negative errno with `error` filled, or not: then it is `internal`. */
enum {
        CALL_ANSWERED,
        CALL_WAITS,
};

/* Prints the members of the result into `to`, the first without a comma. */
typedef int call_step_fn(struct call *c, struct buffer *to, struct ae_error *error);

/* Takes *q over. `wire_id` is copied. The caller owns *ret until call_step(). 0 or -ENOMEM. */
int call_new(struct desk *d, struct request *q, const struct json_slice *wire_id,
             call_answer_fn *on_answer, void *userdata, struct call **ret);

/* Runs a step. Unless it waits, the call is answered, and gone. */
void call_step(struct call *c, call_step_fn *step);

/* Sends the grant, whose answer finds the call with `on_answer`. CALL_WAITS or a negative errno. */
int call_send(struct call *c, const struct oauth_grant *grant, grants_answer_fn *on_answer);

/* The error for what is not OAUTH_OK, with what the provider said. Returns its errno. */
int call_grant_error(const struct oauth_answer *answer, const char *provider, enum ae_code refused,
                     struct ae_error *error);

/* Prints user_id, platform, account. */
void call_print_id(const struct call *c, struct buffer *to);

/* Takes the braces off the object that begins at `start`: its members stand in another one. */
void call_unwrap(struct buffer *to, size_t start);

/* Prints the members of an answer's facts. */
void call_print_facts(const struct oauth_answer *answer, struct buffer *to);

/* The answer that carries `error`; `number` is the line's if there is no id, 0: of no line. */
void call_print_error(const char *wire_id, size_t size, uint64_t number,
                      const struct ae_error *error, struct buffer *to);

/*
 * Whether another record of the user's would end with a token of that account, NULL: not known,
 * if it was revoked.
 */
bool call_grant_is_shared(const struct call *c, const struct oauth_app *app, const char *provider,
                          const char *identity);

/* Asks for a revocation and does not wait for what comes of it. */
void desk_revoke(struct desk *d, const struct oauth_app *app, const struct secret *token);
