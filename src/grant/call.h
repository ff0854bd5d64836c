/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The one call: a grant goes out, and what comes back gets its meaning. Waits for it, on an event
 * loop of its own.
 */

#include "grant/config.h"
#include "oauth/grant.h"

/* For the journal: nothing of it is secret. */
struct call_report {
        char host[256];                /* "oauth2.googleapis.com"; "" when it came to no call */
        char trouble[CURL_ERROR_SIZE]; /* why there was no answer, or "" */
        int status;                    /* of the answer, or 0 */
};

/*
 * Whatever happens, there is an answer, which the caller ends with oauth_answer_done(): what fails
 * here before anything left makes it OAUTH_UNREACHABLE, and what fails after, OAUTH_NO_ANSWER.
 */
void call_grant(const struct oauth_grant *grant, const struct grant_config *config,
                struct oauth_answer *ret, struct call_report *ret_report);
