/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * action-grant.conf, as action-grant(8) tells: what there is to configure, and the defaults.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/config.h"
#include "http/address.h"
#include "http/http.h"

/* The longest TotalTimeoutSec=: the vault waits longer, and so does systemd for the unit. */
#define GRANT_MAX_TIMEOUT_USEC (40 * USEC_PER_SEC)

struct grant_config {
        char *allow_user;                     /* owned: as it was written */
        uid_t allow_uid;                      /* whom allow_user names */
        char *ca_file;                        /* owned, or NULL */
        char *plain_http[HTTP_MAX_PLAIN + 1]; /* owned, NULL-terminated */
        struct http_address_list addresses;   /* [Http] AllowAddress= */
        uint64_t connect_timeout_usec;
        uint64_t total_timeout_usec;
};

/*
 * Reads the vendor's file and the administrator's, or `path` alone when it is not NULL, and fills
 * in the defaults. The caller calls grant_config_done(), after a failure too. Returns 0; a negative
 * errno with one sentence in `error`.
 */
int grant_config_load(const char *path, struct grant_config *ret,
                      char error[static CONFIG_ERROR_SIZE]);
void grant_config_done(struct grant_config *c);
