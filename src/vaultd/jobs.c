/* SPDX-License-Identifier: MIT */
#include "vaultd/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static struct job *job_free(struct job *j) {
        if (!j)
                return NULL;
        if (j->previous)
                j->previous->next = j->next;
        else if (j->jobs->first == j)
                j->jobs->first = j->next;
        if (j->next)
                j->next->previous = j->previous;
        free((char *)j->id.user_id);
        free((char *)j->id.platform);
        free((char *)j->id.account);
        record_done(&j->record);
        free(j);
        return NULL;
}
DEFINE_CLEANUP(struct job *, job_free);

void jobs_done(struct jobs *j) {
        while (j->first)
                job_free(j->first);
}

struct job *jobs_find(const struct jobs *j, const struct record_id *id) {
        for (struct job *job = j->first; job; job = job->next)
                if (strcmp(job->id.user_id, id->user_id) == 0 &&
                    strcmp(job->id.platform, id->platform) == 0 &&
                    strcmp(job->id.account, id->account) == 0)
                        return job;
        return NULL;
}

int job_new(struct jobs *j, const struct record_id *id, const struct record_version *version,
            void *userdata, struct job **ret) {
        _cleanup_(job_freep) struct job *job = NULL;

        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;

        *job = (struct job){
                .jobs = j,
                .id = { strdup(id->user_id), strdup(id->platform), strdup(id->account) },
                .version = *version,
                .userdata = userdata,
                .end = &job->first,
        };
        if (!job->id.user_id || !job->id.platform || !job->id.account)
                return -ENOMEM;

        job->next = j->first;
        if (job->next)
                job->next->previous = job;
        j->first = job;
        *ret = TAKE_PTR(job);
        return 0;
}

void job_wait(struct job *j, struct job_waiter *w) {
        w->next = NULL;
        *j->end = w;
        j->end = &w->next;
}

void jobs_leave(struct jobs *j, const struct record_id *id, struct job_waiter *w) {
        struct job *job = jobs_find(j, id);
        struct job_waiter **at;

        if (!job)
                return;
        for (at = &job->first; *at && *at != w; at = &(*at)->next)
                ;
        if (!*at)
                return;
        *at = w->next;
        if (!*at)
                job->end = at;
}

static void remember(struct jobs *j, const struct record_version *version,
                     const struct ae_error *error) {
        struct job_failure *f = &j->failures[j->next_failure];

        *f = (struct job_failure){
                .version = *version,
                .until_usec = clock_usec(CLOCK_MONOTONIC) + JOBS_REMEMBER_USEC,
                .code = error->code,
        };
        snprintf(f->message, sizeof(f->message), "%s", error->message);
        j->next_failure = (j->next_failure + 1) % JOBS_MAX_REMEMBERED;
}

static void end(struct job *j, enum job_end how, const struct ae_error *error) {
        struct job_waiter *w = j->first, *next;

        job_free(j); /* first: who is told may need a job of its own */
        for (; w; w = next) {
                next = w->next;
                w->on_end(w, how, error);
        }
}

void job_end(struct job *j, enum job_end how) {
        end(j, how, NULL);
}

void job_fail(struct job *j, const struct ae_error *error) {
        remember(j->jobs, &j->version, error);
        end(j, JOB_FAILED, error);
}

int jobs_recall(const struct jobs *j, const struct record_version *version,
                struct ae_error *error) {
        uint64_t now_usec = clock_usec(CLOCK_MONOTONIC);

        for (size_t i = 0; i < JOBS_MAX_REMEMBERED; i++) {
                const struct job_failure *f = &j->failures[i];

                if (f->until_usec > now_usec && record_version_equals(&f->version, version))
                        return ae_error_set(error, f->code, "%s", f->message);
        }
        return 0;
}

void jobs_forget(struct jobs *j) {
        memset(j->failures, 0, sizeof(j->failures));
}
