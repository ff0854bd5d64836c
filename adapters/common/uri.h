/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Foreign text in a URL (RFC 3986): percent-encoded, so that it stays the segment or the parameter
 * that it is. Running out of memory shows in buffer_error().
 */

#include <stdbool.h>

#include "base/buffer.h"

/*
 * Whether text can be one segment of a path. The empty one can not, and neither can `.` and `..`,
 * which mean the same when they are encoded.
 */
bool uri_is_segment(const char *text);

/* Appends a slash and the text as one segment. */
void uri_put_segment(struct buffer *url, const char *text);

/* Appends a parameter of the query, behind `?` or `&`. NULL for text: none. */
void uri_put_parameter(struct buffer *url, const char *name, const char *text);
