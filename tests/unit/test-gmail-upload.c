/* SPDX-License-Identifier: MIT */
/*
 * A large message on its way, chunk by chunk, through everything that may happen to one.
 */
#include "gmail-rig.h"

#include <sodium.h>

#include "base/cleanup.h"

#define MIB ((size_t)1024 * 1024)
#define CHUNK (16 * MIB)
#define START BASE "/upload/gmail/v1/users/me/messages/send?uploadType=resumable"
#define SESSION START "&upload_id=AB_c-1"
/* Of attached base64: in two chunks, and in one. */
#define TWO (20 * MIB)
#define ONE (6 * MIB)

static void add_file(cJSON *payload, size_t base64_size) {
        cJSON *attachment = cJSON_CreateObject();
        char *content = malloc(base64_size + 1);

        assert_non_null(content);
        memset(content, 'A', base64_size);
        content[base64_size] = 0;
        cJSON_AddStringToObject(attachment, "filename", "a");
        cJSON_AddStringToObject(attachment, "content_base64", content);
        cJSON_AddItemToArray(cJSON_AddArrayToObject(payload, "attachments"), attachment);
        free(content);
}

static void begin(struct run *run, size_t base64_size) {
        run_begin(run, "send_email", "{\"to\":\"a@b.c\"}");
        add_file(run->payload, base64_size);
}

static void test_small_is_not_uploaded(void **state) {
        /* The most base64 that fits with a CRLF behind each 76 of it but the last. */
        const size_t fits = (5 * MIB + 2) / 78 * 76;

        for (size_t more = 0; more <= 76; more += 76) {
                struct run run;

                begin(&run, fits + more);
                assert_int_equal(run_build(&run), 0);
                assert_string_equal(run.request.url,
                                    more ? START : BASE "/gmail/v1/users/me/messages/send");
                assert_int_equal(run.request.repeatable, more > 0);
                run_done(&run);
        }
}

static void test_start(void **state) {
        static const struct {
                const char *type, *payload, *url, *metadata;
        } cases[] = {
                { "send_email", "{\"to\":\"a@b.c\"}", START, "{}" },
                { "send_email", "{\"to\":\"a@b.c\",\"thread_id\":\"1\\\"8c\"}", START,
                  "{\"threadId\":\"1\\\"8c\"}" },
                { "create_draft", "{}",
                  BASE "/upload/gmail/v1/users/me/drafts?uploadType=resumable",
                  "{\"message\":{}}" },
                { "create_draft", "{\"thread_id\":\"18c\"}",
                  BASE "/upload/gmail/v1/users/me/drafts?uploadType=resumable",
                  "{\"message\":{\"threadId\":\"18c\"}}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct run run;

                run_begin(&run, cases[i].type, cases[i].payload);
                add_file(run.payload, ONE);
                for (int again = 0; again < 2; again++) { /* the token was refused */
                        assert_int_equal(run_build(&run), 0);
                        assert_string_equal(run.request.method, "POST");
                        assert_string_equal(run.request.url, cases[i].url);
                        assert_string_equal(run.request.body.data, cases[i].metadata);
                        assert_string_equal(run_header(&run, "X-Upload-Content-Type"),
                                            "message/rfc822");
                        assert_true(strtoul(run_header(&run, "X-Upload-Content-Length"), NULL, 10) >
                                    ONE / 76 * 78);
                        assert_false(run.request.secret_url);
                }
                run_done(&run);
        }
}

/* The same bytes as in one piece, whatever time passes between the exchanges. */
static void test_chunks(void **state) {
        static const struct answer started = { 200, "", SESSION, NULL },
                                   more = { 308, "", NULL, "bytes=0-16777215" },
                                   done = { 200, "{\"id\":\"m\",\"threadId\":\"t\"}", NULL, NULL };
        char range[128];
        struct run run;
        size_t size;

        begin(&run, TWO);
        assert_int_equal(run_build(&run), 0);
        size = strtoul(run_header(&run, "X-Upload-Content-Length"), NULL, 10);
        assert_int_equal(run_take(&run, &started), ADAPTER_CONTINUE);

        run.now_usec += 3600 * USEC_PER_SEC;
        assert_int_equal(run_build(&run), 0);
        assert_string_equal(run.request.method, "PUT");
        assert_string_equal(run.request.url, SESSION);
        assert_true(run.request.secret_url);
        assert_true(run.request.harmless);
        assert_false(run.request.repeatable);
        assert_int_equal(run.request.body.size, CHUNK);
        snprintf(range, sizeof(range), "bytes 0-%zu/%zu", CHUNK - 1, size);
        assert_string_equal(run_header(&run, "Content-Range"), range);
        assert_int_equal(strncmp(run.request.body.data, "Date: Fri, 25 Jul 2025 15:21:01 +0000\r\n",
                                 39),
                         0);
        assert_int_equal(run_take(&run, &more), ADAPTER_UNDONE);

        assert_int_equal(run_build(&run), 0);
        snprintf(range, sizeof(range), "bytes %zu-%zu/%zu", CHUNK, size - 1, size);
        assert_string_equal(run_header(&run, "Content-Range"), range);
        assert_false(run.request.harmless || run.request.repeatable);
        assert_int_equal(run.request.body.size, size - CHUNK);
        assert_int_equal(strcmp(run.request.body.data + size - CHUNK - 4, "--\r\n"), 0);
        assert_int_equal(run_take(&run, &done), 0);
        assert_string_equal(json_string(run.result, "message_id"), "m");
        run_done(&run);
}

/* 308 and nothing in Range: not a byte has arrived, and the same chunk goes once more. */
static void test_what_has_arrived(void **state) {
        static const struct {
                const char *range;
                int64_t next; /* -1: makes no sense */
        } cases[] = {
                { "bytes=0-16777215", 16777216 },
                { "bytes=0-262143", 262144 },
                { "bytes=0-0", 1 },
                { NULL, 0 },
                { "bytes=0-16777216", -1 },
                { "bytes=0-", -1 },
                { "bytes=0--1", -1 },
                { "bytes=0-1 ", -1 },
                { "bytes=0-1,3-4", -1 },
                { "bytes=1-2", -1 },
                { "bytes=0-99999999999999999999", -1 },
                { "bytes=0-9223372036854775807", -1 },
                { "0-262143", -1 },
                { "bytes 0-262143", -1 },
                { "x", -1 },
        };
        static const struct answer started = { 200, "", SESSION, NULL };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct answer more = { 308, "", NULL, cases[i].range };
                const char *range;
                struct run run;
                int r;

                begin(&run, TWO);
                assert_int_equal(run_build(&run), 0);
                assert_int_equal(run_take(&run, &started), ADAPTER_CONTINUE);
                assert_int_equal(run_build(&run), 0);
                r = run_take(&run, &more);
                if (r != (cases[i].next < 0 ? ae_code_errno(AE_UPSTREAM_ERROR) : ADAPTER_UNDONE))
                        fail_msg("'%s': %d", cases[i].range, r);
                if (r > 0) {
                        assert_int_equal(run_build(&run), 0);
                        range = run_header(&run, "Content-Range");
                        assert_int_equal(strtoul(range + strlen("bytes "), NULL, 10),
                                         cases[i].next);
                        assert_true(run.request.body.size <= CHUNK);
                }
                run_done(&run);
        }
}

/* The token goes to where the message was to go, and nowhere else. */
static void test_where_the_session_is(void **state) {
        static char long_one[4200];
        const struct {
                const char *location;
                bool taken;
        } cases[] = {
                { SESSION, true },
                { BASE "/", true },
                { NULL, false },
                { "", false },
                { BASE, false },
                { BASE "x/", false },
                { BASE ":443/x", false },
                { BASE "@evil.example/x", false },
                { BASE ".evil.example/x", false },
                { "https://gmail.example:evil@evil.example/", false },
                { "https://evil.example/" BASE "/", false },
                { "http://gmail.example/x", false },
                { "HTTPS://gmail.example/x", false },
                { "//gmail.example/x", false },
                { "/upload?upload_id=1", false },
                { "javascript:x", false },
                { BASE "/a b", false },
                { BASE "/\x7f", false },
                { BASE "/\xc3\xa4", false },
                { long_one, false },
        };

        memset(long_one, 'x', sizeof(long_one) - 1);
        memcpy(long_one, BASE "/", strlen(BASE "/"));
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct answer started = { 200, "", cases[i].location, NULL };
                struct run run;
                int r;

                begin(&run, ONE);
                assert_int_equal(run_build(&run), 0);
                r = run_take(&run, &started);
                if (r != (cases[i].taken ? ADAPTER_CONTINUE : ae_code_errno(AE_UPSTREAM_ERROR)))
                        fail_msg("'%s': %d", cases[i].location, r);
                assert_int_equal(run.session != NULL, cases[i].taken);
                run_done(&run);
        }
}

/* What the session says to a lost chunk. */
struct step {
        struct answer answer; /* status 0: none came */
        int r;
        const char *range; /* what the exchange that it answers must have said; NULL: anything */
};

#define ASKS "bytes */"
#define LOST(r) \
        { { 0 }, r, NULL }
#define SAYS(status, range, r, asked) \
        { { status, "{\"id\":\"m\",\"threadId\":\"t\"}", NULL, range }, r, asked }

static void test_a_lost_chunk(void **state) {
        /* clang-format off */
        static const struct {
                size_t size;
                struct step steps[8]; /* behind the start; the first r of 0 or below ends it */
                enum ae_code code;
        } cases[] = {
                /* The last one: asked, and it was complete, or partly there, or not there at all. */
                { ONE, { LOST(ADAPTER_ASK), SAYS(200, NULL, 0, ASKS) }, AE_NONE },
                { ONE, { LOST(ADAPTER_ASK), SAYS(308, NULL, ADAPTER_UNDONE, ASKS),
                         SAYS(200, NULL, 0, "bytes 0-") }, AE_NONE },
                { ONE, { LOST(ADAPTER_ASK), SAYS(308, "bytes=0-262143", ADAPTER_UNDONE, ASKS),
                         SAYS(200, NULL, 0, "bytes 262144-") }, AE_NONE },
                { ONE, { SAYS(503, NULL, ADAPTER_ASK, "bytes 0-"), SAYS(200, NULL, 0, ASKS) }, AE_NONE },
                { ONE, { LOST(ADAPTER_ASK), LOST(0) }, AE_NONE },
                { ONE, { LOST(ADAPTER_ASK), SAYS(503, NULL, -1, ASKS) }, AE_UPSTREAM_ERROR },
                { ONE, { LOST(ADAPTER_ASK), SAYS(404, NULL, -1, ASKS) }, AE_UPSTREAM_REJECTED },
                { ONE, { LOST(ADAPTER_ASK), SAYS(308, "bytes=0-9", ADAPTER_UNDONE, ASKS), LOST(ADAPTER_ASK),
                         SAYS(308, "bytes=0-8", -1, ASKS) }, AE_UPSTREAM_ERROR },
                { ONE, { SAYS(308, "bytes=0-9", ADAPTER_UNDONE, "bytes 0-"), SAYS(200, NULL, 0, "bytes 10-") }, AE_NONE },
                { ONE, { SAYS(400, NULL, -1, NULL) }, AE_UPSTREAM_REJECTED },
                { ONE, { SAYS(429, NULL, -1, NULL) }, AE_RATE_LIMITED },
                { ONE, { SAYS(302, NULL, -1, NULL) }, AE_UPSTREAM_REJECTED },
                /* One before it. */
                { TWO, { LOST(ADAPTER_ASK), SAYS(308, NULL, ADAPTER_UNDONE, ASKS),
                         SAYS(308, "bytes=0-16777215", ADAPTER_UNDONE, "bytes 0-16777215/"),
                         SAYS(200, NULL, 0, "bytes 16777216-") }, AE_NONE },
                { TWO, { LOST(ADAPTER_ASK), SAYS(308, "bytes=0-16777215", ADAPTER_UNDONE, ASKS),
                         SAYS(503, NULL, ADAPTER_ASK, "bytes 16777216-"), SAYS(200, NULL, 0, ASKS) }, AE_NONE },
                { TWO, { SAYS(200, NULL, -1, NULL) }, AE_OUTCOME_UNKNOWN },
                { TWO, { LOST(ADAPTER_ASK), SAYS(200, NULL, -1, ASKS) }, AE_OUTCOME_UNKNOWN },
                { TWO, { LOST(ADAPTER_ASK), LOST(0) }, AE_NONE },
                { TWO, { SAYS(503, NULL, ADAPTER_ASK, NULL), SAYS(500, NULL, -1, ASKS) }, AE_UPSTREAM_ERROR },
        };
        /* clang-format on */
        static const struct answer started = { 200, "", SESSION, NULL };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct step *s = cases[i].steps;
                struct run run;
                int r;

                begin(&run, cases[i].size);
                assert_int_equal(run_build(&run), 0);
                assert_int_equal(run_lose(&run), 0); /* no session, nothing to ask */
                assert_int_equal(run_take(&run, &started), ADAPTER_CONTINUE);
                do {
                        assert_int_equal(run_build(&run), 0);
                        if (s->range && strncmp(run_header(&run, "Content-Range"), s->range,
                                                strlen(s->range)) != 0)
                                fail_msg("case %zu: %s", i, run_header(&run, "Content-Range"));
                        if (s->range && strcmp(s->range, ASKS) == 0)
                                assert_int_equal(run.request.body.size, 0);
                        r = s->answer.status ? run_take(&run, &s->answer) : run_lose(&run);
                        if ((r < 0 ? -1 : r) != s->r)
                                fail_msg("case %zu, step %zu: %d, %s", i,
                                         (size_t)(s - cases[i].steps), r, run.error.message);
                        s++;
                } while (r > 0);
                assert_int_equal(run.error.code, cases[i].code);
                run_done(&run);
        }
}

/* A chunk comes once; the last one, and the question about it, may have done something. */
static void test_what_may_be_repeated(void **state) {
        static const struct answer started = { 200, "", SESSION, NULL };

        for (size_t size = ONE; size <= TWO; size += TWO - ONE) {
                struct run run;

                begin(&run, size);
                assert_int_equal(run_build(&run), 0);
                assert_true(run.request.repeatable);
                (void)run_take(&run, &started);
                assert_int_equal(run_build(&run), 0);
                assert_false(run.request.repeatable);
                assert_int_equal(run.request.harmless, size == TWO);
                assert_int_equal(run_lose(&run), ADAPTER_ASK);
                assert_int_equal(run_build(&run), 0);
                assert_int_equal(run.request.repeatable, size == TWO);
                assert_int_equal(run.request.harmless, size == TWO);
                run_done(&run);
        }
}

/* An upload that gets nowhere ends before the exchanges do. */
static void test_slow_progress_ends(void **state) {
        static const struct answer started = { 200, "", SESSION, NULL };
        struct run run;
        int r;

        begin(&run, ONE);
        assert_int_equal(run_build(&run), 0);
        r = run_take(&run, &started);
        for (int i = 0; r > 0; i++) {
                char range[32];
                const struct answer more = { 308, "", NULL, range };

                snprintf(range, sizeof(range), "bytes=0-%d", i);
                assert_int_equal(run_build(&run), 0);
                r = run_take(&run, &more);
        }
        assert_int_equal(run.n_left, 0);
        assert_int_equal(run.error.code, AE_UPSTREAM_ERROR);
        run_done(&run);
}

static void test_a_start_that_fails(void **state) {
        static const struct {
                int status;
                enum ae_code code;
        } cases[] = {
                { 308, AE_UPSTREAM_REJECTED },
                { 400, AE_UPSTREAM_REJECTED },
                { 401, AE_REAUTHORIZATION_REQUIRED },
                { 413, AE_UPSTREAM_REJECTED },
                { 429, AE_RATE_LIMITED },
                { 503, AE_UPSTREAM_ERROR },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct answer answer = { cases[i].status, "{}", SESSION, NULL };
                struct run run;

                begin(&run, ONE);
                assert_int_equal(run_build(&run), 0);
                assert_true(run_take(&run, &answer) < 0);
                assert_int_equal(run.error.code, cases[i].code);
                assert_null(run.session);
                run_done(&run);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_small_is_not_uploaded),
                cmocka_unit_test(test_start),
                cmocka_unit_test(test_chunks),
                cmocka_unit_test(test_what_has_arrived),
                cmocka_unit_test(test_where_the_session_is),
                cmocka_unit_test(test_a_lost_chunk),
                cmocka_unit_test(test_what_may_be_repeated),
                cmocka_unit_test(test_slow_progress_ends),
                cmocka_unit_test(test_a_start_that_fails),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
