/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Key files: one JWK each, or a set of them, bounded in size, and private ones for nobody else's
 * eyes.
 */

#include "auth/jwk.h"
#include "auth/jwks.h"

/*
 * Reads a file of at most JWK_TEXT_MAX bytes; `path` is relative to directory_fd (or AT_FDCWD). A
 * private key that others can read is refused. Returns as jwk_parse(); -EPERM for a public one that
 * anybody may write; or the negative errno of opening or reading, with `error` set as well.
 */
int jwk_read_file(int directory_fd, const char *path, enum jwk_part part, struct jwk **ret,
                  struct ae_error *error);

/* Reads a file of at most JWKS_TEXT_MAX bytes. Returns as jwks_parse(), or as jwk_read_file(). */
int jwks_read_file(int directory_fd, const char *path,
                   void (*on_skipped)(const char *sentence, void *userdata), void *userdata,
                   struct jwks *ret, struct ae_error *error);

/*
 * Writes a new file, readable by its owner alone when the part is private; never over an existing
 * one. Returns 0 or a negative errno.
 */
int jwk_write_file(int directory_fd, const char *path, const struct jwk *k, enum jwk_part part);
