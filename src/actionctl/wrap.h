/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Text in narrow columns: lines break between words, and within one only where it is longer than a
 * line. A code point is a column. Pure.
 */

#include <stddef.h>

#include "base/buffer.h"

size_t wrap_width(const char *text);

/* Appends the text as lines of at most `width` columns, with a newline between. */
void wrap_words(const char *text, size_t width, struct buffer *to);
