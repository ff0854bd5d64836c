/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The daemon as a whole: what is wired to what, how it starts, how it stops. Clients and
 * operations find everything they share in here.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "action/action.h"
#include "base/cleanup.h"
#include "base/poller.h"
#include "engine/apps.h"
#include "engine/drain.h"
#include "engine/flows.h"
#include "engine/refusals.h"
#include "engine/settings.h"
#include "engine/users.h"
#include "ipc/listener.h"

struct client;

struct engine {
        const struct settings *settings;
        sd_event *event;
        struct poller *poller;
        struct listener *listener;
        struct users *users;
        struct flows *flows;
        struct auth *auth;
        struct refusals refusals;
        struct registry *registry;
        struct vault *vault;
        struct http_client *http;
        struct polkit *polkit;    /* NULL: it is not asked */
        struct control *control;  /* the same */
        struct inbox *inbox;      /* the same */
        struct policy *approvers; /* the same; the chain for who approves */
        struct policy *policy;    /* NULL: nobody is */
        struct apps apps;         /* of a vault that keeps none itself */
        struct action_context actions;

        unsigned max_connections; /* as set, or as descriptors allow */
        struct client *clients;   /* a list */
        unsigned n_clients;
        uint64_t started_usec; /* CLOCK_MONOTONIC */

        struct drain drain;
        sd_event_source *status_timer;
};

/*
 * Builds everything but the listening socket. `settings` is borrowed for the engine's life. The
 * caller owns *ret. Returns 0; a negative errno with one sentence in `error`.
 */
int engine_new(const struct settings *settings, struct engine **ret, struct ae_error *error);
struct engine *engine_free(struct engine *e);
DEFINE_CLEANUP(struct engine *, engine_free);

/* Serves listen_fd, which it takes over, until it is told to stop. Returns 0 or a negative errno. */
int engine_run(struct engine *e, int listen_fd);

/* Figures have changed: systemd is told soon, at most once a second. */
void engine_touch_status(struct engine *e);

/* Tells systemd at once. */
void engine_tell_status(struct engine *e);

/* vault.c: makes e->vault, for engine_new(). Returns 0; a negative errno, with `error` if known. */
int engine_make_vault(struct engine *e, struct ae_error *error);

/* policy.c: makes e->policy and who is asked by it, for engine_new(). Returns as the one above. */
int engine_make_policy(struct engine *e, struct ae_error *error);
void engine_free_policy(struct engine *e);

/*
 * credential.c: the systemd credential of that name, as one line of text. `who` needs it: "the
 * vault". The caller owns *ret. Returns 0; a negative errno, with `error` if known.
 */
int engine_read_credential(const char *who, const char *name, struct secret **ret,
                           struct ae_error *error);
