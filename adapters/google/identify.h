/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Whether Google takes an access token, of whatever scopes, and whose it is: tokeninfo.
 * developers.google.com/identity/protocols/oauth2
 */

#include "action/adapter.h"

extern const struct adapter_identify google_identify;
