/* SPDX-License-Identifier: MIT */
/*
 * The ways of the questions, step by step. Those that need a provider have files of their own.
 *
 *     store    [read ──►] write           "read" where the vault has versions: what is written is
 *     delete   [read ──►] erase           the next one of what was read, or it is read again
 *     status   status
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/remote.h"

#define MAX_ROUNDS 5
#define POLL_USEC (200 * USEC_PER_MSEC)
#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

int flow_not_connected(const struct job *j, struct ae_error *error) {
        return ae_error_set(error, AE_NOT_CONNECTED, "there is no record of %s/%s/%s",
                            j->id.user_id, j->id.platform, j->id.account);
}

int flow_not_found(const char *provider, struct ae_error *error) {
        return ae_error_set(error, AE_NOT_FOUND, "there is no provider '%s'", provider);
}

const struct oauth_app *flow_find_app(const struct job *j, const char *name) {
        const struct remote *v = j->remote;

        return v->find_app && name ? v->find_app(name, v->find_app_userdata) : NULL;
}

static bool is_of_same(const struct job *other, const struct job *j) {
        return other != j && other->id.account && record_id_equals(&other->id, &j->id);
}

bool flow_is_renewed_elsewhere(const struct job *j) {
        const struct job *other;

        TAILQ_FOREACH(other, &j->remote->jobs, in_remote)
        if (is_of_same(other, j) && other->op == VAULT_GET_TOKEN && !flow_is_idle(other))
                return true;
        return false;
}

static bool is_written_elsewhere(const struct job *j) {
        const struct job *other;

        TAILQ_FOREACH(other, &j->remote->jobs, in_remote)
        if (is_of_same(other, j) && other->op != VAULT_GET_TOKEN &&
            (other->step == JOB_WRITE || other->step == JOB_ERASE))
                return true;
        return false;
}

static int on_waited(sd_event_source *source, uint64_t usec, void *userdata) {
        struct job *j = userdata;

        j->n_rounds = 0; /* it was the others' round */
        j->deadline_usec = clock_usec(CLOCK_MONOTONIC) + j->remote->timeout_usec;
        job_took(j, 0);
        return 0;
}

int flow_await(struct job *j, enum job_step next) {
        int r;

        j->step = JOB_WAIT;
        j->next = next;
        j->timer = sd_event_source_disable_unref(j->timer);
        r = sd_event_add_time_relative(j->remote->event, &j->timer, CLOCK_MONOTONIC, POLL_USEC,
                                       TIMER_ACCURACY_USEC, on_waited, j);
        return r < 0 ? r : JOB_PENDING;
}

/* Two writes at once: without versions, nobody could tell which of them the vault did last. */
static bool has_to_wait(const struct job *j, enum job_step step) {
        if (j->remote->ops->versions)
                return false;
        if (j->op == VAULT_GET_TOKEN)
                return step == JOB_READ && j->has_fresh && is_written_elsewhere(j);
        return (step == JOB_WRITE || step == JOB_ERASE) && flow_is_renewed_elsewhere(j);
}

static int begin_reading(struct job *j, struct ae_error *error) {
        record_done(&j->record);
        j->is_present = j->has_remains = j->is_claimed = false;
        if (++j->n_rounds > MAX_ROUNDS)
                return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                                    "others write the same record at the same time");
        return 0;
}

int flow_step(struct job *j, enum job_step step, struct ae_error *error) {
        job_fn *take = j->remote->ops->steps[step];
        int r = 0;

        if (has_to_wait(j, step))
                return flow_await(j, step);
        j->step = step;
        if (step == JOB_READ)
                r = begin_reading(j, error);
        if (r == 0 && take)
                r = take(j, error);
        return r == JOB_PENDING ? r : flow_go_on(j, r, error);
}

int flow_read_again(struct job *j, struct ae_error *error) {
        record_done(&j->fresh);
        j->fresh = j->record;
        j->record = (struct record){ 0 };
        j->has_fresh = true;
        return flow_step(j, JOB_READ, error);
}

static int flow_store(struct job *j, int r, struct ae_error *error) {
        if (j->step == JOB_WRITE)
                return r == -ESTALE ? flow_read_again(j, error) : r;
        if (r < 0)
                return r;

        record_done(&j->record);
        j->record = j->fresh;
        j->fresh = (struct record){ 0 };
        return flow_step(j, JOB_WRITE, error);
}

static int flow_delete(struct job *j, int r, struct ae_error *error) {
        if (r < 0 || j->step == JOB_ERASE)
                return r;
        if (!j->is_present && !j->has_remains)
                return flow_not_connected(j, error);
        return flow_step(j, JOB_ERASE, error);
}

static int flow_end(struct job *j, int r, struct ae_error *error) {
        return r;
}

static int find_provider(struct job *j, const char *name, struct ae_error *error) {
        const struct oauth_app *app = flow_find_app(j, name);
        _cleanup_(buffer_done) struct buffer text = { 0 };
        int r;

        if (!app)
                return flow_not_found(name, error);
        oauth_app_print(app, /* with_secret= */ false, &text);
        r = buffer_error(&text);
        return r < 0 ? r : json_parse(text.data, text.size, &j->status, NULL);
}

int flow_begin(struct job *j, const struct vault_question *q, struct ae_error *error) {
        switch (j->op) {
        case VAULT_DELETE_TOKEN:
        case VAULT_GET_TOKEN:
        case VAULT_REVOKE:
                return flow_step(j, JOB_READ, error);
        case VAULT_EXCHANGE:
                return flow_begin_exchange(j, q, error);
        case VAULT_FIND_PROVIDER:
                return find_provider(j, q->provider, error);
        case VAULT_START_DEVICE:
                return flow_begin_device(j, q, error);
        case VAULT_STATUS:
                return flow_step(j, JOB_STATUS, error);
        case VAULT_STORE_TOKEN:
                break;
        }
        return j->remote->ops->versions ? flow_read_again(j, error)
                                        : flow_step(j, JOB_WRITE, error);
}

int flow_go_on(struct job *j, int r, struct ae_error *error) {
        static flow_fn *const flows[] = {
                [VAULT_DELETE_TOKEN] = flow_delete, [VAULT_EXCHANGE] = flow_exchange,
                [VAULT_FIND_PROVIDER] = flow_end,   [VAULT_GET_TOKEN] = flow_get,
                [VAULT_REVOKE] = flow_revoke,       [VAULT_START_DEVICE] = flow_start_device,
                [VAULT_STATUS] = flow_end,          [VAULT_STORE_TOKEN] = flow_store,
        };

        if (j->step == JOB_WAIT && r == 0)
                return flow_step(j, j->next, error);
        return flows[j->op](j, r, error);
}

bool flow_is_idle(const struct job *j) {
        switch (j->op) {
        case VAULT_GET_TOKEN:
                return (j->step == JOB_READ || j->step == JOB_WAIT) && !j->has_fresh &&
                       !j->is_refused;
        case VAULT_FIND_PROVIDER:
        case VAULT_START_DEVICE:
        case VAULT_STATUS:
                return true;
        case VAULT_DELETE_TOKEN:
        case VAULT_EXCHANGE:
        case VAULT_REVOKE:
        case VAULT_STORE_TOKEN:
                break;
        }
        return false;
}
