/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How an answer is told that says no, for every platform in the same words.
 */

#include "base/error.h"

struct http_response;

/*
 * Sets the code, upstream_status and a message: the advice on what to do next, or for NULL what the
 * platform says, which is in upstream_message already if it may be repeated. `service` is how a
 * person calls the platform ("Gmail"). Returns the code's negative errno.
 */
int refusal_tell(const struct http_response *response, const char *service, enum ae_code code,
                 const char *advice, struct ae_error *error);
