/* SPDX-License-Identifier: MIT */
/*
 * The life of calls beside each other: connections shared, times over, ends from every side, and
 * nothing ever sent twice.
 */
#include "test.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http-fixture.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

#define N_MANY 200

static bool serve(struct upstream_request *q) {
        if (strcmp(q->path, "/hang-in-body") == 0)
                upstream_puts(q, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
        if (strncmp(q->path, "/hang", 5) == 0) {
                upstream_hang(q);
                return false;
        }

        upstream_read_body(q, NULL, 0);
        if (strcmp(q->path, "/gate") == 0)
                upstream_wait_gate(q);
        if (strcmp(q->path, "/swallow") == 0 && q->n_request > 1)
                return false;
        upstream_puts(q, OK);
        return strcmp(q->path, "/leave") != 0;
}

static void assert_answered(struct try *t) {
        if (t->response.failure != HTTP_ANSWERED)
                fail_msg("failure %d: %s", (int)t->response.failure, t->response.reason);
        assert_int_equal(t->n_done, 1);
        assert_int_equal(t->n_leaving, 1);
}

static void test_a_connection_is_used_again(void **state) {
        struct fixture f;

        fixture_init(&f, serve, NULL);
        for (int i = 0; i < 5; i++) {
                struct try t;

                try_get(&t, &f, "/");
                assert_answered(&t);
                try_done(&t);
        }
        assert_int_equal(upstream_connections(f.upstream), 1);
        fixture_done(&f);
}

/* The upstream reads the second request whole and closes: it may have carried it out. */
static void test_nothing_is_sent_twice(void **state) {
        static const struct {
                size_t body_size;
                bool repeatable;
                enum http_failure failure;
                int n_requests, n_connections;
        } cases[] = {
                { 0, false, HTTP_NO_ANSWER, 2, 1 },       { 100, false, HTTP_NO_ANSWER, 2, 1 },
                { 1000000, false, HTTP_NO_ANSWER, 2, 1 }, { 0, true, HTTP_ANSWERED, 3, 2 },
                { 100, true, HTTP_ANSWERED, 3, 2 },       { 1000000, true, HTTP_ANSWERED, 3, 2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct fixture f;
                struct try t;

                fixture_init(&f, serve, NULL);
                try_get(&t, &f, "/swallow");
                assert_answered(&t);
                try_done(&t);

                try_init(&t, &f, "POST", "/swallow");
                t.request.repeatable = cases[i].repeatable;
                for (size_t n = 0; n < cases[i].body_size; n++)
                        try_body(&t, "a", 1);
                try_start(&t);
                try_wait(&t);
                assert_int_equal(t.response.failure, cases[i].failure);
                assert_true(t.response.left);
                assert_int_equal(t.n_leaving, 1);
                assert_int_equal(upstream_requests(f.upstream), cases[i].n_requests);
                /* A new connection may be tried before the repeat is stopped. */
                assert_in_range(upstream_connections(f.upstream), cases[i].n_connections, 2);
                try_done(&t);
                fixture_done(&f);
        }
}

/* A connection that died while it was idle is seen to be dead, and nobody hears of it. */
static void test_a_dead_connection_is_not_used(void **state) {
        struct fixture f;

        fixture_init(&f, serve, NULL);
        for (int i = 1; i <= 3; i++) {
                struct try t;

                try_get(&t, &f, "/leave");
                assert_answered(&t);
                try_done(&t);
                upstream_wait_closed(f.upstream, i);
        }
        assert_int_equal(upstream_requests(f.upstream), 3);
        fixture_done(&f);
}

static void test_one_slow_call_delays_no_other(void **state) {
        static struct try many[N_MANY];
        struct try slow;
        struct fixture f;

        fixture_init(&f, serve, NULL);
        try_init(&slow, &f, "GET", "/gate");
        try_start(&slow);
        for (size_t i = 0; i < N_MANY; i++) {
                try_init(&many[i], &f, "POST", "/");
                try_start(&many[i]);
        }
        for (size_t i = 0; i < N_MANY; i++) {
                try_wait(&many[i]);
                assert_answered(&many[i]);
                try_done(&many[i]);
        }
        assert_int_equal(slow.n_done, 0);
        upstream_open_gate(f.upstream);
        try_wait(&slow);
        assert_answered(&slow);
        try_done(&slow);
        fixture_done(&f);
}

static void test_connections_have_a_limit(void **state) {
        struct http_options options = default_options;
        struct try many[20];
        struct fixture f;

        options.max_connections_per_host = 3;
        fixture_init(&f, serve, &options);
        for (size_t i = 0; i < ELEMENTSOF(many); i++) {
                try_init(&many[i], &f, "GET", "/");
                try_start(&many[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(many); i++) {
                try_wait(&many[i]);
                assert_answered(&many[i]);
                try_done(&many[i]);
        }
        assert_in_range(upstream_connections(f.upstream), 1, 3);
        fixture_done(&f);
}

/* On a busy machine that may be over before anything has left: then it is tried with more. */
#define SHORT (50 * USEC_PER_MSEC)
#define LONG_ENOUGH (60 * USEC_PER_SEC)

/* What a request comes to that gets no whole answer: whether it is that it left, and this reason. */
static bool times_out(upstream_serve_fn *upstream, const char *path, size_t body_size,
                      const struct http_options *options, const char *reason) {
        static char block[65536];
        struct fixture f;
        struct try t;
        bool r;

        fixture_init(&f, upstream, options);
        try_init(&t, &f, "POST", path);
        for (size_t n; body_size > 0; body_size -= n) {
                n = body_size < sizeof(block) ? body_size : sizeof(block);
                try_body(&t, block, n);
        }
        try_start(&t);
        try_wait(&t);
        r = t.response.failure == HTTP_ANSWER_TIMEOUT && t.response.left &&
            strcmp(t.response.reason, reason) == 0;
        try_done(&t);
        fixture_done(&f);
        return r;
}

static void test_times(void **state) {
        static const struct {
                const char *path;
                size_t body_size;
                bool first_byte; /* which of the two times is short */
                const char *reason;
        } cases[] = {
                { "/hang", 0, true, "the answer did not begin in time" },
                { "/hang", 100, true, "the answer did not begin in time" },
                { "/hang", 20000, true, "the answer did not begin in time" },
                { "/hang", 0, false, "the answer did not begin in time" },
                { "/hang-in-body", 0, false, "the answer was not whole in time" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct http_options options = default_options;
                uint64_t *usec = cases[i].first_byte ? &options.first_byte_timeout_usec
                                                     : &options.total_timeout_usec;

                for (*usec = SHORT; !times_out(serve, cases[i].path, cases[i].body_size, &options,
                                               cases[i].reason);
                     *usec *= 2)
                        assert_true(*usec < LONG_ENOUGH);
        }
}

static bool serve_unread(struct upstream_request *q) {
        upstream_wait_gate(q);
        return false;
}

/* While the request is still leaving, the first byte's time does not run. */
static void test_a_long_upload_is_not_a_late_answer(void **state) {
        struct http_options options = default_options;
        uint64_t *usec = &options.total_timeout_usec;

        options.first_byte_timeout_usec = SHORT;
        for (*usec = 4 * SHORT; !times_out(serve_unread, "/", 400 * 65536, &options,
                                           "the answer was not whole in time");
             *usec *= 2)
                assert_true(*usec < LONG_ENOUGH);
}

static void on_done_alone(const struct http_response *response, void *userdata) {
        *(enum http_failure *)userdata = response->failure;
}

/* The one connection is taken, so that the second call's time ends before it has one. */
static void test_waiting_for_a_connection_ends_in_time(void **state) {
        static const struct http_handler handler = { NULL, on_done_alone };
        struct http_options options = default_options;
        enum http_failure failure = HTTP_ANSWERED;
        struct try first, second;
        struct http_call *call;
        struct fixture f;

        options.max_connections_per_host = 1;
        fixture_init(&f, serve, &options);
        try_init(&first, &f, "GET", "/gate");
        try_init(&second, &f, "GET", "/");
        try_start(&first);
        assert_int_equal(http_call(f.client, &second.request, clock_usec(CLOCK_MONOTONIC) + SHORT,
                                   &handler, &failure, &call),
                         0);
        while (failure == HTTP_ANSWERED)
                assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
        assert_int_equal(failure, HTTP_CONNECT_TIMEOUT);

        upstream_open_gate(f.upstream);
        try_wait(&first);
        assert_answered(&first);
        assert_int_equal(upstream_requests(f.upstream), 1);
        try_done(&first);
        try_done(&second);
        fixture_done(&f);
}

static void test_a_deadline_in_the_past(void **state) {
        static const struct http_handler handler = { NULL, on_done_alone };
        enum http_failure failure = HTTP_ANSWERED;
        struct http_call *call;
        struct fixture f;
        struct try t;

        fixture_init(&f, serve, NULL);
        try_init(&t, &f, "GET", "/");
        assert_int_equal(http_call(f.client, &t.request, 1, &handler, &failure, &call), 0);
        assert_int_equal(failure, HTTP_ANSWERED);
        assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
        assert_int_equal(failure, HTTP_CONNECT_TIMEOUT);
        assert_int_equal(upstream_connections(f.upstream), 0);
        try_done(&t);
        fixture_done(&f);
}

/* A listener whose queue is full: the kernel drops further SYNs. */
static void test_a_peer_that_does_not_accept(void **state) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct http_options options = default_options;
        socklen_t size = sizeof(address);
        int listen_fd, fill[4];
        struct fixture f;
        struct try t;

        listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listen_fd, (struct sockaddr *)&address, size), 0);
        assert_int_equal(listen(listen_fd, 0), 0);
        assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address, &size), 0);
        for (size_t i = 0; i < ELEMENTSOF(fill); i++) {
                fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void)connect(fill[i], (struct sockaddr *)&address, size);
        }

        options.connect_timeout_usec = SHORT;
        fixture_init(&f, serve, &options);
        try_init(&t, &f, "GET", "/");
        t.request.configured = true;
        free(t.request.url);
        assert_true(asprintf(&t.request.url, "https://127.0.0.1:%d/", ntohs(address.sin_port)) > 0);
        try_start(&t);
        try_wait(&t);
        assert_int_equal(t.response.failure, HTTP_CONNECT_TIMEOUT);
        assert_false(t.response.left);
        assert_int_equal(t.n_leaving, 0);
        try_done(&t);
        fixture_done(&f);

        for (size_t i = 0; i < ELEMENTSOF(fill); i++)
                fd_close(fill[i]);
        fd_close(listen_fd);
}

static int name_gate[2];

/* Stands before the C library's: a name server that does not answer until the gate is closed. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret) {
        char c;

        return read(name_gate[0], &c, 1) < 0 ? EAI_SYSTEM : EAI_FAIL;
}

/* If ending the call waited for the name, this test would never end. */
static void test_a_name_that_hangs_holds_nothing_up(void **state) {
        struct http_options options = default_options;
        struct try timed, cancelled, freed;
        struct fixture f;

        assert_int_equal(pipe(name_gate), 0);
        options.connect_timeout_usec = SHORT;
        fixture_init(&f, serve, &options);
        try_init(&timed, &f, "GET", "/");
        free(timed.request.url);
        timed.request.url = strdup("https://name.example/");
        cancelled = freed = timed;

        try_start(&timed);
        try_wait(&timed);
        assert_int_equal(timed.response.failure, HTTP_CONNECT_TIMEOUT);
        assert_int_equal(timed.n_leaving, 0);

        try_start(&cancelled);
        assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
        http_call_cancel(cancelled.call);

        try_start(&freed);
        assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
        fixture_done(&f);
        assert_int_equal(cancelled.n_done + freed.n_done, 0);

        try_done(&timed);
        fd_close(name_gate[1]);
}

static void cancel_this(struct try *t) {
        http_call_cancel(t->call);
}

static void cancel_other(struct try *t) {
        if (t->other->n_done == 0)
                http_call_cancel(t->other->call);
}

static void start_other(struct try *t) {
        try_start(t->other);
}

static void free_client(struct try *t) {
        t->fixture->client = http_client_free(t->fixture->client);
}

/* The loop is idle: nothing is left to be done or told. */
static void run_until_idle(struct fixture *f) {
        while (sd_event_run(f->event, 0) > 0)
                ;
}

/* At every turn of the loop in its life; the upstream is never there in between by luck. */
static void test_cancel_at_every_step(void **state) {
        bool over = false;

        for (int step = 0; !over; step++) {
                struct fixture f;
                struct try t, after;

                fixture_init(&f, serve, NULL);
                try_init(&t, &f, "POST", "/");
                try_body(&t, "{}", 2);
                try_start(&t);
                for (int i = 0; i < step && t.n_done == 0; i++)
                        assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
                over = t.n_done > 0;
                if (!over)
                        http_call_cancel(t.call);
                try_done(&t);

                try_get(&after, &f, "/");
                assert_answered(&after);
                assert_int_equal(t.n_done, over);
                try_done(&after);
                fixture_done(&f);
        }
}

static void test_free_at_every_step(void **state) {
        bool over = false;

        for (int step = 0; !over; step++) {
                struct try many[3];
                struct fixture f;

                fixture_init(&f, serve, NULL);
                for (size_t i = 0; i < ELEMENTSOF(many); i++) {
                        try_init(&many[i], &f, "GET", "/");
                        try_start(&many[i]);
                }
                for (int i = 0; i < step && many[2].n_done == 0; i++)
                        assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
                over = many[2].n_done > 0;
                f.client = http_client_free(f.client);
                run_until_idle(&f);
                for (size_t i = 0; i < ELEMENTSOF(many); i++)
                        try_done(&many[i]);
                fixture_done(&f);
        }
}

/* Taken back at the last moment: nothing leaves, and nobody is told. */
static void test_cancel_from_on_leaving(void **state) {
        struct try t, after;
        struct fixture f;

        fixture_init(&f, serve, NULL);
        try_init(&t, &f, "POST", "/");
        try_body(&t, "{}", 2);
        t.on_leaving = cancel_this;
        try_start(&t);
        while (t.n_leaving == 0)
                assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
        try_get(&after, &f, "/");
        assert_answered(&after);
        assert_int_equal(t.n_done, 0);
        assert_int_equal(upstream_requests(f.upstream), 1);
        try_done(&t);
        try_done(&after);
        fixture_done(&f);
}

static void test_start_from_callbacks(void **state) {
        struct try first, second, third;
        struct fixture f;

        fixture_init(&f, serve, NULL);
        try_init(&first, &f, "GET", "/");
        try_init(&second, &f, "GET", "/");
        try_init(&third, &f, "GET", "/");
        first.on_leaving = start_other;
        first.other = &second;
        second.on_done = start_other;
        second.other = &third;
        try_start(&first);
        try_wait(&first);
        try_wait(&second);
        try_wait(&third);
        assert_answered(&first);
        assert_answered(&second);
        assert_answered(&third);
        try_done(&first);
        try_done(&second);
        try_done(&third);
        fixture_done(&f);
}

/* Whoever of the two is first ends the other: one is told, in whatever state the second was. */
static void test_cancel_another_from_on_done(void **state) {
        static const char *const paths[] = { "/", "/gate", "/hang-in-body" };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                struct try a, b;
                struct fixture f;

                fixture_init(&f, serve, NULL);
                try_init(&a, &f, "GET", "/");
                try_init(&b, &f, "GET", paths[i]);
                a.on_done = b.on_done = cancel_other;
                a.other = &b;
                b.other = &a;
                try_start(&a);
                try_start(&b);
                while (a.n_done + b.n_done == 0)
                        assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
                run_until_idle(&f);
                assert_int_equal(a.n_done + b.n_done, 1);
                try_done(&a);
                try_done(&b);
                fixture_done(&f);
        }
}

/* From a refused URL, from an answer, and from a time that is over. */
static void test_free_from_on_done(void **state) {
        static const char *const paths[] = { "/", "/hang", "/../" };
        struct http_options options = default_options;

        options.first_byte_timeout_usec = SHORT;
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                struct try t, other;
                struct fixture f;

                fixture_init(&f, serve, &options);
                try_init(&t, &f, "GET", paths[i]);
                try_init(&other, &f, "GET", "/hang");
                t.on_done = other.on_done = free_client;
                try_start(&t);
                try_start(&other);
                while (t.n_done + other.n_done == 0)
                        assert_true(sd_event_run(f.event, UINT64_MAX) >= 0);
                run_until_idle(&f);
                assert_int_equal(t.n_done + other.n_done, 1);
                try_done(&t);
                try_done(&other);
                fixture_done(&f);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_connection_is_used_again),
                cmocka_unit_test(test_nothing_is_sent_twice),
                cmocka_unit_test(test_a_dead_connection_is_not_used),
                cmocka_unit_test(test_one_slow_call_delays_no_other),
                cmocka_unit_test(test_connections_have_a_limit),
                cmocka_unit_test(test_times),
                cmocka_unit_test(test_a_long_upload_is_not_a_late_answer),
                cmocka_unit_test(test_waiting_for_a_connection_ends_in_time),
                cmocka_unit_test(test_a_deadline_in_the_past),
                cmocka_unit_test(test_a_peer_that_does_not_accept),
                cmocka_unit_test(test_a_name_that_hangs_holds_nothing_up),
                cmocka_unit_test(test_cancel_at_every_step),
                cmocka_unit_test(test_free_at_every_step),
                cmocka_unit_test(test_cancel_from_on_leaving),
                cmocka_unit_test(test_start_from_callbacks),
                cmocka_unit_test(test_cancel_another_from_on_done),
                cmocka_unit_test(test_free_from_on_done),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
