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
 * nobody waits for any more is dropped, unless it writes: half a write helps nobody.
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

#define REJECTED_SIZE (2 * crypto_hash_sha256_BYTES)

struct caller {
        struct vault_call head;
        struct job *job;
        vault_answer_fn *on_answer;
        void *userdata;
        char rejected[REJECTED_SIZE + 1];
        TAILQ_ENTRY(caller) in_job;
};

/* The body as well: it may hold a credential. */
static void wipe_request(struct exchange *x) {
        if (x->request.body.data)
                sodium_memzero(x->request.body.data, x->request.body.size);
        http_request_done(&x->request);
}

int exchange_prepare(struct exchange *x, const struct remote *v, const char *method,
                     const char *path) {
        wipe_request(x);
        x->request.method = method;
        x->request.repeatable = true;
        return asprintf(&x->request.url, "%s%s", v->url, path) < 0 ? -ENOMEM : 0;
}

static void on_exchange_done(const struct http_response *response, void *userdata) {
        struct exchange *x = userdata;

        x->call = NULL;
        x->on_answer(response, x->userdata);
}

int exchange_send(struct exchange *x, struct remote *v, uint64_t deadline_usec) {
        static const struct http_handler handler = { .on_done = on_exchange_done };
        int r;

        r = buffer_error(&x->request.body);
        if (r >= 0 && x->request.body.size > 0)
                r = http_request_header(&x->request, "Content-Type", "application/json");
        if (r < 0)
                return r;
        return http_call(v->http, &x->request, deadline_usec, &handler, x, &x->call);
}

void exchange_done(struct exchange *x) {
        http_call_cancel(TAKE_PTR(x->call));
        wipe_request(x);
}

int remote_check_failure(const struct http_response *response, struct ae_error *error) {
        switch (response->failure) {
        case HTTP_ANSWERED:
                return 0;
        case HTTP_CONNECT_TIMEOUT:
        case HTTP_ANSWER_TIMEOUT:
                return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                                    "the vault did not answer in time");
        case HTTP_REFUSED_URL:
        case HTTP_NOT_CONNECTED:
        case HTTP_NO_ANSWER:
        case HTTP_ANSWER_TOO_LARGE:
                break;
        }
        return ae_error_set(error, AE_VAULT_UNAVAILABLE, "the vault gave no answer: %s",
                            response->reason);
}

int remote_status_error(int status, struct ae_error *error) {
        /* clang-format off */
        static const struct {
                int first, last;
                const char *text;
        } meanings[] = {
                { 300, 399, "redirects, which is not followed"         },
                { 401, 401, "does not accept the engine's credential"  },
                { 403, 403, "does not permit that to the engine"       },
                { 408, 408, "did not wait for the question"            },
                { 429, 429, "is on standby, or asked too often"        },
                { 472, 473, "is on standby"                            },
                { 501, 501, "is not initialised"                       },
                { 503, 503, "is sealed or out of service"              },
                { 500, 599, "failed"                                   },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (status >= meanings[i].first && status <= meanings[i].last)
                        return ae_error_set(error, AE_VAULT_UNAVAILABLE, "the vault %s (HTTP %d)",
                                            meanings[i].text, status);
        return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                            "the vault does not take the question (HTTP %d)", status);
}

int remote_nonsense(struct ae_error *error) {
        return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                            "the vault gave an answer that makes no sense");
}

int remote_mistaken(struct ae_error *error) {
        return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                            "the vault gave another record than it was asked for");
}

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
        exchange_done(&j->exchange);
        record_done(&j->record);
        ae_error_done(&j->error);
        json_free(j->status);
        free((char *)j->id.user_id);
        free((char *)j->id.platform);
        free((char *)j->id.account);
        free(j);
        return NULL;
}
DEFINE_CLEANUP(struct job *, job_free);

static bool is_same(const struct record_id *a, const struct record_id *b) {
        return strcmp(a->user_id, b->user_id) == 0 && strcmp(a->platform, b->platform) == 0 &&
               strcmp(a->account, b->account) == 0;
}

static struct job *find_question(struct remote *v, const struct record_id *id) {
        struct job *j;

        TAILQ_FOREACH(j, &v->jobs, in_remote)
        if (j->op == VAULT_GET_TOKEN && !j->is_outdated && is_same(&j->id, id))
                return j;
        return NULL;
}

static bool is_writing(const struct job *j) {
        return j->op == VAULT_DELETE_TOKEN || j->op == VAULT_STORE_TOKEN;
}

static void job_end(struct job *j, int r) {
        struct remote *v = j->remote;
        struct job *question = NULL;

        if (r < 0)
                (void)ae_error_from_errno(&j->error, r);
        exchange_done(&j->exchange);

        /* Whoever asks from now on may have been told of the write. */
        if (is_writing(j))
                question = find_question(v, &j->id);
        if (question)
                question->is_outdated = true;

        TAILQ_REMOVE(&v->jobs, j, in_remote);
        TAILQ_INSERT_TAIL(&v->over, j, in_remote);
        j->is_over = true;
        (void)sd_event_source_set_enabled(v->deferred, SD_EVENT_ONESHOT);
}

static void job_took(struct job *j, int r) {
        if (r != JOB_PENDING)
                job_end(j, r);
}

void job_resume(struct job *j, job_fn *step) {
        job_took(j, step(j, &j->error));
}

void job_fail(struct job *j, const struct ae_error *error) {
        job_end(j, ae_error_set(&j->error, error->code, "%s", error->message));
}

static void on_job_answer(const struct http_response *response, void *userdata) {
        struct job *j = userdata;
        int r;

        r = remote_check_failure(response, &j->error);
        if (r == 0)
                r = j->remote->ops->on_answer(j, response, &j->error);
        job_took(j, r);
}

static int copy_text(const char *text, const char **ret) {
        if (!text)
                return 0;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int job_new(struct remote *v, const struct vault_question *q, struct job **ret) {
        _cleanup_(job_freep) struct job *j = NULL;

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
        if (copy_text(q->key.user_id, &j->id.user_id) < 0 ||
            copy_text(q->key.platform, &j->id.platform) < 0 ||
            copy_text(q->key.account, &j->id.account) < 0)
                return -ENOMEM;

        *ret = TAKE_PTR(j);
        return 0;
}

static int read_credential(struct job *j, const cJSON *credential, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        int r;

        json_print(credential, &text);
        r = buffer_error(&text);
        if (r == 0 && text.size > VAULT_WIRE_MAX_LINE)
                r = ae_error_set(error, AE_INVALID_REQUEST,
                                 "the credential is too large for the vault");
        if (r == 0)
                r = record_parse(&(struct json_slice){ .text = text.data, .size = text.size },
                                 clock_usec(CLOCK_REALTIME), &j->record, error);
        if (text.data)
                sodium_memzero(text.data, text.size);
        return r;
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
                if (parts[i].value ? !parts[i].is_valid(parts[i].value) : j->op != VAULT_STATUS)
                        return ae_error_set(error, AE_INVALID_REQUEST,
                                            "the vault cannot keep anything under that %s",
                                            parts[i].name);
        return 0;
}

static int job_begin(struct job *j, const struct vault_question *q) {
        int r;

        if (j->remote->n_callers >= MAX_CALLERS)
                return ae_error_set(&j->error, AE_VAULT_UNAVAILABLE,
                                    "too many calls wait for the vault");
        r = check_id(j, &j->error);
        if (r == 0 && q->op == VAULT_STORE_TOKEN)
                r = read_credential(j, q->credential, &j->error);
        return r < 0 ? r : j->remote->ops->start(j, &j->error);
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
                job_took(j, job_begin(j, q));
        }

        *c = (struct caller){
                .head.vault = vault,
                .job = j,
                .on_answer = q->on_answer,
                .userdata = q->userdata,
        };
        if (q->rejected)
                snprintf(c->rejected, sizeof(c->rejected), "%s", q->rejected);
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
        if (TAILQ_EMPTY(&j->callers) && !j->is_over && !is_writing(j)) {
                TAILQ_REMOVE(&j->remote->jobs, j, in_remote);
                job_free(j);
        }
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

static bool is_rejected(const struct record *r, const char *rejected) {
        unsigned char digest[crypto_hash_sha256_BYTES];
        size_t n;

        return sodium_hex2bin(digest, sizeof(digest), rejected, strlen(rejected), NULL, &n, NULL) ==
                               0 &&
               n == sizeof(digest) && record_token_is(r, digest);
}

/* Each caller's own: it may take the parts. */
static int make_credential(const struct caller *c, struct credential *ret, struct ae_error *error) {
        const struct record *record = &c->job->record;
        const char *platform = c->job->id.platform;
        int r;

        if (record_is_expired(record, clock_usec(CLOCK_REALTIME)))
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "the access token of %s has expired; connect it again",
                                    platform);
        if (is_rejected(record, c->rejected))
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "%s refuses the access token; connect it again", platform);

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
        free(v->url);
}
