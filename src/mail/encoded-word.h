/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Encoded-words (RFC 2047) in a header of another's, read. header.h writes them.
 */

#include "base/buffer.h"

/*
 * Appends the text with its encoded-words decoded to UTF-8, in whatever charset iconv knows; one
 * that cannot be decoded stays as it is. What comes out may hold any character but NUL: see
 * mail_text_clean().
 */
void encoded_words_decode(const char *text, struct buffer *to);
