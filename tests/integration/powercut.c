/* SPDX-License-Identifier: MIT */
/*
 * A machine that loses power, for a program that has this preloaded. What it and its children do to
 * files below POWERCUT_ROOT is appended, a line each, to the file that POWERCUT_LOG names, until
 * there are as many lines as POWERCUT_AT says: before the next its process group is killed. What
 * the disk has forgotten is then for the test to take away.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *root;
static int log_fd = -1;
static long *left; /* how many calls until then; shared with children */

__attribute__((constructor)) static void begin(void) {
        const char *path = getenv("POWERCUT_LOG"), *at = getenv("POWERCUT_AT");
        void *shared = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                            -1, 0);

        if (!path || !at || shared == MAP_FAILED)
                return;
        left = shared;
        *left = strtol(at, NULL, 10);
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
        root = getenv("POWERCUT_ROOT");
}

static bool counts(const char *path) {
        return root && log_fd >= 0 && strncmp(path, root, strlen(root)) == 0 &&
               path[strlen(root)] == '/';
}

/* A child that is another user's cannot reach its parent, which then ends itself: see waitpid(). */
static void end(void) {
        for (;;)
                (void)kill(0, SIGKILL);
}

/* The power ends here, or the call is done and told. */
static void before(const char *path) {
        if (counts(path) && (*left)-- == 0)
                end();
}

static void after(long r, const char *what, const char *path, const char *other) {
        char line[2 * PATH_MAX + 32];
        int error = errno, n;

        if (r < 0 || !counts(path))
                return;
        n = snprintf(line, sizeof(line), "%s\t%s\t%s\n", what, path, other);
        if (syscall(SYS_write, log_fd, line, n) != n)
                abort();
        errno = error;
}

static const char *path_of(int fd, char ret[static PATH_MAX]) {
        char link[32];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, ret, PATH_MAX - 1);
        ret[n > 0 ? n : 0] = 0;
        return ret;
}

static long told(long r, const char *what, const char *path, const char *other) {
        after(r, what, path, other);
        return r;
}

/* ---- the calls, of which the tested code makes no others ---- */

static int do_open(int directory, const char *path, int flags, mode_t mode) {
        if (!(flags & O_CREAT))
                return (int)syscall(SYS_openat, directory, path, flags, mode);
        before(path);
        return (int)told(syscall(SYS_openat, directory, path, flags, mode), "create", path, "");
}

#define MODE(flags, mode) \
        do { \
                va_list arguments; \
\
                va_start(arguments, flags); \
                mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0; \
                va_end(arguments); \
        } while (0)

int open(const char *path, int flags, ...) {
        mode_t mode;

        MODE(flags, mode);
        return do_open(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
        mode_t mode;

        MODE(flags, mode);
        return do_open(directory, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t size) {
        char path[PATH_MAX];

        before(path_of(fd, path));
        return told(syscall(SYS_write, fd, data, size), "write", path, "");
}

int fsync(int fd) {
        char path[PATH_MAX];

        before(path_of(fd, path));
        return (int)told(0, "sync", path, ""); /* the real one would only take time */
}

int mkdir(const char *path, mode_t mode) {
        before(path);
        return (int)told(syscall(SYS_mkdirat, AT_FDCWD, path, mode), "create", path, "");
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags) {
        before(to);
        return (int)told(syscall(SYS_linkat, from_fd, from, to_fd, to, flags), "link", to, from);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
        before(to);
        return (int)told(syscall(SYS_renameat2, from_fd, from, to_fd, to, 0), "rename", to, from);
}

int unlinkat(int directory, const char *path, int flags) {
        before(path);
        return (int)told(syscall(SYS_unlinkat, directory, path, flags), "unlink", path, "");
}

int unlink(const char *path) {
        return unlinkat(AT_FDCWD, path, 0);
}

pid_t waitpid(pid_t pid, int *ret_status, int options) {
        pid_t r = (pid_t)syscall(SYS_wait4, pid, ret_status, options, NULL);

        if (left && *left < 0)
                end();
        return r;
}
