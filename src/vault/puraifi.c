/* SPDX-License-Identifier: MIT */
/*
 * The PURAIFI Vault Engine. Each question is one POST, which names the record twice, in the query
 * and in the body, since vaults of both kinds are in use:
 *
 *   /get_token    {user_id, platform}           {access_token, refresh_token?, expires_at?,
 *                                               scopes?}, or 404
 *   /store_token  {user_id, platform, token}    anything, with a status of success
 *   /status       {user_id?}                    an object; connected_platforms?: [{platform,
 *                                               status}]
 *
 * with X-Engine-ID and X-Engine-Key. It knows one account of each platform, and never forgets: what
 * is revoked is overwritten by a credential that is none. Of a record it keeps the tokens, when they
 * end and their scopes; with what they are renewed the engine knows by the platform.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/escape.h"
#include "vault/remote.h"

#define ONLY_ACCOUNT "default"
#define MAX_PLATFORMS 256

struct puraifi {
        struct remote remote;
        char *id;
        struct secret *key;
};

static int puraifi_check(struct job *j, struct ae_error *error) {
        if (j->op == VAULT_DELETE_TOKEN)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "the PURAIFI vault has no way to delete a credential");
        if (j->id.account && strcmp(j->id.account, ONLY_ACCOUNT) != 0)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "the PURAIFI vault keeps one account of a platform, '%s': "
                                    "there can be no '%s'",
                                    ONLY_ACCOUNT, j->id.account);
        if (j->op == VAULT_STORE_TOKEN && (!j->record.access_token || j->record.service_account))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "the PURAIFI vault keeps access tokens, and refresh tokens "
                                    "beside them, and nothing else");
        return 0;
}

static const char *path_of(const struct job *j) {
        static const char *const paths[] = {
                [JOB_READ] = "/get_token",
                [JOB_WRITE] = "/store_token",
                [JOB_ERASE] = "/store_token",
                [JOB_STATUS] = "/status",
        };

        return paths[j->step];
}

/* What a user has connected is asked of all platforms, also for the sake of one. */
static bool names_platform(const struct job *j) {
        return j->id.platform && j->step != JOB_STATUS;
}

static void print_path(const struct job *j, struct buffer *to) {
        buffer_puts(to, path_of(j));
        if (j->id.user_id) {
                buffer_puts(to, "?user_id=");
                escape_query(j->id.user_id, to);
        }
        if (names_platform(j)) {
                buffer_puts(to, "&platform=");
                escape_query(j->id.platform, to);
        }
}

static void print_secret(const char *name, const struct secret *s, struct buffer *to) {
        if (!s)
                return;
        buffer_printf(to, "\"%s\":", name);
        json_print_string(s->data, s->size, to);
        buffer_putc(to, ',');
}

/* The fields that this vault's description names. */
static void print_token(const struct record *r, struct buffer *to) {
        char expires_at[RFC3339_SIZE];

        buffer_putc(to, '{');
        print_secret("access_token", r->access_token, to);
        print_secret("refresh_token", r->refresh_token, to);
        if (r->expires_at_usec) {
                clock_format_rfc3339(r->expires_at_usec, expires_at);
                buffer_printf(to, "\"expires_at\":\"%s\",", expires_at);
        }
        if (r->scopes) {
                buffer_puts(to, "\"scopes\":");
                json_print(r->scopes, to);
        } else
                to->size--; /* the comma: there is always an access token */
        buffer_putc(to, '}');
}

/* What stands where a credential was. */
#define NOTHING \
        "{\"access_token\":\"revoked\",\"expires_at\":\"1970-01-01T00:00:01Z\",\"scopes\":[]}"

/* Room for all of it at once: a buffer that has to grow leaves copies behind. */
static void reserve(const struct record *r, struct buffer *to) {
        size_t n = 1024 + RECORD_MAX_USER_ID * 6 + RECORD_MAX_SCOPES * (RECORD_MAX_SCOPE + 3);

        if (r->access_token)
                n += 2 * r->access_token->size;
        if (r->refresh_token)
                n += 2 * r->refresh_token->size;
        (void)buffer_reserve(to, n);
}

static void print_body(const struct job *j, struct buffer *to) {
        if (j->step == JOB_WRITE)
                reserve(&j->record, to);
        buffer_putc(to, '{');
        if (j->id.user_id) {
                buffer_puts(to, "\"user_id\":");
                json_print_string(j->id.user_id, strlen(j->id.user_id), to);
        }
        if (names_platform(j))
                buffer_printf(to, ",\"platform\":\"%s\"", j->id.platform);
        if (j->step == JOB_WRITE) {
                buffer_puts(to, ",\"token\":");
                print_token(&j->record, to);
        }
        if (j->step == JOB_ERASE)
                buffer_puts(to, ",\"token\":" NOTHING);
        buffer_putc(to, '}');
}

static int ask(struct job *j, struct ae_error *error) {
        const struct puraifi *p = (struct puraifi *)j->remote;
        _cleanup_(buffer_done) struct buffer path = { 0 };
        struct exchange *x = &j->exchange;
        int r;

        print_path(j, &path);
        r = buffer_error(&path);
        if (r == 0)
                r = exchange_prepare(x, j->remote, "POST", path.data);
        if (r == 0)
                r = http_request_header(&x->request, "X-Engine-ID", p->id);
        if (r == 0)
                r = http_request_secret_header(&x->request, "X-Engine-Key", p->key);
        if (r < 0)
                return r;

        print_body(j, &x->request.body);
        r = exchange_send(x, j->remote, j->deadline_usec);
        return r < 0 ? r : JOB_PENDING;
}

static int take_token(struct job *j, const struct http_response *response, struct ae_error *error) {
        const struct json_slice body = { .text = response->body, .size = response->body_size };
        int r;

        r = record_read(&body, &j->id, &j->record);
        j->is_present = r == 0;
        if (r == -EREMCHG)
                return remote_mistaken(error);
        return r == -EBADMSG ? remote_nonsense(error) : r;
}

/* As vault.h tells it, of what the vault says. */
static int add_platforms(const cJSON *platforms, cJSON *status) {
        cJSON *list = cJSON_AddArrayToObject(status, "connected_platforms");
        const cJSON *platform;

        if (!cJSON_IsArray(platforms) || cJSON_GetArraySize(platforms) > MAX_PLATFORMS)
                return -EBADMSG;
        cJSON_ArrayForEach (platform, platforms) {
                const char *name = json_string(platform, "platform");
                const char *state = json_string(platform, "status");
                cJSON *entry = cJSON_CreateObject();

                if (!cJSON_AddItemToArray(list, entry)) {
                        cJSON_Delete(entry);
                        return -ENOMEM;
                }
                if (!name || !state)
                        return -EBADMSG;
                if (!cJSON_AddStringToObject(entry, "platform", name) ||
                    !cJSON_AddStringToObject(entry, "account", ONLY_ACCOUNT) ||
                    !cJSON_AddStringToObject(entry, "status", state))
                        return -ENOMEM;
        }
        return 0;
}

static int take_status(struct job *j, const struct http_response *response,
                       struct ae_error *error) {
        _cleanup_(json_freep) cJSON *said = NULL;
        int r;

        r = json_parse(response->body, response->body_size, &said, NULL);
        if (r == 0 && !cJSON_IsObject(said))
                r = -EBADMSG;
        if (r == 0) {
                j->status = cJSON_CreateObject();
                if (!cJSON_AddStringToObject(j->status, "state", "ok"))
                        r = -ENOMEM;
        }
        if (r == 0 && j->id.user_id)
                r = add_platforms(json_member(said, "connected_platforms"), j->status);
        return r == -EBADMSG ? remote_nonsense(error) : r;
}

static int puraifi_on_answer(struct job *j, const struct http_response *response,
                             struct ae_error *error) {
        if (j->step == JOB_READ && response->status == 404)
                return 0;
        if (response->status < 200 || response->status > 299)
                return remote_status_error(response->status, error);
        if (j->step == JOB_READ)
                return take_token(j, response, error);
        return j->step == JOB_STATUS ? take_status(j, response, error) : 0;
}

static void puraifi_free(struct vault *v) {
        struct puraifi *p = (struct puraifi *)v;

        remote_done(&p->remote);
        secret_free(p->key);
        free(p->id);
        free(p);
}

int vault_new_puraifi(struct poller *poller, const struct vault_http *http, const char *id,
                      const struct secret *key, struct vault **ret) {
        static const struct vault_backend_ops vault_ops = {
                .name = "puraifi",
                .call = remote_call,
                .cancel = remote_cancel,
                .is_busy = remote_is_busy,
                .free = puraifi_free,
        };
        static const struct remote_ops ops = {
                .job_size = sizeof(struct job),
                .check = puraifi_check,
                .steps = {
                        [JOB_READ] = ask,
                        [JOB_WRITE] = ask,
                        [JOB_ERASE] = ask,
                        [JOB_STATUS] = ask,
                },
                .on_answer = puraifi_on_answer,
        };
        _cleanup_(vault_freep) struct vault *v = NULL;
        struct puraifi *p;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        v = &p->remote.head;
        r = remote_init(&p->remote, &vault_ops, &ops, poller, http);
        if (r < 0)
                return r;
        p->id = strdup(id);
        if (!p->id)
                return -ENOMEM;
        r = secret_new(key->data, key->size, &p->key);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}
