/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One job at a time for each record: while a provider is asked to renew or to revoke, whoever needs
 * the same waits, and hears what came of it. So a hundred questions for a token that has ended
 * become one to the provider. What it has just answered is not asked again at once either.
 */

#include <stdbool.h>

#include "base/error.h"
#include "vaultd/keeper.h"

/* How a job ended. */
enum job_end {
        JOB_CHANGED, /* the record is another one now: look again */
        JOB_DONE,    /* it is as new as it can be */
        JOB_FAILED,  /* the error says why; otherwise there is none */
};

/* Who waits. Embedded in the waiter, and out of the list when on_end() is called, once. */
struct job_waiter {
        void (*on_end)(struct job_waiter *w, enum job_end how, const struct ae_error *error);
        struct job_waiter *next;
};

struct job {
        struct jobs *jobs;
        struct record_id id;           /* owned strings */
        struct record_version version; /* what it works on */
        struct record record;          /* owned; the same in the clear, where its end needs it */
        void *userdata;
        struct job_waiter *first, **end;
        struct job *previous, *next;
};

#define JOBS_MAX_REMEMBERED 64
#define JOBS_REMEMBER_USEC (2 * USEC_PER_SEC)

/* A failure that was just told, by the writing of the record that it was about. */
struct job_failure {
        struct record_version version;
        uint64_t until_usec; /* CLOCK_MONOTONIC; 0: nothing stands here */
        enum ae_code code;
        char message[AE_MESSAGE_SIZE];
};

/* Zero-initialised is empty. */
struct jobs {
        struct job *first;
        struct job_failure failures[JOBS_MAX_REMEMBERED];
        unsigned next_failure;
};

/* Ends all jobs without telling anybody. */
void jobs_done(struct jobs *j);

/* The job that the record has, or NULL. */
struct job *jobs_find(const struct jobs *j, const struct record_id *id);

/* For a record that has none. The names are copied. *ret lives until its end. 0 or -ENOMEM. */
int job_new(struct jobs *j, const struct record_id *id, const struct record_version *version,
            void *userdata, struct job **ret);
void job_wait(struct job *j, struct job_waiter *w);
/* For one who waits for the record's job, if there is one, and does not want to any longer. */
void jobs_leave(struct jobs *j, const struct record_id *id, struct job_waiter *w);

/* Each frees the job, then tells all who waited. A failure is remembered for a moment. */
void job_end(struct job *j, enum job_end how); /* not JOB_FAILED */
void job_fail(struct job *j, const struct ae_error *error);

/* Fills `error` and returns its errno when a job on that version has failed a moment ago, else 0. */
int jobs_recall(const struct jobs *j, const struct record_version *version, struct ae_error *error);
/* The world has changed: try anew. */
void jobs_forget(struct jobs *j);
