/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Files, read and written whole: what read(2) and write(2) leave to their callers. What may be
 * opened, and what a failure means, is for those to know.
 */

#include <stddef.h>

#include "base/buffer.h"

/*
 * Appends all that can still be read from fd. Returns 0; -EFBIG when that is more than `max` bytes;
 * or a negative errno. On failure `to` may hold a part of it.
 */
int file_read(int fd, size_t max, struct buffer *to);

/* Writes all of it and waits until it is on the disk. Returns 0 or a negative errno. */
int file_write(int fd, const void *data, size_t size);
