/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * OAuth scopes as one text, separated by spaces (RFC 6749 §3.3). Pure.
 */

#include <stdbool.h>

/* Whether the text has that scope, whole and in its case. */
bool scopes_hold(const char *text, const char *scope);

/* Whether it has any of a NULL-terminated list. */
bool scopes_hold_any(const char *text, const char *const *list);
