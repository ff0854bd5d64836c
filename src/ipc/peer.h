/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Who is at the other end of a Unix socket, as the kernel tells it: unix(7) SO_PEERCRED, and
 * SO_PEERPIDFD (Linux 6.5) where it exists. Both are frozen at connect() and name who connected,
 * not who writes now.
 */

#include <stddef.h>
#include <sys/types.h>

struct peer {
        uid_t uid;
        gid_t gid;
        pid_t pid;
        int pid_fd;    /* owned; -1 where the kernel has none */
        char unit[64]; /* the systemd unit of the peer's process, cut to fit; or "" */
};

/* Returns 0 or a negative errno; *ret is then untouched. */
int peer_read(int fd, struct peer *ret);
void peer_done(struct peer *p);
