/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Accepting connections on a socket that systemd listens on. When descriptors run out it pauses
 * instead of spinning; when there are too many connections it leaves new ones in the backlog.
 */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct listener;

/*
 * Finds the one listening stream socket of AF_UNIX that systemd passed (sd_listen_fds(3)).
 * Returns the descriptor, owned by the caller; -ENOENT when none was passed, -EINVAL when it was
 * not exactly one of the right kind.
 */
int listener_inherited_fd(void);

/*
 * How many connections, of `max`, leave so many descriptors for everything else; those take at most
 * half of what there is. A connection has one for itself and one for its peer's process. Raises the
 * limit of descriptors to what it may be raised to.
 */
unsigned listener_affordable(unsigned max, uint64_t n_others);

/*
 * on_accept() gets a connected, non-blocking, close-on-exec descriptor and owns it. At most
 * max_connections may be open; each must be given back with listener_connection_closed(). The
 * listener owns fd on success only and makes it non-blocking; it may be stopped, but not freed,
 * from within on_accept(). Returns 0 or a negative errno.
 */
int listener_new(sd_event *event, int fd, unsigned max_connections,
                 void (*on_accept)(int fd, void *userdata), void *userdata, struct listener **ret);
struct listener *listener_free(struct listener *l);
DEFINE_CLEANUP(struct listener *, listener_free);

void listener_connection_closed(struct listener *l);

/* For who finds nothing left to serve a connection with: further ones stay in the backlog a while. */
void listener_pause(struct listener *l);

/* No new connections from now on; those in the backlog wait for the next start. */
void listener_stop(struct listener *l);
