/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Who is served, and how long: the vault's connections. What is asked on them is told in ops.h.
 */

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/poller.h"
#include "vaultd/ops.h"

struct server;

struct server_options {
        uid_t allow_uid; /* the engine */
        uid_t admin_uid; /* may be the same */
        unsigned max_connections;
};

/*
 * Owns listen_fd on success only; borrows the desk, which must outlive it. The caller owns *ret.
 * Returns 0 or a negative errno.
 */
int server_new(struct poller *poller, int listen_fd, const struct server_options *options,
               struct desk *desk, struct server **ret);
/* Ends what is left at once. */
struct server *server_free(struct server *s);
DEFINE_CLEANUP(struct server *, server_free);

unsigned server_n_connections(const struct server *s);

/* Takes nothing in any more; a connection is gone when it has got all that it is owed. */
void server_drain(struct server *s);
