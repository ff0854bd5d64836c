/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Ownership, spelt out: cleanup at the end of a scope, and moves that leave nothing behind; and the
 * two macros that every C program has.
 */

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))

/* For a destructor `type func(type p)` that takes NULL and returns NULL: makes funcp() of it. */
#define DEFINE_CLEANUP(type, func) \
        static inline void func##p(type *p) { \
                *p = func(*p); \
        } \
        struct func##_needs_a_semicolon

#define TAKE_PTR(p) \
        ({ \
                typeof(p) *taken_from_ = &(p); \
                typeof(p) taken_ = *taken_from_; \
                *taken_from_ = NULL; \
                taken_; \
        })

#define TAKE_FD(fd) \
        ({ \
                int *taken_from_ = &(fd); \
                int taken_ = *taken_from_; \
                *taken_from_ = -1; \
                taken_; \
        })

/* The struct that has what `p` points to as its `member`. */
#define CONTAINER_OF(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

static inline void freep(void *p) {
        free(*(void **)p);
}

/* Closes fd if there is one. Returns -1, so that `fd = fd_close(fd)` forgets it. */
static inline int fd_close(int fd) {
        if (fd >= 0)
                (void)close(fd);
        return -1;
}

static inline void fd_closep(int *fd) {
        *fd = fd_close(*fd);
}
