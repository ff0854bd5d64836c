/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Memory for tokens and keys: on pages of its own that are kept out of swap (where the limit on
 * locked memory allows) and out of core dumps, and wiped when it is freed. Nothing here prints.
 * For one thread: the event loop's.
 */

#include <stddef.h>

#include "base/cleanup.h"

struct secret {
        size_t size;
        char *data; /* `size` bytes and a NUL behind them */
};

/* Copies `size` bytes in; `data` may be NULL for zeroes. The caller owns *ret. 0 or -ENOMEM. */
int secret_new(const void *data, size_t size, struct secret **ret);
struct secret *secret_free(struct secret *s);
DEFINE_CLEANUP(struct secret *, secret_free);

/*
 * Reads at most `max` bytes, all that can still be read from fd. The caller owns *ret. Returns 0;
 * -EFBIG when there is more; or a negative errno.
 */
int secret_read(int fd, size_t max, struct secret **ret);

/* The same from a file, for example a systemd credential. Also the errnos of open(2). */
int secret_read_file(const char *path, size_t max, struct secret **ret);

/*
 * For the start of a daemon: no core dump, no ptrace by the same user, random numbers ready.
 * Returns 0 or a negative errno.
 */
int secret_protect_process(void);
