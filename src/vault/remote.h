/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the backends behind HTTP share: questions become jobs, and jobs become answers. A backend
 * says what a job sends and what the answer to that means; it knows nothing of callers.
 */

#include <stdbool.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "http/http.h"
#include "vault/backend.h"
#include "vault/record.h"

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

/* Returns JOB_PENDING; 0 when the job is done; a negative errno, with `error` set where known. */
typedef int job_fn(struct job *j, struct ae_error *error);
typedef int job_answer_fn(struct job *j, const struct http_response *response,
                          struct ae_error *error);

struct remote_ops {
        size_t job_size;                 /* of the backend's struct, which begins with struct job */
        job_fn *start;                   /* its id is valid, and so is the record to be stored */
        job_answer_fn *on_answer;        /* only to what has a status */
        void (*job_done)(struct job *j); /* may be NULL */
};

TAILQ_HEAD(caller_list, caller);
TAILQ_HEAD(job_list, job);

/* One question that is worked on, for all who asked it. Borrowed by the steps. */
struct job {
        struct remote *remote;
        enum vault_op op;
        struct record_id id;      /* owned; user_id alone, or nothing, of VAULT_STATUS */
        struct record record;     /* of VAULT_STORE_TOKEN; what VAULT_GET_TOKEN has found */
        struct cJSON *status;     /* what VAULT_STATUS has found */
        uint64_t deadline_usec;   /* CLOCK_MONOTONIC */
        struct exchange exchange; /* for the steps to prepare and send */

        /* remote.c's own: */
        struct ae_error error;
        struct caller_list callers;
        bool is_over;     /* in remote->over, else in remote->jobs */
        bool is_outdated; /* what it finds may be older than what was written since */
        TAILQ_ENTRY(job) in_remote;
};

/* For a step that waited: goes on with `step`, and ends the job unless that is pending. */
void job_resume(struct job *j, job_fn *step);
/* Ends a job that waits with a copy of `error`. */
void job_fail(struct job *j, const struct ae_error *error);

/* The beginning of a backend's struct. */
struct remote {
        struct vault head;
        const struct remote_ops *ops;
        char *url; /* without a slash at its end */
        uint64_t timeout_usec;
        struct http_client *http;
        sd_event *event; /* borrowed */
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
