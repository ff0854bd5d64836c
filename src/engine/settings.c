/* SPDX-License-Identifier: MIT */
#include "engine/settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "http/http.h"

/* The largest line that any engine accepts; the protocol's own bound. */
#define MAX_MESSAGE_BYTES ((size_t)64 << 20)
#define MIN_MESSAGE_BYTES ((size_t)1 << 10)

#define MAX_ENGINE_ID 128
#define MAX_VAULT_PATH 256

static const char adapter_section[] = "Adapter ";

const char *const settings_vault_names[SETTINGS_N_VAULTS] = {
        [VAULT_EMBEDDED] = "embedded",
        [VAULT_KV2] = "kv2",
        [VAULT_PURAIFI] = "puraifi",
};

static int parse_message_bytes(const char *section, const char *value, void *target,
                               const char **ret_reason) {
        size_t size;
        int r;

        r = config_parse_bytes(section, value, &size, ret_reason);
        if (r < 0)
                return r;
        if (size < MIN_MESSAGE_BYTES || size > MAX_MESSAGE_BYTES) {
                *ret_reason = "is not between 1K and 64M";
                return -ERANGE;
        }
        *(size_t *)target = size;
        return 0;
}

/* The place of `value` among the names; -EINVAL with the reason that it is none of them. */
static int parse_choice(const char *value, const char *const *names, size_t n_names,
                        const char *reason, const char **ret_reason) {
        for (size_t i = 0; i < n_names; i++)
                if (strcmp(names[i], value) == 0)
                        return (int)i;
        *ret_reason = reason;
        return -EINVAL;
}

static int parse_log_level(const char *section, const char *value, void *target,
                           const char **ret_reason) {
        static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                             "warning", "notice", "info", "debug" };
        int r = parse_choice(value, names, ELEMENTSOF(names),
                             "is not one of emerg, alert, crit, err, warning, notice, info, debug",
                             ret_reason);

        if (r < 0)
                return r;
        *(int *)target = r;
        return 0;
}

static int parse_log_target(const char *section, const char *value, void *target,
                            const char **ret_reason) {
        static const char *const names[] = {
                [JOURNAL_AUTO] = "auto", [JOURNAL_NATIVE] = "journal", [JOURNAL_STDERR] = "stderr"
        };
        int r = parse_choice(value, names, ELEMENTSOF(names), "is not one of auto, journal, stderr",
                             ret_reason);

        if (r < 0)
                return r;
        *(enum journal_target *)target = (enum journal_target)r;
        return 0;
}

static int parse_vault_backend(const char *section, const char *value, void *target,
                               const char **ret_reason) {
        int r = parse_choice(value, settings_vault_names, SETTINGS_N_VAULTS,
                             "is not one of embedded, kv2, puraifi", ret_reason);

        if (r < 0)
                return r;
        *(enum settings_vault *)target = (enum settings_vault)r;
        return 0;
}

static int parse_vault_auth(const char *section, const char *value, void *target,
                            const char **ret_reason) {
        static const char *const names[] = {
                [VAULT_AUTH_TOKEN] = "token", [VAULT_AUTH_APPROLE] = "approle"
        };
        int r = parse_choice(value, names, ELEMENTSOF(names), "is neither token nor approle",
                             ret_reason);

        if (r < 0)
                return r;
        *(enum settings_vault_auth *)target = (enum settings_vault_auth)r;
        return 0;
}

static int parse_file(const char *section, const char *value, void *target,
                      const char **ret_reason) {
        size_t n = strlen(value);

        if (n > 0 && value[n - 1] == '/') {
                *ret_reason = "is the path of a folder";
                return -EISDIR;
        }
        return config_parse_path(section, value, target, ret_reason);
}

/* It becomes a header. */
static int parse_engine_id(const char *section, const char *value, void *target,
                           const char **ret_reason) {
        size_t n = strlen(value);

        for (size_t i = 0; i < n; i++)
                if (n > MAX_ENGINE_ID || value[i] <= 0x20 || value[i] > 0x7e) {
                        *ret_reason = "is not up to 128 printable ASCII characters without a space";
                        return -EINVAL;
                }
        return config_parse_string(section, value, target, ret_reason);
}

/* It becomes part of a URL as it stands; one slash at its end is usual, and says nothing. */
static int parse_vault_path(const char *section, const char *value, void *target,
                            const char **ret_reason) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_./";
        _cleanup_(freep) char *path = strdup(value);
        size_t n = strlen(value);

        if (!path)
                return -ENOMEM;
        if (n > 1 && path[n - 1] == '/')
                path[--n] = 0;
        if (n > MAX_VAULT_PATH || strspn(path, allowed) < n || path[0] == '/' || path[0] == '.' ||
            strstr(path, "//") || strstr(path, "/.") || (n > 0 && path[n - 1] == '/')) {
                *ret_reason = "is no path of letters, digits, '-', '_' and '.', such as team/kv";
                return -EINVAL;
        }
        return config_parse_string(section, path, target, ret_reason);
}

/* Whether http:// is allowed there depends on PlainHttp=, which may come later: see check(). */
static int parse_base_url(const char *section, const char *value, void *target,
                          const char **ret_reason) {
        struct settings *s = target;
        const char *platform = section + strlen(adapter_section);
        char *url;
        size_t i;

        if (strncmp(value, "https://", 8) != 0 && strncmp(value, "http://", 7) != 0) {
                *ret_reason = "does not begin with https:// or http://";
                return -EINVAL;
        }

        for (i = 0; i < s->n_adapters; i++)
                if (strcmp(s->adapters[i].platform, platform) == 0)
                        break;
        if (i == SETTINGS_MAX_PLATFORMS) {
                *ret_reason = "is one adapter too many";
                return -E2BIG;
        }

        url = strdup(value);
        if (!url)
                return -ENOMEM;
        if (i == s->n_adapters) {
                s->adapters[i].platform = strdup(platform);
                if (!s->adapters[i].platform) {
                        free(url);
                        return -ENOMEM;
                }
                s->n_adapters++;
        }
        free(s->adapters[i].base_url);
        s->adapters[i].base_url = url;
        return 0;
}

#define AT(field) offsetof(struct settings, field)

/* clang-format off */
static const struct config_key keys[] = {
        { "Engine",    "DrainTimeoutSec",          config_parse_seconds, AT(drain_timeout_usec)           },
        { "Engine",    "LineTimeoutSec",           config_parse_seconds, AT(line_timeout_usec)            },
        { "Engine",    "LogLevel",                 parse_log_level,      AT(log_level)                    },
        { "Engine",    "LogTarget",                parse_log_target,     AT(log_target)                   },
        { "Engine",    "MaxBytesPerUser",          config_parse_bytes,   AT(max_bytes_per_user)           },
        { "Engine",    "MaxConnections",           config_parse_count,   AT(max_connections)              },
        { "Engine",    "MaxInFlight",              config_parse_count,   AT(max_in_flight)                },
        { "Engine",    "MaxInFlightPerConnection", config_parse_count,   AT(max_in_flight_per_connection) },
        { "Engine",    "MaxMessageBytes",          parse_message_bytes,  AT(max_message_bytes)            },
        { "Engine",    "ReconcileSec",             config_parse_seconds, AT(reconcile_usec)               },
        { "Engine",    "RequestTimeoutSec",        config_parse_seconds, AT(request_timeout_usec)         },
        { "Tokens",    "CacheEntries",             config_parse_count,   AT(cache_entries)                },
        { "Tokens",    "ClockSkewSec",             config_parse_seconds, AT(clock_skew_usec)              },
        { "Tokens",    "DevLogin",                 config_parse_bool,    AT(dev_login)                    },
        { "Tokens",    "KeyDirectory",             config_parse_path,    AT(key_directory)                },
        { "Tokens",    "RevocationFile",           parse_file,           AT(revocation_file)              },
        { "Vault",     "Auth",                     parse_vault_auth,     AT(vault_auth)                   },
        { "Vault",     "Backend",                  parse_vault_backend,  AT(vault_backend)                },
        { "Vault",     "EngineId",                 parse_engine_id,      AT(vault_engine_id)              },
        { "Vault",     "Mount",                    parse_vault_path,     AT(vault_mount)                  },
        { "Vault",     "Namespace",                parse_vault_path,     AT(vault_namespace)              },
        { "Vault",     "Prefix",                   parse_vault_path,     AT(vault_prefix)                 },
        { "Vault",     "Socket",                   config_parse_path,    AT(vault_socket)                 },
        { "Vault",     "TimeoutSec",               config_parse_seconds, AT(vault_timeout_usec)           },
        { "Vault",     "UnixSocket",               config_parse_path,    AT(vault_unix_socket)            },
        { "Vault",     "Url",                      config_parse_string,  AT(vault_url)                    },
        { "Policy",    "ApprovalPauseSec",         config_parse_seconds, AT(approval_pause_usec)          },
        { "Policy",    "ApprovalTimeoutSec",       config_parse_seconds, AT(approval_timeout_usec)        },
        { "Policy",    "Polkit",                   config_parse_bool,    AT(polkit)                       },
        { "Policy",    "PolkitTimeoutSec",         config_parse_seconds, AT(policy_timeout_usec)          },
        { "EngineControl", "EngineId",             parse_engine_id,      AT(control_engine_id)            },
        { "EngineControl", "TimeoutSec",           config_parse_seconds, AT(control_timeout_usec)         },
        { "EngineControl", "UnixSocket",           config_parse_path,    AT(control_unix_socket)          },
        { "EngineControl", "Url",                  config_parse_string,  AT(control_url)                  },
        { "Http",      "AllowAddress",             http_parse_addresses, AT(web_addresses)                },
        { "Http",      "CaFile",                   config_parse_path,    AT(ca_file)                      },
        { "Http",      "ConnectTimeoutSec",        config_parse_seconds, AT(connect_timeout_usec)         },
        { "Http",      "FirstByteTimeoutSec",      config_parse_seconds, AT(first_byte_timeout_usec)      },
        { "Http",      "MaxConnectionsPerHost",    config_parse_count,   AT(max_connections_per_host)     },
        { "Http",      "MaxResponseBytes",         config_parse_bytes,   AT(max_response_bytes)           },
        { "Http",      "PlainHttp",                http_parse_plain,     AT(plain_http)                   },
        { "Http",      "TotalTimeoutSec",          config_parse_seconds, AT(total_timeout_usec)           },
        { "Smtp",      "AllowAddress",             http_parse_addresses, AT(mail_addresses)               },
        { "Adapter *", "BaseUrl",                  parse_base_url,       0                                },
};
/* clang-format on */

static void set_defaults(struct settings *s) {
        *s = (struct settings){
                .max_connections = 1024,
                .max_message_bytes = (size_t)32 << 20,
                .max_in_flight_per_connection = 64,
                .max_in_flight = 1024,
                .max_bytes_per_user = (size_t)128 << 20,
                .line_timeout_usec = 60 * USEC_PER_SEC,
                .reconcile_usec = 60 * USEC_PER_SEC,
                .request_timeout_usec = 60 * USEC_PER_SEC,
                .drain_timeout_usec = 90 * USEC_PER_SEC,
                .log_level = LOG_INFO,
                .log_target = JOURNAL_AUTO,
                .clock_skew_usec = 30 * USEC_PER_SEC,
                .cache_entries = 1024,
                .vault_timeout_usec = 10 * USEC_PER_SEC,
                .control_timeout_usec = 10 * USEC_PER_SEC,
                .polkit = true,
                .policy_timeout_usec = 10 * USEC_PER_SEC,
                .approval_timeout_usec = 300 * USEC_PER_SEC,
                .approval_pause_usec = 10 * USEC_PER_SEC,
                .connect_timeout_usec = 10 * USEC_PER_SEC,
                .first_byte_timeout_usec = 30 * USEC_PER_SEC,
                .total_timeout_usec = 60 * USEC_PER_SEC,
                .max_response_bytes = (size_t)8 << 20,
                .max_connections_per_host = 256,
        };
}

/* What no file sets, or one sets to nothing, is the usual. */
static int set_usual(struct settings *s) {
        const struct {
                char **text;
                const char *usual;
        } usual[] = {
                { &s->key_directory, CONFIG_ADMIN_DIR "/keys.d" },
                { &s->revocation_file, CONFIG_ADMIN_DIR "/revoked" },
                { &s->vault_mount, SETTINGS_VAULT_MOUNT },
                { &s->vault_prefix, SETTINGS_VAULT_PREFIX },
                { &s->vault_socket, "/run/action-engine/vault.sock" },
        };

        /* The usual one need not be there; one that somebody chose, and that is gone, is missed. */
        s->revocation_file_required = s->revocation_file != NULL;
        for (size_t i = 0; i < ELEMENTSOF(usual); i++) {
                if (!*usual[i].text)
                        *usual[i].text = strdup(usual[i].usual);
                if (!*usual[i].text)
                        return -ENOMEM;
        }
        return 0;
}

int settings_load(struct settings *s, const char *path, char error[static CONFIG_ERROR_SIZE]) {
        int r;

        snprintf(error, CONFIG_ERROR_SIZE, "memory ran out");
        set_defaults(s);
        s->path = path;
        r = config_load_program("action-engine.conf", path, keys, ELEMENTSOF(keys), s, error);
        if (r < 0)
                return r;
        r = set_usual(s);
        return r < 0 ? r : settings_check(s, error);
}

void settings_done(struct settings *s) {
        free(s->key_directory);
        free(s->revocation_file);
        free(s->vault_engine_id);
        free(s->vault_mount);
        free(s->vault_namespace);
        free(s->vault_prefix);
        free(s->vault_socket);
        free(s->vault_unix_socket);
        free(s->vault_url);
        free(s->control_engine_id);
        free(s->control_unix_socket);
        free(s->control_url);
        free(s->ca_file);
        http_plain_done(s->plain_http);
        for (size_t i = 0; i < s->n_adapters; i++) {
                free(s->adapters[i].platform);
                free(s->adapters[i].base_url);
        }
        *s = (struct settings){ 0 };
}
