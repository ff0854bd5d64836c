/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Questions to the person, on stderr, answered on standard input, which need not be a terminal.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

/* Whether there is somebody to ask. */
bool prompt_possible(void);

/*
 * Asks for a line of at most `max` bytes, without its end and the blanks around it. The question is
 * put to a terminal alone. `until_usec` is CLOCK_BOOTTIME. The caller owns *ret. Returns 0;
 * -ENODATA for an empty answer; -EFBIG; -ETIME; -EPIPE when there is no more; -errno.
 */
int prompt_line(const char *question, size_t max, uint64_t until_usec, struct secret **ret);

/* The same without showing what is typed. -EINTR: Ctrl-C. */
int prompt_secret(const char *question, size_t max, struct secret **ret);

/* Why it failed, as half a sentence. */
const char *prompt_reason(int r);
