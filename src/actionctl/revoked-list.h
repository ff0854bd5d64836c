/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The list of revoked tokens (auth/revocations.h), for who adds to it. A reader sees the file as it
 * was or as it is, and of two who add at once neither is lost.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

struct revoked_change {
        const char *jti;
        uint64_t expires_at_usec; /* of the token, real time; 0: not known, so it stays for good */
        uint64_t now_usec;
};

struct revoked_result {
        bool added;      /* it did not stand there, or for a shorter time */
        size_t n_pruned; /* entries of tokens that have been over for more than a day */
};

/*
 * The text as it is to be. Comments, and what stands in no need of change, stay as they are.
 * Returns 0; -ENOMEM; -EINVAL with `error` set when a line is not understood, or the list is full.
 */
int revoked_list_edit(const char *text, size_t size, const struct revoked_change *change,
                      struct buffer *to, struct revoked_result *ret, struct ae_error *error);

/*
 * The same with a file, which is made if need be. Returns 0 or a negative errno, with `error` set
 * to what is the matter with the file.
 */
int revoked_list_add(const char *path, const struct revoked_change *change,
                     struct revoked_result *ret, struct ae_error *error);
