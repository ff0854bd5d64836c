/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "ipc/channel.h"
#include "ipc/quota.h"

#define MAX_LINE ((size_t)1 << 20)

/* One channel under test, the far end of its socket, and what its handler was told. */
struct end {
        struct channel *channel;
        int fd; /* the peer's; non-blocking */
        void (*on_line)(struct end *e, const char *line, size_t size);
        unsigned n_lines, n_too_large, n_closed;
        uint64_t last_number;
        size_t last_size;
        int closed_with;
        unsigned depth; /* handlers must not nest */

        unsigned n_open; /* answered later, by finish() */
        size_t held;
        size_t answer_size;
        bool out_of_order;
        char log[256];
};

static sd_event *event;
static struct poller *poller;

static int setup(void **state) {
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(poller_new(event, &poller), 0);
        return 0;
}

static int teardown(void **state) {
        poller = poller_free(poller);
        event = sd_event_unref(event);
        return 0;
}

static void on_line(struct channel *c, const char *line, size_t size, uint64_t number,
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

static void on_too_large(struct channel *c, uint64_t number, void *userdata) {
        struct end *e = userdata;

        assert_int_equal(e->depth, 0);
        assert_true(number > e->last_number);
        e->last_number = number;
        e->n_too_large++;
}

static void on_closed(struct channel *c, int r, void *userdata) {
        struct end *e = userdata;

        assert_int_equal(e->depth, 0);
        assert_true(channel_is_closed(c));
        assert_int_equal(channel_fd(c), -1);
        e->n_closed++;
        e->closed_with = r;
}

static const struct channel_handler handler = {
        .on_line = on_line,
        .on_too_large = on_too_large,
        .on_closed = on_closed,
};

static void end_init(struct end *e, const struct channel_options *options,
                     void (*line)(struct end *e, const char *line, size_t size)) {
        int fds[2];

        *e = (struct end){ .on_line = line };
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
                         0);
        e->fd = fds[0];
        assert_int_equal(channel_new(poller, fds[1], options, &handler, e, &e->channel), 0);
}

static void end_done(struct end *e) {
        e->channel = channel_unref(e->channel);
        e->fd = fd_close(e->fd);
}

/* Runs the loop until nothing is left to be done. */
static void run_idle(void) {
        unsigned n = 0;

        while (sd_event_run(event, 0) > 0)
                assert_true(++n < 100000); /* a busy loop */
}

static void send_text(struct channel *c, const void *text, size_t size) {
        struct buffer b = { 0 };

        buffer_append(&b, text, size);
        assert_int_equal(channel_send(c, &b), 0);
        assert_null(b.data);
        assert_int_equal(b.size, 0);
}

static void echo(struct end *e, const char *line, size_t size) {
        send_text(e->channel, line, size);
}

static void echo_as_request(struct end *e, const char *line, size_t size) {
        size_t held = channel_request_open(e->channel);

        send_text(e->channel, line, size);
        channel_request_done(e->channel, held);
}

static void keep_open(struct end *e, const char *line, size_t size) {
        e->held += channel_request_open(e->channel);
        e->n_open++;
}

/* Answers one request that keep_open() has left, giving back all that is held. */
static void finish(struct end *e, const char *answer) {
        assert_true(e->n_open-- > 0);
        send_text(e->channel, answer, strlen(answer));
        channel_request_done(e->channel, e->held);
        e->held = 0;
}

static void put(struct end *e, const char *text) {
        assert_int_equal(send(e->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What the peer can read now, as text. Returns -1 at the end. */
static ssize_t get(struct end *e, char *to, size_t size) {
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

static void test_lines_come_and_go(void **state) {
        struct end e;

        end_init(&e, &plain, echo);
        put(&e, "one\r\n\ntwo\nthr");
        assert_int_equal(e.n_lines, 0); /* from the loop only */
        run_idle();
        assert_gets(&e, "one\ntwo\n");
        assert_int_equal(e.last_number, 3);
        put(&e, "ee\n");
        run_idle();
        assert_gets(&e, "three\n");

        /* Unasked, from outside of a handler: on its way at once. */
        send_text(e.channel, "note", 4);
        assert_gets(&e, "note\n");
        send_text(e.channel, "", 0);
        assert_gets(&e, "\n");
        end_done(&e);
}

static void test_one_byte_at_a_time(void **state) {
        struct end e;

        end_init(&e, &plain, echo);
        for (const char *c = "{\"op\":\"ping\"}\r\n{}\n"; *c; c++) {
                put(&e, (char[]){ *c, 0 });
                run_idle();
        }
        assert_gets(&e, "{\"op\":\"ping\"}\n{}\n");
        end_done(&e);
}

/* All in one write: no recursion, no line lost, none out of order, whatever the limit. */
static void pipeline(unsigned max_open,
                     void (*line)(struct end *e, const char *line, size_t size)) {
        const struct channel_options o = { .max_line = MAX_LINE, .max_open = max_open };
        _cleanup_(buffer_done) struct buffer sent = { 0 }, got = { 0 };
        struct end e;
        size_t n_put = 0;
        int n_idle = 0;

        for (int i = 0; i < 10000; i++)
                buffer_printf(&sent, "{\"id\":%d}\n", i);
        end_init(&e, &o, line);
        while (got.size < sent.size) {
                ssize_t n = send(e.fd, sent.data + n_put, sent.size - n_put, MSG_NOSIGNAL);
                char chunk[4096];

                if (n > 0)
                        n_put += (size_t)n;
                if (sd_event_run(event, 0) == 0 && n <= 0)
                        assert_true(n_idle++ < 1000);
                if (e.n_open > 0)
                        finish(&e, e.log);
                while ((n = get(&e, chunk, sizeof(chunk))) > 0)
                        buffer_append(&got, chunk, (size_t)n);
        }
        assert_int_equal(e.n_lines, 10000);
        assert_int_equal(got.size, sent.size);
        assert_memory_equal(got.data, sent.data, sent.size);
        end_done(&e);
}

static void remember(struct end *e, const char *line, size_t size) {
        keep_open(e, line, size);
        memcpy(e->log, line, size);
        e->log[size] = 0;
}

static void test_ten_thousand_pipelined_lines(void **state) {
        pipeline(0, echo);
        pipeline(1, echo_as_request);
        pipeline(64, echo_as_request);
        pipeline(1, remember);
}

/* One who floods does not keep another waiting: a few turns, not ten thousand lines. */
static void test_flood_does_not_starve_others(void **state) {
        static char flood[60000];
        struct end a, b;
        char got[16];

        for (size_t i = 0; i < sizeof(flood); i += 2)
                memcpy(flood + i, "a\n", 2);
        end_init(&a, &plain, echo);
        end_init(&b, &plain, echo);
        assert_int_equal(send(a.fd, flood, sizeof(flood), 0), sizeof(flood));
        assert_true(sd_event_run(event, 0) > 0);
        assert_true(a.n_lines > 0 && a.n_lines < 1000);
        put(&b, "b\n");
        for (int i = 0; i < 6; i++)
                assert_true(sd_event_run(event, 0) > 0);
        assert_int_equal(get(&b, got, sizeof(got)), 2);
        assert_true(a.n_lines < sizeof(flood) / 2);
        run_idle();
        assert_int_equal(a.n_lines, sizeof(flood) / 2);
        end_done(&a);
        end_done(&b);
}

static void answer_much(struct end *e, const char *line, size_t size) {
        _cleanup_(freep) char *answer = malloc(e->answer_size);

        assert_non_null(answer);
        memset(answer, 'A', e->answer_size);
        send_text(e->channel, answer, e->answer_size);
}

/* Who never reads is not read from, and holds a megabyte of answers and one more at most. */
static void test_peer_that_never_reads(void **state) {
        size_t n_put = 0, n_taken, n_got = 0;
        static char chunk[64 << 10];
        struct end e;
        ssize_t n;

        end_init(&e, &plain, answer_much);
        e.answer_size = 10000;
        for (int idle = 0; idle < 3; idle++)
                while (send(e.fd, "{}\n", 3, MSG_NOSIGNAL) == 3) {
                        assert_true(++n_put < 100000);
                        if (n_put % 1000 == 0)
                                run_idle();
                        idle = 0;
                }
        run_idle();
        n_taken = e.n_lines;
        assert_true(n_taken * e.answer_size < CHANNEL_OUT_HIGH + 20000 + (1 << 20) /* kernel */);
        assert_true(n_taken < n_put);
        assert_int_equal(e.n_closed, 0);

        /* It comes to its senses, and nothing was dropped. */
        while (n_got < n_put * (e.answer_size + 1)) {
                run_idle();
                n = get(&e, chunk, sizeof(chunk));
                assert_true(n > 0);
                n_got += (size_t)n;
        }
        run_idle();
        assert_int_equal(e.n_lines, n_put);
        end_done(&e);
}

static void test_answer_after_half_close(void **state) {
        struct end e;

        end_init(&e, &plain, keep_open);
        put(&e, "a\nb\nunfinished");
        assert_int_equal(shutdown(e.fd, SHUT_WR), 0);
        run_idle(); /* which also ends: a half-closed peer does not spin the loop */
        assert_int_equal(e.n_lines, 2);
        assert_int_equal(e.n_closed, 0);
        finish(&e, "first");
        run_idle();
        assert_gets(&e, "first\n");
        assert_int_equal(e.n_closed, 0);
        finish(&e, "second");
        assert_int_equal(e.n_closed, 0); /* never from within */
        run_idle();
        assert_gets(&e, "second\n");
        assert_int_equal(e.n_closed, 1);
        assert_int_equal(e.closed_with, 0);
        assert_int_equal(get(&e, e.log, sizeof(e.log)), -1);
        end_done(&e);
}

/* Half-closed, with more owed than the socket takes at once. */
static void test_long_answer_after_half_close(void **state) {
        static char chunk[64 << 10];
        size_t n_got = 0;
        struct end e;
        ssize_t n;

        end_init(&e, &plain, answer_much);
        e.answer_size = 5 << 20;
        put(&e, "a\nb\n");
        assert_int_equal(shutdown(e.fd, SHUT_WR), 0);
        for (;;) {
                run_idle();
                n = get(&e, chunk, sizeof(chunk));
                if (n <= 0)
                        break;
                n_got += (size_t)n;
        }
        assert_int_equal(n, -1);
        assert_int_equal(n_got, 2 * (e.answer_size + 1));
        assert_int_equal(e.n_closed, 1);
        assert_int_equal(e.closed_with, 0);
        end_done(&e);
}

static void test_ways_to_leave(void **state) {
        static const struct {
                const char *sent;
                bool half; /* shutdown() before close() */
                unsigned n_lines;
                int r;      /* with echo() */
                int r_open; /* with keep_open() */
        } cases[] = {
                { "", false, 0, 0, 0 },
                { "half a line", false, 0, 0, 0 },
                { "half a line", true, 0, 0, 0 },
                { "\n\n", false, 0, 0, 0 },
                { "a\n", false, 1, -EPIPE, -ECONNRESET },
                { "a\n", true, 1, -EPIPE, -ECONNRESET },
                { "a\nb\nhalf a line", false, 2, -EPIPE, -ECONNRESET },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases) * 2; i++) {
                bool open = i % 2 == 1;
                struct end e;

                end_init(&e, &plain, open ? keep_open : echo);
                put(&e, cases[i / 2].sent);
                if (cases[i / 2].half)
                        assert_int_equal(shutdown(e.fd, SHUT_WR), 0);
                e.fd = fd_close(e.fd);
                run_idle();
                assert_int_equal(e.n_lines, cases[i / 2].n_lines);
                assert_int_equal(e.n_closed, 1);
                assert_int_equal(e.closed_with, open ? cases[i / 2].r_open : cases[i / 2].r);
                while (e.n_open > 0)
                        finish(&e, "to nobody");
                run_idle();
                assert_int_equal(e.n_closed, 1);
                end_done(&e);
        }
}

/* What was sent in time is handed up, though the sender has gone and it takes several turns. */
static void test_leaves_much_behind(void **state) {
        struct end e;
        unsigned n = 0;

        end_init(&e, &plain, keep_open);
        while (n < 5000 && send(e.fd, "{}\n{}\n{}\n{}\n{}\n", 15, MSG_NOSIGNAL) == 15)
                n += 5;
        assert_true(n > 500);
        e.fd = fd_close(e.fd);
        run_idle();
        assert_int_equal(e.n_lines, n);
        assert_int_equal(e.n_closed, 1);
        assert_int_equal(e.closed_with, -ECONNRESET);
        end_done(&e);
}

/* The peer goes while it is not being read from: at the limit, and after it half-closed. */
static void test_vanishes_while_waiting(void **state) {
        const struct channel_options o = { .max_line = MAX_LINE, .max_open = 1 };

        for (int half = 0; half < 2; half++) {
                struct end e;

                end_init(&e, &o, keep_open);
                put(&e, "a\nb\n");
                if (half)
                        assert_int_equal(shutdown(e.fd, SHUT_WR), 0);
                run_idle();
                assert_int_equal(e.n_lines, 1);
                assert_int_equal(e.n_closed, 0);
                e.fd = fd_close(e.fd);
                run_idle();
                assert_int_equal(e.n_closed, 1);
                assert_int_equal(e.closed_with, -ECONNRESET);
                assert_int_equal(e.n_lines, 1);
                finish(&e, "to nobody");
                end_done(&e);
        }
}

/* It is told once, from the loop, though it was seen inside channel_send(). */
static void test_sending_to_nobody(void **state) {
        struct end e;

        end_init(&e, &plain, echo);
        e.fd = fd_close(e.fd);
        for (int i = 0; i < 3; i++) {
                send_text(e.channel, "x", 1);
                assert_int_equal(e.n_closed, 0);
        }
        run_idle();
        assert_int_equal(e.n_closed, 1);
        assert_int_equal(e.closed_with, -EPIPE);
        send_text(e.channel, "x", 1);
        run_idle();
        assert_int_equal(e.n_closed, 1);
        end_done(&e);
}

static void test_out_of_memory_ends_the_connection(void **state) {
        struct buffer b = { .failed = true };
        struct end e;

        end_init(&e, &plain, echo);
        assert_int_equal(channel_send(e.channel, &b), -ENOMEM);
        assert_false(b.failed);
        assert_int_equal(e.n_closed, 0);
        run_idle();
        assert_int_equal(e.n_closed, 1);
        assert_int_equal(e.closed_with, -ENOMEM);
        end_done(&e);
}

static void test_open_requests_stop_the_reading(void **state) {
        const struct channel_options o = { .max_line = MAX_LINE, .max_open = 3 };
        struct end e;

        end_init(&e, &o, keep_open);
        for (int i = 0; i < 10; i++)
                put(&e, "x\n");
        run_idle();
        assert_int_equal(e.n_lines, 3);
        for (unsigned i = 0; i < 10; i++) {
                unsigned n_before = e.n_lines;

                finish(&e, "y");
                assert_int_equal(e.n_lines, n_before); /* later, from the loop */
                run_idle();
                assert_int_equal(e.n_lines, i + 4 < 10 ? i + 4 : 10);
        }

        /* It reads on, as far as the limit: the rest stays in the kernel, which has one too. */
        for (unsigned n = 0; send(e.fd, "x\n", 2, MSG_NOSIGNAL) == 2; n++) {
                assert_true(n < 100000);
                run_idle();
        }
        assert_int_equal(e.n_lines, 13);
        end_done(&e);
}

/* All at once, as much as a socket holds. */
static void send_all(struct end *e, char c, size_t size) {
        static char chunk[64 << 10];

        assert_true(size <= sizeof(chunk));
        memset(chunk, c, sizeof(chunk));
        assert_int_equal(send(e->fd, chunk, size, MSG_NOSIGNAL), size);
}

static void put_long(struct end *e, char c, size_t size) {
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

static void test_line_limit(void **state) {
        const struct channel_options o = { .max_line = 100000 };
        struct end e;

        end_init(&e, &o, keep_open);
        put_long(&e, 'x', 100000);
        put(&e, "\n");
        run_idle();
        assert_int_equal(e.n_lines, 1);
        assert_int_equal(e.last_size, 100000);

        put_long(&e, 'x', 100001);
        assert_int_equal(e.n_too_large, 1);
        put_long(&e, 'x', 1000000);
        put(&e, "\nx\n");
        run_idle();
        assert_int_equal(e.n_too_large, 1);
        assert_int_equal(e.n_lines, 2);
        assert_int_equal(e.last_number, 3);
        end_done(&e);
}

/* Whether so much, and no more, is free. */
static void assert_room(struct quota *q, size_t size) {
        struct quota_waiter a = { 0 }, b = { 0 };

        assert_true(quota_reserve(q, size, &a));
        assert_false(quota_reserve(q, 1, &b));
        quota_forget(q, &b);
        quota_release(q, size);
}

static void test_only_long_lines_are_counted(void **state) {
        static const struct {
                size_t size;
                size_t held;
        } cases[] = {
                { 1, 0 },
                { QUOTA_FREE_LINE, 0 },
                { QUOTA_FREE_LINE + 1, QUOTA_FREE_LINE + 1 },
                { 500000, 500000 },
                { MAX_LINE, MAX_LINE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases) * 2; i++) {
                size_t size = cases[i / 2].size, held = cases[i / 2].held;
                _cleanup_(quota_unrefp) struct quota *q = NULL;
                struct channel_options o = { .max_line = MAX_LINE };
                bool open = i % 2 == 1;
                struct end e;

                assert_int_equal(quota_new(2 * MAX_LINE, &q), 0);
                o.quota = q;
                end_init(&e, &o, open ? keep_open : echo);
                put_long(&e, 'x', size);
                if (size > QUOTA_FREE_LINE) /* half-read: all that it may become */
                        assert_room(q, MAX_LINE);
                put(&e, "\r\n");
                run_idle();
                assert_int_equal(e.n_lines, 1);
                assert_int_equal(e.last_size, size);
                assert_int_equal(e.held, open ? held : 0);
                assert_room(q, 2 * MAX_LINE - (open ? held : 0));
                if (open)
                        finish(&e, "done");
                assert_room(q, 2 * MAX_LINE);
                end_done(&e);
        }
}

/* One read does not slip a long line past the quota: neither its beginning nor its end. */
static void test_long_line_that_comes_in_two(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct channel_options o = { .max_line = MAX_LINE };
        struct end e;

        assert_int_equal(quota_new(MAX_LINE, &q), 0);
        o.quota = q;
        end_init(&e, &o, keep_open);
        put_long(&e, 'x', 60000);
        send_all(&e, 'y', 60000);
        put(&e, "\n");
        run_idle();
        assert_int_equal(e.last_size, 120000);
        assert_int_equal(e.held, 120000);
        end_done(&e);
}

/* Nobody will end a line that was half-read when its sender half-closed. */
static void test_unfinished_line_gives_the_quota_back(void **state) {
        for (int way = 0; way < 2; way++) {
                _cleanup_(quota_unrefp) struct quota *q = NULL;
                struct channel_options o = { .max_line = MAX_LINE };
                struct end e;

                assert_int_equal(quota_new(MAX_LINE, &q), 0);
                o.quota = q;
                end_init(&e, &o, keep_open);
                put(&e, "a\n");
                put_long(&e, 'x', 200000);
                if (way == 0)
                        assert_int_equal(shutdown(e.fd, SHUT_WR), 0);
                else
                        channel_drain(e.channel);
                run_idle();
                assert_room(q, MAX_LINE);
                assert_int_equal(e.n_closed, 0);
                finish(&e, "done");
                run_idle();
                assert_int_equal(e.n_closed, 1);
                assert_int_equal(e.closed_with, 0);
                end_done(&e);
        }
}

static void test_long_line_waits_for_its_turn(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct channel_options o = { .max_line = MAX_LINE };
        struct end a, b, c;

        assert_int_equal(quota_new(MAX_LINE + 1000, &q), 0);
        o.quota = q;
        end_init(&a, &o, keep_open);
        end_init(&b, &o, keep_open);
        end_init(&c, &o, echo);

        put_long(&a, 'a', 100000);
        put_long(&b, 'b', QUOTA_FREE_LINE + 1); /* no room: stays where it is */
        put(&b, "bbb\nnext\n");
        put(&c, "short\n");
        run_idle();
        assert_int_equal(b.n_lines, 0);
        assert_gets(&c, "short\n"); /* others of the same uid go on */

        put(&a, "\n");
        run_idle();
        assert_int_equal(a.n_lines, 1);
        assert_int_equal(b.n_lines, 0); /* 100000 are still held */
        finish(&a, "done");
        assert_int_equal(b.n_lines, 0);
        run_idle();
        assert_int_equal(b.n_lines, 2);
        assert_int_equal(b.last_size, 4);
        assert_int_equal(b.held, QUOTA_FREE_LINE + 4);

        end_done(&a);
        end_done(&b);
        end_done(&c);
        assert_room(q, MAX_LINE + 1000);
}

/* Reading, waiting, handed up: wherever a long line is, closing gives its bytes back. */
static void test_closing_gives_the_quota_back(void **state) {
        for (int way = 0; way < 3; way++) {
                _cleanup_(quota_unrefp) struct quota *q = NULL;
                struct channel_options o = { .max_line = MAX_LINE };
                struct end reading, waiting;

                assert_int_equal(quota_new(MAX_LINE, &q), 0);
                o.quota = q;
                end_init(&reading, &o, echo);
                end_init(&waiting, &o, keep_open);
                put_long(&reading, 'x', 200000);
                put_long(&waiting, 'x', QUOTA_FREE_LINE + 1);
                put(&waiting, "\n");
                run_idle();
                assert_int_equal(waiting.n_lines, 0);

                if (way == 0)
                        channel_close(reading.channel);
                else if (way == 1)
                        channel_drain(reading.channel);
                else
                        reading.fd = fd_close(reading.fd);
                run_idle();
                assert_int_equal(reading.n_closed, way > 0);
                assert_int_equal(waiting.n_lines, 1);
                end_done(&reading);

                /* What a request holds, it holds beyond the connection's end. */
                channel_close(waiting.channel);
                assert_room(q, MAX_LINE - (QUOTA_FREE_LINE + 1));
                if (way == 0)
                        finish(&waiting, "to nobody");
                end_done(&waiting);
                assert_room(q, MAX_LINE);
        }
}

static void test_waiter_that_leaves(void **state) {
        for (int way = 0; way < 3; way++) {
                _cleanup_(quota_unrefp) struct quota *q = NULL;
                struct channel_options o = { .max_line = MAX_LINE };
                struct end reading, waiting;

                assert_int_equal(quota_new(MAX_LINE, &q), 0);
                o.quota = q;
                end_init(&reading, &o, echo);
                end_init(&waiting, &o, echo);
                put_long(&reading, 'x', 200000);
                put_long(&waiting, 'x', 100000);
                if (way == 0)
                        channel_close(waiting.channel);
                else if (way == 1)
                        channel_drain(waiting.channel);
                else
                        waiting.fd = fd_close(waiting.fd);
                run_idle();
                assert_true(channel_is_closed(waiting.channel));
                end_done(&reading);
                assert_room(q, MAX_LINE);
                end_done(&waiting);
        }
}

static void test_refused_line_gives_the_quota_back(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct channel_options o = { .max_line = MAX_LINE };
        struct end e;

        assert_int_equal(quota_new(MAX_LINE, &q), 0);
        o.quota = q;
        end_init(&e, &o, echo);
        put_long(&e, 'x', MAX_LINE);
        assert_int_equal(e.n_too_large, 0);
        put_long(&e, 'x', 2);
        assert_int_equal(e.n_too_large, 1);
        assert_room(q, MAX_LINE);
        put_long(&e, 'x', MAX_LINE * 3);
        assert_room(q, MAX_LINE);
        put(&e, "\nok\n");
        run_idle();
        assert_gets(&e, "ok\n");
        end_done(&e);
}

static void close_now(struct end *e, const char *line, size_t size) {
        send_text(e->channel, line, size);
        channel_close(e->channel);
        assert_int_equal(line[0], 'a'); /* still borrowed */
        send_text(e->channel, line, size);
        e->channel = channel_unref(e->channel);
}

static void test_close_from_within(void **state) {
        struct end e;

        end_init(&e, &plain, close_now);
        put(&e, "a\nb\nc\n");
        run_idle();
        assert_int_equal(e.n_lines, 1);
        assert_int_equal(e.n_closed, 0);
        assert_int_equal(get(&e, e.log, sizeof(e.log)), -1);
        end_done(&e);
}

static void drain_now(struct end *e, const char *line, size_t size) {
        send_text(e->channel, line, size);
        channel_drain(e->channel);
        assert_int_equal(line[0], 'a');
        if (e->answer_size > 0)
                keep_open(e, line, size);
}

/* What is owed is still given, what is not yet taken up stays away. */
static void test_drain(void **state) {
        for (int open = 0; open < 2; open++) {
                char got[16];
                struct end e;

                end_init(&e, &plain, drain_now);
                e.answer_size = (size_t)open;
                put(&e, "a\nb\nc\n");
                run_idle();
                assert_int_equal(e.n_lines, 1);
                if (open) {
                        assert_int_equal(e.n_closed, 0);
                        finish(&e, "later");
                        run_idle();
                }
                assert_int_equal(e.n_closed, 1);
                assert_int_equal(e.closed_with, 0);
                assert_int_equal(get(&e, got, sizeof(got)), open ? 8 : 2);
                assert_string_equal(got, open ? "a\nlater\n" : "a\n");
                end_done(&e);
        }
}

static unsigned count_fds(void) {
        DIR *d = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

/* Descriptors that a peer sends along are not taken in. */
static void test_sent_descriptors_are_discarded(void **state) {
        union {
                char bytes[CMSG_SPACE(100 * sizeof(int))];
                struct cmsghdr align;
        } control = { 0 };
        struct iovec part = { .iov_base = (char[]){ "x\n" }, .iov_len = 2 };
        struct msghdr m = {
                .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = control.bytes,
                .msg_controllen = sizeof(control.bytes),
        };
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        unsigned n_before;
        struct end e;

        end_init(&e, &plain, keep_open);
        n_before = count_fds();
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(100 * sizeof(int));
        for (int i = 0; i < 100; i++)
                memcpy((int *)(void *)CMSG_DATA(h) + i, &e.fd, sizeof(int));
        for (unsigned i = 0; i < 100; i++) {
                assert_int_equal(sendmsg(e.fd, &m, MSG_NOSIGNAL), 2);
                run_idle();
        }
        assert_int_equal(e.n_lines, 100);
        assert_int_equal(count_fds(), n_before);
        end_done(&e);
}

/* As long as the loop has not run, nothing was read, nobody was told, and nothing leaks. */
static void test_unref_with_a_turn_pending(void **state) {
        const struct channel_options o = { .max_line = MAX_LINE, .max_open = 1 };
        struct end e;

        end_init(&e, &o, keep_open);
        put(&e, "a\nb\n");
        run_idle();
        finish(&e, "now a turn is due");
        end_done(&e);
        run_idle();
        assert_int_equal(e.n_lines, 1);
        assert_int_equal(e.n_closed, 0);
}

#define unit(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_lines_come_and_go),
                unit(test_one_byte_at_a_time),
                unit(test_ten_thousand_pipelined_lines),
                unit(test_flood_does_not_starve_others),
                unit(test_peer_that_never_reads),
                unit(test_answer_after_half_close),
                unit(test_long_answer_after_half_close),
                unit(test_ways_to_leave),
                unit(test_leaves_much_behind),
                unit(test_vanishes_while_waiting),
                unit(test_sending_to_nobody),
                unit(test_out_of_memory_ends_the_connection),
                unit(test_open_requests_stop_the_reading),
                unit(test_line_limit),
                unit(test_only_long_lines_are_counted),
                unit(test_long_line_that_comes_in_two),
                unit(test_unfinished_line_gives_the_quota_back),
                unit(test_long_line_waits_for_its_turn),
                unit(test_closing_gives_the_quota_back),
                unit(test_waiter_that_leaves),
                unit(test_refused_line_gives_the_quota_back),
                unit(test_close_from_within),
                unit(test_drain),
                unit(test_sent_descriptors_are_discarded),
                unit(test_unref_with_a_turn_pending),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
