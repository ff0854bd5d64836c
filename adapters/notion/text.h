/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Text as Notion takes it: rich text objects of at most 2 000 characters, at most 100 of them in an
 * array, at most 100 blocks in a request. developers.notion.com/reference/request-limits
 *
 * What Notion calls a character is a UTF-16 code unit, so that an emoji counts twice.
 */

#include <stddef.h>

struct buffer;

#define TEXT_MAX_UNITS 2000
#define TEXT_MAX_ARRAY 100

/*
 * As much as one array holds however it is cut, since a chunk ends a unit early rather than within
 * a character. No paragraph is longer, then.
 */
#define TEXT_MAX_PARAGRAPHS_UNITS (TEXT_MAX_ARRAY * (TEXT_MAX_UNITS - 1))

size_t text_units(const char *text);

/* Writes [{"text":{"content":…}},…], as many as it takes. */
void text_write(const char *text, size_t size, struct buffer *to);

/*
 * Writes an array of paragraph blocks: blank lines part them, single line breaks stay in them. The
 * hundredth takes all the rest.
 */
void text_write_paragraphs(const char *text, struct buffer *to);
