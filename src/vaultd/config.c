/* SPDX-License-Identifier: MIT */
#include "vaultd/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* clang-format off */
static const struct config_key keys[] = {
        { "Vault", "AdminUser",      config_parse_string, offsetof(struct vaultd_config, admin_user)      },
        { "Vault", "AllowUser",      config_parse_string, offsetof(struct vaultd_config, allow_user)      },
        { "Vault", "GrantSocket",    config_parse_path,   offsetof(struct vaultd_config, grant_socket)    },
        { "Vault", "MarkDirectory",  config_parse_path,   offsetof(struct vaultd_config, mark_directory)  },
        { "Vault", "MaxConnections", config_parse_count,  offsetof(struct vaultd_config, max_connections) },
        { "Vault", "StateDirectory", config_parse_path,   offsetof(struct vaultd_config, state_directory) },
};
/* clang-format on */

void vaultd_config_done(struct vaultd_config *c) {
        free(c->admin_user);
        free(c->allow_user);
        free(c->grant_socket);
        free(c->mark_directory);
        free(c->state_directory);
        *c = (struct vaultd_config){ 0 };
}

static int set_default(char **text, const char *value, size_t size) {
        if (*text)
                return 0;
        *text = strndup(value, size);
        return *text ? 0 : -ENOMEM;
}

static int resolve_user(const char *key, const char *text, uid_t *ret,
                        char error[static CONFIG_ERROR_SIZE]) {
        int r;

        r = config_resolve_user(text, ret);
        if (r < 0)
                snprintf(error, CONFIG_ERROR_SIZE, "%s=%.64s: %s", key, text,
                         r == -ESRCH ? "there is no such user" : strerror(-r));
        return r;
}

/* Beside the state, so that a copy of the one brings no copy of the other. */
static int set_mark_directory(struct vaultd_config *c) {
        size_t n = strlen(c->state_directory);

        while (n > 1 && c->state_directory[n - 1] == '/')
                n--;
        if (!c->mark_directory &&
            asprintf(&c->mark_directory, "%.*s-mark", (int)n, c->state_directory) < 0) {
                c->mark_directory = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int set_defaults(struct vaultd_config *c) {
        static const char admin[] = "root", user[] = "action-engine";
        static const char grant[] = "/run/action-engine/grant.sock";
        const char *state = getenv("STATE_DIRECTORY") ?: "/var/lib/action-vault";

        /* systemd.exec(5): several directories are separated by colons. */
        return set_default(&c->state_directory, state, strcspn(state, ":"))
                               ?: set_mark_directory(c)
                               ?: set_default(&c->admin_user, admin, strlen(admin))
                               ?: set_default(&c->allow_user, user, strlen(user))
                               ?: set_default(&c->grant_socket, grant, strlen(grant));
}

int vaultd_config_load(const char *path, struct vaultd_config *ret,
                       char error[static CONFIG_ERROR_SIZE]) {
        int r;

        *ret = (struct vaultd_config){ .max_connections = 16 };
        r = config_load_program("action-vault.conf", path, keys, ELEMENTSOF(keys), ret, error);
        if (r < 0)
                return r;
        r = set_defaults(ret);
        if (r < 0) {
                snprintf(error, CONFIG_ERROR_SIZE, "out of memory");
                return r;
        }
        r = resolve_user("AdminUser", ret->admin_user, &ret->admin_uid, error);
        return r < 0 ? r : resolve_user("AllowUser", ret->allow_user, &ret->allow_uid, error);
}
