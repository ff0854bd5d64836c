/* SPDX-License-Identifier: MIT */
/*
 * get_token, and the renewal of what has ended.
 *
 *      read → good? → answer
 *             └ else: is the record's job under way? wait : send the grant
 *                            └ its answer → written → all who waited read again
 *
 * What the provider has rotated is on the disk before anybody gets the access token. A renewal
 * whose answer was lost may have rotated all the same: the old refresh token is tried again next
 * time, and what the provider says to it decides.
 */

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "vault/renew.h"
#include "vaultd/ops.h"

/* So long a token that still serves is held back for one that serves longer. */
#define PATIENCE_USEC (3 * USEC_PER_SEC)
#define PATIENCE_ACCURACY_USEC (50 * USEC_PER_MSEC)

/* How often a record may change under a call's hands before it is told that it is busy. */
#define MAX_WAITS 8

/* The grant is dead: nobody asks with it again until something else is stored. */
static int refuse_record(struct keeper *k, struct job *job, const struct oauth_answer *answer,
                         struct ae_error *error) {
        const struct keeper_writing how = { .only_if = &job->version };
        const struct record_id *id = &job->id;
        _cleanup_(ae_error_done) struct ae_error unheard = { 0 }; /* and logged */

        /* A service account's assertion may be refused for a clock that is wrong. */
        if (job->record.refresh_token) {
                job->record.refused = true;
                (void)keeper_write(k, id, &job->record, &how, &unheard);
        }
        log_info("The provider has ended the grant of %s/%s/%s", id->user_id, id->platform,
                 id->account);
        return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                            "the provider has ended the grant, connect %s again: %s", id->platform,
                            answer->reason);
}

static int take_tokens(struct keeper *k, struct job *job, struct oauth_answer *answer,
                       struct ae_error *error) {
        const struct keeper_writing how = {
                .only_if = &job->version,
                .hold = answer->tokens.refresh_token,
        };
        int r;

        r = record_take_tokens(&job->record, &answer->tokens, /* asked= */ NULL);
        if (r < 0)
                return r;
        r = keeper_write(k, &job->id, &job->record, &how, error);
        if (r == 0)
                log_info("Renewed the access token of %s/%s/%s", job->id.user_id, job->id.platform,
                         job->id.account);
        return r;
}

/* What was stored meanwhile stays, but for a refresh token that is spent: that has a successor. */
static int pass_on_rotation(struct keeper *k, const struct job *job, struct record *record,
                            const struct record_version *version, struct oauth_answer *answer,
                            struct ae_error *error) {
        const struct keeper_writing how = { .only_if = version, .hold = true };
        int r;

        if (!answer->tokens.refresh_token || !record_renews_like(record, &job->record))
                return -ESTALE;
        secret_free(record->refresh_token);
        record->refresh_token = TAKE_PTR(answer->tokens.refresh_token);
        r = keeper_write(k, &job->id, record, &how, error);
        return r < 0 ? r : -ESTALE;
}

/* Returns 0, -ESTALE when the record is another one by now, or fills `error`. */
static int finish_renewal(struct keeper *k, struct job *job, struct oauth_answer *answer,
                          struct ae_error *error) {
        _cleanup_(ae_error_done) struct ae_error unheard = { 0 }; /* and logged */
        _cleanup_(record_done) struct record present = { 0 };
        struct record_version version;
        int r;

        /* A store that cannot tell is no reason to drop what the provider has rotated. */
        r = keeper_read(k, &job->id, &present, &version, &unheard);
        if (r < 0 && unheard.code == AE_NOT_CONNECTED)
                return -ESTALE;
        if (r == 0 && !record_version_equals(&version, &job->version))
                return pass_on_rotation(k, job, &present, &version, answer, error);

        if (answer->result == OAUTH_OK && answer->tokens.access_token)
                return take_tokens(k, job, answer, error);
        if (answer->result == OAUTH_GRANT_REFUSED)
                return refuse_record(k, job, answer, error);
        return call_grant_error(answer, job->record.provider ?: "the provider", AE_INTERNAL, error);
}

static void on_renewed(struct oauth_answer *answer, void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct job *job = userdata;
        struct desk *d = job->userdata;
        int r;

        r = finish_renewal(&d->keeper, job, answer, &error);
        if (r == 0 || r == -ESTALE) {
                job_end(job, r == 0 ? JOB_DONE : JOB_CHANGED);
                return;
        }
        if (error.code == AE_NONE)
                (void)ae_error_set(&error, AE_INTERNAL, "the vault failed: %s", strerror(-r));
        log_warning("Cannot renew the access token of %s/%s/%s: %s", job->id.user_id,
                    job->id.platform, job->id.account, error.message);
        job_fail(job, &error);
}

static int no_app(const struct call *c, const struct record *record, struct ae_error *error) {
        return ae_error_set(error, AE_INTERNAL,
                            "the access token of %s cannot be renewed: its provider '%s' is not "
                            "there any more; an administrator makes it with "
                            "'actionctl provider add'",
                            c->id.platform, record->provider);
}

/* Returns 1 with the app, 0 when there is none, or fills `error`. */
static int read_app(const struct call *c, const struct record *record, struct oauth_app *ret,
                    struct ae_error *error) {
        int r;

        if (!record->provider)
                return 0;
        r = keeper_read_app(&c->desk->keeper, record->provider, ret, error);
        if (r < 0 && error->code == AE_NOT_FOUND) {
                ae_error_done(error);
                return 0;
        }
        return r < 0 ? r : 1;
}

static int make_grant(const struct call *c, const struct record *record, struct oauth_grant *ret,
                      struct ae_error *error) {
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        int r;

        r = read_app(c, record, &app, error);
        if (r < 0)
                return r;
        r = record_renewal_grant(record, r > 0 ? &app : NULL, clock_usec(CLOCK_REALTIME), ret);
        if (r == -ENOKEY)
                return no_app(c, record, error);
        if (r == -EKEYREJECTED)
                return ae_error_set(error, AE_INTERNAL,
                                    "the service account of %s/%s/%s cannot sign: store it again",
                                    c->id.user_id, c->id.platform, c->id.account);
        return r;
}

/* Takes the record over, if the renewal is sent. */
static int send_renewal(const struct call *c, struct record *record,
                        const struct record_version *version, struct job **ret,
                        struct ae_error *error) {
        _cleanup_(oauth_grant_done) struct oauth_grant grant = { 0 };
        struct job *job;
        int r;

        r = make_grant(c, record, &grant, error);
        if (r < 0)
                return r;
        r = job_new(&c->desk->jobs, &c->id, version, c->desk, &job);
        if (r < 0)
                return r;
        r = grants_send(c->desk->grants, &grant, on_renewed, job);
        if (r < 0) {
                job_end(job, JOB_CHANGED); /* nobody waits yet */
                return r;
        }
        job->record = *record;
        *record = (struct record){ 0 };
        *ret = job;
        return 0;
}

static void on_job_end(struct job_waiter *w, enum job_end how, const struct ae_error *error) {
        struct call *c = CONTAINER_OF(w, struct call, waiter);

        c->patience = sd_event_source_disable_unref(c->patience);
        c->how = how;
        c->failure = error;
        call_step(c, op_get_token);
}

/* The renewal goes on; this call does with what there is. */
static int on_impatient(sd_event_source *source, uint64_t usec, void *userdata) {
        struct call *c = userdata;

        c->patience = sd_event_source_disable_unref(c->patience);
        jobs_leave(&c->desk->jobs, &c->id, &c->waiter);
        c->is_impatient = true;
        call_step(c, op_get_token);
        return 0;
}

/* Waits for the record's job, which may have to be begun. */
static int join_renewal(struct call *c, struct record *record, const struct record_version *version,
                        struct ae_error *error) {
        struct job *job = jobs_find(&c->desk->jobs, &c->id);
        int r;

        if (++c->n_waits > MAX_WAITS)
                return ae_error_set(error, AE_UPSTREAM_ERROR,
                                    "the record of %s/%s/%s does not stay as it is", c->id.user_id,
                                    c->id.platform, c->id.account);
        if (!job) {
                r = jobs_recall(&c->desk->jobs, version, error);
                if (r == 0)
                        r = send_renewal(c, record, version, &job, error);
                if (r < 0)
                        return r;
        }
        c->waiter.on_end = on_job_end;
        job_wait(job, &c->waiter);
        return CALL_WAITS;
}

/* The same, for a while. */
static int join_renewal_early(struct call *c, struct record *record,
                              const struct record_version *version, struct ae_error *error) {
        int r;

        r = sd_event_add_time_relative(c->desk->event, &c->patience, CLOCK_MONOTONIC, PATIENCE_USEC,
                                       PATIENCE_ACCURACY_USEC, on_impatient, c);
        if (r >= 0)
                r = join_renewal(c, record, version, error);
        if (r != CALL_WAITS)
                c->patience = sd_event_source_disable_unref(c->patience);
        return r;
}

static int print_token(const struct call *c, const struct record *record, struct buffer *to) {
        call_print_id(c, to);
        record_print_public(record, to);
        return CALL_ANSWERED;
}

/* Whether the token that the platform has refused is still the one there is. */
static bool is_rejected(const struct call *c, const struct record *record) {
        return c->request.given & FIELD_REJECTED && record_token_is(record, c->request.rejected);
}

static int only_a_person(const struct call *c, const struct record *record,
                         struct ae_error *error) {
        const char *what = "nothing renews the expired access token of";

        if (record->refused)
                what = "the provider has ended the grant of";
        else if (is_rejected(c, record))
                what = "the platform refuses the access token of";
        return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED, "%s %s; connect it again", what,
                            c->id.platform);
}

/* The job that this call has waited for has told all there is to tell. */
static int tell_end(const struct call *c, const struct record *record, struct ae_error *error) {
        if (c->how == JOB_FAILED)
                return ae_error_set(error, c->failure->code, "%s", c->failure->message);
        if (is_rejected(c, record))
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "%s refuses the access token, and renewing it brings the same; "
                                    "connect it again",
                                    c->id.platform);
        return ae_error_set(error, AE_UPSTREAM_ERROR,
                            "the provider of %s gives access tokens that have ended already",
                            c->id.platform);
}

int op_get_token(struct call *c, struct buffer *to, struct ae_error *error) {
        bool has_rejected = c->request.given & FIELD_REJECTED;
        _cleanup_(record_done) struct record record = { 0 };
        struct record_version version;
        bool is_over = c->n_waits > 0 && c->how != JOB_CHANGED;
        int r;

        r = keeper_read(&c->desk->keeper, &c->id, &record, &version, error);
        if (r < 0)
                return r;

        switch (record_renewal(&record, clock_usec(CLOCK_REALTIME),
                               has_rejected ? c->request.rejected : NULL)) {
        case RENEW_NOT:
                break;
        case RENEW_EARLY:
                if (is_over || c->is_impatient)
                        break;
                r = join_renewal_early(c, &record, &version, error);
                if (r == CALL_WAITS)
                        return r;
                ae_error_done(error); /* it serves a little longer */
                break;
        case RENEW_NOW:
                return is_over ? tell_end(c, &record, error)
                               : join_renewal(c, &record, &version, error);
        case RENEW_NEVER:
                return c->n_waits > 0 && c->how == JOB_FAILED ? tell_end(c, &record, error)
                                                              : only_a_person(c, &record, error);
        }
        return print_token(c, &record, to);
}
