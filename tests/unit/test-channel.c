/* SPDX-License-Identifier: MIT */
#include "channel-rig.h"

#include <dirent.h>

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

/* Who never reads is not read from, and holds that much of answers and one more at most. */
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

/*
 * Two ends that both wait for the other to read before they read would do so for ever. So the one
 * that asks reads its answers however many questions the other has not read.
 */
static void test_who_asks_reads_on(void **state) {
        static char question[128 << 10];
        struct channel_options o = { .max_line = MAX_LINE, .asks = true };

        memset(question, 'q', sizeof(question));
        for (int asks = 0; asks < 2; asks++) {
                struct end e;

                o.asks = asks;
                end_init(&e, &o, keep_open);
                while (channel_unsent(e.channel) <= CHANNEL_OUT_HIGH)
                        send_text(e.channel, question, sizeof(question));
                for (unsigned i = 0; i < 10; i++)
                        put(&e, "answer\n");
                run_idle();
                assert_int_equal(e.n_lines, asks ? 10 : 0);
                end_done(&e);
        }
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

int main(void) {
        const struct CMUnitTest tests[] = {
                unit(test_lines_come_and_go),
                unit(test_one_byte_at_a_time),
                unit(test_ten_thousand_pipelined_lines),
                unit(test_flood_does_not_starve_others),
                unit(test_peer_that_never_reads),
                unit(test_who_asks_reads_on),
                unit(test_open_requests_stop_the_reading),
                unit(test_line_limit),
                unit(test_sent_descriptors_are_discarded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
