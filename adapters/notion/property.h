/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Notion's property types, as far as tasks use them: a plain value to what Notion takes, and what
 * Notion gives to a plain value. developers.notion.com/reference/page-property-values
 */

#include <cjson/cJSON.h>

struct buffer;

/* Writes {"TYPE":…}. `type` is one of the table's; a null clears the property. */
void property_write(const char *type, const cJSON *value, struct buffer *to);

/* Writes a page's property as a plain value: nothing when it is empty, or not what its type says. */
void property_read(const cJSON *property, struct buffer *to);
