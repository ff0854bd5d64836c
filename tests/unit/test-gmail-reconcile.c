/* SPDX-License-Identifier: MIT */
/*
 * The look at what became of an e-mail, against a mailbox made of strings.
 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "action/adapter.h"
#include "base/clock.h"
#include "base/json.h"

#define ID "0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffff"
#define ATTEMPT_SEC UINT64_C(1753456860) /* 2025-07-25T15:21:00Z */
#define SINCE_SEC 30
#define DATE "Fri, 25 Jul 2025 15:21:30 GMT"
#define BASE "https://gmail.example/gmail/v1/users/me/messages"
#define LIST BASE "?labelIds=SENT&includeSpamTrash=true&maxResults=50"
#define QUERY "?format=metadata&metadataHeaders=X-Action-Id&metadataHeaders=Message-ID"

/* What the look came to, beside the values of interpret(). */
#define FOUND 0

static const struct adapter_reconcile *look_of(const char *type) {
        for (const struct adapter *const *a = adapters; *a; a++)
                for (size_t i = 0; strcmp((*a)->platform, "gmail") == 0 && i < (*a)->n_actions; i++)
                        if (strcmp((*a)->actions[i].action_type, type) == 0)
                                return (*a)->actions[i].reconcile;
        return NULL;
}

struct answer {
        const char *url; /* what must have been asked */
        int status;
        const char *body;
};

struct run {
        const struct adapter_reconcile *look;
        cJSON *notes, *result;
        struct ae_error error;
        size_t n_exchanges;
        const char *date; /* what Google's clock shows */
};

static int set_up(void **state) {
        struct run *run = calloc(1, sizeof(*run));

        assert_non_null(run);
        run->look = look_of("send_email");
        run->notes = cJSON_CreateObject();
        run->date = DATE;
        *state = run;
        return 0;
}

static void clear(struct run *run) {
        cJSON_Delete(run->notes);
        cJSON_Delete(run->result);
        ae_error_done(&run->error);
        *run = (struct run){ .look = run->look, .notes = cJSON_CreateObject(), .date = run->date };
}

static int tear_down(void **state) {
        struct run *run = *state;

        clear(run);
        cJSON_Delete(run->notes);
        free(run);
        return 0;
}

static struct adapter_input input_of(struct run *run) {
        return (struct adapter_input){
                .base_url = "https://gmail.example",
                .action_id = ID,
                .now_usec = (ATTEMPT_SEC + 3600) * USEC_PER_SEC, /* ours is ahead */
                .since_attempt_usec = SINCE_SEC * USEC_PER_SEC,
                .notes = run->notes,
        };
}

static void ask(struct run *run, const char *url) {
        _cleanup_(http_request_done) struct http_request q = { 0 };
        const struct adapter_input input = input_of(run);

        assert_int_equal(run->look->build(&input, &q, &run->error), 0);
        assert_string_equal(q.method, "GET");
        assert_true(q.repeatable);
        assert_int_equal(q.body.size, 0);
        assert_string_equal(q.url, url);
}

static int take(struct run *run, int status, const char *body) {
        const struct adapter_input input = input_of(run);
        const struct http_response response = {
                .failure = HTTP_ANSWERED,
                .status = status,
                .body = body,
                .body_size = strlen(body),
                .content_type = "",
                .date = run->date,
                .retry_after = "",
                .left = true,
        };

        run->n_exchanges++;
        return run->look->interpret(&input, &response, &run->result, &run->error);
}

/* Goes through the exchanges; all but the last must say that there is more. */
static int go(struct run *run, const struct answer *answers) {
        int r = ADAPTER_CONTINUE;

        clear(run);
        for (const struct answer *a = answers; a->body; a++) {
                if (r != ADAPTER_CONTINUE)
                        fail_msg("%s is not asked for any more: %d, %s", a->url, r,
                                 run->error.message);
                ask(run, a->url);
                r = take(run, a->status, a->body);
        }
        return r;
}

#define GET(id) BASE "/" id QUERY
#define LISTED(list) \
        { LIST, 200, "{\"messages\":[" list "],\"resultSizeEstimate\":201}" }
#define MESSAGE(id, sec, headers) \
        { \
                GET(id), 200, \
                                "{\"id\":\"" id "\",\"threadId\":\"t-" id \
                                "\",\"internalDate\":\"" sec \
                                "000\",\"payload\":{\"headers\":[" headers "]}}" \
        }
#define HEADER(name, value) "{\"name\":\"" name "\",\"value\":\"" value "\"}"

#define NEW "1753456861"
#define SKEWED "1753456740" /* two minutes before the attempt: just not too old */
#define OLD "1753456739"

#define A "{\"id\":\"a\",\"threadId\":\"t\"}"
#define B "{\"id\":\"b\"}"

static void test_a_look(void **state) {
        /* clang-format off */
        static const struct {
                int r;
                const struct answer answers[10];
        } cases[] = {
                { FOUND, { LISTED(A), MESSAGE("a", NEW, HEADER("X-Action-Id", ID)) } },
                { FOUND, { LISTED(A), MESSAGE("a", NEW, HEADER("x-action-id", ID)) } },
                { FOUND, { LISTED(A), MESSAGE("a", NEW, HEADER("Message-Id", "<" ID "@b.c>")) } },
                { FOUND, { LISTED(A), MESSAGE("a", NEW, HEADER("Message-ID", "<x@mail.gmail.com>") ","
                                                        HEADER("X-Action-Id", ID)) } },
                { FOUND, { LISTED(A "," B), MESSAGE("a", NEW, HEADER("X-Action-Id", OTHER)),
                           MESSAGE("b", NEW, HEADER("X-Action-Id", ID)) } },
                /* Its marker is worth more than its date, and the order is not strict. */
                { FOUND, { LISTED(A "," B), MESSAGE("a", OLD, ""),
                           MESSAGE("b", OLD, HEADER("X-Action-Id", ID)) } },
                /* One was deleted meanwhile. */
                { FOUND, { LISTED(A "," B), { GET("a"), 404, "{}" },
                           MESSAGE("b", NEW, HEADER("X-Action-Id", ID)) } },

                { ADAPTER_ABSENT, { { LIST, 200, "{\"resultSizeEstimate\":0}" } } },
                { ADAPTER_ABSENT, { { LIST, 200, "{\"messages\":[],\"resultSizeEstimate\":0}" } } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, "") } },
                { ADAPTER_ABSENT, { LISTED(A), { GET("a"), 404, "" } } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, HEADER("X-Action-Id", OTHER)) } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, HEADER("X-Action-Id", ID "0")) } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, HEADER("X-Action-Id", "")) } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, HEADER("X-Other-Id", ID)) } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, HEADER("Message-ID", "<" ID ">")) } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, HEADER("Message-ID", ID "@b.c")) } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, HEADER("Message-ID", "")) } },
                { ADAPTER_ABSENT, { LISTED(A), MESSAGE("a", NEW, "7,{},{\"name\":\"X-Action-Id\"}") } },
                { ADAPTER_ABSENT, { LISTED(A), { GET("a"), 200, "{\"id\":\"a\",\"internalDate\":\"0\"}" } } },

                { ADAPTER_CONTINUE, { LISTED(A) } },
                { ADAPTER_CONTINUE, { LISTED(A "," B), MESSAGE("a", OLD, "") } },
        };
        /* clang-format on */
        struct run *run = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = go(run, cases[i].answers);

                if (r != cases[i].r)
                        fail_msg("case %zu: %d, %s", i, r, run->error.message);
                assert_int_equal(run->result != NULL, r == FOUND);
                assert_int_equal(run->error.code, AE_NONE);
        }
}

static void test_the_result_is_that_of_a_send(void **state) {
        static const struct answer answers[] = { LISTED(A),
                                                 MESSAGE("a", NEW, HEADER("X-Action-Id", ID)),
                                                 { 0 } };
        struct run *run = *state;

        assert_int_equal(go(run, answers), FOUND);
        assert_string_equal(json_string(run->result, "message_id"), "a");
        assert_string_equal(json_string(run->result, "thread_id"), "t-a");
        assert_string_equal(json_string(run->result, "timestamp"), "2025-07-25T15:21:01Z");
        assert_int_equal(cJSON_GetArraySize(run->result), 3);
}

/* Nothing of this is a no. What may pass is retryable; what will not, is not. */
static void test_what_cannot_be_told(void **state) {
        static const char deep[] =
                        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[";
        /* clang-format off */
        static const struct {
                enum ae_code code;
                struct answer answers[4];
        } cases[] = {
                { AE_REAUTHORIZATION_REQUIRED, { { LIST, 401, "{}" } } },
                { AE_REAUTHORIZATION_REQUIRED, { { LIST, 403,
                  "{\"error\":{\"errors\":[{\"reason\":\"insufficientPermissions\"}]}}" } } },
                { AE_UPSTREAM_REJECTED, { { LIST, 403, "{}" } } },
                { AE_UPSTREAM_REJECTED, { { LIST, 404, "{}" } } },
                { AE_UPSTREAM_REJECTED, { { LIST, 302, "" } } },
                { AE_RATE_LIMITED,      { { LIST, 429, "{}" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 500, "{}" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, "" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, "{}" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, "[]" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, "{\"messages\":[" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, deep } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, "{\"resultSizeEstimate\":1}" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, "{\"resultSizeEstimate\":\"0\"}" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, "{\"messages\":{},\"resultSizeEstimate\":0}" } } },
                { AE_UPSTREAM_ERROR,    { { LIST, 200, "{\"messages\":null,\"resultSizeEstimate\":0}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED("7") } },
                { AE_UPSTREAM_ERROR,    { LISTED("{}") } },
                { AE_UPSTREAM_ERROR,    { LISTED(A ",{\"id\":7}") } },
                { AE_UPSTREAM_ERROR,    { LISTED("{\"id\":\"\"}") } },
                { AE_UPSTREAM_ERROR,    { LISTED("{\"id\":\"../../settings\"}") } },
                { AE_UPSTREAM_ERROR,    { LISTED("{\"id\":\"a?b\"}") } },
                { AE_UPSTREAM_ERROR,    { LISTED("{\"id\":\"a%2fb\"}") } },
                { AE_UPSTREAM_ERROR,    { LISTED("{\"id\":\"a b\"}") } },
                { AE_UPSTREAM_ERROR,    { LISTED("{\"id\":\"\xc3\xa4\"}") } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200, "" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200, "{}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200, "{\"id\":\"b\",\"internalDate\":\"1\"}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200, "{\"id\":\"a\"}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200, "{\"id\":\"a\",\"internalDate\":1}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200, "{\"id\":\"a\",\"internalDate\":\"\"}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200, "{\"id\":\"a\",\"internalDate\":\"-1\"}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200,
                  "{\"id\":\"a\",\"internalDate\":\"253402300799001\"}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 200,
                  "{\"id\":\"a\",\"internalDate\":\"99999999999999999999\"}" } } },
                { AE_UPSTREAM_ERROR,    { LISTED(A), { GET("a"), 503, "{}" } } },
                { AE_UPSTREAM_REJECTED, { LISTED(A), { GET("a"), 403, "{}" } } },
        };
        /* clang-format on */
        struct run *run = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = go(run, cases[i].answers);

                if (r >= 0 || run->error.code != cases[i].code)
                        fail_msg("case %zu: %d, %s", i, r, run->error.message);
                assert_null(run->result);
        }
}

/* A list of n messages, with more behind it or not. */
static int take_list(struct run *run, unsigned n, bool more) {
        _cleanup_(buffer_done) struct buffer body = { 0 };

        clear(run);
        ask(run, LIST);
        buffer_puts(&body, "{\"resultSizeEstimate\":201,\"messages\":[");
        for (unsigned i = 0; i < n; i++)
                buffer_printf(&body, "%s{\"id\":\"m%u\"}", i > 0 ? "," : "", i);
        buffer_printf(&body, "]%s}", more ? ",\"nextPageToken\":\"12\"" : "");
        return take(run, 200, body.data);
}

static int take_message(struct run *run, unsigned i, const char *sec) {
        char url[256], body[256];

        snprintf(url, sizeof(url), BASE "/m%u" QUERY, i);
        ask(run, url);
        snprintf(body, sizeof(body), "{\"id\":\"m%u\",\"internalDate\":\"%s000\"}", i, sec);
        return take(run, 200, body);
}

/* Whoever sends a lot is not told that nothing was sent because it lies further down. */
static void test_the_end_of_the_list(void **state) {
        static const struct {
                unsigned n_new, n_older; /* in that order */
                bool more;
                int r;
        } cases[] = {
                { 50, 0, false, ADAPTER_ABSENT },
                { 50, 0, true, -1 },
                { 46, 4, true, -1 },
                { 45, 5, true, ADAPTER_ABSENT },
                { 0, 5, true, ADAPTER_ABSENT },
                { 0, 4, true, -1 },
                { 0, 4, false, ADAPTER_ABSENT },
        };
        struct run *run = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                unsigned n = cases[i].n_new + cases[i].n_older;
                int r = take_list(run, n, cases[i].more);

                for (unsigned k = 0; k < n; k++) {
                        assert_int_equal(r, ADAPTER_CONTINUE);
                        r = take_message(run, k, k < cases[i].n_new ? SKEWED : OLD);
                }
                assert_int_equal(r < 0 ? -1 : r, cases[i].r);
                assert_int_equal(run->error.code, r < 0 ? AE_OUTCOME_UNKNOWN : AE_NONE);
                assert_true(run->n_exchanges <= ADAPTER_MAX_LOOK_EXCHANGES);
        }
}

/* After so many older ones nobody looks at those behind them. */
static void test_older_ones_end_it(void **state) {
        struct run *run = *state;

        assert_int_equal(take_list(run, 50, true), ADAPTER_CONTINUE);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(take_message(run, i, OLD), ADAPTER_CONTINUE);
        assert_int_equal(take_message(run, 4, SKEWED), ADAPTER_CONTINUE);
        assert_int_equal(take_message(run, 5, OLD), ADAPTER_ABSENT);
}

/* H5: by which clock is it older? By Google's; where that does not show, all are looked at. */
static void test_whose_clock(void **state) {
        static const struct {
                const char *date;
                bool is_older; /* what came two minutes and a second before the attempt */
        } cases[] = {
                { DATE, true },
                { "Friday, 25-Jul-25 15:21:30 GMT", true },
                { "Fri, 25 Jul 2025 15:21:29 GMT", false },
                { "Thu, 01 Jan 1970 00:00:00 GMT", false },
                { "", false },
                { "1753456890", false },
                { "yesterday", false },
        };
        struct run *run = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r;

                run->date = cases[i].date;
                r = take_list(run, 50, true);
                for (unsigned k = 0; k < 5; k++) {
                        assert_int_equal(r, ADAPTER_CONTINUE);
                        r = take_message(run, k, OLD);
                }
                assert_int_equal(r, cases[i].is_older ? ADAPTER_ABSENT : ADAPTER_CONTINUE);
        }
}

static void test_limits(void **state) {
        struct run *run = *state;
        char id[260], body[400];

        assert_true(take_list(run, 51, false) < 0);
        assert_int_equal(run->error.code, AE_UPSTREAM_ERROR);

        for (size_t n = 256; n <= 257; n++) {
                clear(run);
                memset(id, 'x', n);
                id[n] = 0;
                snprintf(body, sizeof(body), "{\"messages\":[{\"id\":\"%s\"}]}", id);
                assert_int_equal(take(run, 200, body),
                                 n == 256 ? ADAPTER_CONTINUE : ae_code_errno(AE_UPSTREAM_ERROR));
        }
}

#define DRAFTS "https://gmail.example/gmail/v1/users/me/drafts"
#define DRAFT_LIST DRAFTS "?includeSpamTrash=true&maxResults=50"
#define DRAFT_GET(id) DRAFTS "/" id "?format=metadata"
#define DRAFT(id, headers) \
        { \
                DRAFT_GET(id), 200, \
                                "{\"id\":\"" id "\",\"message\":{\"id\":\"m-" id \
                                "\",\"internalDate\":\"" OLD \
                                "000\",\"payload\":{\"headers\":[" headers "]}}}" \
        }

/* Drafts stand in no order: an old one ends nothing. */
static void test_a_look_at_drafts(void **state) {
        /* clang-format off */
        static const struct {
                int r;
                enum ae_code code;
                struct answer answers[9];
        } cases[] = {
                { FOUND, AE_NONE, { { DRAFT_LIST, 200, "{\"drafts\":[" A "," B "]}" }, DRAFT("a", ""),
                  DRAFT("b", HEADER("X-Action-Id", ID)) } },
                { ADAPTER_ABSENT, AE_NONE, { { DRAFT_LIST, 200, "{\"resultSizeEstimate\":0}" } } },
                { ADAPTER_ABSENT, AE_NONE, { { DRAFT_LIST, 200, "{\"drafts\":[" A "]}" }, DRAFT("a", "") } },
                { ADAPTER_ABSENT, AE_NONE, { { DRAFT_LIST, 200, "{\"drafts\":[" A "]}" },
                  { DRAFT_GET("a"), 404, "{}" } } },
                { ADAPTER_CONTINUE, AE_NONE, { { DRAFT_LIST, 200, "{\"drafts\":[" A "," B "," A "," A "," A "," A "]}" },
                  DRAFT("a", ""), DRAFT("b", ""), DRAFT("a", ""), DRAFT("a", ""), DRAFT("a", "") } },
                { -1, AE_OUTCOME_UNKNOWN, { { DRAFT_LIST, 200, "{\"drafts\":[" A "],\"nextPageToken\":\"x\"}" },
                  DRAFT("a", "") } },
                { -1, AE_UPSTREAM_ERROR, { { DRAFT_LIST, 200, "{\"messages\":[" A "]}" } } },
                { -1, AE_UPSTREAM_ERROR, { { DRAFT_LIST, 200, "{\"drafts\":[" A "]}" },
                  { DRAFT_GET("a"), 200, "{\"id\":\"a\"}" } } },
                { -1, AE_UPSTREAM_ERROR, { { DRAFT_LIST, 200, "{\"drafts\":[" A "]}" },
                  { DRAFT_GET("a"), 200, "{\"id\":\"a\",\"message\":{\"internalDate\":\"0\"}}" } } },
        };
        /* clang-format on */
        struct run *run = *state;

        run->look = look_of("create_draft");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = go(run, cases[i].answers);

                if ((r < 0 ? -1 : r) != cases[i].r || run->error.code != cases[i].code)
                        fail_msg("case %zu: %d, %s", i, r, run->error.message);
                if (r == FOUND) {
                        assert_string_equal(json_string(run->result, "draft_id"), "b");
                        assert_string_equal(json_string(run->result, "message_id"), "m-b");
                }
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_a_look),
                TEST(test_the_result_is_that_of_a_send),
                TEST(test_what_cannot_be_told),
                TEST(test_the_end_of_the_list),
                TEST(test_older_ones_end_it),
                TEST(test_whose_clock),
                TEST(test_limits),
                TEST(test_a_look_at_drafts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
