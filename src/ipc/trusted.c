/* SPDX-License-Identifier: MIT */
#include "ipc/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ipc/client.h"

static int check(int fd, mode_t kind) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ELOOP;
        if ((st.st_mode & S_IFMT) != kind)
                return kind == S_IFSOCK ? -ENOTSOCK : -ENOTDIR;
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return -EPERM;
        /* Whoever may connect may write to a socket; that replaces nothing. */
        if (S_ISDIR(st.st_mode) && st.st_mode & (S_IWGRP | S_IWOTH) && !(st.st_mode & S_ISVTX))
                return -EPERM;
        return 0;
}

/* Goes down by the first name of *path, which it moves past. */
static int step(int *fd, const char **path) {
        size_t size = strcspn(*path, "/");
        const char *rest = *path + size + strspn(*path + size, "/");
        char name[NAME_MAX + 1];
        int next, r;

        if (size >= sizeof(name))
                return -ENAMETOOLONG;
        memcpy(name, *path, size);
        name[size] = 0;

        next = openat(*fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
                return -errno;
        fd_close(*fd);
        *fd = next;
        r = check(next, *rest ? S_IFDIR : S_IFSOCK);
        *path = rest;
        return r;
}

static int open_socket(const char *path) {
        _cleanup_(fd_closep) int fd = -1;
        int r;

        if (*path != '/')
                return -EINVAL;
        fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = check(fd, S_IFDIR);
        for (path += strspn(path, "/"); r == 0 && *path;)
                r = step(&fd, &path);
        return r < 0 ? r : TAKE_FD(fd);
}

int trusted_connect(const char *path, int nonblocking) {
        _cleanup_(fd_closep) int fd = open_socket(path);
        char opened[sizeof("/proc/self/fd/") + 3 * sizeof(fd)];

        if (fd < 0)
                return fd;
        snprintf(opened, sizeof(opened), "/proc/self/fd/%d", fd);
        return client_connect(opened, nonblocking);
}

const char *trusted_strerror(int r) {
        switch (r) {
        case -EPERM:
                return "others could replace it: it, or a folder above it, is not root's or one's "
                       "own alone";
        case -ELOOP:
                return "there is a symbolic link on the way, which is not followed";
        default:
                return strerror(-r);
        }
}
