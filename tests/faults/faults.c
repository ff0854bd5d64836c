/* SPDX-License-Identifier: MIT */
#undef _FILE_OFFSET_BITS /* which would make one name of open() and open64() */
#undef _FORTIFY_SOURCE   /* which would bring bodies of its own */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

static struct fault_plan own_plan;
struct fault_plan *fault_plan = &own_plan;
static bool traces;

/* Whoever comes after us: libc, or a sanitizer. */
#define NEXT(function) \
        ({ \
                static typeof(&(function)) next_; \
                if (!next_) \
                        next_ = dlsym(RTLD_NEXT, #function); \
                next_; \
        })

static void tell_trace(void) {
        void *frames[24];
        int n = backtrace(frames, 24);

        backtrace_symbols_fd(frames, n, STDERR_FILENO);
}

static bool is_counted(enum fault_kind kind) {
        return __atomic_load_n(&fault_plan->kinds, __ATOMIC_ACQUIRE) & kind &&
               (!fault_plan->thread || fault_plan->thread == (uint64_t)pthread_self());
}

static bool fails(enum fault_kind kind, int error) {
        if (!is_counted(kind) ||
            __atomic_add_fetch(&fault_plan->n_calls, 1, __ATOMIC_RELAXED) != fault_plan->nth)
                return false;
        __atomic_add_fetch(&fault_plan->n_failed, 1, __ATOMIC_RELEASE);
        if (traces)
                tell_trace();
        errno = fault_plan->error ? fault_plan->error : error;
        return true;
}

static void *counted(void *p) {
        if (p && is_counted(FAULT_MEMORY))
                __atomic_add_fetch(&fault_plan->n_live, 1, __ATOMIC_RELAXED);
        return p;
}

void *malloc(size_t size) {
        return fails(FAULT_MEMORY, ENOMEM) ? NULL : counted(NEXT(malloc)(size));
}

void *calloc(size_t n, size_t size) {
        return fails(FAULT_MEMORY, ENOMEM) ? NULL : counted(NEXT(calloc)(n, size));
}

void *realloc(void *p, size_t size) {
        void *moved;

        if (fails(FAULT_MEMORY, ENOMEM))
                return NULL;
        moved = NEXT(realloc)(p, size);
        return p ? moved : counted(moved);
}

void *reallocarray(void *p, size_t n, size_t size) {
        size_t needed;

        if (__builtin_mul_overflow(n, size, &needed)) {
                errno = ENOMEM;
                return NULL;
        }
        return realloc(p, needed);
}

/* Sanitizers have strdup() and strndup() allocate behind our back. */
char *strndup(const char *text, size_t max) {
        size_t size = strnlen(text, max);
        char *copy = malloc(size + 1);

        if (copy) {
                memcpy(copy, text, size);
                copy[size] = 0;
        }
        return copy;
}

char *strdup(const char *text) {
        return strndup(text, PTRDIFF_MAX);
}

#ifdef FAULTS_LINKED
/* Not when preloaded: the daemons bring a free() of their own. */
void free(void *p) {
        static typeof(&free) next;
        static bool looking;

        if (!next && looking)
                return; /* by dlsym() itself, which drops what it said last */
        if (!next) {
                looking = true;
                next = dlsym(RTLD_NEXT, "free");
        }
        if (p && is_counted(FAULT_MEMORY))
                __atomic_sub_fetch(&fault_plan->n_live, 1, __ATOMIC_RELAXED);
        next(p);
}
#endif

/* clang-format off */
#define REPLACE(kind, error, failed, type, name, parameters, arguments) \
        type name parameters { return fails(kind, error) ? failed : NEXT(name) arguments; }
/* clang-format on */

#define REPLACE_CALL(kind, error, name, parameters, arguments) \
        REPLACE(kind, error, -1, int, name, parameters, arguments)
#define REPLACE_IO(kind, error, name, parameters, arguments) \
        REPLACE(kind, error, -1, ssize_t, name, parameters, arguments)

REPLACE(FAULT_MEMORY, ENOMEM, MAP_FAILED, void *, mmap,
        (void *at, size_t size, int protection, int flags, int fd, off_t offset),
        (at, size, protection, flags, fd, offset))
REPLACE(FAULT_MEMORY, ENOMEM, MAP_FAILED, void *, mmap64,
        (void *at, size_t size, int protection, int flags, int fd, off64_t offset),
        (at, size, protection, flags, fd, offset))

/* Of a variadic call: its mode, where one was given. */
#define MODE(flags) \
        ({ \
                mode_t mode_ = 0; \
                if ((flags) & (O_CREAT | __O_TMPFILE)) { \
                        va_list ap_; \
                        va_start(ap_, flags); \
                        mode_ = va_arg(ap_, mode_t); \
                        va_end(ap_); \
                } \
                mode_; \
        })

int open(const char *path, int flags, ...) {
        return fails(FAULT_OPEN, EMFILE) ? -1 : NEXT(open)(path, flags, MODE(flags));
}

int open64(const char *path, int flags, ...) {
        return fails(FAULT_OPEN, EMFILE) ? -1 : NEXT(open64)(path, flags, MODE(flags));
}

int openat(int folder, const char *path, int flags, ...) {
        return fails(FAULT_OPEN, EMFILE) ? -1 : NEXT(openat)(folder, path, flags, MODE(flags));
}

int openat64(int folder, const char *path, int flags, ...) {
        return fails(FAULT_OPEN, EMFILE) ? -1 : NEXT(openat64)(folder, path, flags, MODE(flags));
}

REPLACE_CALL(FAULT_OPEN, EMFILE, socket, (int domain, int type, int protocol),
             (domain, type, protocol))
REPLACE_CALL(FAULT_OPEN, EMFILE, socketpair, (int domain, int type, int protocol, int ret[2]),
             (domain, type, protocol, ret))
REPLACE_CALL(FAULT_OPEN, EMFILE, accept4,
             (int fd, struct sockaddr *ret_address, socklen_t *ret_size, int flags),
             (fd, ret_address, ret_size, flags))
REPLACE_CALL(FAULT_OPEN, EMFILE, pipe2, (int ret[2], int flags), (ret, flags))
REPLACE_CALL(FAULT_OPEN, EMFILE, epoll_create1, (int flags), (flags))
REPLACE_CALL(FAULT_OPEN, EMFILE, eventfd, (unsigned value, int flags), (value, flags))
REPLACE_CALL(FAULT_OPEN, EMFILE, timerfd_create, (clockid_t clock, int flags), (clock, flags))
REPLACE_CALL(FAULT_OPEN, EMFILE, signalfd, (int fd, const sigset_t *set, int flags),
             (fd, set, flags))
REPLACE_CALL(FAULT_OPEN, EMFILE, inotify_init1, (int flags), (flags))

REPLACE_CALL(FAULT_CONNECT, ECONNREFUSED, connect,
             (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event) {
        if (op == EPOLL_CTL_ADD && fails(FAULT_WATCH, ENOMEM))
                return -1;
        return NEXT(epoll_ctl)(epoll, op, fd, event);
}

REPLACE_CALL(FAULT_WATCH, ENOSPC, inotify_add_watch, (int fd, const char *path, uint32_t mask),
             (fd, path, mask))

REPLACE_IO(FAULT_READ, EIO, read, (int fd, void *ret, size_t size), (fd, ret, size))
REPLACE_IO(FAULT_READ, EIO, readv, (int fd, const struct iovec *ret, int n), (fd, ret, n))
REPLACE_IO(FAULT_READ, EIO, pread, (int fd, void *ret, size_t size, off_t at), (fd, ret, size, at))
REPLACE_IO(FAULT_READ, EIO, pread64, (int fd, void *ret, size_t size, off64_t at),
           (fd, ret, size, at))
REPLACE_IO(FAULT_READ, ECONNRESET, recv, (int fd, void *ret, size_t size, int flags),
           (fd, ret, size, flags))
REPLACE_IO(FAULT_READ, ECONNRESET, recvmsg, (int fd, struct msghdr *ret, int flags),
           (fd, ret, flags))

REPLACE_IO(FAULT_WRITE, EIO, write, (int fd, const void *data, size_t size), (fd, data, size))
REPLACE_IO(FAULT_WRITE, EIO, writev, (int fd, const struct iovec *data, int n), (fd, data, n))
REPLACE_IO(FAULT_WRITE, ENOSPC, pwrite, (int fd, const void *data, size_t size, off_t at),
           (fd, data, size, at))
REPLACE_IO(FAULT_WRITE, ENOSPC, pwrite64, (int fd, const void *data, size_t size, off64_t at),
           (fd, data, size, at))
REPLACE_IO(FAULT_WRITE, ECONNRESET, send, (int fd, const void *data, size_t size, int flags),
           (fd, data, size, flags))
REPLACE_IO(FAULT_WRITE, ECONNRESET, sendto,
           (int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
            socklen_t address_size),
           (fd, data, size, flags, address, address_size))
REPLACE_IO(FAULT_WRITE, ECONNRESET, sendmsg, (int fd, const struct msghdr *message, int flags),
           (fd, message, flags))
REPLACE_CALL(FAULT_WRITE, ENOSPC, ftruncate, (int fd, off_t size), (fd, size))
REPLACE_CALL(FAULT_WRITE, ENOSPC, ftruncate64, (int fd, off64_t size), (fd, size))

REPLACE_CALL(FAULT_SYNC, EIO, fsync, (int fd), (fd))
REPLACE_CALL(FAULT_SYNC, EIO, fdatasync, (int fd), (fd))

REPLACE(FAULT_THREAD, EAGAIN, EAGAIN, int, pthread_create,
        (pthread_t * ret, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
        (ret, attributes, run, argument))

/* With a plan that is shared: before anything of the program has run. */
__attribute__((__constructor__)) static void faults_begin(void) {
        const char *path = getenv("FAULT_PLAN"), *trace = getenv("FAULT_TRACE");
        void *page;
        int fd;

        traces = trace && *trace;
        if (traces)
                (void)backtrace((void *[1]){ 0 }, 1); /* which allocates, the first time */
        if (!path)
                return;
        fd = open(path, O_RDWR | O_CLOEXEC);
        page = fd >= 0 ? mmap(NULL, sizeof(*fault_plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                       : MAP_FAILED;
        if (page == MAP_FAILED)
                abort();
        close(fd);
        fault_plan = page;
}
