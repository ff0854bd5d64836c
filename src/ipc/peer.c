/* SPDX-License-Identifier: MIT */
#include "ipc/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
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

#define START_TIME_FIELD 22 /* counted from 1, as proc(5) does */

/* The second field is the process's own choice, spaces and brackets included; the last one ends it. */
int peer_parse_start_time(const char *stat, uint64_t *ret) {
        const char *p = strrchr(stat, ')');
        uint64_t start_time;
        char *end;

        if (!p)
                return -EINVAL;
        for (int field = 2; field < START_TIME_FIELD; field++) {
                p = strchr(p + 1, ' ');
                if (!p)
                        return -EINVAL;
        }
        p++;
        if (*p < '0' || *p > '9')
                return -EINVAL;
        errno = 0;
        start_time = strtoull(p, &end, 10);
        if (errno != 0 || (*end != ' ' && *end != '\n') || start_time == 0)
                return -EINVAL;
        *ret = start_time;
        return 0;
}

/* 0 when it cannot be told. */
static uint64_t read_start_time(pid_t pid) {
        char path[sizeof("/proc//stat") + 3 * sizeof(pid)], text[1024];
        _cleanup_(fd_closep) int fd = -1;
        uint64_t start_time;
        ssize_t n;

        if (pid <= 0)
                return 0; /* it is beyond our namespace */
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        n = read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return 0;
        text[n] = 0;
        return peer_parse_start_time(text, &start_time) < 0 ? 0 : start_time;
}

bool peer_is_there(const struct peer *p) {
        return p->start_time != 0 && read_start_time(p->pid) == p->start_time &&
               (p->pid_fd < 0 || !pid_fd_has_ended(p->pid_fd));
}

/*
 * Start time and unit are looked up by pid, which may be another process's by now. The process's
 * being still there afterwards, and having a pidfd where there are such, proves that it was the
 * right one.
 */
static void peer_read_process(int fd, struct peer *p) {
        _cleanup_(freep) char *unit = NULL;

        p->start_time = read_start_time(p->pid);
        if (p->pid_fd >= 0 && pid_fd_has_ended(p->pid_fd))
                p->start_time = 0;
        if (sd_peer_get_unit(fd, &unit) >= 0 && peer_is_there(p))
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
        peer_read_process(fd, &p);

        *ret = p;
        return 0;
}

void peer_done(struct peer *p) {
        p->pid_fd = fd_close(p->pid_fd);
}
