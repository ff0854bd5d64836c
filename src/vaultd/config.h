/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * action-vault.conf, as action-vaultd(8) tells: what there is to configure, and the defaults.
 */

#include <sys/types.h>

#include "base/config.h"

struct vaultd_config {
        char *admin_user;      /* owned: as it was written */
        char *allow_user;      /* owned: the same */
        char *grant_socket;    /* owned */
        char *mark_directory;  /* owned */
        char *state_directory; /* owned */
        unsigned max_connections;
        uid_t admin_uid, allow_uid; /* whom the two name */
};

/*
 * Reads the vendor's file and the administrator's, or `path` alone when it is not NULL, and fills
 * in the defaults. The caller calls vaultd_config_done(), after a failure too. Returns 0; a
 * negative errno with one sentence in `error`.
 */
int vaultd_config_load(const char *path, struct vaultd_config *ret,
                       char error[static CONFIG_ERROR_SIZE]);
void vaultd_config_done(struct vaultd_config *c);
