/* SPDX-License-Identifier: MIT */
#include "ipc/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-login.h>

#include "base/cleanup.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* A pidfd becomes readable when its process ends. */
static bool pid_fd_has_ended(int pid_fd) {
        struct pollfd p = { .fd = pid_fd, .events = POLLIN };

        return poll(&p, 1, 0) != 0;
}

/*
 * The unit is looked up by pid, which may be another process's by now. Where there is a pidfd, the
 * process's being still there afterwards proves that it was the right one.
 */
static void peer_read_unit(int fd, struct peer *p) {
        _cleanup_(freep) char *unit = NULL;

        if (sd_peer_get_unit(fd, &unit) < 0)
                return;
        if (p->pid_fd >= 0 && pid_fd_has_ended(p->pid_fd))
                return;
        (void)snprintf(p->unit, sizeof(p->unit), "%s", unit);
}

int peer_read(int fd, struct peer *ret) {
        struct peer p = { .pid_fd = -1 };
        struct ucred who;
        socklen_t size = sizeof(who);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
                return -errno;
        p.uid = who.uid;
        p.gid = who.gid;
        p.pid = who.pid;

        size = sizeof(p.pid_fd);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &p.pid_fd, &size) < 0)
                p.pid_fd = -1;
        peer_read_unit(fd, &p);

        *ret = p;
        return 0;
}

void peer_done(struct peer *p) {
        p->pid_fd = fd_close(p->pid_fd);
}
