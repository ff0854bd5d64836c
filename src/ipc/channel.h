/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One stream connection that carries lines both ways: reading, cutting into lines, queueing what
 * is to be written, and back-pressure. Knows no JSON and no operation.
 *
 * Back-pressure: reading stops while `max_open` requests are open, while more than
 * CHANNEL_OUT_HIGH bytes wait to be written, or while the owner's quota has no room for a long
 * line; the kernel's buffer then tells the peer to wait. Nothing is ever dropped.
 *
 * That is for an end that answers. One that asks reads on however much of its questions waits to
 * be written, or the two ends could wait for each other; how much it asks is its own to bound.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/poller.h"

struct channel;
struct quota;

#define CHANNEL_OUT_HIGH ((size_t)64 << 10)

struct channel_handler {
        /*
         * A line, without its end; `number` counts the connection's lines from 1, empty ones
         * too. Borrowed until the return, and wiped then. May send, close, and drop its
         * reference.
         */
        void (*on_line)(struct channel *c, const char *line, size_t size, uint64_t number,
                        void *userdata);
        /* A line over the limit was thrown away as it streamed in. */
        void (*on_too_large)(struct channel *c, uint64_t number, void *userdata);
        /* So was one that was not finished in time. Needed only where there is a line_timeout_usec. */
        void (*on_too_late)(struct channel *c, uint64_t number, void *userdata);
        /*
         * The connection is over: the peer is gone (-ECONNRESET and the like), or it
         * half-closed and has been given all that it was owed (0). Called once, last, never
         * from within channel_new(), channel_send() or channel_close().
         */
        void (*on_closed)(struct channel *c, int r, void *userdata);
};

struct channel_options {
        size_t max_line;     /* bytes, without the LF */
        unsigned max_open;   /* requests; 0: no limit */
        struct quota *quota; /* borrowed; NULL: none */
        /*
         * How long a line may hold room of the quota before it is whole, so that half a line and
         * then silence keep nobody waiting for ever. 0: no limit.
         */
        uint64_t line_timeout_usec;
        bool asks; /* this end asks, and reads answers */
};

/*
 * The caller owns one reference in *ret. The channel owns fd (a non-blocking stream socket) on
 * success only. Reading begins from the event loop. Returns 0 or a negative errno.
 */
int channel_new(struct poller *poller, int fd, const struct channel_options *options,
                const struct channel_handler *handler, void *userdata, struct channel **ret);
struct channel *channel_ref(struct channel *c);
struct channel *channel_unref(struct channel *c);
DEFINE_CLEANUP(struct channel *, channel_unref);

/*
 * Queues a line and takes the buffer over (it is empty afterwards); the LF is added here. On a
 * closed channel the line is let go. Returns 0 or -ENOMEM, after which the connection is ended.
 */
int channel_send(struct channel *c, struct buffer *line);

/* How many bytes wait to be written. */
size_t channel_unsent(const struct channel *c);

/*
 * A request is open from its line until its answer: the channel of a peer that half-closed stays
 * until none is. A line counted as held keeps its bytes in the quota until the request is done.
 * channel_request_open() returns how many bytes it has put on the quota, to be given to
 * channel_request_done(). To be called from within on_line.
 *
 * Whoever has opened a request also calls it done when the connection has ended meanwhile: what it
 * holds stays counted until then, or until the channel's last reference is gone. Lines that
 * waited for it are handed up later, from the event loop.
 */
size_t channel_request_open(struct channel *c);
void channel_request_done(struct channel *c, size_t held);

/* Stops reading and dispatching for good; what is owed is still written, then on_closed comes. */
void channel_drain(struct channel *c);

/* Ends the connection now: no handler is called any more. */
void channel_close(struct channel *c);
bool channel_is_closed(const struct channel *c);
