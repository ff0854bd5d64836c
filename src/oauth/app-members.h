/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Apps as they travel inside a grant. For oauth/ alone.
 */

#include "oauth/app.h"

/*
 * As oauth_app_parse(), but that client and endpoints may be missing: not every grant needs them.
 * *ret is set on success only.
 */
int app_read(const struct json_slice *json, struct oauth_app *ret, struct ae_error *error);

/* Bytes that oauth_app_print() will not exceed. */
size_t app_print_size(const struct oauth_app *app);

/* The spelling of an enum oauth_client_auth. */
const char *client_auth_name(enum oauth_client_auth auth);
