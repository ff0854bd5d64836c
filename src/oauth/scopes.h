/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Scopes as text and as arrays. For oauth/ alone. Pure.
 */

#include <stdbool.h>

#include "base/buffer.h"

struct cJSON;

/*
 * Adds words, which have spaces between, to a list that is all of `to`, each once. Out of memory
 * shows in buffer_error().
 */
void scopes_add(struct buffer *to, char separator, const char *words);

/*
 * An array of what stands in a text with spaces or separators between. The caller owns *ret.
 * Returns 0, -ENOMEM, or -EINVAL: too many, too long, or none of RFC 6749.
 */
int scopes_from_text(const char *text, char separator, struct cJSON **ret);

/* Whether it is an array of scopes that a vault can keep. */
bool scopes_are_valid(const struct cJSON *scopes);
