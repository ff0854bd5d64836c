/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which URLs may be an endpoint or a redirect. For oauth/ alone. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

/* https://, or http:// to a loopback address; no user, no fragment; at most OAUTH_MAX_URL bytes. */
bool url_is_valid(const char *url);

/*
 * For what is compared, or gone to by a browser: the same, and http://localhost, since there are
 * providers that register no address.
 */
bool url_is_redirect(const char *url);

/*
 * Takes http://127.0.0.1:8080/path or http://[::1]:8080/path apart: the host, and what follows the
 * port. Returns whether it is one of the two, of a valid URL.
 */
bool url_split_loopback(const char *url, const char **ret_host, const char **ret_rest);
