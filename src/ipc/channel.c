/* SPDX-License-Identifier: MIT */
#include "ipc/channel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "ipc/frame.h"
#include "ipc/quota.h"

/*
 * All that can end the connection or hand up a line happens in a *turn*, which only the loop
 * begins: by the socket's events, or by the deferred source `again`. What is called from outside
 * (sending, finishing a request) notes its change and, where a turn has to follow, asks for one.
 * So handlers never run inside somebody else's call, and pipelined lines never recurse.
 *
 *      turn: flush → fill (one read) → dispatch (some lines) → flush → settle
 *
 * Within a turn answers only gather; its end writes them with one send(). settle looks at what
 * came of it, in one place: over? read on? wait for the socket? another turn?
 */

/* One read. A line that may pass unasked never leaves more than this unfinished. */
#define READ_BYTES (QUOTA_FREE_LINE + 1)
/* A turn's share of lines; then it is others' turn. */
#define TURN_LINES 256

struct channel {
        struct poll_watch watch;
        sd_event_source *again; /* as long as a turn is due */
        unsigned n_refs;
        int fd;
        int error; /* why the connection is to end */
        struct channel_options options;
        const struct channel_handler *handler;
        void *userdata;

        struct frame *in;
        struct buffer out;
        size_t n_sent; /* of out */

        unsigned n_open;
        struct quota_waiter waiter;
        size_t reserved;             /* for the line that is being read */
        sd_event_source *line_timer; /* as long as there is such a line */
        size_t line_held;            /* for the line that is being handed up */
        size_t held;                 /* for all open requests */

        bool more;    /* `in` may hold whole lines */
        bool is_late; /* the line that is being read */
        bool in_turn;
        bool eof;
        bool draining;
        bool closed;
};

static int on_again(sd_event_source *source, void *userdata);
static int on_line_timeout(sd_event_source *source, uint64_t usec, void *userdata);

size_t channel_unsent(const struct channel *c) {
        return c->out.size - c->n_sent;
}

static bool channel_owes(const struct channel *c) {
        return c->n_open > 0 || channel_unsent(c) > 0;
}

static bool channel_takes_lines(const struct channel *c) {
        if (c->closed || c->draining || c->error < 0)
                return false;
        if (c->options.max_open > 0 && c->n_open >= c->options.max_open)
                return false;
        return c->options.asks || channel_unsent(c) <= CHANNEL_OUT_HIGH;
}

static bool channel_lacks_room(const struct channel *c) {
        return c->options.quota && c->reserved == 0 && frame_pending(c->in) > QUOTA_FREE_LINE;
}

static bool channel_may_read(const struct channel *c) {
        return channel_takes_lines(c) && !c->more && !c->eof && !channel_lacks_room(c);
}

/*
 * Asks the loop for a turn; the one that is running looks at everything at its end. Each turn has
 * a deferred source of its own: one that is only enabled again keeps its old place in sd-event's
 * queue, before everything else, and a flood of lines would keep all others waiting.
 */
static void channel_wake(struct channel *c) {
        int r;

        if (c->closed || c->in_turn || c->again)
                return;

        r = sd_event_add_defer(poller_event(c->watch.poller), &c->again, on_again, c);
        if (r < 0) {
                c->error = r;
                (void)shutdown(c->fd, SHUT_RDWR); /* brings EPOLLHUP, and a turn with it */
        }
}

static void channel_fail(struct channel *c, int r) {
        if (c->error == 0)
                c->error = r;
        channel_wake(c);
}

static void on_room(struct quota_waiter *w) {
        struct channel *c = CONTAINER_OF(w, struct channel, waiter);

        c->reserved = w->size;
        channel_wake(c);
}

/* Keeps `keep` bytes of what was reserved for the line that is read, now that its size is known. */
static void channel_shrink(struct channel *c, size_t keep) {
        size_t surplus = c->reserved - keep;

        c->reserved = 0;
        c->is_late = false;
        c->line_timer = sd_event_source_disable_unref(c->line_timer);
        if (surplus > 0)
                quota_release(c->options.quota, surplus);
}

static void channel_release(struct channel *c, size_t *size) {
        size_t n = *size;

        *size = 0;
        if (n > 0)
                quota_release(c->options.quota, n);
}

/* No line will be handed up any more. What was handed up stays readable until the turn is over. */
static void channel_drop_input(struct channel *c) {
        c->more = false;
        if (c->options.quota) {
                quota_forget(c->options.quota, &c->waiter);
                channel_shrink(c, 0);
        }
        if (c->in && !c->in_turn)
                frame_clear(c->in);
}

static void channel_wipe_out(struct channel *c) {
        buffer_wipe(&c->out);
        c->n_sent = 0;
}

/* Writes what the socket takes. Returns 0 or a negative errno. */
static int channel_flush(struct channel *c) {
        ssize_t n;

        if (c->closed || channel_unsent(c) == 0)
                return 0;

        n = send(c->fd, c->out.data + c->n_sent, channel_unsent(c), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;

        c->n_sent += (size_t)n;
        if (channel_unsent(c) == 0)
                channel_wipe_out(c);
        return 0;
}

/*
 * Reads once. No control buffer is offered, so that the kernel discards descriptors that are sent
 * along. Returns 0 or a negative errno.
 */
static int channel_fill(struct channel *c) {
        char chunk[READ_BYTES];
        size_t size = sizeof(chunk);
        ssize_t n;
        int r;

        if (c->options.quota && c->reserved == 0)
                size -= frame_pending(c->in);

        n = recv(c->fd, chunk, size, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0) {
                c->eof = true;
                return 0;
        }

        r = frame_feed(c->in, chunk, (size_t)n);
        explicit_bzero(chunk, (size_t)n);
        c->more = true;
        return r;
}

static void channel_hand_up(struct channel *c, const char *line, size_t size) {
        size_t keep = 0;

        if (size > QUOTA_FREE_LINE)
                keep = size < c->reserved ? size : c->reserved;
        channel_shrink(c, keep);

        c->line_held = keep;
        c->handler->on_line(c, line, size, frame_number(c->in), c->userdata);
        frame_forget(c->in);
        channel_release(c, &c->line_held);
}

/* Hands up lines until none is left, the limits say stop, or others should have their turn. */
static void channel_dispatch(struct channel *c) {
        for (unsigned n = 0; c->more && channel_takes_lines(c) && n < TURN_LINES; n++) {
                const char *line;
                size_t size;
                int r;

                r = frame_next(c->in, &line, &size);
                if (r > 0)
                        channel_hand_up(c, line, size);
                else if (r < 0) {
                        channel_shrink(c, 0);
                        c->handler->on_too_large(c, frame_number(c->in), c->userdata);
                } else
                        c->more = false;
        }
}

/* The peer had its time for the line, and this turn has read what had come of it. */
static void channel_refuse_line(struct channel *c) {
        frame_refuse(c->in);
        channel_shrink(c, 0);
        c->handler->on_too_late(c, frame_number(c->in), c->userdata);
}

/* A line that has room is the next to be handed up: nothing but its own end is waited for. */
static void channel_time_line(struct channel *c) {
        int r;

        if (c->options.line_timeout_usec == 0 || c->reserved == 0 || c->line_timer)
                return;
        r = sd_event_add_time_relative(poller_event(c->watch.poller), &c->line_timer,
                                       CLOCK_MONOTONIC, c->options.line_timeout_usec, USEC_PER_MSEC,
                                       on_line_timeout, c);
        if (r < 0)
                channel_fail(c, r);
}

/* Watches for what can be done next. */
static void channel_watch(struct channel *c) {
        int r;

        r = poller_modify(&c->watch, (channel_may_read(c) ? EPOLLIN : 0) |
                                                     (channel_unsent(c) > 0 ? EPOLLOUT : 0));
        if (r < 0)
                channel_fail(c, r);
}

/* The connection is over, and its owner hears of it. */
static void channel_end(struct channel *c, int r) {
        channel_close(c);
        c->handler->on_closed(c, r, c->userdata);
}

static void channel_settle(struct channel *c, bool peer_gone) {
        if (c->draining || (c->eof && !c->more))
                channel_drop_input(c);
        if (channel_lacks_room(c) && channel_takes_lines(c) && !c->waiter.waiting &&
            quota_reserve(c->options.quota, c->options.max_line, &c->waiter))
                c->reserved = c->waiter.size;

        if (c->error < 0)
                channel_end(c, c->error);
        else if (peer_gone && !channel_may_read(c) && !(c->more && channel_takes_lines(c)))
                channel_end(c, channel_owes(c) ? -ECONNRESET : 0);
        else if (((c->eof && !c->more) || c->draining) && !channel_owes(c))
                channel_end(c, 0);
        else {
                channel_watch(c);
                channel_time_line(c);
                if (c->more && channel_takes_lines(c))
                        channel_wake(c);
        }
}

static void channel_turn(struct channel *c, uint32_t revents) {
        int r = 0;

        c->in_turn = true;
        if (revents & EPOLLOUT)
                r = channel_flush(c);
        if (r >= 0 && revents & EPOLLIN && channel_may_read(c))
                r = channel_fill(c);
        if (r >= 0)
                channel_dispatch(c);
        if (r >= 0 && c->is_late && !c->more && !c->closed)
                channel_refuse_line(c);
        if (r >= 0 && !(c->watch.events & EPOLLOUT)) /* else the socket is still full */
                r = channel_flush(c);
        c->in_turn = false;

        if (c->closed) {
                channel_drop_input(c); /* closed from within on_line(), which had borrowed it */
                return;
        }
        if (r < 0 && c->error == 0)
                c->error = r;
        channel_settle(c, revents & (EPOLLHUP | EPOLLERR));
}

static void on_events(struct poll_watch *w, uint32_t revents) {
        _cleanup_(channel_unrefp) struct channel *c = NULL;

        c = channel_ref(CONTAINER_OF(w, struct channel, watch));
        channel_turn(c, revents);
}

static int on_again(sd_event_source *source, void *userdata) {
        _cleanup_(channel_unrefp) struct channel *c = channel_ref(userdata);

        c->again = sd_event_source_disable_unref(c->again);
        channel_turn(c, 0);
        return 0;
}

/* Its end may have come by now, and only waits to be read. */
static int on_line_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        _cleanup_(channel_unrefp) struct channel *c = channel_ref(userdata);

        c->line_timer = sd_event_source_disable_unref(c->line_timer);
        c->is_late = true;
        channel_turn(c, EPOLLIN);
        return 0;
}

int channel_new(struct poller *poller, int fd, const struct channel_options *options,
                const struct channel_handler *handler, void *userdata, struct channel **ret) {
        _cleanup_(channel_unrefp) struct channel *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        *c = (struct channel){
                .n_refs = 1,
                .fd = -1,
                .options = *options,
                .handler = handler,
                .userdata = userdata,
                .waiter.on_room = on_room,
        };
        if (options->quota)
                quota_ref(options->quota);

        r = frame_new(options->max_line, &c->in);
        if (r < 0)
                return r;

        r = poller_add(poller, &c->watch, fd, EPOLLIN, on_events);
        if (r < 0)
                return r;

        c->fd = fd;
        *ret = TAKE_PTR(c);
        return 0;
}

struct channel *channel_ref(struct channel *c) {
        c->n_refs++;
        return c;
}

struct channel *channel_unref(struct channel *c) {
        if (!c || --c->n_refs > 0)
                return NULL;

        channel_close(c);
        channel_release(c, &c->held);
        quota_unref(c->options.quota);
        frame_free(c->in);
        free(c);
        return NULL;
}

/* Moves at most as many bytes as were sent since the last time. */
static void channel_compact(struct channel *c) {
        size_t unsent = channel_unsent(c);

        if (c->n_sent < unsent)
                return;
        memmove(c->out.data, c->out.data + c->n_sent, unsent);
        explicit_bzero(c->out.data + unsent, c->n_sent);
        c->out.size = unsent;
        c->n_sent = 0;
}

/* Takes over what stands alone, copies what joins others. Returns 0 or -ENOMEM. */
static int channel_queue(struct channel *c, struct buffer *line) {
        buffer_putc(line, '\n');
        if (buffer_error(line) < 0)
                return -ENOMEM;

        if (channel_unsent(c) == 0) {
                channel_wipe_out(c);
                c->out = *line;
                *line = (struct buffer){ 0 };
                return 0;
        }

        channel_compact(c);
        buffer_append(&c->out, line->data, line->size);
        return buffer_error(&c->out);
}

int channel_send(struct channel *c, struct buffer *line) {
        int r = 0;

        if (!c->closed && c->error == 0)
                r = channel_queue(c, line);
        buffer_wipe(line);
        if (r < 0) {
                channel_fail(c, r);
                return r;
        }

        if (c->closed || c->in_turn || c->watch.events & EPOLLOUT)
                return 0;
        r = channel_flush(c);
        if (r < 0)
                channel_fail(c, r);
        else if (channel_unsent(c) > 0)
                channel_watch(c);
        return 0; /* that the peer is gone, on_closed() tells */
}

size_t channel_request_open(struct channel *c) {
        size_t held = c->line_held;

        c->line_held = 0;
        c->held += held;
        c->n_open++;
        return held;
}

void channel_request_done(struct channel *c, size_t held) {
        assert(c->n_open > 0);
        assert(held <= c->held);

        c->n_open--;
        c->held -= held;
        channel_release(c, &held);
        if (c->more || c->eof || c->draining || !(c->watch.events & EPOLLIN))
                channel_wake(c);
}

void channel_drain(struct channel *c) {
        c->draining = true;
        channel_wake(c);
}

void channel_close(struct channel *c) {
        if (c->closed)
                return;

        c->closed = true;
        poller_remove(&c->watch);
        c->again = sd_event_source_disable_unref(c->again);
        channel_drop_input(c);
        channel_wipe_out(c);
        c->fd = fd_close(c->fd);
}

bool channel_is_closed(const struct channel *c) {
        return c->closed;
}
