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
 * with X-Engine-ID and X-Engine-Key. It knows one account of each platform, and never forgets.
 */
#include <errno.h>
#include <string.h>

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

static int check_question(const struct job *j, struct ae_error *error) {
        if (j->op == VAULT_DELETE_TOKEN)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "the PURAIFI vault has no way to delete a credential");
        if (j->id.account && strcmp(j->id.account, ONLY_ACCOUNT) != 0)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "the PURAIFI vault keeps one account of a platform, '%s': "
                                    "there can be no '%s'",
                                    ONLY_ACCOUNT, j->id.account);
        return 0;
}

static void print_path(const struct job *j, struct buffer *to) {
        static const char *const paths[] = {
                [VAULT_DELETE_TOKEN] = "",
                [VAULT_GET_TOKEN] = "/get_token",
                [VAULT_STATUS] = "/status",
                [VAULT_STORE_TOKEN] = "/store_token",
        };

        buffer_puts(to, paths[j->op]);
        if (j->id.user_id) {
                buffer_puts(to, "?user_id=");
                escape_query(j->id.user_id, to);
        }
        if (j->id.platform) {
                buffer_puts(to, "&platform=");
                escape_query(j->id.platform, to);
        }
}

static void print_body(const struct job *j, struct buffer *to) {
        buffer_putc(to, '{');
        if (j->id.user_id) {
                buffer_puts(to, "\"user_id\":");
                json_print_string(j->id.user_id, strlen(j->id.user_id), to);
        }
        if (j->id.platform)
                buffer_printf(to, ",\"platform\":\"%s\"", j->id.platform);
        if (j->op == VAULT_STORE_TOKEN) {
                buffer_puts(to, ",\"token\":");
                record_print(&j->record, to);
        }
        buffer_putc(to, '}');
}

static int puraifi_start(struct job *j, struct ae_error *error) {
        const struct puraifi *p = (struct puraifi *)j->remote;
        _cleanup_(buffer_done) struct buffer path = { 0 };
        struct exchange *x = &j->exchange;
        int r;

        r = check_question(j, error);
        if (r < 0)
                return r;

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
        if (j->op == VAULT_GET_TOKEN && response->status == 404)
                return ae_error_set(error, AE_NOT_CONNECTED, "there is no record of %s/%s",
                                    j->id.user_id, j->id.platform);
        if (response->status < 200 || response->status > 299)
                return remote_status_error(response->status, error);

        switch (j->op) {
        case VAULT_GET_TOKEN:
                return take_token(j, response, error);
        case VAULT_STATUS:
                return take_status(j, response, error);
        case VAULT_DELETE_TOKEN:
        case VAULT_EXCHANGE:
        case VAULT_FIND_PROVIDER:
        case VAULT_REVOKE:
        case VAULT_START_DEVICE:
        case VAULT_STORE_TOKEN:
                break;
        }
        return 0;
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
                .free = puraifi_free,
        };
        static const struct remote_ops ops = {
                .job_size = sizeof(struct job),
                .start = puraifi_start,
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
