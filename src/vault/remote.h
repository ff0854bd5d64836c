/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the backends behind HTTP share: questions become jobs, and jobs become answers. A backend
 * says how a record is read and written; it knows nothing of callers and providers.
 *
 *     remote.c           jobs and their callers
 *     remote-flow.c      which steps a job takes
 *     remote-renew.c     the same, of a token that is asked for
 *     remote-consent.c   the same, of what a person has begun or ends
 *     remote-grant.c     providers
 *     remote-exchange.c  requests to the vault
 *     remote-memory.c    what is remembered between two questions
 */

#include <stdbool.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "http/http.h"
#include "vault/backend.h"
#include "oauth/grant.h"
#include "vault/remote-memory.h"
#include "vault/renew.h"

struct caller;
struct cJSON;
struct job;
struct remote;

/* A request, and what becomes of it. */
struct exchange {
        struct http_request request;
        struct http_call *call; /* NULL: none is under way */
        void (*on_answer)(const struct http_response *response, void *userdata);
        void *userdata;
};

/* Begins a request to the vault's URL with `path` behind it. Returns 0 or -ENOMEM. */
int exchange_prepare(struct exchange *x, const struct remote *v, const char *method,
                     const char *path);
/*
 * Sends it; a repeat must do no harm. on_answer() comes once, from the loop, and may prepare and
 * send again. Returns 0 or a negative errno.
 */
int exchange_send(struct exchange *x, struct remote *v, uint64_t deadline_usec);
/* Ends it without a word, and wipes what it holds. */
void exchange_done(struct exchange *x);

/* Tells why there is no answer with a status, or that there is one. Returns 0 or an errno. */
int remote_check_failure(const struct http_response *response, struct ae_error *error);
/* Tells what a status means that the backend does not know better. Always a negative errno. */
int remote_status_error(int status, struct ae_error *error);
/* The answer is none that the API's description knows. Always a negative errno. */
int remote_nonsense(struct ae_error *error);
/* It is a record, of somebody else. Always a negative errno. */
int remote_mistaken(struct ae_error *error);

#define JOB_PENDING 1 /* it has sent something, or waits for what the backend calls it for */

/* Returns JOB_PENDING; 0 when the step is done; a negative errno, with `error` set where known. */
typedef int job_fn(struct job *j, struct ae_error *error);
typedef int job_answer_fn(struct job *j, const struct http_response *response,
                          struct ae_error *error);

/* What jobs are made of; which of them, and in which order, is remote-flow.c's. */
enum job_step {
        JOB_READ,   /* the record, into `record`, with `is_present` and what follows it */
        JOB_CLAIM,  /* the right to renew it, if it is still what was read: else -ESTALE */
        JOB_WRITE,  /* `record`, if what is there is still what was read: else -ESTALE */
        JOB_ERASE,  /* the record */
        JOB_STATUS, /* into `status` */
        JOB_N_VAULT_STEPS,
        JOB_GRANT = JOB_N_VAULT_STEPS, /* a provider is asked: remote-grant.c's */
        JOB_WAIT,                      /* for others who write the record */
};

struct remote_ops {
        size_t job_size; /* of the backend's struct, which begins with struct job */
        bool versions;   /* it writes what it has read, and keeps all that a record has */
        job_fn *check;   /* whether the vault can do that at all; never pending; may be NULL */
        job_fn *steps[JOB_N_VAULT_STEPS]; /* NULL: there is nothing to do */
        job_answer_fn *on_answer;         /* only to what has a status */
        void (*job_done)(struct job *j);  /* may be NULL */
};

TAILQ_HEAD(caller_list, caller);
TAILQ_HEAD(job_list, job);

/* A call to a provider, and what came of it. */
struct granting {
        struct oauth_grant grant;
        struct http_request request;
        struct http_call *call; /* NULL: none is under way */
        uint64_t sent_usec;     /* CLOCK_MONOTONIC */
        struct oauth_answer answer;
};

/* What a job writes, beside what it was asked to. */
enum job_errand {
        ERRAND_NONE,
        ERRAND_MARK,    /* the provider has refused the record */
        ERRAND_RELEASE, /* it was claimed, and could not be renewed */
        ERRAND_RECALL,  /* a grant that nobody may have is given back */
};

/* One question that is worked on, for all who asked it. Borrowed by the steps. */
struct job {
        struct remote *remote;
        enum vault_op op;
        enum job_step step;
        struct record_id id;      /* owned; user_id alone, or nothing, of VAULT_STATUS */
        struct record record;     /* owned; what was read, and what is to be written */
        bool is_present;          /* there is a record */
        bool has_remains;         /* there is none, but older versions of one */
        bool is_claimed;          /* by another engine, which renews it */
        struct cJSON *status;     /* owned; what is told of other questions than VAULT_GET_TOKEN */
        uint64_t deadline_usec;   /* CLOCK_MONOTONIC, of the vault's answers */
        struct exchange exchange; /* for the steps to prepare and send */

        /* remote-flow.c's own: */
        struct granting granting;
        char *provider, *scopes; /* owned, or NULL: as asked */
        struct record fresh;     /* owned; what was renewed or redeemed, while it is read again */
        bool has_fresh;
        bool is_carried;                      /* its refresh token is that of the record as read */
        bool is_renewed;                      /* by this job: not once more */
        bool is_refused;                      /* as the record with `of` was: it is read again */
        unsigned char of[RECORD_DIGEST_SIZE]; /* of the record as it was read */
        unsigned n_rounds;                    /* how often it was read */
        enum job_errand errand;
        enum job_step next; /* after JOB_WAIT */
        bool is_revoked;
        struct ae_error renewal; /* why it was not renewed; AE_NONE: nothing is known against it */
        sd_event_source *timer;

        /* remote.c's own: */
        struct ae_error error;
        struct caller_list callers;
        bool is_over;     /* in remote->over, else in remote->jobs */
        bool is_outdated; /* what it finds may be older than what was written since */
        TAILQ_ENTRY(job) in_remote;
};

/* For a step that waited: goes on with `step`. */
void job_resume(struct job *j, job_fn *step);
/* Ends the step of a job that waits with a copy of `error`. */
void job_fail(struct job *j, const struct ae_error *error);
/* A step is done, or, with JOB_PENDING, it is not. */
void job_took(struct job *j, int r);
/* How badly the callers need another access token than that of `record`. */
enum renew_need job_need(const struct job *j, uint64_t now_usec);

/* remote-flow.c: begins a job whose id is valid; goes on when a step has ended with `r`. */
int flow_begin(struct job *j, const struct vault_question *q, struct ae_error *error);
int flow_go_on(struct job *j, int r, struct ae_error *error);
/* Takes the next step of the vault. */
int flow_step(struct job *j, enum job_step step, struct ae_error *error);
/* There is no such record; no such app. Always a negative errno. */
int flow_not_connected(const struct job *j, struct ae_error *error);
int flow_not_found(const char *provider, struct ae_error *error);
/* The app of that name, or NULL. */
const struct oauth_app *flow_find_app(const struct job *j, const char *name);
/* Sets `record` aside as what is to be written, and reads what is there. */
int flow_read_again(struct job *j, struct ae_error *error);
/* Takes that step a little later. JOB_PENDING or a negative errno. */
int flow_await(struct job *j, enum job_step next);
/* Whether another job has the same record renewed. */
bool flow_is_renewed_elsewhere(const struct job *j);
/* Whether it is worth nothing when nobody waits for it any more, and breaks nothing then. */
bool flow_is_idle(const struct job *j);

/* What follows a step that has ended with `r`. */
typedef int flow_fn(struct job *j, int r, struct ae_error *error);
flow_fn flow_get, flow_exchange, flow_revoke, flow_start_device;
/* Builds the grant of a question of these kinds, while the question is there. */
int flow_begin_exchange(struct job *j, const struct vault_question *q, struct ae_error *error);
int flow_begin_device(struct job *j, const struct vault_question *q, struct ae_error *error);

/* A provider has so long, and a claim lasts a little longer. */
#define GRANT_TIMEOUT_USEC (30 * USEC_PER_SEC)

/* remote-grant.c: makes a grant of that app; the caller fills the rest in. 0 or -ENOMEM. */
int grant_init(struct oauth_grant *g, enum oauth_grant_kind kind, const struct oauth_app *app);
/* Sends j->granting.grant. JOB_PENDING, and the step JOB_GRANT ends with `answer`; or -errno. */
int grant_send(struct job *j);
void grant_done(struct granting *g);
/* What a renewal, or something that a person has begun, means that gave no tokens. Always < 0. */
int grant_renewal_error(const struct oauth_answer *a, const struct job *j, struct ae_error *error);
int grant_person_error(const struct oauth_answer *a, struct ae_error *error);

/* The beginning of a backend's struct. */
struct remote {
        struct vault head;
        const struct remote_ops *ops;
        char *url; /* without a slash at its end */
        uint64_t timeout_usec;
        struct http_client *http;
        struct http_client *providers; /* borrowed, as are the next two; NULL: there are no apps */
        vault_find_app_fn *find_app;
        void *find_app_userdata;
        sd_event *event; /* borrowed */
        struct memory memory;
        unsigned n_callers;
        struct job_list jobs;
        struct job_list over;
        sd_event_source *deferred; /* on while a job is over */
};

/* Fills a zeroed struct, which is to be given to remote_done() in any case. 0 or -errno. */
int remote_init(struct remote *v, const struct vault_backend_ops *vault_ops,
                const struct remote_ops *ops, struct poller *poller,
                const struct vault_http *options);
/* Ends all jobs without telling anybody. */
void remote_done(struct remote *v);

/* For struct vault_backend_ops. */
int remote_call(struct vault *v, const struct vault_question *q, struct vault_call **ret);
void remote_cancel(struct vault_call *call);
bool remote_is_busy(const struct vault *v);
