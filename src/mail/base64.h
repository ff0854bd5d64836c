/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Base64 (RFC 4648), as mail needs it: attachments arrive as base64 and leave as base64 in lines of
 * 76, so the text is checked and cut, and never decoded.
 */

#include <stddef.h>

#include "base/buffer.h"

#define BASE64_LINE 76

/*
 * Whether `text` is one canonical base64 string: the standard alphabet, padded, no white space, no
 * stray bits behind the end. Empty is fine. Returns 0, or -EINVAL with the reason (static text).
 */
int base64_check(const char *text, size_t size, const char **ret_reason);

/* Appends base64 text in lines of 76; CRLF stands between lines and not behind the last. */
void base64_wrap(const char *text, size_t size, struct buffer *to);
/* How many bytes base64_wrap() appends for `size` bytes of base64. */
size_t base64_wrapped_size(size_t size);

/* Appends bytes as padded base64, without line breaks. */
void base64_encode(const void *data, size_t size, struct buffer *to);
/* Appends bytes as base64url (RFC 4648 §5), without padding. */
void base64url_encode(const void *data, size_t size, struct buffer *to);
