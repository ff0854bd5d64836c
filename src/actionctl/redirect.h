/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The URLs of a consent: the one that a person is sent to, and the redirect that ends it. Looks at
 * what decides who the redirect is for; the engine reads the rest of it. Pure.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

#define REDIRECT_MAX ((size_t)8 << 10) /* bytes, of a redirect's URL */

/*
 * The parameter of that name in the query of `url`, decoded. The caller frees *ret. Returns 0;
 * -ENOENT; -EBADMSG when it stands there twice, is badly escaped or holds a control character;
 * -ENOMEM.
 */
int redirect_parameter(const char *url, const char *name, char **ret);

/* Where a browser of this machine comes back to. */
struct redirect {
        char *authority; /* owned: "127.0.0.1:8080", which its Host must be */
        char *path;      /* owned: "/oauth/callback" */
        uint16_t port;
};

void redirect_done(struct redirect *r);

/*
 * Returns 0; -EADDRNOTAVAIL when `uri` is none that 127.0.0.1 can listen for: http, that address or
 * localhost, a path, nothing behind it; -ENOMEM.
 */
int redirect_parse(const char *uri, struct redirect *ret);

/*
 * Whether `url` ends the flow of that state. Returns 0; -EBADMSG when it is no redirect at all;
 * -EKEYREJECTED when it is another flow's; -ENOMEM.
 */
int redirect_check(const char *url, const char *state);

/* The same for the target of a request on the listener, which must have the path as well. */
int redirect_check_target(const struct redirect *r, const char *target, const char *state);
