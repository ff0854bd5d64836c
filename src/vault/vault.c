/* SPDX-License-Identifier: MIT */
#include "vault/vault.h"

#include "vault/backend.h"

void credential_done(struct credential *c) {
        secret_free(c->access_token);
        free(c->scopes);
        *c = (struct credential){ 0 };
}

struct vault *vault_free(struct vault *v) {
        if (v)
                v->ops->free(v);
        return NULL;
}

const char *vault_backend(const struct vault *v) {
        return v->ops->name;
}

int vault_get_token(struct vault *v, const struct vault_key *key, const char *rejected,
                    vault_answer_fn *on_answer, void *userdata, struct vault_call **ret) {
        const struct vault_question q = {
                .op = VAULT_GET_TOKEN,
                .key = *key,
                .rejected = rejected,
                .on_answer = on_answer,
                .userdata = userdata,
        };

        return v->ops->call(v, &q, ret);
}

int vault_store_token(struct vault *v, const struct vault_key *key, const struct cJSON *credential,
                      vault_answer_fn *on_answer, void *userdata, struct vault_call **ret) {
        const struct vault_question q = {
                .op = VAULT_STORE_TOKEN,
                .key = *key,
                .credential = credential,
                .on_answer = on_answer,
                .userdata = userdata,
        };

        return v->ops->call(v, &q, ret);
}

int vault_delete_token(struct vault *v, const struct vault_key *key, vault_answer_fn *on_answer,
                       void *userdata, struct vault_call **ret) {
        const struct vault_question q = {
                .op = VAULT_DELETE_TOKEN,
                .key = *key,
                .on_answer = on_answer,
                .userdata = userdata,
        };

        return v->ops->call(v, &q, ret);
}

int vault_status(struct vault *v, vault_answer_fn *on_answer, void *userdata,
                 struct vault_call **ret) {
        return vault_user_status(v, NULL, on_answer, userdata, ret);
}

int vault_user_status(struct vault *v, const char *user_id, vault_answer_fn *on_answer,
                      void *userdata, struct vault_call **ret) {
        const struct vault_question q = {
                .op = VAULT_STATUS,
                .key.user_id = user_id,
                .on_answer = on_answer,
                .userdata = userdata,
        };

        return v->ops->call(v, &q, ret);
}

int vault_exchange(struct vault *v, const struct vault_key *key, const struct vault_exchange *x,
                   vault_answer_fn *on_answer, void *userdata, struct vault_call **ret) {
        const struct vault_question q = {
                .op = VAULT_EXCHANGE,
                .key = *key,
                .exchange = x,
                .on_answer = on_answer,
                .userdata = userdata,
        };

        return v->ops->call(v, &q, ret);
}

int vault_revoke(struct vault *v, const struct vault_key *key, vault_answer_fn *on_answer,
                 void *userdata, struct vault_call **ret) {
        const struct vault_question q = {
                .op = VAULT_REVOKE,
                .key = *key,
                .on_answer = on_answer,
                .userdata = userdata,
        };

        return v->ops->call(v, &q, ret);
}

int vault_find_provider(struct vault *v, const char *provider, vault_answer_fn *on_answer,
                        void *userdata, struct vault_call **ret) {
        const struct vault_question q = {
                .op = VAULT_FIND_PROVIDER,
                .provider = provider,
                .on_answer = on_answer,
                .userdata = userdata,
        };

        return v->ops->call(v, &q, ret);
}

int vault_start_device(struct vault *v, const char *provider, const char *scopes,
                       vault_answer_fn *on_answer, void *userdata, struct vault_call **ret) {
        const struct vault_question q = {
                .op = VAULT_START_DEVICE,
                .provider = provider,
                .scopes = scopes,
                .on_answer = on_answer,
                .userdata = userdata,
        };

        return v->ops->call(v, &q, ret);
}

bool vault_is_busy(const struct vault *v) {
        return v->ops->is_busy && v->ops->is_busy(v);
}

void vault_call_cancel(struct vault_call *call) {
        call->vault->ops->cancel(call);
}
