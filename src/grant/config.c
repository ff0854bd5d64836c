/* SPDX-License-Identifier: MIT */
#include "grant/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

static int parse_timeout(const char *section, const char *value, void *target,
                         const char **ret_reason) {
        uint64_t usec;
        int r;

        r = config_parse_seconds(section, value, &usec, ret_reason);
        if (r < 0)
                return r;
        if (usec == 0 || usec > GRANT_MAX_TIMEOUT_USEC) {
                *ret_reason = "is not more than nothing and at most 40s";
                return -ERANGE;
        }
        *(uint64_t *)target = usec;
        return 0;
}

#define AT(field) offsetof(struct grant_config, field)

/* clang-format off */
static const struct config_key keys[] = {
        { "Grant", "AllowUser",         config_parse_string,  AT(allow_user)           },
        { "Http",  "AllowAddress",      http_parse_addresses, AT(addresses)            },
        { "Http",  "CaFile",            config_parse_path,    AT(ca_file)              },
        { "Http",  "ConnectTimeoutSec", parse_timeout,        AT(connect_timeout_usec) },
        { "Http",  "PlainHttp",         http_parse_plain,     AT(plain_http)           },
        { "Http",  "TotalTimeoutSec",   parse_timeout,        AT(total_timeout_usec)   },
};
/* clang-format on */

void grant_config_done(struct grant_config *c) {
        free(c->allow_user);
        free(c->ca_file);
        http_plain_done(c->plain_http);
        *c = (struct grant_config){ 0 };
}

int grant_config_load(const char *path, struct grant_config *ret,
                      char error[static CONFIG_ERROR_SIZE]) {
        const char *user;
        int r;

        *ret = (struct grant_config){
                .connect_timeout_usec = 10 * USEC_PER_SEC,
                .total_timeout_usec = 30 * USEC_PER_SEC,
        };
        r = config_load_program("action-grant.conf", path, keys, ELEMENTSOF(keys), ret, error);
        if (r < 0)
                return r;

        user = ret->allow_user ?: "action-vault";
        r = config_resolve_user(user, &ret->allow_uid);
        if (r < 0)
                snprintf(error, CONFIG_ERROR_SIZE, "AllowUser=%.64s: %s", user,
                         r == -ESRCH ? "there is no such user" : strerror(-r));
        return r;
}
