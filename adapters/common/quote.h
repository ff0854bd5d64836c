/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a platform says, as far as it may be repeated to the client: an answer can echo the token
 * that it was sent. The engine takes out the token it sent; this keeps back what looks like any.
 */

#include <stdbool.h>

#include "base/quote.h"

struct ae_error;

/*
 * Takes the platform's own word for what went wrong, of letters, digits and underscores, into
 * upstream_reason. Returns whether it did; NULL is no word.
 */
bool quote_reason(const char *word, struct ae_error *error);

/* Takes the platform's sentence, cut to a length for reading, into upstream_message. May be NULL. */
void quote_message(const char *text, struct ae_error *error);
