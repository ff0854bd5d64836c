/* SPDX-License-Identifier: MIT */
/*
 * What a call tells of every kind of answer, and what exactly it sends.
 */
#include "test.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http-fixture.h"

#define STATUS(line) "HTTP/1.1 " line "\r\n"
#define NO_BODY "Content-Length: 0\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

/* clang-format off */
static const struct answer {
        const char *path;
        const char *text;
        enum http_failure failure;
        int status;
        const char *body;
} answers[] = {
        { "/ok", STATUS("200 OK") "Content-Length: 2\r\n\r\nhi", HTTP_ANSWERED, 200, "hi" },
        { "/chunked", STATUS("200 OK") CHUNKED "2\r\nhi\r\n0\r\n\r\n", HTTP_ANSWERED, 200, "hi" },
        { "/to-the-end", STATUS("200 OK") "\r\nhi", HTTP_ANSWERED, 200, "hi" },
        { "/no-content", STATUS("204 No Content") "\r\n", HTTP_ANSWERED, 204, "" },
        { "/not-found", STATUS("404 Not Found") NO_BODY, HTTP_ANSWERED, 404, "" },
        { "/unavailable", STATUS("503 Busy") NO_BODY, HTTP_ANSWERED, 503, "" },
        { "/redirect", STATUS("302 Found") "Location: /ok\r\n" NO_BODY, HTTP_ANSWERED, 302, "" },
        { "/redirect-file", STATUS("301 Moved") "Location: file:///etc/passwd\r\n" NO_BODY,
          HTTP_ANSWERED, 301, "" },
        { "/unauthorized", STATUS("401 No") "WWW-Authenticate: Basic\r\n" NO_BODY, HTTP_ANSWERED,
          401, "" },
        { "/continue", STATUS("100 Continue") "\r\n" STATUS("200 OK") NO_BODY, HTTP_ANSWERED, 200,
          "" },
        { "/not-gzip", STATUS("200 OK") "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
          HTTP_ANSWERED, 200, "hi" },

        { "/nothing", "", HTTP_NO_ANSWER, 0, "" },
        { "/garbage", "\x16\x03\x01 whatever\r\n\r\n", HTTP_NO_ANSWER, 0, "" },
        { "/half-a-head", STATUS("200 OK") "Content-Len", HTTP_NO_ANSWER, 200, "" },
        { "/half-a-body", STATUS("200 OK") "Content-Length: 9\r\n\r\nhi", HTTP_NO_ANSWER, 200, "" },
        { "/half-a-chunk", STATUS("200 OK") CHUNKED "9\r\nhi", HTTP_NO_ANSWER, 200, "" },
        { "/no-last-chunk", STATUS("200 OK") CHUNKED "2\r\nhi\r\n", HTTP_NO_ANSWER, 200, "" },
        { "/bad-chunk", STATUS("200 OK") CHUNKED "xyz\r\nhi\r\n0\r\n\r\n", HTTP_NO_ANSWER, 200,
          "" },
        { "/bad-length", STATUS("200 OK") "Content-Length: -1\r\n\r\nhi", HTTP_NO_ANSWER, 200, "" },
        { "/only-interim", STATUS("103 Early Hints") "\r\n", HTTP_NO_ANSWER, 0, "" },
};
/* clang-format on */

static void send_many(struct upstream_request *q, const char *head, const char *piece, int n) {
        upstream_puts(q, head);
        for (int i = 0; i < n; i++)
                upstream_puts(q, piece);
}

static void send_body(struct upstream_request *q, int size) {
        char head[64];

        snprintf(head, sizeof(head), STATUS("200 OK") "Content-Length: %d\r\n\r\n", size);
        send_many(q, head, "a", size);
}

/* Too much of everything. The peer breaks off, so these end long before their number. */
static bool serve_much(struct upstream_request *q) {
        static char block[65536 + 1];

        memset(block, 'a', sizeof(block) - 1);
        if (strcmp(q->path, "/limit") == 0)
                send_body(q, MAX_RESPONSE_BYTES);
        else if (strcmp(q->path, "/over-limit") == 0)
                send_body(q, MAX_RESPONSE_BYTES + 1);
        else if (strcmp(q->path, "/huge") == 0)
                send_many(q, STATUS("200 OK") "Content-Length: 1073741824\r\n\r\n", block, 16384);
        else if (strcmp(q->path, "/endless") == 0)
                send_many(q, STATUS("200 OK") "\r\n", block, 16384);
        else if (strcmp(q->path, "/endless-chunks") == 0)
                send_many(q, STATUS("200 OK") CHUNKED, "1\r\na\r\n", 1000000);
        else if (strcmp(q->path, "/headers") == 0)
                send_many(q, STATUS("200 OK"), "X-A: b\r\n", 10000);
        else if (strcmp(q->path, "/interim") == 0)
                send_many(q, "", STATUS("103 Early Hints") "\r\n", 10000);
        else if (strcmp(q->path, "/trailers") == 0)
                send_many(q, STATUS("200 OK") CHUNKED "0\r\n", "X-A: b\r\n", 10000);
        else if (strcmp(q->path, "/long-header") == 0)
                send_many(q, STATUS("200 OK") "X-A: ", block, 16384);
        else if (strcmp(q->path, "/long-status") == 0)
                send_many(q, "HTTP/1.1 200 ", block, 16384);
        return false;
}

static bool serve_answer(struct upstream_request *q) {
        upstream_read_body(q, NULL, 0);
        for (size_t i = 0; i < ELEMENTSOF(answers); i++)
                if (strcmp(q->path, answers[i].path) == 0)
                        upstream_puts(q, answers[i].text);
        return false;
}

static void test_every_answer_is_told(void **state) {
        struct fixture f;

        fixture_init(&f, serve_answer, NULL);
        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                struct try t;

                try_get(&t, &f, answers[i].path);
                if (t.response.failure != answers[i].failure ||
                    t.response.status != answers[i].status || strcmp(t.body, answers[i].body) != 0)
                        fail_msg("%s: failure %d, status %d, '%s', %s", answers[i].path,
                                 (int)t.response.failure, t.response.status, t.body,
                                 t.response.reason);
                assert_true(t.response.left);
                assert_int_equal(t.n_leaving, 1);
                assert_int_equal(t.response.reason[0] == 0, answers[i].failure == HTTP_ANSWERED);
                try_done(&t);
                upstream_wait_closed(f.upstream, (int)i + 1); /* else the next might go there */
        }
        /* None of them was followed, asked again or repeated. */
        assert_int_equal(upstream_requests(f.upstream), ELEMENTSOF(answers));
        fixture_done(&f);
}

/* What somebody would like the next request to be answered with. */
#define EVIL STATUS("200 OK") "Content-Length: 4\r\n\r\nevil"

/* clang-format off */
static const struct {
        const char *method;
        const char *text;  /* of the first answer, on a connection that is kept */
        const char *later; /* what comes when that is over, and before the next request */
        enum http_failure failure;
        const char *body;
        int n_connections; /* 0: it does not matter: what was too much is read and gone */
} poisoned[] = {
        { "GET",  STATUS("200 OK") "Content-Length: 2\r\n\r\nhi", "", HTTP_ANSWERED, "hi", 1 },
        { "GET",  STATUS("200 OK") "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "", HTTP_ANSWERED, "hi", 1 },
        { "GET",  STATUS("200 OK") CHUNKED "2\r\nhi\r\n0\r\n\r\n", "", HTTP_ANSWERED, "hi", 1 },

        { "GET",  STATUS("200 OK") "Content-Length: 2\r\n\r\nhi" EVIL, "", HTTP_ANSWERED, "hi", 2 },
        { "GET",  STATUS("200 OK") "Content-Length: 2\r\n\r\nhi" "x", "", HTTP_ANSWERED, "hi", 2 },
        { "GET",  STATUS("200 OK") NO_BODY EVIL, "", HTTP_ANSWERED, "", 0 },
        { "GET",  STATUS("200 OK") CHUNKED "2\r\nhi\r\n0\r\n\r\n" EVIL, "", HTTP_ANSWERED, "hi", 0 },
        { "GET",  STATUS("204 No Content") "\r\n" EVIL, "", HTTP_ANSWERED, "", 0 },
        { "GET",  STATUS("204 No Content") "Content-Length: 41\r\n\r\n" EVIL, "", HTTP_ANSWERED, "", 0 },
        { "GET",  STATUS("304 Not Modified") "\r\n" EVIL, "", HTTP_ANSWERED, "", 0 },
        { "HEAD", STATUS("200 OK") "Content-Length: 41\r\n\r\n" EVIL, "", HTTP_ANSWERED, "", 0 },
        { "GET",  STATUS("200 OK") "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" "2\r\nhi\r\n0\r\n\r\n" EVIL, "", HTTP_ANSWERED, "hi", 0 },

        { "GET",  STATUS("200 OK") "Content-Length: 2\r\nContent-Length: 43\r\n\r\nhi" EVIL, "", HTTP_NO_ANSWER, "", 2 },
        { "GET",  STATUS("200 OK") "Content-Length: 43\r\nContent-Length: 2\r\n\r\nhi" EVIL, "", HTTP_NO_ANSWER, "", 2 },
        { "GET",  STATUS("200 OK") "Content-Length: 2\r\nX-A: b\r\ncontent-length: 1\r\n\r\nhi", "", HTTP_NO_ANSWER, "", 2 },
        { "GET",  STATUS("200 OK") "Content-Length: 2, 43\r\n\r\nhi" EVIL, "", HTTP_NO_ANSWER, "", 2 },
        { "GET",  STATUS("200 OK") "Content-Length: 2\r\nContent-Length: \r\n\r\nhi" EVIL, "", HTTP_NO_ANSWER, "", 2 },
        { "GET",  STATUS("200 OK") "Content-Length: 2\r\nContent-Length: x\r\n\r\nhi" EVIL, "", HTTP_NO_ANSWER, "", 2 },

        { "GET",  STATUS("200 OK") "Content-Length: 2\r\n\r\nhi", EVIL, HTTP_ANSWERED, "hi", 2 },
        { "GET",  STATUS("200 OK") "Content-Length: 2\r\n\r\nhi", "\n", HTTP_ANSWERED, "hi", 2 },
        { "GET",  STATUS("200 OK") CHUNKED "2\r\nhi\r\n0\r\n\r\n", EVIL, HTTP_ANSWERED, "hi", 2 },
        { "GET",  STATUS("204 No Content") "\r\n", EVIL, HTTP_ANSWERED, "", 2 },
        { "HEAD", STATUS("200 OK") "Content-Length: 41\r\n\r\n", EVIL, HTTP_ANSWERED, "", 2 },
};
/* clang-format on */

static sem_t may_poison, has_poisoned;

/* Until the peer's kernel has all of it. */
static void wait_arrived(int fd) {
        int n_left = 1;

        while (ioctl(fd, SIOCOUTQ, &n_left) == 0 && n_left > 0)
                (void)sched_yield();
        assert_int_equal(n_left, 0);
}

static bool serve_poison(struct upstream_request *q) {
        int i;

        if (sscanf(q->path, "/first/%d", &i) != 1) {
                upstream_puts(q, STATUS("200 OK") "Content-Length: 4\r\n\r\ngood");
                return true;
        }
        upstream_puts(q, poisoned[i].text);
        if (poisoned[i].later[0]) {
                sem_wait(&may_poison);
                upstream_puts(q, poisoned[i].later);
                wait_arrived(q->fd);
                sem_post(&has_poisoned);
        }
        return true;
}

/* Who can make an answer longer than it is would answer somebody else's question with it. */
static void test_the_next_answer_is_its_own(void **state) {
        assert_int_equal(sem_init(&may_poison, 0, 0), 0);
        assert_int_equal(sem_init(&has_poisoned, 0, 0), 0);
        for (size_t i = 0; i < ELEMENTSOF(poisoned); i++) {
                struct try t, next;
                struct fixture f;
                char path[32];

                fixture_init(&f, serve_poison, NULL);
                snprintf(path, sizeof(path), "/first/%zu", i);
                try_init(&t, &f, poisoned[i].method, path);
                try_start(&t);
                try_wait(&t);
                if (t.response.failure != poisoned[i].failure ||
                    strcmp(t.body, poisoned[i].body) != 0)
                        fail_msg("%zu: failure %d, '%s', %s", i, (int)t.response.failure, t.body,
                                 t.response.reason);
                if (poisoned[i].later[0]) {
                        sem_post(&may_poison);
                        sem_wait(&has_poisoned);
                }

                try_get(&next, &f, "/next");
                if (next.response.failure != HTTP_ANSWERED || strcmp(next.body, "good") != 0)
                        fail_msg("%zu: then failure %d, '%s', %s", i, (int)next.response.failure,
                                 next.body, next.response.reason);
                if (poisoned[i].n_connections > 0 &&
                    upstream_connections(f.upstream) != poisoned[i].n_connections)
                        fail_msg("%zu: %d connections", i, upstream_connections(f.upstream));
                try_done(&next);
                try_done(&t);
                fixture_done(&f);
        }
}

static void test_every_size_has_a_limit(void **state) {
        static const struct {
                const char *path;
                enum http_failure failure, or_failure;
        } cases[] = {
                { "/limit", HTTP_ANSWERED, HTTP_ANSWERED },
                { "/over-limit", HTTP_ANSWER_TOO_LARGE, HTTP_ANSWER_TOO_LARGE },
                { "/huge", HTTP_ANSWER_TOO_LARGE, HTTP_ANSWER_TOO_LARGE },
                { "/endless", HTTP_ANSWER_TOO_LARGE, HTTP_ANSWER_TOO_LARGE },
                { "/endless-chunks", HTTP_ANSWER_TOO_LARGE, HTTP_ANSWER_TOO_LARGE },
                { "/headers", HTTP_ANSWER_TOO_LARGE, HTTP_ANSWER_TOO_LARGE },
                { "/interim", HTTP_ANSWER_TOO_LARGE, HTTP_ANSWER_TOO_LARGE },
                { "/trailers", HTTP_ANSWER_TOO_LARGE, HTTP_ANSWER_TOO_LARGE },
                /* libcurl's own limit for one line, which it calls out of memory. */
                { "/long-header", HTTP_ANSWER_TOO_LARGE, HTTP_NO_ANSWER },
                { "/long-status", HTTP_ANSWER_TOO_LARGE, HTTP_NO_ANSWER },
        };
        struct fixture f;

        fixture_init(&f, serve_much, NULL);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct try t;

                try_get(&t, &f, cases[i].path);
                if (t.response.failure != cases[i].failure &&
                    t.response.failure != cases[i].or_failure)
                        fail_msg("%s: failure %d, %s", cases[i].path, (int)t.response.failure,
                                 t.response.reason);
                assert_true(t.response.left);
                assert_true(t.response.body_size <= MAX_RESPONSE_BYTES);
                try_done(&t);
                upstream_wait_closed(f.upstream, (int)i + 1); /* else the next might go there */
        }
        fixture_done(&f);
}

static void serve_long_field(struct upstream_request *q, int size) {
        send_many(q, STATUS("308 x") "Location: ", "a", size);
        upstream_puts(q, "\r\n" NO_BODY);
}

static bool serve_fields(struct upstream_request *q) {
        if (strcmp(q->path, "/with") == 0)
                upstream_puts(q, STATUS("429 Slow down") "content-type: application/json\r\n"
                                                         "RETRY-AFTER:  7 \r\nSet-Cookie: "
                                                         "a=b\r\n" NO_BODY);
        else if (strcmp(q->path, "/308") == 0)
                upstream_puts(q, STATUS("308 Resume Incomplete") "LOCATION: /a?b#c\r\n"
                                                                 "Range: bytes=0-41\r\n" NO_BODY);
        else if (strcmp(q->path, "/twice") == 0)
                upstream_puts(q, STATUS("308 x") "Location: /a\r\nRange: bytes=0-1\r\n"
                                                 "Location: /b\r\nrange: bytes=0-1\r\n" NO_BODY);
        else if (strcmp(q->path, "/8192") == 0 || strcmp(q->path, "/8193") == 0)
                serve_long_field(q, atoi(q->path + 1));
        else
                upstream_puts(q, STATUS("200 OK") NO_BODY);
        return true;
}

/* A handle that is used again has nothing of the answer before. */
static void test_fields_of_an_answer(void **state) {
        static const struct {
                const char *path;
                int status;
                const char *content_type, *retry_after, *location, *range;
        } cases[] = {
                { "/with", 429, "application/json", "7", "", "" },
                { "/without", 200, "", "", "", "" },
                { "/308", 308, "", "", "/a?b#c", "bytes=0-41" },
                { "/twice", 308, "", "", "", "" },
        };
        struct fixture f;

        fixture_init(&f, serve_fields, NULL);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct try t;

                try_get(&t, &f, cases[i].path);
                assert_int_equal(t.response.status, cases[i].status);
                assert_string_equal(t.content_type, cases[i].content_type);
                assert_string_equal(t.retry_after, cases[i].retry_after);
                assert_string_equal(t.location, cases[i].location);
                assert_string_equal(t.range, cases[i].range);
                try_done(&t);
        }
        fixture_done(&f);
}

static void test_a_field_has_a_limit(void **state) {
        struct fixture f;
        struct try t;

        fixture_init(&f, serve_fields, NULL);
        try_get(&t, &f, "/8192");
        assert_int_equal(strlen(t.location), 8192);
        try_done(&t);
        try_get(&t, &f, "/8193");
        assert_int_equal(t.response.failure, HTTP_ANSWERED);
        assert_string_equal(t.location, "");
        try_done(&t);
        fixture_done(&f);
}

static bool serve_echo(struct upstream_request *q) {
        char head[128];

        upstream_read_body(q, NULL, 0);
        snprintf(head, sizeof(head),
                 STATUS("200 OK") "Set-Cookie: a=b\r\nContent-Length: %zu\r\n\r\n",
                 strncmp(q->head, "HEAD", 4) == 0 ? 0 : strlen(q->head));
        upstream_puts(q, head);
        if (strncmp(q->head, "HEAD", 4) != 0)
                upstream_puts(q, q->head);
        return true;
}

/* As much, but for the bearer, which an answer that ends well does not say back. */
static bool serve_masked_echo(struct upstream_request *q) {
        char *bearer = strstr(q->head, "ya29.");

        if (bearer)
                memcpy(bearer, "****.", 5);
        return serve_echo(q);
}

/* `expected` says HOST for the upstream's address. */
static void assert_sent(struct try *t, const char *expected) {
        char *host = strstr(t->body, t->fixture->address);
        size_t n = strlen(t->fixture->address);

        assert_non_null(host);
        memcpy(host, "HOST", 4);
        memmove(host + 4, host + n, strlen(host + n) + 1);
        assert_string_equal(t->body, expected);
}

#define USUAL "Host: HOST\r\nUser-Agent: test/1\r\nAccept: */*\r\n"

/* Byte by byte: no Expect, no Accept-Encoding, no cookie, no Content-Type of libcurl's own. */
static void test_what_is_sent(void **state) {
        static const struct {
                const char *method, *body, *expected;
        } cases[] = {
                { "GET", "", "GET /a?b HTTP/1.1\r\n" USUAL "\r\n" },
                { "DELETE", "", "DELETE /a?b HTTP/1.1\r\n" USUAL "\r\n" },
                { "DELETE", "{}", "DELETE /a?b HTTP/1.1\r\n" USUAL "Content-Length: 2\r\n\r\n" },
                { "POST", "", "POST /a?b HTTP/1.1\r\n" USUAL "Content-Length: 0\r\n\r\n" },
                { "POST", "{}", "POST /a?b HTTP/1.1\r\n" USUAL "Content-Length: 2\r\n\r\n" },
                { "PUT", "{}", "PUT /a?b HTTP/1.1\r\n" USUAL "Content-Length: 2\r\n\r\n" },
                { "PUT", "", "PUT /a?b HTTP/1.1\r\n" USUAL "Content-Length: 0\r\n\r\n" },
                { "PATCH", "{}", "PATCH /a?b HTTP/1.1\r\n" USUAL "Content-Length: 2\r\n\r\n" },
                { "GET", "", "GET /a?b HTTP/1.1\r\n" USUAL "\r\n" },
        };
        struct fixture f;

        fixture_init(&f, serve_echo, NULL);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct try t;

                try_init(&t, &f, cases[i].method, "/a?b");
                try_body(&t, cases[i].body, strlen(cases[i].body));
                try_start(&t);
                try_wait(&t);
                assert_int_equal(t.response.failure, HTTP_ANSWERED);
                assert_sent(&t, cases[i].expected);
                try_done(&t);
        }
        assert_int_equal(upstream_connections(f.upstream), 1);
        fixture_done(&f);
}

static void test_head(void **state) {
        struct fixture f;
        struct try t;

        fixture_init(&f, serve_echo, NULL);
        try_init(&t, &f, "HEAD", "/");
        try_start(&t);
        try_wait(&t);
        assert_int_equal(t.response.status, 200);
        try_done(&t);
        fixture_done(&f);
}

/* The second call has the first's connection and handle, and must have nothing else of it. */
static void test_no_header_stays_behind(void **state) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct fixture f;
        struct try t;

        assert_int_equal(secret_new("ya29.token", 10, &token), 0);
        fixture_init(&f, serve_masked_echo, NULL);

        try_init(&t, &f, "POST", "/a");
        t.request.bearer = token;
        assert_int_equal(http_request_header(&t.request, "Content-Type", "application/json"), 0);
        assert_int_equal(http_request_header(&t.request, "X-Empty", ""), 0);
        assert_int_equal(http_request_header(&t.request, "X-Blank", "  "), 0);
        assert_int_equal(http_request_header(&t.request, "X-Request-Id", "1"), 0);
        try_body(&t, "{}", 2);
        try_start(&t);
        try_wait(&t);
        assert_sent(&t, "POST /a HTTP/1.1\r\n" USUAL "Content-Type: application/json\r\n"
                        "X-Empty:\r\nX-Blank:\r\nX-Request-Id: 1\r\n"
                        "Authorization: Bearer ****.token\r\nContent-Length: 2\r\n\r\n");
        try_done(&t);

        try_get(&t, &f, "/b");
        assert_sent(&t, "GET /b HTTP/1.1\r\n" USUAL "\r\n");
        try_done(&t);
        assert_int_equal(upstream_connections(f.upstream), 1);
        fixture_done(&f);
}

/* libcurl would keep what it read for as long as it keeps handle and connection. */
static void test_a_quoted_bearer_ends_its_connection(void **state) {
        static const struct {
                bool (*serve)(struct upstream_request *q);
                int n_connections;
        } cases[] = { { serve_masked_echo, 1 }, { serve_echo, 2 } };
        _cleanup_(secret_freep) struct secret *token = NULL;

        assert_int_equal(secret_new("ya29.token", 10, &token), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct fixture f;

                fixture_init(&f, cases[i].serve, NULL);
                for (int n = 0; n < 2; n++) {
                        struct try t;

                        try_init(&t, &f, "GET", "/");
                        t.request.bearer = token;
                        try_start(&t);
                        try_wait(&t);
                        assert_int_equal(t.response.status, 200);
                        try_done(&t);
                }
                assert_int_equal(upstream_connections(f.upstream), cases[i].n_connections);
                fixture_done(&f);
        }
}

static void test_bearer_cannot_add_a_line(void **state) {
        static const struct http_handler handler = { 0 };
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct http_call *call;
        struct fixture f;
        struct try t;

        assert_int_equal(secret_new("a\r\nX-A: b", 9, &token), 0);
        fixture_init(&f, serve_echo, NULL);
        try_init(&t, &f, "GET", "/");
        t.request.bearer = token;
        assert_int_equal(http_call(f.client, &t.request, 0, &handler, &t, &call), -EINVAL);
        assert_int_equal(sd_event_run(f.event, 0), 0);
        try_done(&t);
        fixture_done(&f);
}

static bool serve_checksum(struct upstream_request *q) {
        char *body = malloc(q->body_size);
        unsigned sum = 0;
        char text[128];

        upstream_read_body(q, body, q->body_size);
        for (size_t i = 0; i < q->body_size; i++)
                sum = sum * 31 + (unsigned char)body[i];
        free(body);
        snprintf(text, sizeof(text), STATUS("200 OK") "Content-Length: 8\r\n\r\n%08x", sum);
        upstream_puts(q, text);
        return true;
}

/* Around the size where libcurl begins to fetch the body in pieces, and far beyond it. */
static void test_bodies_arrive_whole(void **state) {
        static const size_t sizes[] = { 1, 16384, 16385, 65535, 65536, 65537, 6000000 };
        struct fixture f;

        fixture_init(&f, serve_checksum, NULL);
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                unsigned sum = 0;
                char expected[9];
                struct try t;

                try_init(&t, &f, "POST", "/");
                for (size_t k = 0; k < sizes[i]; k++) {
                        char c = (char)(k * 7 + k / 251);

                        sum = sum * 31 + (unsigned char)c;
                        try_body(&t, &c, 1);
                }
                try_start(&t);
                try_wait(&t);
                snprintf(expected, sizeof(expected), "%08x", sum);
                assert_int_equal(t.response.failure, HTTP_ANSWERED);
                assert_string_equal(t.body, expected);
                try_done(&t);
        }
        fixture_done(&f);
}

static bool serve_early_no(struct upstream_request *q) {
        upstream_puts(q, STATUS("413 Too much") "Connection: close\r\n" NO_BODY);
        upstream_hang(q);
        return false;
}

/* An answer counts even if it comes before the request has left whole. */
static void test_early_answer(void **state) {
        static char block[65536];
        struct fixture f;
        struct try t;

        fixture_init(&f, serve_early_no, NULL);
        try_init(&t, &f, "POST", "/");
        for (int i = 0; i < 400; i++)
                try_body(&t, block, sizeof(block));
        try_start(&t);
        try_wait(&t);
        assert_int_equal(t.response.failure, HTTP_ANSWERED);
        assert_int_equal(t.response.status, 413);
        try_done(&t);
        fixture_done(&f);
}

/* Refused URLs are told through on_done() as well, and nothing is connected. */
static void test_refused_urls(void **state) {
        static const char *const urls[] = { "http://api.example/", "file:///etc/passwd", "nothing",
                                            "http://localhost/" };
        struct fixture f;

        fixture_init(&f, serve_echo, NULL);
        for (size_t i = 0; i < ELEMENTSOF(urls); i++) {
                struct try t;

                try_init(&t, &f, "GET", "/");
                free(t.request.url);
                t.request.url = strdup(urls[i]);
                try_start(&t);
                try_wait(&t);
                assert_int_equal(t.response.failure, HTTP_REFUSED_URL);
                assert_false(t.response.left);
                assert_int_equal(t.n_leaving, 0);
                assert_null(strstr(t.response.reason, urls[i]));
                try_done(&t);
        }
        assert_int_equal(upstream_connections(f.upstream), 0);
        fixture_done(&f);
}

static void test_nobody_listens(void **state) {
        struct fixture f;
        struct try t;

        fixture_init(&f, serve_echo, NULL);
        f.upstream = upstream_free(f.upstream);
        try_get(&t, &f, "/");
        assert_int_equal(t.response.failure, HTTP_NOT_CONNECTED);
        assert_false(t.response.left);
        assert_int_equal(t.n_leaving, 0);
        assert_string_not_equal(t.response.reason, "");
        try_done(&t);
        fixture_done(&f);
}

static void test_proxies_of_the_environment_are_ignored(void **state) {
        struct fixture f;
        struct try t;

        setenv("http_proxy", "http://127.0.0.1:1", 1);
        setenv("all_proxy", "http://127.0.0.1:1", 1);
        fixture_init(&f, serve_echo, NULL);
        try_get(&t, &f, "/");
        assert_int_equal(t.response.status, 200);
        try_done(&t);
        fixture_done(&f);
        unsetenv("http_proxy");
        unsetenv("all_proxy");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_answer_is_told),
                cmocka_unit_test(test_the_next_answer_is_its_own),
                cmocka_unit_test(test_every_size_has_a_limit),
                cmocka_unit_test(test_fields_of_an_answer),
                cmocka_unit_test(test_a_field_has_a_limit),
                cmocka_unit_test(test_what_is_sent),
                cmocka_unit_test(test_head),
                cmocka_unit_test(test_no_header_stays_behind),
                cmocka_unit_test(test_a_quoted_bearer_ends_its_connection),
                cmocka_unit_test(test_bearer_cannot_add_a_line),
                cmocka_unit_test(test_bodies_arrive_whole),
                cmocka_unit_test(test_early_answer),
                cmocka_unit_test(test_refused_urls),
                cmocka_unit_test(test_nobody_listens),
                cmocka_unit_test(test_proxies_of_the_environment_are_ignored),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
