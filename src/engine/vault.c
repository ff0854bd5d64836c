/* SPDX-License-Identifier: MIT */
/*
 * The vault that the configuration names, with its secrets.
 */
#include "engine/engine.h"
#include "vault/vault.h"

static struct vault_http options_of(const struct settings *s) {
        return (struct vault_http){
                .url = s->vault_url,
                .timeout_usec = s->vault_timeout_usec,
                .ca_file = s->ca_file,
                .plain = (const char *const *)s->plain_http,
                .user_agent = "action-engine/" AE_VERSION,
                .unix_socket = s->vault_unix_socket,
        };
}

static int make_puraifi(struct engine *e, struct ae_error *error) {
        const struct vault_http http = options_of(e->settings);
        _cleanup_(secret_freep) struct secret *key = NULL;
        int r;

        r = engine_read_credential("the vault", "vault-engine-key", &key, error);
        if (r < 0)
                return r;
        return vault_new_puraifi(e->poller, &http, e->settings->vault_engine_id, key, &e->vault);
}

static int make_kv2(struct engine *e, struct ae_error *error) {
        const struct settings *s = e->settings;
        const struct vault_http http = options_of(s);
        _cleanup_(secret_freep) struct secret *token = NULL, *role_id = NULL, *secret_id = NULL;
        struct vault_kv2 kv2;
        int r;

        if (s->vault_auth == VAULT_AUTH_TOKEN)
                r = engine_read_credential("the vault", "vault-token", &token, error);
        else {
                r = engine_read_credential("the vault", "vault-role-id", &role_id, error);
                if (r == 0)
                        r = engine_read_credential("the vault", "vault-secret-id", &secret_id,
                                                   error);
        }
        if (r < 0)
                return r;

        kv2 = (struct vault_kv2){
                .mount = s->vault_mount,
                .prefix = s->vault_prefix,
                .namespace_path = s->vault_namespace,
                .token = token,
                .role_id = role_id,
                .secret_id = secret_id,
        };
        return vault_new_kv2(e->poller, &http, &kv2, &e->vault);
}

/* Such a vault keeps credentials alone: what renews them is the engine's. */
static int hand_over_apps(struct engine *e, struct ae_error *error) {
        int r;

        r = apps_load(&e->apps, adapters, error);
        if (r < 0)
                return r;
        vault_set_apps(e->vault, e->http, apps_find, &e->apps);
        return 0;
}

int engine_make_vault(struct engine *e, struct ae_error *error) {
        const struct settings *s = e->settings;
        int r = 0;

        switch (s->vault_backend) {
        case VAULT_KV2:
                r = make_kv2(e, error);
                break;
        case VAULT_PURAIFI:
                r = make_puraifi(e, error);
                break;
        case VAULT_EMBEDDED:
        case SETTINGS_N_VAULTS:
                return vault_new_embedded(e->poller, s->vault_socket, s->vault_timeout_usec,
                                          &e->vault);
        }
        return r < 0 ? r : hand_over_apps(e, error);
}
