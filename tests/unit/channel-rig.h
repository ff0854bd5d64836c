/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A channel under test: over a socketpair, in a real loop, with handlers that check the order in
 * which they are called.
 */

#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "ipc/channel.h"

#define MAX_LINE ((size_t)1 << 20)

/* One channel under test, the far end of its socket, and what its handler was told. */
struct end {
        struct channel *channel;
        int fd; /* the peer's; non-blocking */
        void (*on_line)(struct end *e, const char *line, size_t size);
        unsigned n_lines, n_too_large, n_too_late, n_closed;
        uint64_t last_number;
        size_t last_size;
        int closed_with;
        unsigned depth; /* handlers must not nest */

        unsigned n_open; /* answered later, by finish() */
        size_t held;
        size_t answer_size;
        char log[256];
};

static sd_event *event;
static struct poller *poller;

static inline int setup(void **state) {
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(poller_new(event, &poller), 0);
        return 0;
}

static inline int teardown(void **state) {
        poller = poller_free(poller);
        event = sd_event_unref(event);
        return 0;
}

static inline void send_text(struct channel *c, const void *text, size_t size) {
        struct buffer b = { 0 };

        buffer_append(&b, text, size);
        assert_int_equal(channel_send(c, &b), 0);
        assert_null(b.data);
        assert_int_equal(b.size, 0);
}

static inline void on_line(struct channel *c, const char *line, size_t size, uint64_t number,
                           void *userdata) {
        struct end *e = userdata;

        assert_int_equal(e->depth++, 0);
        assert_int_equal(e->n_closed, 0);
        assert_true(number > e->last_number);
        e->last_number = number;
        e->last_size = size;
        e->n_lines++;
        e->on_line(e, line, size);
        e->depth--;
}

static inline void on_too_large(struct channel *c, uint64_t number, void *userdata) {
        struct end *e = userdata;

        assert_int_equal(e->depth, 0);
        assert_true(number > e->last_number);
        e->last_number = number;
        e->n_too_large++;
}

static inline void on_too_late(struct channel *c, uint64_t number, void *userdata) {
        struct end *e = userdata;

        assert_int_equal(e->depth, 0);
        assert_int_equal(e->n_closed, 0);
        assert_true(number > e->last_number);
        e->last_number = number;
        e->n_too_late++;
        send_text(c, "late", strlen("late"));
}

static inline void on_closed(struct channel *c, int r, void *userdata) {
        struct end *e = userdata;

        assert_int_equal(e->depth, 0);
        assert_true(channel_is_closed(c));
        e->n_closed++;
        e->closed_with = r;
}

static const struct channel_handler handler = {
        .on_line = on_line,
        .on_too_large = on_too_large,
        .on_too_late = on_too_late,
        .on_closed = on_closed,
};

static inline void end_init(struct end *e, const struct channel_options *options,
                            void (*line)(struct end *e, const char *line, size_t size)) {
        int fds[2];

        *e = (struct end){ .on_line = line };
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
                         0);
        e->fd = fds[0];
        assert_int_equal(channel_new(poller, fds[1], options, &handler, e, &e->channel), 0);
}

static inline void end_done(struct end *e) {
        e->channel = channel_unref(e->channel);
        e->fd = fd_close(e->fd);
}

/* Runs the loop until nothing is left to be done. */
static inline void run_idle(void) {
        unsigned n = 0;

        while (sd_event_run(event, 0) > 0)
                assert_true(++n < 100000); /* a busy loop */
}

static inline void echo(struct end *e, const char *line, size_t size) {
        send_text(e->channel, line, size);
}

static inline void echo_as_request(struct end *e, const char *line, size_t size) {
        size_t held = channel_request_open(e->channel);

        send_text(e->channel, line, size);
        channel_request_done(e->channel, held);
}

static inline void keep_open(struct end *e, const char *line, size_t size) {
        e->held += channel_request_open(e->channel);
        e->n_open++;
}

/* Answers one request that keep_open() has left, giving back all that is held. */
static inline void finish(struct end *e, const char *answer) {
        assert_true(e->n_open-- > 0);
        send_text(e->channel, answer, strlen(answer));
        channel_request_done(e->channel, e->held);
        e->held = 0;
}

static inline void put(struct end *e, const char *text) {
        assert_int_equal(send(e->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What the peer can read now, as text. Returns -1 at the end. */
static inline ssize_t get(struct end *e, char *to, size_t size) {
        ssize_t n = recv(e->fd, to, size - 1, 0);

        if (n < 0)
                assert_int_equal(errno, EAGAIN);
        if (n == 0)
                return -1;
        to[n > 0 ? n : 0] = 0;
        return n > 0 ? n : 0;
}

#define assert_gets(e, text) \
        do { \
                char got_[1024] = ""; \
                (void)get(e, got_, sizeof(got_)); \
                assert_string_equal(got_, text); \
        } while (false)

static const struct channel_options plain = { .max_line = MAX_LINE };

static inline void answer_much(struct end *e, const char *line, size_t size) {
        _cleanup_(freep) char *answer = malloc(e->answer_size);

        assert_non_null(answer);
        memset(answer, 'A', e->answer_size);
        send_text(e->channel, answer, e->answer_size);
}

/* All at once, as much as a socket holds. */
static inline void send_all(struct end *e, char c, size_t size) {
        static char chunk[64 << 10];

        assert_true(size <= sizeof(chunk));
        memset(chunk, c, sizeof(chunk));
        assert_int_equal(send(e->fd, chunk, size, MSG_NOSIGNAL), size);
}

static inline void put_long(struct end *e, char c, size_t size) {
        static char chunk[32 << 10];

        memset(chunk, c, sizeof(chunk));
        for (unsigned n_idle = 0; size > 0;) {
                ssize_t n = send(e->fd, chunk, size < sizeof(chunk) ? size : sizeof(chunk),
                                 MSG_NOSIGNAL);

                if (n > 0)
                        size -= (size_t)n;
                else
                        assert_true(n_idle++ < 10);
                run_idle();
        }
}

#define unit(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
