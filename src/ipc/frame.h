/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Framing: bytes in, lines out. Pure: knows no socket and no JSON. A line ends with LF; a CR before
 * it is dropped. An empty line is counted and skipped. A line over the limit is dropped while it
 * streams in. What has been taken out is wiped, because lines carry tokens.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct frame;

/* `max_line` in bytes, without the line's end. The caller owns *ret. Returns 0 or -ENOMEM. */
int frame_new(size_t max_line, struct frame **ret);
struct frame *frame_free(struct frame *f);
DEFINE_CLEANUP(struct frame *, frame_free);

/*
 * Copies n bytes in. A frame holds at most max_line bytes more than was fed since frame_next()
 * last returned 0. Returns 0 or -ENOMEM.
 */
int frame_feed(struct frame *f, const char *data, size_t n);

/*
 * Takes out the next line, without its end. Returns 1; 0 when no whole line is there yet;
 * -EMSGSIZE once for each line over the limit, as soon as that is known, after which the next line
 * can be taken. *ret is borrowed: it lives until the next call on f.
 */
int frame_next(struct frame *f, const char **ret, size_t *ret_size);

/* The number of the line that frame_next() gave or refused last: 1 is the stream's first. */
uint64_t frame_number(const struct frame *f);

/*
 * Wipes the line that was taken last, and gives back what memory only it needed. frame_next() and
 * frame_feed() begin with this.
 */
void frame_forget(struct frame *f);

/*
 * Refuses an unfinished line, as one over the limit is: it is dropped, what is held of it and what
 * still streams in. For after frame_next() has returned 0, with something pending.
 */
void frame_refuse(struct frame *f);

/* Drops all that is held. */
void frame_clear(struct frame *f);

/* How many bytes of an unfinished line are held, after frame_next() has returned 0. */
size_t frame_pending(const struct frame *f);
