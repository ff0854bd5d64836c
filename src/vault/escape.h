/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Names of other people's choosing inside a URL (RFC 3986 §2.1). Pure.
 */

#include "base/buffer.h"

/* For a query: all but unreserved characters becomes %XX. */
void escape_query(const char *text, struct buffer *to);

/*
 * One segment of a path, of a text that is not empty. What is not a letter, a digit or one of
 * `-_@+.` becomes %XX in the name itself, and so does a dot that is the first or follows another;
 * the percent sign is then escaped for the URL. A server that unescapes the path before it takes
 * it apart, as most do, finds one segment all the same, no two texts share one, and none climbs.
 */
void escape_segment(const char *text, struct buffer *to);

/*
 * What a name in the store, of `n` bytes, stands for. Returns 0, or -EINVAL for what
 * escape_segment() does not make and for what does not fit.
 */
int escape_undo(const char *name, size_t n, char *ret, size_t size);
