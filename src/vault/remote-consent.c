/* SPDX-License-Identifier: MIT */
/*
 * What a person begins and ends:
 *
 *     exchange      read ──► grant ──► write
 *                            └──► [status ──►] recall
 *     revoke        read ──► [[status ──►] grant ──►] erase
 *     start_device  grant
 *
 * Read first: a code is good once, and is not to be spent for a vault that keeps nothing. What turns
 * out to be of another account than the record is given back, unless that would end what else the
 * user has connected: `status` tells of that.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "base/json.h"
#include "oauth/authorize.h"
#include "vault/remote.h"

static int copy_text(const char *text, char **ret) {
        if (!text)
                return 0;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int copy_secret(const struct secret *s, struct secret **ret) {
        return s ? secret_new(s->data, s->size, ret) : 0;
}

static int begin(struct job *j, enum oauth_grant_kind kind, const char *provider,
                 struct ae_error *error) {
        const struct oauth_app *app = flow_find_app(j, provider);

        if (!app)
                return flow_not_found(provider, error);
        return grant_init(&j->granting.grant, kind, app);
}

int flow_begin_exchange(struct job *j, const struct vault_question *q, struct ae_error *error) {
        const struct vault_exchange *x = q->exchange;
        struct oauth_grant *g = &j->granting.grant;
        int r;

        r = begin(j, x->device_code ? OAUTH_GRANT_DEVICE : OAUTH_GRANT_CODE, x->provider, error);
        if (r == 0 && x->code)
                r = oauth_check_verifier(&g->app, x->verifier, error);
        if (r < 0)
                return r;
        if (copy_text(x->provider, &j->provider) < 0 || copy_text(x->scopes, &j->scopes) < 0 ||
            copy_text(x->redirect_uri, &g->redirect_uri) < 0 ||
            copy_secret(x->device_code, &g->token) < 0 || copy_secret(x->code, &g->code) < 0 ||
            copy_secret(x->verifier, &g->verifier) < 0)
                return -ENOMEM;
        return flow_step(j, JOB_READ, error);
}

int flow_begin_device(struct job *j, const struct vault_question *q, struct ae_error *error) {
        struct oauth_grant *g = &j->granting.grant;
        int r;

        r = begin(j, OAUTH_GRANT_DEVICE_START, q->provider, error);
        if (r == 0)
                r = copy_text(q->scopes, &g->scopes);
        if (r < 0)
                return r;
        r = grant_send(j);
        return r == JOB_PENDING ? r : flow_go_on(j, r, error);
}

/* For what the app has no endpoint. */
static int not_supported(int r, struct ae_error *error) {
        if (r != -EOPNOTSUPP)
                return r;
        return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                            "the provider has no endpoint for that");
}

int flow_start_device(struct job *j, int r, struct ae_error *error) {
        struct oauth_answer *a = &j->granting.answer;

        if (r < 0)
                return not_supported(r, error);
        if (a->result != OAUTH_OK || !a->facts)
                return grant_person_error(a, error);
        j->status = TAKE_PTR(a->facts);
        return 0;
}

static int say(struct job *j, const char *name, const char *text) {
        if (!j->status)
                j->status = cJSON_CreateObject();
        return cJSON_AddStringToObject(j->status, name, text) ? 0 : -ENOMEM;
}

/* As vault.h has it, of what was kept. */
static int tell_connected(struct job *j) {
        const struct record *record = &j->record;
        char expires_at[RFC3339_SIZE];
        int r;

        r = say(j, "status", "active");
        if (r == 0 && record->scopes) {
                cJSON *scopes = cJSON_Duplicate(record->scopes, /* recurse= */ true);

                if (!cJSON_AddItemToObject(j->status, "scopes", scopes)) {
                        cJSON_Delete(scopes);
                        return -ENOMEM;
                }
        }
        if (r == 0 && record->expires_at_usec) {
                clock_format_rfc3339(record->expires_at_usec, expires_at);
                r = say(j, "expires_at", expires_at);
        }
        if (r == 0 && record->identity)
                r = say(j, "identity", record->identity);
        return r;
}

/* What is ended with the provider: best by the refresh token, with which all of it ends. */
static int send_revocation(struct job *j, const struct oauth_app *app, const struct record *r) {
        const struct secret *token = r->refresh_token ?: r->access_token;
        struct oauth_grant grant;
        int error;

        if (!token)
                return -EOPNOTSUPP;
        error = grant_init(&grant, OAUTH_GRANT_REVOKE, app);
        if (error < 0)
                return error;
        error = copy_secret(token, &grant.token);
        if (error < 0) {
                oauth_grant_done(&grant);
                return error;
        }
        grant_done(&j->granting);
        j->granting.grant = grant;
        return grant_send(j);
}

/* ---- what others rest on ---- */

/* Whether one token that is revoked ends all that its account has granted to the app. */
static bool ends_all(const struct oauth_app *app) {
        return app && app->profile->flags & OAUTH_REVOKES_ALL;
}

/* Then it is seen first what else the user has connected; what was asked for comes after it. */
static int look_around(struct job *j, struct ae_error *error) {
        j->deadline_usec = clock_usec(CLOCK_MONOTONIC) + j->remote->timeout_usec;
        return flow_step(j, JOB_STATUS, error);
}

static bool is_own(const struct job *j, const cJSON *entry) {
        const char *platform = json_string(entry, "platform"),
                   *account = json_string(entry, "account");

        return platform && account && strcmp(platform, j->id.platform) == 0 &&
               strcmp(account, j->id.account) == 0;
}

/* A vault that does not know what can be renewed takes it for expired. */
static bool may_be_alive(const struct job *j, const char *status) {
        return status && (strcmp(status, "active") == 0 ||
                          (!j->remote->ops->versions && strcmp(status, "token_expired") == 0));
}

/* Where the vault keeps no identities, all of the app's are taken for one account's. */
static bool rests_on(const struct job *j, const cJSON *entry, const struct oauth_app *app,
                     const char *identity) {
        const char *other = json_string(entry, "identity");

        return !is_own(j, entry) && may_be_alive(j, json_string(entry, "status")) &&
               flow_find_app(j, json_string(entry, "platform")) == app &&
               strcmp(identity ?: "", other ?: "") == 0;
}

/* What came of looking around: `r` is the step's. What could not be seen may be there. */
static bool is_shared(struct job *j, int r, const struct oauth_app *app, const char *identity,
                      struct ae_error *error) {
        const cJSON *entry;
        bool shared = r < 0;

        cJSON_ArrayForEach (entry, json_member(j->status, "connected_platforms"))
                shared = shared || rests_on(j, entry, app, identity);
        json_free(j->status);
        j->status = NULL;
        ae_error_done(error);
        return shared;
}

/* ---- connecting ---- */

static int refuse_another(const struct job *j, struct ae_error *error) {
        return ae_error_set(
                        error, AE_AUTHORIZATION_FAILED,
                        "its account '%s' is '%.100s', but '%.100s' consented: choose the right "
                        "one, or give this one an account name of its own",
                        j->id.account, j->record.identity, j->fresh.identity);
}

static int recall(struct job *j, const struct oauth_app *app, struct ae_error *error) {
        int refusal = refuse_another(j, error);

        return app && send_revocation(j, app, &j->fresh) == JOB_PENDING ? JOB_PENDING : refusal;
}

/* `fresh` is somebody else's: nobody gets it. */
static int recall_grant(struct job *j, struct ae_error *error) {
        const struct oauth_app *app = flow_find_app(j, j->provider);

        j->errand = ERRAND_RECALL;
        return ends_all(app) ? look_around(j, error) : recall(j, app, error);
}

static int go_on_recalling(struct job *j, int r, struct ae_error *error) {
        const struct oauth_app *app = flow_find_app(j, j->provider);

        if (j->step == JOB_STATUS)
                return is_shared(j, r, app, j->fresh.identity, error) ? refuse_another(j, error)
                                                                      : recall(j, app, error);
        if (r < 0 || j->granting.answer.result != OAUTH_OK)
                log_warning("Could not revoke a token that nobody is to have: %s",
                            r < 0 ? strerror(-r) : j->granting.answer.reason);
        return ae_code_errno(error->code);
}

/* Then a refresh token that did not come again is the one that is there. */
static bool is_same_grant(const struct job *j, const struct oauth_tokens *tokens) {
        return j->is_present && j->record.provider &&
               strcmp(j->record.provider, j->provider) == 0 &&
               record_is_of_same(&j->record, tokens);
}

static int merge(struct job *j, struct oauth_tokens *tokens) {
        struct record merged = { 0 };
        int r;

        if (is_same_grant(j, tokens)) {
                j->is_carried = !tokens->refresh_token;
                merged = j->record;
                j->record = (struct record){ 0 };
                merged.service_account = secret_free(merged.service_account);
                merged.refused = false;
        }
        r = record_take_tokens(&merged, tokens, j->scopes);
        if (r == 0 && !merged.provider)
                r = copy_text(j->provider, &merged.provider);
        record_done(&j->record);
        j->record = merged;
        return r;
}

static int take_consent(struct job *j, struct ae_error *error) {
        struct oauth_answer *a = &j->granting.answer;
        int r;

        if (a->result == OAUTH_PENDING || a->result == OAUTH_SLOW_DOWN)
                return say(j, "status", a->result == OAUTH_PENDING ? "pending" : "slow_down");
        if (a->result != OAUTH_OK || !a->tokens.access_token)
                return grant_person_error(a, error);

        if (j->is_present && record_is_anothers(&j->record, &a->tokens)) {
                r = record_take_tokens(&j->fresh, &a->tokens, j->scopes);
                return r < 0 ? r : recall_grant(j, error);
        }
        r = merge(j, &a->tokens);
        return r < 0 ? r : flow_step(j, JOB_WRITE, error);
}

/* Who was quicker may have renewed, and spent the refresh token that did not come again. */
static void carry_again(struct job *j) {
        if (!j->is_carried || !j->is_present || !j->record.refresh_token)
                return;
        secret_free(j->fresh.refresh_token);
        j->fresh.refresh_token = TAKE_PTR(j->record.refresh_token);
}

/* At first, and when somebody else was quicker to write. */
static int take_present(struct job *j, struct ae_error *error) {
        const struct oauth_tokens ours = { .identity = j->fresh.identity };
        int r;

        if (!j->has_fresh) {
                r = grant_send(j);
                return r == JOB_PENDING ? r : not_supported(r, error);
        }
        if (j->is_present && record_is_anothers(&j->record, &ours))
                return recall_grant(j, error);
        carry_again(j);
        record_done(&j->record);
        j->record = j->fresh;
        j->fresh = (struct record){ 0 };
        return flow_step(j, JOB_WRITE, error);
}

int flow_exchange(struct job *j, int r, struct ae_error *error) {
        if (j->errand == ERRAND_RECALL)
                return go_on_recalling(j, r, error);
        if (j->step == JOB_WRITE && r == -ESTALE)
                return flow_read_again(j, error);
        if (r < 0)
                return r;

        if (j->step == JOB_READ)
                return take_present(j, error);
        if (j->step == JOB_GRANT)
                return take_consent(j, error);
        return tell_connected(j);
}

static int tell_revoked(struct job *j) {
        if (!j->status)
                j->status = cJSON_CreateObject();
        return cJSON_AddBoolToObject(j->status, "revoked", j->is_revoked) ? 0 : -ENOMEM;
}

static const struct oauth_app *app_of_record(const struct job *j) {
        return flow_find_app(j, j->record.provider ?: j->id.platform);
}

/* Whatever comes of it, the record goes. */
static int erase(struct job *j, const char *reason, struct ae_error *error) {
        int r = reason ? say(j, "reason", reason) : 0;

        return r < 0 ? r : flow_step(j, JOB_ERASE, error);
}

static int end_grant(struct job *j, const struct oauth_app *app, struct ae_error *error) {
        int r = app ? send_revocation(j, app, &j->record) : -ENOKEY;

        if (r == -ENOKEY)
                return erase(j, "there is no app to end the grant with", error);
        if (r == -EOPNOTSUPP)
                return erase(j, "the provider has no way to end a grant", error);
        return r;
}

static int take_record(struct job *j, struct ae_error *error) {
        const struct oauth_app *app = app_of_record(j);

        if (j->is_present)
                return ends_all(app) ? look_around(j, error) : end_grant(j, app, error);
        if (!j->has_remains)
                return flow_not_connected(j, error);
        return erase(j, "there is nothing left that could be ended", error);
}

static int take_look(struct job *j, int r, struct ae_error *error) {
        const struct oauth_app *app = app_of_record(j);

        if (!is_shared(j, r, app, j->record.identity, error))
                return end_grant(j, app, error);
        return erase(j,
                     r < 0 ? "it cannot be seen whether another connection rests on the same "
                             "consent"
                           : "another connection of this user's rests on the same consent, which "
                             "ends with the last of them",
                     error);
}

int flow_revoke(struct job *j, int r, struct ae_error *error) {
        if (j->step == JOB_STATUS && r != -ENOMEM)
                return take_look(j, r, error);
        if (r < 0)
                return r;

        switch (j->step) {
        case JOB_READ:
                return take_record(j, error);
        case JOB_GRANT:
                j->is_revoked = j->granting.answer.result == OAUTH_OK;
                return erase(j, j->is_revoked ? NULL : j->granting.answer.reason, error);
        case JOB_ERASE:
                return tell_revoked(j);
        case JOB_CLAIM:
        case JOB_WRITE:
        case JOB_STATUS:
        case JOB_WAIT:
                break;
        }
        return r;
}
