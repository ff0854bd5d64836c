/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * How many bytes of lines one uid may have in the program at once. A line up to QUOTA_FREE_LINE
 * bytes passes without asking. A longer one first reserves the largest size it may grow to (so
 * that two half-read lines can never wait for each other), and waits its turn unread when that
 * does not fit; once whole it keeps only its true size, until its request is done.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

#define QUOTA_FREE_LINE ((size_t)64 << 10)

struct quota;

/* Stands in the queue of those who wait. Embedded in the waiter; zeroed before its first use. */
struct quota_waiter {
        void (*on_room)(struct quota_waiter *w); /* set by the waiter; the room is reserved */
        size_t size; /* what was reserved, or will be when on_room() is called */
        bool waiting;
        struct quota_waiter *next;
};

/* `limit` in bytes. The caller owns one reference. 0 or -ENOMEM. */
int quota_new(size_t limit, struct quota **ret);
struct quota *quota_ref(struct quota *q);
struct quota *quota_unref(struct quota *q);
DEFINE_CLEANUP(struct quota *, quota_unref);

/*
 * Reserves `size` bytes (at most the limit, to which it is cut). Returns true when they are
 * reserved; else `w` is queued, first come first served, and told by on_room(), which may be
 * called from within any quota_release().
 */
bool quota_reserve(struct quota *q, size_t size, struct quota_waiter *w);
void quota_release(struct quota *q, size_t size);
/* Leaves the queue. Harmless when not in it. */
void quota_forget(struct quota *q, struct quota_waiter *w);
