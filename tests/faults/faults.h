/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A call of a chosen kind fails, once. A program that has faults.c linked in, or preloaded, calls
 * through to libc for everything that it replaces, counts, and lets the Nth call fail as the kernel
 * would: the libraries' calls as well as its own, and what libc does for them.
 *
 * A preloaded one has its plan in the file that FAULT_PLAN names, for whoever tests the program to
 * write and read: tests/integration/faults.py knows its layout. With FAULT_TRACE=1 each failure
 * tells its call stack on stderr.
 */

#include <stdint.h>

enum fault_kind {
        FAULT_MEMORY = 1 << 0,  /* malloc() and its kin, mmap() */
        FAULT_OPEN = 1 << 1,    /* a new descriptor */
        FAULT_CONNECT = 1 << 2, /* connect() */
        FAULT_WATCH = 1 << 3,   /* epoll_ctl() that adds, inotify_add_watch() */
        FAULT_READ = 1 << 4,
        FAULT_WRITE = 1 << 5,
        FAULT_SYNC = 1 << 6,   /* fsync(), fdatasync() */
        FAULT_THREAD = 1 << 7, /* pthread_create() */
};

struct fault_plan {
        uint32_t kinds;    /* that count; 0: none */
        int32_t error;     /* for errno; 0: what is usual for the call */
        uint64_t nth;      /* fails, from 1; 0: all are only counted */
        uint64_t n_calls;  /* of those kinds */
        uint64_t n_failed; /* 0 or 1 */
        uint64_t thread;   /* whose calls count, as pthread_self(); 0: everybody's */
        int64_t n_live; /* blocks that were allocated and are not free, where free() is replaced */
};

extern struct fault_plan *fault_plan;
