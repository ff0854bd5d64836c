/* SPDX-License-Identifier: MIT */
/*
 * What a user has connected: the folder of the user lists platforms, that of a platform accounts,
 * and each account is read, for whether its token is over for good. `listed` holds what is still to be
 * looked at, its first element what is being asked: {} the user's folder, {platform} a platform's,
 * {platform, account} a record.
 */
#include "vault/kv2.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/escape.h"

#define MAX_LISTED 256 /* at once */

static struct record_id current(const struct kv2_job *j) {
        const cJSON *first = j->listed->child;

        return (struct record_id){
                .user_id = j->head.id.user_id,
                .platform = json_string(first, "platform"),
                .account = json_string(first, "account"),
        };
}

static int list(struct kv2_job *j, const char *platform, const char *account) {
        cJSON *item = cJSON_CreateObject();

        if (!cJSON_AddItemToArray(j->listed, item)) {
                cJSON_Delete(item);
                return -ENOMEM;
        }
        if ((platform && !cJSON_AddStringToObject(item, "platform", platform)) ||
            (account && !cJSON_AddStringToObject(item, "account", account)))
                return -ENOMEM;
        return 0;
}

int kv2_status_begin(struct kv2_job *j, struct ae_error *error) {
        j->listed = cJSON_CreateArray();
        if (!j->listed || !cJSON_AddArrayToObject(j->head.status, "connected_platforms") ||
            list(j, NULL, NULL) < 0)
                return -ENOMEM;
        j->turn = KV2_LIST;
        return kv2_ask(&j->head, error);
}

int kv2_status_ask(struct kv2_job *j) {
        const struct kv2 *k = (struct kv2 *)j->head.remote;
        _cleanup_(buffer_done) struct buffer path = { 0 };
        struct record_id id = current(j);
        int r;

        kv2_print_path(k->mount, id.account ? "data" : "metadata", k->prefix, &id, &path);
        if (!id.account)
                buffer_puts(&path, "?list=true");
        r = buffer_error(&path);
        return r < 0 ? r
                     : kv2_prepare(k, &j->head.exchange, "GET", path.data,
                                   KV2_NAMESPACE | KV2_TOKEN);
}

/* Folders in the user's, records in a platform's. What nobody here can have written is left out. */
static int take_keys(struct kv2_job *j, const struct record_id *id, const cJSON *keys) {
        const cJSON *key;
        int r = 0;

        cJSON_ArrayForEach (key, keys) {
                char name[RECORD_MAX_PLATFORM + RECORD_MAX_ACCOUNT];
                size_t n = strlen(key->valuestring);
                bool is_folder = n > 0 && key->valuestring[n - 1] == '/';

                if (escape_undo(key->valuestring, n - is_folder, name, sizeof(name)) < 0)
                        continue;
                if (!id->platform && is_folder && record_platform_is_valid(name))
                        r = list(j, name, NULL);
                else if (id->platform && !is_folder && record_account_is_valid(name))
                        r = list(j, id->platform, name);
                if (r < 0)
                        return r;
        }
        return cJSON_GetArraySize(j->listed) <= MAX_LISTED ? 0 : -EBADMSG;
}

static int take_folder(struct kv2_job *j, const struct record_id *id,
                       const struct http_response *response) {
        _cleanup_(json_freep) cJSON *keys = NULL;
        int r;

        if (response->status == 404)
                return 0;
        r = kv2_read_keys(response->body, response->body_size, &keys);
        return r < 0 ? r : take_keys(j, id, keys);
}

static int take_record(struct kv2_job *j, const struct record_id *id,
                       const struct http_response *response) {
        _cleanup_(record_done) struct record record = { 0 };
        cJSON *entry, *platforms;
        struct kv2_version v;
        bool is_over;
        int r;

        r = kv2_read_version(response->status, response->body, response->body_size, &v);
        if (r < 0 || v.data.size == 0)
                return r;
        r = record_read(&v.data, id, &record);
        if (r < 0)
                return r;

        is_over = record_renewal(&record, clock_usec(CLOCK_REALTIME), NULL) == RENEW_NEVER;
        entry = cJSON_CreateObject();
        platforms = cJSON_GetObjectItemCaseSensitive(j->head.status, "connected_platforms");
        if (!cJSON_AddItemToArray(platforms, entry)) {
                cJSON_Delete(entry);
                return -ENOMEM;
        }
        if (!cJSON_AddStringToObject(entry, "platform", id->platform) ||
            !cJSON_AddStringToObject(entry, "account", id->account) ||
            !cJSON_AddStringToObject(entry, "status", is_over ? "token_expired" : "active") ||
            (record.identity && !cJSON_AddStringToObject(entry, "identity", record.identity)))
                return -ENOMEM;
        return 0;
}

int kv2_status_take(struct kv2_job *j, const struct http_response *response,
                    struct ae_error *error) {
        struct record_id id = current(j);
        int r;

        if (response->status != 200 && response->status != 404)
                return remote_status_error(response->status, error);
        r = id.account ? take_record(j, &id, response) : take_folder(j, &id, response);
        if (r == -EBADMSG || r == -EREMCHG)
                return remote_nonsense(error);
        if (r < 0)
                return r;

        cJSON_DeleteItemFromArray(j->listed, 0);
        return j->listed->child ? kv2_ask(&j->head, error) : 0;
}
