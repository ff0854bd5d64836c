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

static int read_stat(pid_t pid, size_t size, char *ret_text) {
        char path[sizeof("/proc//stat") + 3 * sizeof(pid)];
        _cleanup_(fd_closep) int fd = -1;
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, ret_text, size - 1);
        if (n < 0)
                return -errno;
        ret_text[n] = 0;
        return 0;
}

static bool is_want(int r) {
        return r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

/* 0 for a process that is gone or cannot be seen. Returns 0, or a negative errno of our own want. */
static int read_start_time(pid_t pid, uint64_t *ret) {
        char text[1024];
        int r;

        *ret = 0;
        if (pid <= 0)
                return 0; /* it is beyond our namespace */
        r = read_stat(pid, sizeof(text), text);
        if (r < 0)
                return is_want(r) ? r : 0;
        if (peer_parse_start_time(text, ret) < 0)
                *ret = 0;
        return 0;
}

bool peer_is_there(const struct peer *p) {
        uint64_t start_time;

        return p->start_time != 0 && read_start_time(p->pid, &start_time) == 0 &&
               start_time == p->start_time && (p->pid_fd < 0 || !pid_fd_has_ended(p->pid_fd));
}

bool peer_is_somebody(const struct peer *p) {
        return p->uid != PEER_OVERFLOW_UID;
}

/*
 * -1 where the kernel has no such thing. Kernels differ about a process that has been waited for:
 * some have no descriptor for it, and then there is none to be read about either.
 */
static int open_pid_fd(int fd, int *ret, bool *ret_ended) {
        socklen_t size = sizeof(*ret);

        *ret_ended = false;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, ret, &size) >= 0)
                return 0;
        if (is_want(-errno))
                return -errno;
        *ret = -1;
        *ret_ended = errno != ENOPROTOOPT;
        return 0;
}

/*
 * Start time and unit are looked up by pid, which may be another process's by now. The process's
 * being still there afterwards, and having a pidfd where there are such, proves that it was the
 * right one.
 */
static int read_process(int fd, struct peer *p) {
        _cleanup_(freep) char *unit = NULL;
        int r;

        r = read_start_time(p->pid, &p->start_time);
        if (r < 0)
                return r;
        if (p->pid_fd >= 0 && pid_fd_has_ended(p->pid_fd))
                p->start_time = 0;
        r = sd_peer_get_unit(fd, &unit);
        if (is_want(r))
                return r;
        if (r >= 0 && peer_is_there(p))
                (void)snprintf(p->unit, sizeof(p->unit), "%s", unit);
        return 0;
}

int peer_read(int fd, struct peer *ret) {
        struct peer p = { .pid_fd = -1 };
        struct ucred who;
        socklen_t size = sizeof(who);
        bool ended;
        int r;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
                return -errno;
        p.uid = who.uid;
        p.gid = who.gid;
        p.pid = who.pid;

        r = open_pid_fd(fd, &p.pid_fd, &ended);
        if (r == 0 && !ended)
                r = read_process(fd, &p);
        if (r < 0) {
                peer_done(&p);
                return r;
        }
        *ret = p;
        return 0;
}

void peer_done(struct peer *p) {
        p->pid_fd = fd_close(p->pid_fd);
}
