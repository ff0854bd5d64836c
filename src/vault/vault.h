/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Credentials: one interface, whatever keeps them. The engine asks for one when an action needs it
 * and keeps none.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/poller.h"
#include "base/secret.h"

struct cJSON;
struct http_client;
struct oauth_app;
struct vault;
struct vault_call;

/* Whose credential. Borrowed strings. */
struct vault_key {
        const char *user_id;
        const char *platform;
        const char *account;
};

struct credential {
        struct secret *access_token; /* owned */
        uint64_t expires_at_usec;    /* CLOCK_REALTIME; 0: not known */
        char *scopes;                /* owned, space-separated; NULL: not known */
};

void credential_done(struct credential *c);

/* What came of a call. Borrowed by the callback, which may take the credential's parts. */
struct vault_answer {
        const struct ae_error *error;  /* NULL on success */
        struct credential *credential; /* of vault_get_token() */
        const struct cJSON *status;    /* of the others: an object, as each of them tells */
};

/* What a person's consent brought, to be redeemed. Borrowed. */
struct vault_exchange {
        const char *provider;      /* the app's name */
        const struct secret *code; /* RFC 6749 §4.1.3, with the next two */
        const struct secret *verifier;
        const char *redirect_uri;
        const struct secret *device_code; /* or RFC 8628 §3.4, in the place of these three */
        const char *scopes; /* asked for, separated by spaces: granted, unless the provider says */
};

typedef void vault_answer_fn(const struct vault_answer *answer, void *userdata);

/*
 * The embedded backend: action-vaultd on a Unix socket, which is connected to when it is first
 * needed and again after it was lost. `path` is copied. `timeout_usec` bounds each call. The
 * caller owns *ret. Returns 0 or -ENOMEM.
 */
int vault_new_embedded(struct poller *poller, const char *path, uint64_t timeout_usec,
                       struct vault **ret);

/* Where a vault behind HTTP is, and how it is reached. All of it is copied. */
struct vault_http {
        const char *url;       /* a path in it stands before those of the API */
        uint64_t timeout_usec; /* bounds each call */
        const char *ca_file;   /* this and the next two as of struct http_options */
        const char *const *plain;
        const char *user_agent;
        const char *unix_socket; /* the same */
};

/* The PURAIFI Vault Engine. `id` and `key` are copied. The caller owns *ret. 0 or -errno. */
int vault_new_puraifi(struct poller *poller, const struct vault_http *http, const char *id,
                      const struct secret *key, struct vault **ret);

/* HashiCorp Vault or OpenBao, with a KV store of version 2. All of it is copied. */
struct vault_kv2 {
        const char *mount, *prefix; /* paths, without a slash at either end */
        const char *namespace_path; /* NULL: none */
        const struct secret *token; /* NULL: it logs in with the other two, by AppRole */
        const struct secret *role_id, *secret_id;
};

/*
 * The app of that name, or NULL: what a vault behind HTTP, which keeps none, renews tokens with.
 * Where a vault cannot keep with what a record is renewed, `name` is that of its platform.
 */
typedef const struct oauth_app *vault_find_app_fn(const char *name, void *userdata);

/*
 * For the vaults behind HTTP, before the first call; to the others it says nothing. `http` sends to
 * the providers; it is borrowed and outlives the vault.
 */
void vault_set_apps(struct vault *v, struct http_client *http, vault_find_app_fn *find_app,
                    void *userdata);

/* The caller owns *ret. Returns 0 or a negative errno. */
int vault_new_kv2(struct poller *poller, const struct vault_http *http,
                  const struct vault_kv2 *options, struct vault **ret);

/* Ends all calls without calling back. Not from within on_answer(). */
struct vault *vault_free(struct vault *v);
DEFINE_CLEANUP(struct vault *, vault_free);

const char *vault_backend(const struct vault *v); /* "embedded", "kv2", "puraifi" */

/*
 * Each starts a call; on_answer() comes once, from the event loop, never from within, and *ret is
 * gone after it. Errors an answer may carry: not_connected, reauthorization_required,
 * vault_unavailable, internal, and invalid_request for a key or credential that cannot be kept.
 * Return 0 or -ENOMEM.
 *
 * `rejected`: hex SHA-256 of an access token that the platform refused, or NULL.
 */
int vault_get_token(struct vault *v, const struct vault_key *key, const char *rejected,
                    vault_answer_fn *on_answer, void *userdata, struct vault_call **ret);
/* `credential`: {access_token, refresh_token?, expires_at? | expires_in?, scopes?}; borrowed. */
int vault_store_token(struct vault *v, const struct vault_key *key, const struct cJSON *credential,
                      vault_answer_fn *on_answer, void *userdata, struct vault_call **ret);
int vault_delete_token(struct vault *v, const struct vault_key *key, vault_answer_fn *on_answer,
                       void *userdata, struct vault_call **ret);
int vault_status(struct vault *v, vault_answer_fn *on_answer, void *userdata,
                 struct vault_call **ret);
/* As vault_status(), with connected_platforms: [{platform, account, status, identity?}]. */
int vault_user_status(struct vault *v, const char *user_id, vault_answer_fn *on_answer,
                      void *userdata, struct vault_call **ret);

/*
 * Redeems a person's consent and keeps what it brings. The object: `status` ("active"; of a device
 * flow also "pending" and "slow_down", when nothing was kept), `scopes`, `expires_at`?, `identity`?.
 * Also authorization_failed: the provider does not take it, or it is another person's than the
 * record that is there; not_found: there is no such app; upstream_unreachable: nothing was sent.
 */
int vault_exchange(struct vault *v, const struct vault_key *key, const struct vault_exchange *x,
                   vault_answer_fn *on_answer, void *userdata, struct vault_call **ret);
/*
 * Ends the grant with the provider, where it can be, and forgets the record in any case. The
 * object: `revoked`, and, where that is false, `reason`: one sentence.
 */
int vault_revoke(struct vault *v, const struct vault_key *key, vault_answer_fn *on_answer,
                 void *userdata, struct vault_call **ret);
/* The object: the app's JSON (oauth/app.h) without its secret. Also not_found. */
int vault_find_provider(struct vault *v, const char *provider, vault_answer_fn *on_answer,
                        void *userdata, struct vault_call **ret);
/*
 * Begins a device flow (RFC 8628 §3.1). The object: device_code, user_code, verification_uri,
 * verification_uri_complete?, expires_in, interval. Also not_found, upstream_…,
 * authorization_failed.
 */
int vault_start_device(struct vault *v, const char *provider, const char *scopes,
                       vault_answer_fn *on_answer, void *userdata, struct vault_call **ret);
void vault_call_cancel(struct vault_call *call);

/*
 * Whether something is under way that is not to be broken off, even if nobody waits for it any
 * more: a refresh token that was used, and whose successor the vault has not got yet.
 */
bool vault_is_busy(const struct vault *v);
