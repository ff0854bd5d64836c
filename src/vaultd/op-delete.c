/* SPDX-License-Identifier: MIT */
/*
 * delete_token, which can end the grant with its provider before it forgets the record. That is
 * done as well as it can be: whatever the provider says, the record goes.
 */

#include <errno.h>
#include <string.h>

#include "base/journal.h"
#include "base/json.h"
#include "vaultd/ops.h"

#define REASON_SIZE 512

static int forget(struct call *c, const struct record_version *only_if, struct buffer *to,
                  struct ae_error *error) {
        int r;

        r = keeper_delete(&c->desk->keeper, &c->id, only_if, error);
        if (r < 0 && r != -ESTALE) /* what was stored meanwhile is nobody's to forget */
                return r;
        log_info("Deleted the credential of %s/%s/%s", c->id.user_id, c->id.platform,
                 c->id.account);
        call_print_id(c, to);
        return CALL_ANSWERED;
}

static int forget_unrevoked(struct call *c, const struct record_version *only_if,
                            const char *reason, struct buffer *to, struct ae_error *error) {
        int r;

        r = forget(c, only_if, to, error);
        if (r < 0)
                return r;
        buffer_puts(to, ",\"revoked\":false,\"reason\":");
        json_print_string(reason, strlen(reason), to);
        return CALL_ANSWERED;
}

static int after_revocation(struct call *c, struct buffer *to, struct ae_error *error) {
        const struct record_version version = c->job->version;
        int r;

        if (c->answer->result != OAUTH_OK)
                return forget_unrevoked(c, &version, c->answer->reason, to, error);
        r = forget(c, &version, to, error);
        if (r < 0)
                return r;
        buffer_puts(to, ",\"revoked\":true");
        return CALL_ANSWERED;
}

static void on_revoked(struct oauth_answer *answer, void *userdata) {
        struct call *c = userdata;
        struct job *job = c->job;

        c->answer = answer;
        call_step(c, after_revocation);
        job_end(job, JOB_CHANGED);
}

/* Why it cannot be revoked, or NULL, with the grant that does it. */
static const char *make_revocation(struct call *c, const struct record *record,
                                   struct oauth_grant *ret) {
        _cleanup_(ae_error_done) struct ae_error unheard = { 0 };
        const struct secret *token = record->refresh_token ?: record->access_token;

        if (!record->provider || !token)
                return "nothing is known of a provider that could end it";
        if (keeper_read_app(&c->desk->keeper, record->provider, &ret->app, &unheard) < 0)
                return "its provider is not there any more";
        if (!ret->app.endpoints[OAUTH_REVOCATION])
                return "its provider has no endpoint to revoke tokens";
        if (call_grant_is_shared(c, &ret->app, record->provider, record->identity))
                return "another connection of this user's rests on the same consent, which ends "
                       "with the last of them";
        ret->kind = OAUTH_GRANT_REVOKE;
        return secret_new(token->data, token->size, &ret->token) < 0 ? "out of memory" : NULL;
}

static int end_grant(struct call *c, const struct record *record,
                     const struct record_version *version, struct buffer *to,
                     struct ae_error *error) {
        _cleanup_(oauth_grant_done) struct oauth_grant grant = { 0 };
        const char *reason;
        int r;

        reason = make_revocation(c, record, &grant);
        if (reason)
                return forget_unrevoked(c, version, reason, to, error);

        r = job_new(&c->desk->jobs, &c->id, version, c->desk, &c->job);
        if (r < 0)
                return r;
        r = call_send(c, &grant, on_revoked);
        if (r < 0)
                job_end(TAKE_PTR(c->job), JOB_CHANGED);
        return r;
}

static void on_job_end(struct job_waiter *w, enum job_end how, const struct ae_error *error) {
        struct call *c = CONTAINER_OF(w, struct call, waiter);

        call_step(c, op_delete_token);
}

int op_delete_token(struct call *c, struct buffer *to, struct ae_error *error) {
        _cleanup_(record_done) struct record record = { 0 };
        struct record_version version;
        struct job *job;
        int r;

        if (!c->request.revoke)
                return forget(c, NULL, to, error);

        /* A renewal may be rotating the very token that is to be revoked. */
        job = jobs_find(&c->desk->jobs, &c->id);
        if (job) {
                c->waiter.on_end = on_job_end;
                job_wait(job, &c->waiter);
                return CALL_WAITS;
        }

        r = keeper_read(&c->desk->keeper, &c->id, &record, &version, error);
        if (r < 0 && error->code == AE_INTERNAL) {
                ae_error_done(error);
                return forget_unrevoked(c, NULL, "the record could not be opened", to, error);
        }
        return r < 0 ? r : end_grant(c, &record, &version, to, error);
}
