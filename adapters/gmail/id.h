/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Gmail's ids of messages, conversations and drafts.
 */

#include <stdbool.h>

struct cJSON;

/* Letters, digits, '-' and '_', not too many: it can stand in a path as it is. NULL is none. */
bool gmail_is_id(const char *text);

/* The id of that name in an object, or NULL. */
const char *gmail_id(const struct cJSON *object, const char *name);
