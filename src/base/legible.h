/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Foreign text that a person is about to read: what is invisible, moves other characters or ends a
 * line could make it say something else.
 */

#include "base/buffer.h"

/*
 * Appends at most `max` characters, and "…" in place of those behind. A '?' stands for each control
 * character, mark of direction and invisible one, and for each byte that is no UTF-8.
 */
void legible_append(struct buffer *to, const char *text, size_t max);
