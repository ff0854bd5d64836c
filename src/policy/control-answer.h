/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What Engine Control's answer to POST /actions/check means. Only a whole and unmistakable yes is
 * one. Pure.
 */

#include "base/error.h"

struct cJSON;
struct http_response;

#define CONTROL_MAX_SCOPES 64
#define CONTROL_MAX_SCOPE 256 /* bytes, of a scope-token of RFC 6749 §3.3 */
#define CONTROL_MAX_STATUS 64 /* bytes, of platform_status */

/*
 * Returns 0 when it may be done: then the caller owns *ret_scopes, an array of strings, all of which
 * are required. A negative errno with `error` set: forbidden when it says no, policy_unavailable
 * when it says nothing that can be relied on. -ENOMEM.
 */
int control_answer_read(const struct http_response *response, const char *platform,
                        const char *action_type, struct cJSON **ret_scopes, struct ae_error *error);
