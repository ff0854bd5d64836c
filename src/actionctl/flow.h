/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A consent as the engine sees it: it begins with auth_start and ends with auth_callback. What
 * happens between, in a browser or on another device, is login.c's.
 */

#include <stdint.h>

#include "actionctl/ctl.h"
#include "actionctl/outcome.h"
#include "base/cleanup.h"

/* What auth_start gave. Owned; absent members are NULL. */
struct flow {
        char *state;
        char *authorization_url;
        char *redirect_uri; /* where that URL leads back to */
        char *user_code;    /* of a device flow, with the next two */
        char *verification_uri;
        char *verification_uri_complete;
        uint64_t until_usec; /* CLOCK_BOOTTIME */
};

void flow_done(struct flow *f);

enum flow_kind {
        FLOW_BROWSER,
        FLOW_DEVICE,
};

/*
 * `redirect_uri` NULL: the app's. Returns 0; -EADDRNOTAVAIL when the engine does not take that
 * redirect_uri; or an exit code, after telling why.
 */
int flow_start(const struct ctl *ctl, enum flow_kind kind, const char *redirect_uri,
               struct flow *ret);

/*
 * `answer` is the redirect's URL; NULL: a device flow, which may take minutes. *ret is always set.
 * Returns the exit code; why it failed has been told.
 */
int flow_finish(const struct ctl *ctl, const struct flow *f, const char *answer,
                struct outcome *ret);
