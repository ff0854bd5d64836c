/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * action-engine.conf(5), as a struct. The table in settings.c is where a key is added.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/journal.h"
#include "http/address.h"
#include "http/http.h"

#define SETTINGS_MAX_PLATFORMS 64

#define SETTINGS_VAULT_MOUNT "secret"
#define SETTINGS_VAULT_PREFIX "action-engine"

enum settings_vault {
        VAULT_EMBEDDED,
        VAULT_KV2,
        VAULT_PURAIFI,
        SETTINGS_N_VAULTS,
};
extern const char *const settings_vault_names[SETTINGS_N_VAULTS];

enum settings_vault_auth {
        VAULT_AUTH_TOKEN,
        VAULT_AUTH_APPROLE,
};

struct settings {
        const char *path; /* as settings_load() was given it: borrowed */

        /* [Engine] */
        unsigned max_connections;
        size_t max_message_bytes;
        unsigned max_in_flight_per_connection;
        unsigned max_in_flight;
        size_t max_bytes_per_user;
        uint64_t line_timeout_usec; /* 0: none */
        uint64_t reconcile_usec;
        uint64_t request_timeout_usec;
        uint64_t drain_timeout_usec;
        int log_level;
        enum journal_target log_target;

        /* [Tokens] */
        char *key_directory;
        char *revocation_file;
        bool revocation_file_required; /* it was named: see set_usual() */
        uint64_t clock_skew_usec;
        unsigned cache_entries;
        bool dev_login;

        /* [Vault] */
        enum settings_vault vault_backend;
        char *vault_socket;
        uint64_t vault_timeout_usec;
        char *vault_url; /* NULL: none; as are the next three */
        char *vault_unix_socket;
        char *vault_engine_id;
        char *vault_namespace;
        char *vault_mount; /* without a slash at either end; as is the next, and the one above */
        char *vault_prefix;
        enum settings_vault_auth vault_auth;

        /* [Policy] */
        bool polkit;
        uint64_t policy_timeout_usec;
        uint64_t approval_timeout_usec;
        uint64_t approval_pause_usec;

        /* [EngineControl] */
        char *control_url; /* NULL: it is not asked */
        char *control_engine_id;
        char *control_unix_socket; /* NULL: none */
        uint64_t control_timeout_usec;

        /* [Http] */
        uint64_t connect_timeout_usec;
        uint64_t first_byte_timeout_usec;
        uint64_t total_timeout_usec;
        size_t max_response_bytes;
        unsigned max_connections_per_host;
        char *ca_file;
        char *plain_http[HTTP_MAX_PLAIN + 1]; /* NULL-terminated */
        struct http_address_list web_addresses;

        /* [Smtp] */
        struct http_address_list mail_addresses;

        /* [Adapter PLATFORM] */
        struct {
                char *platform;
                char *base_url;
        } adapters[SETTINGS_MAX_PLATFORMS];
        size_t n_adapters;
};

/*
 * Defaults, then `path` and its drop-ins; NULL: the vendor's file and the administrator's, which
 * may both be absent. Returns 0; a negative errno with one sentence in `error`, which names file
 * and line. *s is to be given to settings_done() in every case.
 */
int settings_load(struct settings *s, const char *path, char error[static CONFIG_ERROR_SIZE]);
void settings_done(struct settings *s);

/* settings-check.c: what only the whole of it can tell. Returns as settings_load(), which calls it. */
int settings_check(const struct settings *s, char error[static CONFIG_ERROR_SIZE]);
