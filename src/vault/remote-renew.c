/* SPDX-License-Identifier: MIT */
/*
 * A token is asked for, and renewed where that is due:
 *
 *     read ──► good: done
 *          ──► due:  [claim ──►] grant ──► write ──► done
 *
 * Nobody is told of a renewed token before the vault has it, since a provider that rotates refresh
 * tokens takes the old one from then on for stolen. Where the vault has versions, one engine of
 * several claims the record before it asks the provider; the others wait for what comes of it. And
 * whatever was read is read again, and judged anew,
 *
 *   - when somebody else has written meanwhile: theirs is used, and ours is dropped;
 *   - when the provider refuses the grant: perhaps somebody else had it renewed; if not, the record
 *     is marked as refused, and the provider is not asked again.
 *
 * What the vault does not take is remembered, and written when it is next asked for.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "vault/remote.h"

/* A provider that was asked in vain is not asked at once again; later, while an old token serves. */
#define REST_USEC (2 * USEC_PER_SEC)
#define REST_EARLY_USEC (10 * USEC_PER_SEC)

/* It stays as it was: who can use the old token does, and all others are told why. */
static int give_up(struct job *j, struct ae_error *error) {
        if (error != &j->renewal) {
                ae_error_done(&j->renewal);
                j->renewal = *error;
                *error = (struct ae_error){ 0 };
        }
        return 0;
}

static int release(struct job *j, struct ae_error *error) {
        struct note *n = memory_note(&j->remote->memory, &j->id, j->of);

        (void)give_up(j, error);
        if (n) {
                n->failed_usec = clock_usec(CLOCK_MONOTONIC);
                n->failure = j->renewal.code;
                strcpy(n->message, j->renewal.message);
        }
        j->errand = ERRAND_RELEASE;
        return j->remote->ops->versions ? flow_step(j, JOB_WRITE, error) : 0;
}

static int fail(struct job *j, int r, struct ae_error *error) {
        (void)ae_error_from_errno(error, r);
        return release(j, error);
}

static const char *app_name(const struct job *j) {
        return j->record.provider ?: j->id.platform;
}

/* Not every vault keeps it: then the platform tells. */
static int add_provider(struct job *j) {
        if (j->record.provider || j->remote->ops->versions || !flow_find_app(j, j->id.platform))
                return 0;
        j->record.provider = strdup(j->id.platform);
        return j->record.provider ? 0 : -ENOMEM;
}

/* Before it is claimed, so that nothing is written where nothing can be renewed. */
static int prepare(struct job *j, struct ae_error *error) {
        const struct oauth_app *app = flow_find_app(j, app_name(j));
        int r;

        grant_done(&j->granting);
        r = record_renewal_grant(&j->record, app, clock_usec(CLOCK_REALTIME), &j->granting.grant);
        if (r == -ENOKEY)
                return ae_error_set(error, AE_INTERNAL,
                                    "the access token of %s cannot be renewed: an administrator "
                                    "gives the engine the credential 'provider-%s'",
                                    j->id.platform, app_name(j));
        if (r == -EKEYREJECTED)
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "the key of the service account of %s cannot sign",
                                    j->id.platform);
        return r;
}

/* The provider has refused what the vault still holds. */
static int mark(struct job *j, struct ae_error *error) {
        struct note *n = memory_note(&j->remote->memory, &j->id, j->of);

        if (n)
                n->refused = true;
        j->record.refused = true;
        j->errand = ERRAND_MARK;
        return j->remote->ops->versions ? flow_step(j, JOB_WRITE, error) : 0;
}

/* What was renewed, now or before, is still the successor of what the vault holds. */
static int write_fresh(struct job *j, struct ae_error *error) {
        record_done(&j->record);
        j->record = j->fresh;
        j->fresh = (struct record){ 0 };
        j->has_fresh = false;
        j->errand = ERRAND_NONE;
        return flow_step(j, JOB_WRITE, error);
}

/* What is remembered of just this record. */
static struct note *recall(struct job *j) {
        struct note *n = memory_find(&j->remote->memory, &j->id);

        if (n && !record_digest_is(&j->record, n->of)) {
                memory_forget(&j->remote->memory, &j->id);
                return NULL;
        }
        return n;
}

static bool has_just_failed(const struct note *n, enum renew_need need) {
        uint64_t rest_usec = need == RENEW_EARLY ? REST_EARLY_USEC : REST_USEC;

        return n->failed_usec > 0 && clock_usec(CLOCK_MONOTONIC) < n->failed_usec + rest_usec;
}

static int judge(struct job *j, struct ae_error *error) {
        const struct note *n = recall(j);
        enum renew_need need;
        int r;

        if (n && n->refused)
                j->record.refused = true;
        r = add_provider(j);
        if (r < 0)
                return r;
        need = job_need(j, clock_usec(CLOCK_REALTIME));
        if (need == RENEW_NOT || need == RENEW_NEVER || j->is_renewed)
                return 0;
        if (n && has_just_failed(n, need)) {
                (void)ae_error_set(&j->renewal, n->failure, "%s", n->message);
                return 0;
        }
        /* An engine that has died does so no longer than its claim lasts. */
        if (j->is_claimed || flow_is_renewed_elsewhere(j))
                return need == RENEW_EARLY ? 0 : flow_await(j, JOB_READ);

        record_digest(&j->record, j->of);
        r = prepare(j, error);
        if (r < 0) {
                (void)ae_error_from_errno(error, r);
                return give_up(j, error);
        }
        return flow_step(j, JOB_CLAIM, error);
}

/* The vault has answered: there may be more to do than to judge. */
static int take_read(struct job *j, struct ae_error *error) {
        struct note *n = j->is_present ? recall(j) : NULL;
        bool is_same = j->is_present && record_digest_is(&j->record, j->of);

        if (!j->is_present)
                return flow_not_connected(j, error);
        if (j->has_fresh && is_same)
                return write_fresh(j, error);
        j->has_fresh = false;
        record_done(&j->fresh);

        if (j->is_refused) {
                j->is_refused = false;
                if (is_same)
                        return mark(j, error);
                ae_error_done(&j->renewal);
        }
        if (n && n->unsaved.access_token) {
                memcpy(j->of, n->of, sizeof(j->of));
                j->fresh = n->unsaved;
                n->unsaved = (struct record){ 0 };
                return write_fresh(j, error);
        }
        return judge(j, error);
}

static int take_tokens(struct job *j, struct ae_error *error) {
        struct oauth_tokens *tokens = &j->granting.answer.tokens;
        int r;

        if (!tokens->access_token) {
                (void)grant_renewal_error(&j->granting.answer, j, error);
                return release(j, error);
        }
        if (record_is_anothers(&j->record, tokens)) {
                (void)ae_error_set(error, AE_UPSTREAM_ERROR,
                                   "the provider of %s renewed another account's token",
                                   j->id.platform);
                return release(j, error);
        }
        r = record_take_tokens(&j->record, tokens, NULL);
        if (r < 0)
                return r;
        j->is_renewed = true;
        j->errand = ERRAND_NONE;
        /*
         * Where no version tells: what was stored meanwhile must not be written over. Between the
         * question and its answer this process may have stood still, and another engine not.
         */
        if (!j->remote->ops->versions || j->is_outdated)
                return flow_read_again(j, error);
        return flow_step(j, JOB_WRITE, error);
}

static int take_grant(struct job *j, int r, struct ae_error *error) {
        if (r < 0)
                return fail(j, r, error);
        if (j->granting.answer.result == OAUTH_OK)
                return take_tokens(j, error);

        (void)grant_renewal_error(&j->granting.answer, j, &j->renewal);
        if (j->granting.answer.result != OAUTH_GRANT_REFUSED)
                return release(j, &j->renewal);
        j->is_refused = true;
        j->n_rounds = 0;
        return flow_step(j, JOB_READ, error);
}

/* It is the only copy of what may be the only refresh token that lives. */
static int keep(struct job *j, int r, struct ae_error *error) {
        struct note *n = memory_note(&j->remote->memory, &j->id, j->of);

        (void)ae_error_from_errno(error, r);
        if (n) {
                record_done(&n->unsaved);
                n->unsaved = j->record;
                j->record = (struct record){ 0 };
        }
        if (!j->is_renewed && n)
                return r; /* that was said when it began */
        log_error("The vault did not take the renewed credential of %s/%s/%s, %s: %s",
                  j->id.user_id, j->id.platform, j->id.account,
                  n ? "which is kept in memory until it does" : "and it is lost", error->message);
        return r;
}

static int take_written(struct job *j, int r, struct ae_error *error) {
        if (j->errand == ERRAND_NONE) {
                if (r == -ESTALE)
                        return flow_read_again(j, error);
                if (r < 0)
                        return keep(j, r, error);
                memory_forget(&j->remote->memory, &j->id);
                return judge(j, error);
        }

        if (j->errand == ERRAND_MARK && r == -ESTALE) {
                ae_error_done(&j->renewal);
                return flow_step(j, JOB_READ, error);
        }
        /* Best effort: the callers hear of what led to it. */
        if (r < 0)
                ae_error_done(error);
        return 0;
}

int flow_get(struct job *j, int r, struct ae_error *error) {
        switch (j->step) {
        case JOB_READ:
                if (r < 0 && j->has_fresh) {
                        record_done(&j->record);
                        j->record = j->fresh;
                        j->fresh = (struct record){ 0 };
                        return keep(j, r, error);
                }
                return r < 0 ? r : take_read(j, error);
        case JOB_CLAIM:
                if (r == -ESTALE)
                        return flow_step(j, JOB_READ, error);
                if (r < 0) {
                        (void)ae_error_from_errno(error, r);
                        return give_up(j, error);
                }
                r = grant_send(j);
                return r == JOB_PENDING ? r : fail(j, r, error);
        case JOB_GRANT:
                return take_grant(j, r, error);
        case JOB_WRITE:
                return take_written(j, r, error);
        case JOB_ERASE:
        case JOB_STATUS:
        case JOB_WAIT:
                break;
        }
        return r;
}
