/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A connection and its requests: who is at its other end, what it has proved, what it waits for.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/flows.h"
#include "engine/request.h"
#include "ipc/channel.h"
#include "ipc/peer.h"

struct client {
        unsigned n_refs; /* the engine's list, and each open call */
        struct engine *engine;
        struct channel *channel;
        struct peer peer;
        struct user *user;
        struct identity *identity; /* what the connection has proved, or NULL */
        struct call *calls;        /* a list of those open */
        bool gone;
        struct client *previous, *next;
};

/* A request on its way to its one answer. */
struct call {
        struct client *client; /* a reference */
        struct request request;
        struct identity *identity; /* who asks, or NULL for an op that does not mind */
        size_t held;               /* bytes on the quota */
        struct action *action;     /* what it waits for: one of these, or nothing */
        struct vault_call *vault_call;
        struct verification *verification;
        struct device_wait *device_wait;
        struct inbox_decision *decision;
        char *scopes;         /* owned: asked for, of auth_start; or NULL */
        struct flow *flow;    /* owned: of auth_callback; or NULL */
        bool leaving;         /* it changes something, and is seen to its end */
        bool reserved;        /* it has a place in the journal */
        struct buffer result; /* JSON text */
        struct call *previous, *next;
};

/* Serves an accepted descriptor, which it takes over in every case. */
void client_accept(struct engine *e, int fd);

/* Ends the connection as soon as it has been given what it is owed. */
void client_drain(struct client *c);

/* Answers what still waits for the vault, since the engine will not wait any longer. */
void client_abandon(struct client *c);

/* Answers what waits for a person, who may take half an hour: the engine is about to stop. */
void client_stop_waiting(struct client *c);

/* Ends it now; for the engine's own end. */
void client_close(struct client *c);

/* An operation handler that returned CALL_PENDING ends with one of these, once. */
#define CALL_PENDING 1
void call_succeed(struct call *call); /* with what is in call->result */
void call_fail(struct call *call, const struct ae_error *error);
