/* SPDX-License-Identifier: MIT */
#include "channel-rig.h"

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

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_answer_after_half_close),
                unit(test_long_answer_after_half_close),
                unit(test_ways_to_leave),
                unit(test_leaves_much_behind),
                unit(test_vanishes_while_waiting),
                unit(test_sending_to_nobody),
                unit(test_out_of_memory_ends_the_connection),
                unit(test_close_from_within),
                unit(test_drain),
                unit(test_unref_with_a_turn_pending),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
