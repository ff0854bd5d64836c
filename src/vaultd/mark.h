/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The newest generation that a store is known to have had, in a small file of its own, which no
 * restore of the store's folder brings back with it. There are two places in it: as long as what
 * stands in the one may not be on the disk, the other is not touched. Blocking.
 */

#include <stdbool.h>

#include "base/secret.h"
#include "vaultd/generation.h"

/* What is read is on the disk. 0; -ENOENT no file, -EBADMSG nothing in it opens; another errno. */
int mark_read(const char *path, const struct secret *key, struct generation *ret, int *ret_place);

/*
 * Makes the file (mode 0600) if there is none. `place` is 0 or 1; with `sync` it is on the disk when
 * this returns 0, otherwise sooner or later. Returns 0 or a negative errno.
 */
int mark_write(const char *path, const struct secret *key, const struct generation *g, int place,
               bool sync);
