/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One action: everything that belongs to it, owned in one place, from the request until its answer.
 *
 *      action_new()  →  pipeline_start()  →  …  →  on_done()  →  last action_unref()
 *
 * The pipeline holds a reference of its own while it runs. An action may be cancelled until its
 * request begins to leave; from then on it is waited for, so that the audit tells the truth.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "action/reconcile.h"
#include "action/registry.h"
#include "auth/auth.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/id.h"
#include "http/http.h"
#include "ipc/peer.h"
#include "policy/policy.h"
#include "vault/vault.h"

struct cJSON;
struct action;
struct control;

/* What all actions of an engine share. The engine owns it, and it outlives them. */
struct action_context {
        sd_event *event;
        struct auth *auth;
        const struct registry *registry;
        struct vault *vault;
        struct http_client *http;
        struct policy *policy;   /* NULL: nobody is asked beyond the token's scope */
        struct control *control; /* hears what comes of actions; NULL: there is none */
        unsigned max_in_flight, max_in_flight_per_uid;
        uint64_t reconcile_usec; /* see action/reconcile.h; 0: platforms are not asked */
        unsigned n_in_flight;
        struct action *in_flight; /* a list of them */
        uint64_t n_succeeded, n_failed;
};

#define ACTION_ID_HEX 32
#define ACTION_DIGEST_HEX 64

/* What is asked for. action_new() takes the owned parts over. */
struct action_spec {
        char *user_id;          /* owned */
        char *platform;         /* owned */
        char *action_type;      /* owned */
        char *account;          /* owned */
        struct cJSON *payload;  /* owned: an object */
        char *traceparent;      /* owned; NULL: none */
        uint64_t deadline_usec; /* from now */
        bool dry_run;
        bool interactive; /* a person may be asked */
        struct peer peer; /* its pid_fd is borrowed until the action is over */
};

void action_spec_done(struct action_spec *spec);

typedef void action_done_fn(struct action *a, void *userdata);

struct action {
        unsigned n_refs;
        struct action_context *context;
        struct action_spec spec;
        char request_id[UUID_SIZE];
        char action_id[ACTION_ID_HEX + 1];  /* the marker; one for all attempts */
        char digest[ACTION_DIGEST_HEX + 1]; /* "" until computed */
        struct identity *identity;          /* who asks */
        const struct action_type *type;     /* from `resolve` on */
        enum policy_decision decision;      /* anything but yes: of a dry run alone */
        uid_t approver;                     /* the person; (uid_t)-1: none, or not known */
        const char *decided_by;             /* who let it pass, or NULL */
        struct cJSON *required_scopes;      /* an array: Engine Control wants them all; or NULL */

        /* The running of it; the pipeline's. */
        struct action *previous, *next; /* in the context's list */
        size_t stage;
        bool in_flight, answered, reserved;
        bool leaving; /* a request that does more than read began to leave: no cancelling now */
        uint64_t attempt_usec; /* CLOCK_MONOTONIC when the first of these did; 0: none has */
        bool acted;            /* the same of an exchange that came to its end, and others follow */
        bool unclear;          /* what became of the last that left is being asked */
        /* It was cancelled too late: it ends so if the platform sends it back. */
        enum ae_code withdrawn;
        const char *withdrawn_why;
        uint64_t started_usec;
        sd_event_source *deadline;
        struct authorisation *authorisation; /* while policy is asked */
        struct vault_call *vault_call;
        struct http_call *http_call;
        struct credential credential;
        char rejected[65]; /* hex SHA-256 of an access token that the platform refused, or "" */
        struct http_request request;
        bool only_reads;        /* the adapter says so of the request */
        struct cJSON *notes;    /* of one exchange for the next */
        struct secret *session; /* the one note that is a credential */
        unsigned n_exchanges;
        unsigned n_attempts; /* requests sent, without those of looks */
        int upstream_status; /* the same */
        struct reconcile reconcile;

        /* What came of it. An error's code says whether it failed. */
        struct cJSON *result;
        struct ae_error error;
        action_done_fn *on_done;
        void *userdata;
};

/*
 * Takes over *spec's parts (in every case) and a reference to `identity`. Findings that were made
 * while the payload was read may be put into (*ret)->error before the start. 0 or -ENOMEM.
 */
int action_new(struct action_context *context, struct action_spec *spec, struct identity *identity,
               struct action **ret);
struct action *action_ref(struct action *a);
struct action *action_unref(struct action *a);
DEFINE_CLEANUP(struct action *, action_unref);
