/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Foreign text as a part of a URL or of a form (RFC 3986 §2.1).
 */

#include <stddef.h>

#include "base/buffer.h"

/*
 * Appends %XX for all but the unreserved characters, three bytes for one at most. Out of memory
 * shows in buffer_error().
 */
void uri_escape(const char *text, size_t size, struct buffer *to);
