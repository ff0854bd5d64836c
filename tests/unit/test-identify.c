/* SPDX-License-Identifier: MIT */
/*
 * The look that tells whether a platform takes a credential: where it goes, and what each answer
 * is worth.
 */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "google/identify.h"
#include "notion/identify.h"

static struct secret *token;

static struct adapter_input input_for(const char *base_url) {
        return (struct adapter_input){ .base_url = base_url, .credential = token };
}

static void test_where_google_is_asked(void **state) {
        static const struct {
                const char *base_url, *url;
        } cases[] = {
                { "https://gmail.googleapis.com", "https://oauth2.googleapis.com/tokeninfo" },
                { "https://www.googleapis.com", "https://oauth2.googleapis.com/tokeninfo" },
                { "http://127.0.0.1:4100", "http://127.0.0.1:4100/tokeninfo" },
                { "https://google.example.com", "https://google.example.com/tokeninfo" },
                /* A token goes to Google's hosts, or where the configuration says. */
                { "https://x.example/.googleapis.com.",
                  "https://x.example/.googleapis.com./tokeninfo" },
                { "http://gmail.googleapis.com", "http://gmail.googleapis.com/tokeninfo" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct adapter_input input = input_for(cases[i].base_url);
                struct http_request q = { 0 };
                struct ae_error error = { 0 };

                assert_int_equal(google_identify.build(&input, &q, &error), 0);
                assert_string_equal(q.url, cases[i].url);
                assert_string_equal(q.method, "POST");
                assert_string_equal(q.body.data, "access_token=a%2Bt%26x");
                assert_true(q.repeatable);
                assert_null(strstr(q.url, "a+t"));
                http_request_done(&q);
        }
}

struct answer_case {
        const struct adapter_identify *identify;
        int status;
        const char *body;
        enum ae_code code;
        const char *identity; /* NULL: none */
};

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* clang-format off */
static const struct answer_case answers[] = {
        { &google_identify, 200, "{\"aud\":\"c\",\"email\":\"a@b.c\"}",  AE_NONE,                    "a@b.c" },
        { &google_identify, 200, "{\"aud\":\"c\"}",                      AE_NONE,                    NULL },
        { &google_identify, 200, "{\"aud\":\"c\",\"email\":7}",          AE_NONE,                    NULL },
        { &google_identify, 200, "{\"aud\":\"c\",\"email\":\"\"}",       AE_NONE,                    NULL },
        { &google_identify, 200, "{\"aud\":\"c\",\"email\":\"a\\nb\"}",  AE_NONE,                    NULL },
        { &google_identify, 200, "{\"aud\":\"c\",\"email\":\"" X64 X64 X64 X64 "x\"}", AE_NONE,      NULL },
        { &google_identify, 200, "{\"email\":\"a@b.c\"}",                AE_UPSTREAM_ERROR,          NULL },
        { &google_identify, 200, "{}",                                   AE_UPSTREAM_ERROR,          NULL },
        { &google_identify, 200, "[]",                                   AE_UPSTREAM_ERROR,          NULL },
        { &google_identify, 200, "",                                     AE_UPSTREAM_ERROR,          NULL },
        { &google_identify, 200, "<html>Sign in</html>",                 AE_UPSTREAM_ERROR,          NULL },
        { &google_identify, 400, "{\"error\":\"invalid_token\"}",        AE_REAUTHORIZATION_REQUIRED, NULL },
        { &google_identify, 401, "",                                     AE_REAUTHORIZATION_REQUIRED, NULL },
        { &google_identify, 404, "",                                     AE_UPSTREAM_REJECTED,       NULL },
        { &google_identify, 429, "",                                     AE_RATE_LIMITED,            NULL },
        { &google_identify, 503, "",                                     AE_UPSTREAM_ERROR,          NULL },
        { &notion_identify, 200, "{\"object\":\"user\",\"bot\":{\"workspace_name\":\"Ada's\"}}", AE_NONE, "Ada's" },
        { &notion_identify, 200, "{\"object\":\"user\",\"id\":\"b-1\",\"bot\":{\"workspace_name\":\"Ada's\"}}", AE_NONE, "Ada's (b-1)" },
        { &notion_identify, 200, "{\"object\":\"user\",\"id\":\"b-1\",\"bot\":{}}", AE_NONE,        "b-1" },
        { &notion_identify, 200, "{\"object\":\"user\",\"id\":\"b\\n1\",\"bot\":{\"workspace_name\":\"A\"}}", AE_NONE, "A" },
        { &notion_identify, 200, "{\"object\":\"user\",\"id\":\"b-1\",\"bot\":{\"workspace_name\":\"" X64 X64 X64 X64 "\"}}", AE_NONE, "b-1" },
        { &notion_identify, 200, "{\"object\":\"user\",\"bot\":{\"workspace_name\":null}}", AE_NONE,  NULL },
        { &notion_identify, 200, "{\"object\":\"user\",\"bot\":{\"workspace_name\":\"a\\u007f\"}}", AE_NONE, NULL },
        { &notion_identify, 200, "{\"object\":\"user\",\"bot\":[]}",     AE_NONE,                    NULL },
        { &notion_identify, 200, "{\"object\":\"user\"}",                AE_NONE,                    NULL },
        { &notion_identify, 200, "{\"object\":\"page\"}",                AE_UPSTREAM_ERROR,          NULL },
        { &notion_identify, 200, "{}",                                   AE_UPSTREAM_ERROR,          NULL },
        { &notion_identify, 200, "<html>",                               AE_UPSTREAM_ERROR,          NULL },
        { &notion_identify, 401, "{\"code\":\"unauthorized\"}",          AE_REAUTHORIZATION_REQUIRED, NULL },
        { &notion_identify, 429, "{}",                                   AE_RATE_LIMITED,            NULL },
        { &notion_identify, 500, "{}",                                   AE_UPSTREAM_ERROR,          NULL },
};
/* clang-format on */

static void test_answers(void **state) {
        const struct adapter_input input = input_for("https://x.example");

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                const struct answer_case *c = &answers[i];
                const struct http_response response = { .status = c->status,
                                                        .body = c->body,
                                                        .body_size = strlen(c->body),
                                                        .content_type = "",
                                                        .retry_after = "" };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *result = NULL;
                const char *identity;
                int r;

                r = c->identify->interpret(&input, &response, &result, &error);
                if (error.code != c->code || (r < 0) != (c->code != AE_NONE))
                        fail_msg("%d %s: %d %s", c->status, c->body, r, error.message);
                identity = json_string(result, "identity");
                assert_true((r >= 0) == (result != NULL));
                if (c->identity ? !identity || strcmp(identity, c->identity) != 0
                                : identity != NULL)
                        fail_msg("%s: %s", c->body, identity ? identity : "none");
        }
}

static void test_notion_is_asked_with_the_bearer(void **state) {
        const struct adapter_input input = input_for("https://api.notion.com");
        struct http_request q = { 0 };
        struct ae_error error = { 0 };

        assert_int_equal(notion_identify.build(&input, &q, &error), 0);
        assert_string_equal(q.url, "https://api.notion.com/v1/users/me");
        assert_string_equal(q.method, "GET");
        assert_false(notion_identify.brings_credential);
        http_request_done(&q);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_where_google_is_asked),
                cmocka_unit_test(test_answers),
                cmocka_unit_test(test_notion_is_asked_with_the_bearer),
        };
        int r;

        if (sodium_init() < 0 || secret_new("a+t&x", 5, &token) < 0)
                return 1;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        secret_free(token);
        return r;
}
