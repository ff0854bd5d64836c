/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Files, read and written whole: what read(2) and write(2) leave to their callers. What may be
 * opened, and what a failure means, is for those to know.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buffer.h"

/*
 * Appends all that can still be read from fd. Returns 0; -EFBIG when that is more than `max` bytes;
 * or a negative errno. On failure `to` may hold a part of it.
 */
int file_read(int fd, size_t max, struct buffer *to);

/* Writes all of it and waits until it is on the disk. Returns 0 or a negative errno. */
int file_write(int fd, const void *data, size_t size);

/*
 * Makes a file of that name, as openat(2) takes it, that holds just this: it has its name only once
 * it is whole and on the disk, whoever is killed or loses power. Who cannot finish may leave
 * ".NAME.new-…" beside it. Returns 0; -EEXIST when there is one and it is not to be replaced; or a
 * negative errno.
 */
int file_make(int directory_fd, const char *path, mode_t mode, bool replaces, const void *data,
              size_t size);
