/* SPDX-License-Identifier: MIT */
/*
 * HashiCorp Vault and OpenBao: a KV store of version 2. A record is one secret, at
 * MOUNT/PREFIX/USER/PLATFORM/ACCOUNT; what it holds is told in action-engine.conf(5).
 *
 * Each is written as the successor of the version that was read. Who is about to renew a record
 * claims it first, by a version that says so, until the renewed one takes its place: several
 * engines would otherwise use one refresh token twice, which looks as if it had been stolen.
 *
 * A 403 may mean that the client token is no longer good: an AppRole logs in again, once for a job.
 */
#include "vault/kv2.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define MAX_CLAIM_USEC (600 * USEC_PER_SEC)

/* As long as a provider may take, and the vault before and after it. */
static uint64_t claim_usec(const struct kv2 *k) {
        return GRANT_TIMEOUT_USEC + 2 * k->remote.timeout_usec;
}

int kv2_prepare(const struct kv2 *k, struct exchange *x, const char *method, const char *path,
                enum kv2_flags flags) {
        int r;

        r = exchange_prepare(x, &k->remote, method, path);
        /* Proxies of the vault ask for it: a page in a browser cannot make it. */
        if (r == 0)
                r = http_request_header(&x->request, "X-Vault-Request", "true");
        if (r == 0 && flags & KV2_NAMESPACE && k->namespace_path)
                r = http_request_header(&x->request, "X-Vault-Namespace", k->namespace_path);
        if (r == 0 && flags & KV2_TOKEN)
                r = http_request_secret_header(&x->request, "X-Vault-Token", k->session.token);
        return r;
}

/* What the job's turn asks of its record. */
static int ask_record(struct kv2_job *j) {
        static const struct {
                const char *method, *kind;
        } asked[] = {
                [KV2_READ] = { "GET", "data" },
                [KV2_CLAIM] = { "POST", "data" },
                [KV2_WRITE] = { "POST", "data" },
                [KV2_DELETE] = { "DELETE", "metadata" },
        };
        const struct kv2 *k = (struct kv2 *)j->head.remote;
        _cleanup_(buffer_done) struct buffer path = { 0 };
        struct exchange *x = &j->head.exchange;
        struct kv2_claim claim;
        int r;

        kv2_print_path(k->mount, asked[j->turn].kind, k->prefix, &j->head.id, &path);
        r = buffer_error(&path);
        if (r == 0)
                r = kv2_prepare(k, x, asked[j->turn].method, path.data, KV2_NAMESPACE | KV2_TOKEN);
        if (r < 0)
                return r;

        strcpy(claim.engine, k->engine);
        claim.until_usec = clock_usec(CLOCK_REALTIME) + claim_usec(k);
        if (j->turn == KV2_CLAIM || j->turn == KV2_WRITE)
                kv2_print_write(&j->head.record, &j->head.id, j->version,
                                j->turn == KV2_CLAIM ? &claim : NULL, &x->request.body);
        return 0;
}

int kv2_ask(struct job *head, struct ae_error *error) {
        struct kv2_job *j = (struct kv2_job *)head;
        struct kv2 *k = (struct kv2 *)head->remote;
        int r;

        r = kv2_session_open(k, head->deadline_usec);
        j->waits = r == 0;
        if (r <= 0)
                return r < 0 ? r : JOB_PENDING;
        j->session = k->session.number;

        switch (j->turn) {
        case KV2_READ:
        case KV2_CLAIM:
        case KV2_WRITE:
        case KV2_DELETE:
                r = ask_record(j);
                break;
        case KV2_HEALTH: /* of the node, not of a namespace */
                r = kv2_prepare(k, &head->exchange, "GET", "/v1/sys/health", 0);
                break;
        case KV2_LIST:
                r = kv2_status_ask(j);
                break;
        }
        if (r == 0)
                r = exchange_send(&head->exchange, head->remote, head->deadline_usec);
        return r < 0 ? r : JOB_PENDING;
}

void kv2_go_on(struct kv2 *k, const struct ae_error *error) {
        struct job *j, *next;

        for (j = TAILQ_FIRST(&k->remote.jobs); j; j = next) {
                next = TAILQ_NEXT(j, in_remote);
                if (!((struct kv2_job *)j)->waits)
                        continue;
                if (error)
                        job_fail(j, error);
                else
                        job_resume(j, kv2_ask);
        }
}

static int take_turn(struct kv2_job *j, enum kv2_turn turn, struct ae_error *error) {
        j->turn = turn;
        return kv2_ask(&j->head, error);
}

static int kv2_read(struct job *j, struct ae_error *error) {
        return take_turn((struct kv2_job *)j, KV2_READ, error);
}

static int kv2_claim(struct job *j, struct ae_error *error) {
        return take_turn((struct kv2_job *)j, KV2_CLAIM, error);
}

static int kv2_write(struct job *j, struct ae_error *error) {
        return take_turn((struct kv2_job *)j, KV2_WRITE, error);
}

static int kv2_erase(struct job *j, struct ae_error *error) {
        return take_turn((struct kv2_job *)j, KV2_DELETE, error);
}

static int kv2_status(struct job *j, struct ae_error *error) {
        return take_turn((struct kv2_job *)j, KV2_HEALTH, error);
}

/* What stands where the record belongs is left alone unless it is one, and the asker's. */
static int check_present(const struct job *j, int r, struct ae_error *error) {
        if (r == 0 || r == -ENOMEM)
                return r;
        if (j->op == VAULT_GET_TOKEN)
                return r == -EREMCHG ? remote_mistaken(error) : remote_nonsense(error);
        return ae_error_set(error, AE_INVALID_REQUEST,
                            "what the vault keeps at that place is %s: it was left as it is",
                            r == -EREMCHG ? "another's record" : "no credential");
}

/* A claim that is over, or ends when no engine's can, is none. */
static int read_claim(struct kv2_job *j, const struct json_slice *data) {
        const struct kv2 *k = (struct kv2 *)j->head.remote;
        uint64_t now = clock_usec(CLOCK_REALTIME);
        struct kv2_claim claim;
        int r;

        r = kv2_read_claim(data, &claim);
        if (r < 0)
                return r;
        j->head.is_claimed = claim.engine[0] && strcmp(claim.engine, k->engine) != 0 &&
                             claim.until_usec > now && claim.until_usec - now <= MAX_CLAIM_USEC;
        return 0;
}

static int take_version(struct kv2_job *j, const struct kv2_version *v, struct ae_error *error) {
        struct job *head = &j->head;
        int r;

        j->version = v->version;
        head->has_remains = v->version > 0;
        if (v->data.size == 0)
                return 0;

        r = record_read(&v->data, &head->id, &head->record);
        if (r == 0)
                r = read_claim(j, &v->data);
        head->is_present = r == 0;
        return check_present(head, r, error);
}

static int take_read(struct kv2_job *j, const struct http_response *response,
                     struct ae_error *error) {
        struct kv2_version v;
        int r;

        if (response->status != 200 && response->status != 404)
                return remote_status_error(response->status, error);
        r = kv2_read_version(response->status, response->body, response->body_size, &v);
        if (r == -EBADMSG && response->status == 404)
                return ae_error_set(error, AE_VAULT_UNAVAILABLE,
                                    "the vault knows no KV store of version 2 at '%s'",
                                    ((struct kv2 *)j->head.remote)->mount);
        if (r == -EBADMSG)
                return remote_nonsense(error);
        return r < 0 ? r : take_version(j, &v, error);
}

static int take_written(struct kv2_job *j, const struct http_response *response,
                        struct ae_error *error) {
        if (response->status == 200 || response->status == 204) {
                j->version++; /* as it was the successor of the one that was read */
                return 0;
        }
        if (response->status == 400 && kv2_is_mismatch(response->body, response->body_size))
                return -ESTALE;
        return remote_status_error(response->status, error);
}

static int take_deleted(const struct http_response *response, struct ae_error *error) {
        if (response->status == 200 || response->status == 204)
                return 0;
        return remote_status_error(response->status, error);
}

static int take_health(struct kv2_job *j, const struct http_response *response,
                       struct ae_error *error) {
        if (response->status != 200)
                return remote_status_error(response->status, error);

        j->head.status = cJSON_CreateObject();
        if (!cJSON_AddStringToObject(j->head.status, "state", "ok"))
                return -ENOMEM;
        return j->head.id.user_id ? kv2_status_begin(j, error) : 0;
}

static int kv2_on_answer(struct job *head, const struct http_response *response,
                         struct ae_error *error) {
        struct kv2 *k = (struct kv2 *)head->remote;
        struct kv2_job *j = (struct kv2_job *)head;

        if (response->status == 403 && !j->has_logged_in && kv2_session_refused(k, j->session)) {
                j->has_logged_in = true;
                return kv2_ask(head, error);
        }

        switch (j->turn) {
        case KV2_READ:
                return take_read(j, response, error);
        case KV2_CLAIM:
        case KV2_WRITE:
                return take_written(j, response, error);
        case KV2_DELETE:
                return take_deleted(response, error);
        case KV2_HEALTH:
                return take_health(j, response, error);
        case KV2_LIST:
                break;
        }
        return kv2_status_take(j, response, error);
}

static void kv2_job_done(struct job *j) {
        json_free(((struct kv2_job *)j)->listed);
}

static void kv2_free(struct vault *v) {
        struct kv2 *k = (struct kv2 *)v;

        kv2_session_done(&k->session);
        remote_done(&k->remote);
        secret_free(k->own_token);
        secret_free(k->role_id);
        secret_free(k->secret_id);
        free(k->mount);
        free(k->prefix);
        free(k->namespace_path);
        free(k);
}

static int copy_text(const char *text, char **ret) {
        if (!text)
                return 0;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int copy_secret(const struct secret *s, struct secret **ret) {
        return s ? secret_new(s->data, s->size, ret) : 0;
}

int vault_new_kv2(struct poller *poller, const struct vault_http *http,
                  const struct vault_kv2 *options, struct vault **ret) {
        static const struct vault_backend_ops vault_ops = {
                .name = "kv2",
                .call = remote_call,
                .cancel = remote_cancel,
                .is_busy = remote_is_busy,
                .free = kv2_free,
        };
        static const struct remote_ops ops = {
                .job_size = sizeof(struct kv2_job),
                .versions = true,
                .steps = {
                        [JOB_READ] = kv2_read,
                        [JOB_CLAIM] = kv2_claim,
                        [JOB_WRITE] = kv2_write,
                        [JOB_ERASE] = kv2_erase,
                        [JOB_STATUS] = kv2_status,
                },
                .on_answer = kv2_on_answer,
                .job_done = kv2_job_done,
        };
        _cleanup_(vault_freep) struct vault *v = NULL;
        unsigned char random[KV2_ENGINE_SIZE / 2];
        struct kv2 *k;
        int r;

        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        v = &k->remote.head;
        r = remote_init(&k->remote, &vault_ops, &ops, poller, http);
        if (r < 0)
                return r;
        if (copy_text(options->mount, &k->mount) < 0 ||
            copy_text(options->prefix, &k->prefix) < 0 ||
            copy_text(options->namespace_path, &k->namespace_path) < 0 ||
            copy_secret(options->token, &k->own_token) < 0 ||
            copy_secret(options->role_id, &k->role_id) < 0 ||
            copy_secret(options->secret_id, &k->secret_id) < 0)
                return -ENOMEM;
        randombytes_buf(random, sizeof(random));
        sodium_bin2hex(k->engine, sizeof(k->engine), random, sizeof(random));
        r = kv2_session_init(&k->session, k);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}
