/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What stands behind vault.h: one of these tables for each kind of vault. A backend's own struct
 * begins with struct vault, its calls with struct vault_call.
 */

#include <stdbool.h>

#include "vault/vault.h"

enum vault_op {
        VAULT_DELETE_TOKEN,
        VAULT_EXCHANGE,
        VAULT_FIND_PROVIDER,
        VAULT_GET_TOKEN,
        VAULT_REVOKE,
        VAULT_START_DEVICE,
        VAULT_STATUS,
        VAULT_STORE_TOKEN,
};

/* What is asked. All of it is borrowed until call() returns. */
struct vault_question {
        enum vault_op op;
        /* Of VAULT_STATUS: only a user_id, or nothing; of those that name a provider: nothing. */
        struct vault_key key;
        const char *rejected;                  /* of VAULT_GET_TOKEN: may be NULL */
        const struct cJSON *credential;        /* of VAULT_STORE_TOKEN */
        const struct vault_exchange *exchange; /* of VAULT_EXCHANGE */
        const char *provider;                  /* of VAULT_FIND_PROVIDER, VAULT_START_DEVICE */
        const char *scopes;                    /* of VAULT_START_DEVICE */
        vault_answer_fn *on_answer;
        void *userdata;
};

struct vault_backend_ops {
        const char *name;
        /* As vault_get_token() and its like promise: on_answer() never from within. */
        int (*call)(struct vault *v, const struct vault_question *q, struct vault_call **ret);
        void (*cancel)(struct vault_call *call);
        bool (*is_busy)(const struct vault *v); /* NULL: never */
        void (*free)(struct vault *v);
};

struct vault {
        const struct vault_backend_ops *ops;
};

struct vault_call {
        struct vault *vault;
};
