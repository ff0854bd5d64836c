/* SPDX-License-Identifier: MIT */
/*
 * What only the whole of the settings can tell.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "action/adapter.h"
#include "engine/settings.h"
#include "http/http.h"

#define ONLY(backend) (1U << (backend))
#define HTTP_VAULTS (ONLY(VAULT_KV2) | ONLY(VAULT_PURAIFI))

static int refuse_address(char error[static CONFIG_ERROR_SIZE], const char *key, const char *url) {
        snprintf(error, CONFIG_ERROR_SIZE,
                 "%s=%s is neither an https:// address nor one that [Http] PlainHttp= names", key,
                 url);
        return -EINVAL;
}

static bool is_reachable(const struct settings *s, const char *url) {
        return http_url_check(url, (const char *const *)s->plain_http) == 0;
}

/* Which kind of vault a key means something to, and to which nothing works without. */
static int check_vault_keys(const struct settings *s, char error[static CONFIG_ERROR_SIZE]) {
        /* clang-format off */
        const struct {
                const char *name, *value;
                const char *usual; /* what says nothing to the others either */
                unsigned known, needed;
        } keys[] = {
                { "EngineId",   s->vault_engine_id,   NULL,                  ONLY(VAULT_PURAIFI), ONLY(VAULT_PURAIFI) },
                { "Mount",      s->vault_mount,       SETTINGS_VAULT_MOUNT,  ONLY(VAULT_KV2),     0                   },
                { "Namespace",  s->vault_namespace,   NULL,                  ONLY(VAULT_KV2),     0                   },
                { "Prefix",     s->vault_prefix,      SETTINGS_VAULT_PREFIX, ONLY(VAULT_KV2),     0                   },
                { "UnixSocket", s->vault_unix_socket, NULL,                  HTTP_VAULTS,         0                   },
                { "Url",        s->vault_url,         NULL,                  HTTP_VAULTS,         HTTP_VAULTS         },
        };
        /* clang-format on */
        const char *backend = settings_vault_names[s->vault_backend];

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                bool is_set = keys[i].value &&
                              (!keys[i].usual || strcmp(keys[i].value, keys[i].usual) != 0);

                if (!is_set && keys[i].needed & ONLY(s->vault_backend)) {
                        snprintf(error, CONFIG_ERROR_SIZE,
                                 "[Vault] Backend=%s needs %s=, which is not set", backend,
                                 keys[i].name);
                        return -EINVAL;
                }
                if (is_set && !(keys[i].known & ONLY(s->vault_backend))) {
                        snprintf(error, CONFIG_ERROR_SIZE,
                                 "[Vault] %s=%s says nothing to Backend=%s", keys[i].name,
                                 keys[i].value, backend);
                        return -EINVAL;
                }
        }
        return 0;
}

static int check_vault(const struct settings *s, char error[static CONFIG_ERROR_SIZE]) {
        int r;

        r = check_vault_keys(s, error);
        if (r < 0)
                return r;
        if (s->vault_auth == VAULT_AUTH_APPROLE && s->vault_backend != VAULT_KV2) {
                snprintf(error, CONFIG_ERROR_SIZE,
                         "[Vault] Auth=approle says nothing to Backend=%s",
                         settings_vault_names[s->vault_backend]);
                return -EINVAL;
        }
        if (s->vault_url && strchr(s->vault_url, '?')) {
                snprintf(error, CONFIG_ERROR_SIZE, "[Vault] Url=%s has a query", s->vault_url);
                return -EINVAL;
        }
        if (s->vault_unix_socket && http_url_check_local(s->vault_url) == 0)
                return 0;
        if (s->vault_url && !is_reachable(s, s->vault_url))
                return refuse_address(error, "[Vault] Url", s->vault_url);
        return 0;
}

static int check_control(const struct settings *s, char error[static CONFIG_ERROR_SIZE]) {
        const char *url = s->control_url;

        if (!url && (s->control_engine_id || s->control_unix_socket)) {
                snprintf(error, CONFIG_ERROR_SIZE,
                         "[EngineControl] %s= is set, and Url=, without which nobody is asked, is "
                         "not",
                         s->control_engine_id ? "EngineId" : "UnixSocket");
                return -EINVAL;
        }
        if (!url)
                return 0;
        if (!s->control_engine_id) {
                snprintf(error, CONFIG_ERROR_SIZE,
                         "[EngineControl] Url= needs EngineId=, which is not set");
                return -EINVAL;
        }
        if (strchr(url, '?')) {
                snprintf(error, CONFIG_ERROR_SIZE, "[EngineControl] Url=%s has a query", url);
                return -EINVAL;
        }
        if (s->control_unix_socket && http_url_check_local(url) == 0)
                return 0;
        return is_reachable(s, url) ? 0 : refuse_address(error, "[EngineControl] Url", url);
}

static bool is_adapter(const char *platform) {
        for (const struct adapter *const *list = adapters; *list; list++)
                if (strcmp((*list)->platform, platform) == 0)
                        return true;
        return false;
}

static int check_adapter(const struct settings *s, const char *platform, const char *base_url,
                         char error[static CONFIG_ERROR_SIZE]) {
        char key[CONFIG_MAX_SECTION + sizeof("[] BaseUrl")];

        if (!is_adapter(platform)) {
                snprintf(error, CONFIG_ERROR_SIZE, "[Adapter %s]: there is no such adapter",
                         platform);
                return -EINVAL;
        }
        snprintf(key, sizeof(key), "[Adapter %s] BaseUrl", platform);
        return is_reachable(s, base_url) ? 0 : refuse_address(error, key, base_url);
}

int settings_check(const struct settings *s, char error[static CONFIG_ERROR_SIZE]) {
        int r;

        for (size_t i = 0; i < s->n_adapters; i++) {
                r = check_adapter(s, s->adapters[i].platform, s->adapters[i].base_url, error);
                if (r < 0)
                        return r;
        }
        if (s->max_bytes_per_user < s->max_message_bytes) {
                snprintf(error, CONFIG_ERROR_SIZE,
                         "MaxBytesPerUser= is smaller than MaxMessageBytes=: no line of that size "
                         "could ever be read");
                return -EINVAL;
        }
        r = check_vault(s, error);
        return r < 0 ? r : check_control(s, error);
}
