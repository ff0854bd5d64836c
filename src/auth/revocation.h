/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One line of a list of revoked tokens: a jti, and the time from which on it need not stand there,
 * because the token is over. A jti with anything but printable ASCII in it, or that begins like a
 * comment, stands in quotes, as a JSON string:
 *
 *      # stolen with the laptop
 *      3f2a9c0d41 2026-11-30T00:00:00Z
 *      "an id with spaces"
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct revocation {
        char *jti;                /* owned; NULL: the line is empty, or a comment */
        uint64_t expires_at_usec; /* real time; 0: never */
};

void revocation_done(struct revocation *v);

/*
 * Reads a line, without its end. The caller calls revocation_done() on *ret. Returns 0; -ENOMEM;
 * -EINVAL with *ret_reason set to static text ("its jti is…").
 */
int revocation_read(const char *line, size_t size, struct revocation *ret, const char **ret_reason);

/* Appends a line, with its end. */
void revocation_write(const char *jti, uint64_t expires_at_usec, struct buffer *to);
