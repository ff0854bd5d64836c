/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Logins that have begun: what a person was sent to a provider with, until the provider's answer
 * is brought back. In memory alone, bounded, for some minutes, and each good for one attempt by the
 * caller that began it. Pure: the time is an argument.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/clock.h"
#include "oauth/app.h"
#include "oauth/authorize.h"

#define FLOWS_MAX 1024
#define FLOWS_MAX_PER_UID 16
#define FLOW_LIFE_USEC (600 * USEC_PER_SEC)
/* What a login's life is measured on: it ends while the machine sleeps, too. */
#define FLOW_CLOCK CLOCK_BOOTTIME

struct flows;

/* Who began it, for which account. Borrowed strings. */
struct flow_owner {
        uid_t uid;
        const char *subject; /* of the token */
        const char *user_id;
        const char *platform;
        const char *account;
};

struct flow {
        char state[OAUTH_STATE_SIZE];
        uid_t uid; /* this and the next four: struct flow_owner, owned */
        char *subject;
        char *user_id;
        char *platform;
        char *account;
        const char *provider;     /* the app's name; static text, an adapter's */
        char *scopes;             /* owned: asked for, separated by spaces; "" is none */
        uint64_t ends_usec;       /* FLOW_CLOCK */
        uint64_t expires_at_usec; /* CLOCK_REALTIME: the same moment, for people */

        /* Of a login in the browser. */
        struct oauth_app app;    /* owned; without its secret */
        struct secret *verifier; /* owned; NULL: the app does not use PKCE */
        char *redirect_uri;      /* owned */
        char *url;               /* owned: the person's way to the provider */
        bool is_link;            /* made for an error: nobody has asked for it */

        /* Of one on another device, RFC 8628. */
        struct secret *device_code; /* owned; NULL: it is in the browser */
        uint64_t interval_usec;
        uint64_t next_poll_usec; /* FLOW_CLOCK */

        TAILQ_ENTRY(flow) in_flows; /* the table's */
};

/*
 * Makes a flow that is in no table yet, with a state of its own. The caller owns *ret. Returns 0 or
 * -ENOMEM.
 */
int flow_new(const struct flow_owner *owner, const char *provider, const char *scopes,
             struct flow **ret);
struct flow *flow_free(struct flow *f);
DEFINE_CLEANUP(struct flow *, flow_free);

int flows_new(struct flows **ret);
struct flows *flows_free(struct flows *all);
DEFINE_CLEANUP(struct flows *, flows_free);

/*
 * Takes the flow over on success. A uid that has as many as it may have loses its oldest link, or
 * else its oldest; a link replaces that of the same owner. Returns 0, or -EDQUOT when all uids together have too many.
 */
int flows_put(struct flows *all, struct flow *f, uint64_t now_usec);

/*
 * Hands the flow of that state out to who began it, and to nobody else: for all others, and for
 * what has ended, it is as if there were none. The caller owns what is returned, or NULL.
 */
struct flow *flows_take(struct flows *all, const char *state, uid_t uid, const char *subject,
                        uint64_t now_usec);

/* The link that this owner was given, if it is good for a while yet. Borrowed, or NULL. */
const struct flow *flows_find_link(const struct flows *all, const struct flow_owner *owner,
                                   uint64_t now_usec);

size_t flows_size(const struct flows *all);
