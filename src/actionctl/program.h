/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Other programs of the system: looked for in its own folders alone, started with nothing of our
 * environment, and waited for.
 */

#include "base/secret.h"

#define PROGRAM_SAID_MAX 400

/*
 * Runs argv[0] with `input`, which may be NULL and fits into a pipe, on its stdin, and output_fd, or
 * nothing when that is -1, as its stdout. Returns its exit status; -ENOENT when there is no such
 * program, -EINTR when a signal ended it, or another errno. `ret_said` is the end of what it wrote to
 * stderr, on one line.
 */
int program_run(const char *const argv[], const struct secret *input, int output_fd,
                char ret_said[static PROGRAM_SAID_MAX]);
