/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * base64url without padding (RFC 7515 §2), as strict as it must be for signatures: one text for
 * each value, no white space, no padding, no bits left over.
 */

#include <stddef.h>

#include "base/buffer.h"

/*
 * Writes at most `max` bytes to `ret`. Returns 0, or -EBADMSG when the text is no base64url or
 * gives more; `ret` may hold a part of it then.
 */
int base64url_decode(const char *text, size_t size, void *ret, size_t max, size_t *ret_size);

void base64url_append(struct buffer *to, const void *data, size_t size);
