/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The other end, for programs that wait: connect, send lines, read lines. Blocking. For a program
 * with an event loop there is channel.h, on a descriptor from client_connect().
 */

#include <stddef.h>

#include "base/cleanup.h"

struct client;

/*
 * Connects to a Unix stream socket. Returns a close-on-exec descriptor, owned by the caller, or a
 * negative errno: -ENOENT and -ECONNREFUSED when nobody listens, -EAGAIN (only with
 * `nonblocking`) when the backlog is full, -ENAMETOOLONG.
 */
int client_connect(const char *path, int nonblocking);

/* Owns fd on success. 0 or -ENOMEM. */
int client_new(int fd, size_t max_line, struct client **ret);
struct client *client_free(struct client *c);
DEFINE_CLEANUP(struct client *, client_free);

/* Writes the line and an LF. 0 or a negative errno (-EPIPE: the peer is gone). */
int client_send(struct client *c, const char *line, size_t size);
/* The next line, borrowed until the next call. 0, -EPIPE at the end, -EMSGSIZE, -errno. */
int client_receive(struct client *c, const char **ret, size_t *ret_size);
