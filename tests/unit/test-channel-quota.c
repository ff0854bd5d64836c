/* SPDX-License-Identifier: MIT */
#include "channel-rig.h"

#include "ipc/quota.h"

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

/* Until the timer of the one unfinished line, or what else there is, has come. */
static void run_until_late(struct end *e) {
        while (e->n_too_late == 0)
                assert_true(sd_event_run(event, UINT64_MAX) > 0);
        run_idle();
}

/* Half a line and then silence: others get the room, and the connection goes on behind the line. */
static void test_unfinished_line_has_its_time(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct channel_options o = { .max_line = MAX_LINE, .line_timeout_usec = 1000 };
        struct end half, waiting;

        assert_int_equal(quota_new(MAX_LINE, &q), 0);
        o.quota = q;
        end_init(&half, &o, echo);
        put(&half, "first\n");
        send_all(&half, 'x', 60000);
        send_all(&half, 'x', 60000);
        o.line_timeout_usec = 0;
        end_init(&waiting, &o, keep_open);
        run_until_late(&half);
        assert_int_equal(half.n_lines, 1);
        assert_int_equal(half.last_number, 2);
        assert_gets(&half, "first\nlate\n");

        put_long(&waiting, 'y', 2 * QUOTA_FREE_LINE);
        put(&waiting, "\n");
        run_idle();
        assert_int_equal(waiting.n_lines, 1);
        finish(&waiting, "done");

        put_long(&half, 'x', MAX_LINE * 2); /* the rest of it is nobody's any more */
        put(&half, "\nnext\n");
        run_idle();
        assert_gets(&half, "next\n");
        assert_int_equal(half.last_number, 3);
        assert_int_equal(half.n_too_late, 1);
        assert_room(q, MAX_LINE);
        end_done(&half);
        end_done(&waiting);
}

/* What is there when the time is over counts. */
static void test_line_that_comes_in_time(void **state) {
        _cleanup_(quota_unrefp) struct quota *q = NULL;
        struct channel_options o = { .max_line = MAX_LINE, .line_timeout_usec = 1 };
        struct end e;

        assert_int_equal(quota_new(MAX_LINE, &q), 0);
        o.quota = q;
        end_init(&e, &o, keep_open);
        for (unsigned n = 1; n <= 3; n++) {
                send_all(&e, 'x', 64 << 10);
                send_all(&e, 'x', 60000);
                assert_true(sd_event_run(event, 0) > 0); /* reads half of it */
                put(&e, "\n");
                assert_int_equal(e.n_lines, n - 1);
                run_idle();
                assert_int_equal(e.n_lines, n);
                finish(&e, "done");
        }
        run_idle();
        assert_int_equal(e.n_too_late, 0);
        assert_room(q, MAX_LINE);
        end_done(&e);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_only_long_lines_are_counted),
                unit(test_long_line_that_comes_in_two),
                unit(test_unfinished_line_gives_the_quota_back),
                unit(test_long_line_waits_for_its_turn),
                unit(test_closing_gives_the_quota_back),
                unit(test_waiter_that_leaves),
                unit(test_refused_line_gives_the_quota_back),
                unit(test_unfinished_line_has_its_time),
                unit(test_line_that_comes_in_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
