/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a provider says about a failure, as far as it may be repeated. For oauth/ alone. Pure.
 */

#include "oauth/grant.h"

#define OAUTH_SAID_SIZE 192

/*
 * Writes "'error': 'description'", or what of it may be told: neither what looks like a token nor
 * what shares a piece with a secret of the grant. All but `ret` may be NULL.
 */
void quote_said(const char *error, const char *description, const struct oauth_grant *grant,
                char ret[static OAUTH_SAID_SIZE]);
