/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The list of tokens that are good for nothing any more, by their jti: a file with a line for each
 * (auth/revocation.h). What stands in it counts for as long as it stands there.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

#define REVOCATIONS_MAX 100000
#define REVOCATIONS_TEXT_MAX ((size_t)16 << 20)

struct revocations;

/*
 * All of it or nothing: a line that is not understood could have been meant to stop somebody. The
 * caller owns *ret. Returns 0, -ENOMEM, or -EINVAL with `error` saying which line ("line 3: …").
 */
int revocations_parse(const char *text, size_t size, struct revocations **ret,
                      struct ae_error *error);
struct revocations *revocations_free(struct revocations *l);
DEFINE_CLEANUP(struct revocations *, revocations_free);

size_t revocations_n(const struct revocations *l);
/* `jti` may be NULL: what has no name cannot stand there. */
bool revocations_have(const struct revocations *l, const char *jti);

/*
 * Reads a file's text: a regular file that not everybody may write. A symbolic link is refused,
 * since what it points to would change without a sign of it. The caller frees *ret. Returns 0, or a
 * negative errno (-ENOENT) with `error` set to what is the matter with it ("it is…").
 */
int revocations_read_text(const char *path, char **ret, size_t *ret_size, struct ae_error *error);

/* The two in one. Its `error` is a sentence that names the file. */
int revocations_load(const char *path, struct revocations **ret, struct ae_error *error);
