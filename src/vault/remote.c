/* SPDX-License-Identifier: MIT */
/*
 * Jobs and their callers.
 *
 *     jobs ──► over        A job is in `jobs` from the first question until its steps say that it
 *                          is done, then in `over` until the loop comes by to tell its callers.
 *                          So nothing is ever answered from within a call.
 *
 * Who asks for a token that is being asked for joins that job, unless something was written to the
 * record since it began: what it finds might be older than what the new caller knows. A job that
 * nobody waits for any more is dropped, unless it writes or renews: half of that helps nobody.
 */
#include "vault/remote.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/wire.h"

/* Who waits at once. More than a vault that is well ever sees. */
#define MAX_CALLERS 4096
#define MAX_CONNECTIONS 32
/* A credential is VAULT_WIRE_MAX_LINE at most; around it is what the vault says of it. */
#define MAX_RESPONSE_BYTES ((size_t)2 * VAULT_WIRE_MAX_LINE)

struct caller {
        struct vault_call head;
        struct job *job;
        vault_answer_fn *on_answer;
        void *userdata;
        bool has_rejected;
        unsigned char rejected[crypto_hash_sha256_BYTES];
        TAILQ_ENTRY(caller) in_job;
};

static struct job *job_free(struct job *j) {
        struct caller *c;

        if (!j)
                return NULL;
        while ((c = TAILQ_FIRST(&j->callers))) {
                TAILQ_REMOVE(&j->callers, c, in_job);
                j->remote->n_callers--;
                free(c);
        }
        if (j->remote->ops->job_done)
                j->remote->ops->job_done(j);
        sd_event_source_disable_unref(j->timer);
        exchange_done(&j->exchange);
        grant_done(&j->granting);
        record_done(&j->record);
        record_done(&j->fresh);
        ae_error_done(&j->error);
        ae_error_done(&j->renewal);
        json_free(j->status);
        record_id_done(&j->id);
        free(j->provider);
        free(j->scopes);
        free(j);
        return NULL;
}
DEFINE_CLEANUP(struct job *, job_free);

static struct job *find_question(struct remote *v, const struct record_id *id) {
        struct job *j;

        TAILQ_FOREACH(j, &v->jobs, in_remote)
        if (j->op == VAULT_GET_TOKEN && !j->is_outdated && record_id_equals(&j->id, id))
                return j;
        return NULL;
}

static bool is_writing(enum vault_op op) {
        return op == VAULT_DELETE_TOKEN || op == VAULT_EXCHANGE || op == VAULT_REVOKE ||
               op == VAULT_STORE_TOKEN;
}

static void job_end(struct job *j, int r) {
        struct remote *v = j->remote;
        struct job *question = NULL;

        if (r < 0)
                (void)ae_error_from_errno(&j->error, r);
        exchange_done(&j->exchange);

        /* Whoever asks from now on may have been told of the write. */
        if (is_writing(j->op) && j->id.account)
                question = find_question(v, &j->id);
        if (question)
                question->is_outdated = true;

        TAILQ_REMOVE(&v->jobs, j, in_remote);
        TAILQ_INSERT_TAIL(&v->over, j, in_remote);
        j->is_over = true;
        (void)sd_event_source_set_enabled(v->deferred, SD_EVENT_ONESHOT);
}

void job_took(struct job *j, int r) {
        if (r != JOB_PENDING)
                r = flow_go_on(j, r, &j->error);
        if (r != JOB_PENDING)
                job_end(j, r);
}

void job_resume(struct job *j, job_fn *step) {
        job_took(j, step(j, &j->error));
}

void job_fail(struct job *j, const struct ae_error *error) {
        job_took(j, ae_error_set(&j->error, error->code, "%s", error->message));
}

static void on_job_answer(const struct http_response *response, void *userdata) {
        struct job *j = userdata;
        int r;

        r = remote_check_failure(response, &j->error);
        if (r == 0)
                r = j->remote->ops->on_answer(j, response, &j->error);
        job_took(j, r);
}

static int job_new(struct remote *v, const struct vault_question *q, struct job **ret) {
        const struct record_id id = { q->key.user_id, q->key.platform, q->key.account };
        _cleanup_(job_freep) struct job *j = NULL;
        int r;

        j = calloc(1, v->ops->job_size);
        if (!j)
                return -ENOMEM;

        *j = (struct job){
                .remote = v,
                .op = q->op,
                .deadline_usec = clock_usec(CLOCK_MONOTONIC) + v->timeout_usec,
                .exchange = { .on_answer = on_job_answer, .userdata = j },
        };
        TAILQ_INIT(&j->callers);
        r = record_id_copy(&id, &j->id);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(j);
        return 0;
}

static int read_credential(struct job *j, const cJSON *credential, struct ae_error *error) {
        _cleanup_(buffer_wipe) struct buffer text = { 0 };
        int r;

        json_print(credential, &text);
        r = buffer_error(&text);
        if (r == 0 && text.size > VAULT_WIRE_MAX_LINE)
                r = ae_error_set(error, AE_INVALID_REQUEST,
                                 "the credential is too large for the vault");
        if (r == 0)
                r = record_parse(&(struct json_slice){ .text = text.data, .size = text.size },
                                 clock_usec(CLOCK_REALTIME), &j->record, error);
        return r;
}

static bool has_record(enum vault_op op) {
        return op != VAULT_FIND_PROVIDER && op != VAULT_START_DEVICE && op != VAULT_STATUS;
}

/* What no backend could keep, and no path or header could hold. */
static int check_id(const struct job *j, struct ae_error *error) {
        const struct {
                const char *name, *value;
                bool (*is_valid)(const char *text);
        } parts[] = {
                { "user_id", j->id.user_id, record_user_id_is_valid },
                { "platform", j->id.platform, record_platform_is_valid },
                { "account", j->id.account, record_account_is_valid },
        };

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (parts[i].value ? !parts[i].is_valid(parts[i].value) : has_record(j->op))
                        return ae_error_set(error, AE_INVALID_REQUEST,
                                            "the vault cannot keep anything under that %s",
                                            parts[i].name);
        return 0;
}

static int job_begin(struct job *j, const struct vault_question *q, struct ae_error *error) {
        const struct remote_ops *ops = j->remote->ops;
        int r;

        if (j->remote->n_callers >= MAX_CALLERS)
                return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                                    "too many calls wait for the vault");
        r = check_id(j, error);
        if (r == 0 && q->op == VAULT_STORE_TOKEN)
                r = read_credential(j, q->credential, error);
        if (r == 0 && ops->check)
                r = ops->check(j, error);
        return r < 0 ? r : flow_begin(j, q, error);
}

/* What is no digest is that of no token. */
static void read_rejected(struct caller *c, const char *hex) {
        size_t n;

        c->has_rejected = hex &&
                          sodium_hex2bin(c->rejected, sizeof(c->rejected), hex, strlen(hex), NULL,
                                         &n, NULL) == 0 &&
                          n == sizeof(c->rejected);
}

int remote_call(struct vault *vault, const struct vault_question *q, struct vault_call **ret) {
        struct remote *v = (struct remote *)vault;
        const struct record_id id = { q->key.user_id, q->key.platform, q->key.account };
        struct job *j = q->op == VAULT_GET_TOKEN ? find_question(v, &id) : NULL;
        struct caller *c;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        if (!j || v->n_callers >= MAX_CALLERS) {
                r = job_new(v, q, &j);
                if (r < 0) {
                        free(c);
                        return r;
                }
                TAILQ_INSERT_TAIL(&v->jobs, j, in_remote);
                r = job_begin(j, q, &j->error);
                if (r != JOB_PENDING)
                        job_end(j, r);
        }

        *c = (struct caller){
                .head.vault = vault,
                .job = j,
                .on_answer = q->on_answer,
                .userdata = q->userdata,
        };
        read_rejected(c, q->rejected);
        TAILQ_INSERT_TAIL(&j->callers, c, in_job);
        v->n_callers++;
        *ret = &c->head;
        return 0;
}

void remote_cancel(struct vault_call *call) {
        struct caller *c = (struct caller *)call;
        struct job *j = c->job;

        TAILQ_REMOVE(&j->callers, c, in_job);
        j->remote->n_callers--;
        free(c);
        if (TAILQ_EMPTY(&j->callers) && !j->is_over && flow_is_idle(j)) {
                TAILQ_REMOVE(&j->remote->jobs, j, in_remote);
                job_free(j);
        }
}

bool remote_is_busy(const struct vault *vault) {
        const struct remote *v = (const struct remote *)vault;
        const struct job *j;

        TAILQ_FOREACH(j, &v->jobs, in_remote)
        if (!flow_is_idle(j))
                return true;
        return false;
}

static int join_scopes(const cJSON *scopes, char **ret) {
        _cleanup_(buffer_done) struct buffer joined = { 0 };
        const cJSON *scope;

        if (!scopes)
                return 0;
        cJSON_ArrayForEach (scope, scopes) {
                if (joined.size > 0)
                        buffer_putc(&joined, ' ');
                buffer_puts(&joined, scope->valuestring);
        }
        return buffer_take(&joined, ret, NULL);
}

static enum renew_need need_of(const struct caller *c, uint64_t now_usec) {
        return record_renewal(&c->job->record, now_usec, c->has_rejected ? c->rejected : NULL);
}

enum renew_need job_need(const struct job *j, uint64_t now_usec) {
        enum renew_need need = record_renewal(&j->record, now_usec, NULL);
        const struct caller *c;

        TAILQ_FOREACH(c, &j->callers, in_job) {
                enum renew_need other = need_of(c, now_usec);

                if (other > need)
                        need = other;
        }
        return need;
}

/* The access token is worth nothing to the caller. */
static int tell_why(const struct caller *c, enum renew_need need, struct ae_error *error) {
        const struct job *j = c->job;

        if (j->renewal.code != AE_NONE)
                return ae_error_set(error, j->renewal.code, "%s", j->renewal.message);
        if (need == RENEW_NOW)
                return ae_error_set(error, AE_UPSTREAM_ERROR,
                                    "the provider of %s gives access tokens that are not good",
                                    j->id.platform);
        if (record_is_expired(&j->record, clock_usec(CLOCK_REALTIME)))
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "the access token of %s has expired; connect it again",
                                    j->id.platform);
        return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                            "%s refuses the access token; connect it again", j->id.platform);
}

/* Each caller's own: it may take the parts. */
static int make_credential(const struct caller *c, struct credential *ret, struct ae_error *error) {
        const struct record *record = &c->job->record;
        enum renew_need need = need_of(c, clock_usec(CLOCK_REALTIME));
        int r;

        if (need == RENEW_NOW || need == RENEW_NEVER)
                return tell_why(c, need, error);
        r = secret_new(record->access_token->data, record->access_token->size, &ret->access_token);
        if (r == 0)
                r = join_scopes(record->scopes, &ret->scopes);
        ret->expires_at_usec = record->expires_at_usec;
        return r;
}

static void tell(const struct caller *c) {
        _cleanup_(credential_done) struct credential credential = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        const struct job *j = c->job;
        struct vault_answer answer = { 0 };
        int r;

        if (j->error.code != AE_NONE)
                answer.error = &j->error;
        else if (j->op == VAULT_GET_TOKEN) {
                r = make_credential(c, &credential, &error);
                if (r < 0) {
                        (void)ae_error_from_errno(&error, r);
                        answer.error = &error;
                } else
                        answer.credential = &credential;
        } else
                answer.status = j->status;
        c->on_answer(&answer, c->userdata);
}

/* A callback may ask anew, and cancel whom it likes; what is over by then waits for the next turn. */
static int on_deferred(sd_event_source *source, void *userdata) {
        struct remote *v = userdata;
        struct job *j, *last = TAILQ_LAST(&v->over, job_list);
        bool was_last = !last;
        struct caller *c;

        while (!was_last && (j = TAILQ_FIRST(&v->over))) {
                was_last = j == last;
                while ((c = TAILQ_FIRST(&j->callers))) {
                        TAILQ_REMOVE(&j->callers, c, in_job);
                        v->n_callers--;
                        tell(c);
                        free(c);
                }
                TAILQ_REMOVE(&v->over, j, in_remote);
                job_free(j);
        }
        return 0;
}

int remote_init(struct remote *v, const struct vault_backend_ops *vault_ops,
                const struct remote_ops *ops, struct poller *poller,
                const struct vault_http *options) {
        const struct http_options http = {
                .connect_timeout_usec = options->timeout_usec,
                .first_byte_timeout_usec = options->timeout_usec,
                .total_timeout_usec = options->timeout_usec,
                .max_response_bytes = MAX_RESPONSE_BYTES,
                .max_connections_per_host = MAX_CONNECTIONS,
                .ca_file = options->ca_file,
                .plain = options->plain,
                .user_agent = options->user_agent,
                .unix_socket = options->unix_socket,
        };
        size_t n = strlen(options->url);
        int r;

        v->head.ops = vault_ops;
        v->ops = ops;
        v->timeout_usec = options->timeout_usec;
        v->event = poller_event(poller);
        TAILQ_INIT(&v->jobs);
        TAILQ_INIT(&v->over);
        memory_init(&v->memory);

        while (n > 0 && options->url[n - 1] == '/')
                n--;
        v->url = strndup(options->url, n);
        if (!v->url)
                return -ENOMEM;
        r = http_client_new(poller, &http, &v->http);
        if (r < 0)
                return r;
        r = sd_event_add_defer(v->event, &v->deferred, on_deferred, v);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(v->deferred, SD_EVENT_OFF);
}

void remote_done(struct remote *v) {
        struct job_list *lists[] = { &v->jobs, &v->over };
        struct job *j;

        sd_event_source_disable_unref(v->deferred);
        for (size_t i = 0; v->http && i < ELEMENTSOF(lists); i++)
                while ((j = TAILQ_FIRST(lists[i]))) {
                        TAILQ_REMOVE(lists[i], j, in_remote);
                        job_free(j);
                }
        http_client_free(v->http);
        memory_done(&v->memory);
        free(v->url);
}

void vault_set_apps(struct vault *vault, struct http_client *http, vault_find_app_fn *find_app,
                    void *userdata) {
        struct remote *v = (struct remote *)vault;

        if (vault->ops->call != remote_call)
                return; /* the embedded one has its own */
        v->providers = http;
        v->find_app = find_app;
        v->find_app_userdata = userdata;
}
