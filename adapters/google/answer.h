/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What Google's APIs answer when they did not do it: one table for all of them.
 * developers.google.com/workspace/gmail/api/guides/handle-errors
 */

#include <stdint.h>

#include "base/error.h"

struct http_response;

/*
 * Tells what an answer outside of 2xx means, from the body's first error's reason, else its
 * status, else the HTTP status. The body may be anything. `service` is how a person calls it
 * ("Gmail"). Returns the code's negative errno.
 */
int google_error(const struct http_response *response, const char *service, uint64_t now_usec,
                 struct ae_error *error);
