/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "http/http.h"
#include "policy/control-answer.h"

static int read_answer(const struct http_response *response, cJSON **ret_scopes,
                       struct ae_error *error) {
        return control_answer_read(response, "gmail", "send_email", ret_scopes, error);
}

static int read_text(const char *text, cJSON **ret_scopes, struct ae_error *error) {
        const struct http_response response = {
                .status = 200,
                .body = text,
                .body_size = strlen(text),
        };

        return read_answer(&response, ret_scopes, error);
}

static void assert_is(const char *text, enum ae_code code, const char *says) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *scopes = NULL;
        int r = read_text(text, &scopes, &error);

        if (error.code != code || (r == 0) != (code == AE_NONE) || (scopes != NULL) != (r == 0))
                fail_msg("%s: %d, %s", text, r, error.message);
        if (says && !strstr(error.message, says))
                fail_msg("%s: %s", text, error.message);
}

/* A member of the answer, and the others as they should be. */
#define ALLOWED(value) \
        "{\"allowed\":" value ",\"required_scopes\":[],\"platform_status\":\"active\"}"
#define SCOPES(value) \
        "{\"allowed\":true,\"required_scopes\":" value ",\"platform_status\":\"active\"}"
#define STATUS(value) "{\"allowed\":true,\"required_scopes\":[],\"platform_status\":" value "}"

static void test_what_it_means(void **state) {
        static const struct {
                const char *text;
                enum ae_code code;
                const char *says;
        } cases[] = {
                { ALLOWED("true"), AE_NONE, NULL },
                { " " ALLOWED("true") "\r\n", AE_NONE, NULL },
                { SCOPES("[\"a\",\"https://a.example/b?c=d\",\"a\"]"), AE_NONE, NULL },
                { "{\"allowed\":true,\"required_scopes\":[],\"platform_status\":\"active\","
                  "\"Allowed\":false,\"more\":{}}",
                  AE_NONE, NULL },

                { ALLOWED("false"), AE_FORBIDDEN, "does not allow gmail.send_email" },
                { "{\"allowed\":false}", AE_FORBIDDEN, "does not allow gmail.send_email" },
                { "{\"allowed\":false,\"required_scopes\":7,\"platform_status\":7}", AE_FORBIDDEN,
                  NULL },
                { "{\"allowed\":false,\"platform_status\":\"suspended\"}", AE_FORBIDDEN,
                  "gmail is 'suspended'" },
                { STATUS("\"suspended\""), AE_FORBIDDEN, "gmail is 'suspended'" },
                { STATUS("\"Active\""), AE_FORBIDDEN, "'Active'" },
                { STATUS("\"active \""), AE_FORBIDDEN, "'active '" },
                { STATUS("\"\\u001b[2J\\nx\""), AE_FORBIDDEN, "'?[2J?x'" },
                { "{\"allowed\":true,\"platform_status\":\"off\"}", AE_FORBIDDEN, "'off'" },

                { "", AE_POLICY_UNAVAILABLE, "no sense" },
                { "[]", AE_POLICY_UNAVAILABLE, NULL },
                { "{}", AE_POLICY_UNAVAILABLE, NULL },
                { "true", AE_POLICY_UNAVAILABLE, NULL },
                { "null", AE_POLICY_UNAVAILABLE, NULL },
                { "[" ALLOWED("true") "]", AE_POLICY_UNAVAILABLE, NULL },
                { ALLOWED("true") ALLOWED("true"), AE_POLICY_UNAVAILABLE, NULL },
                { ALLOWED("true,\"allowed\":true"), AE_POLICY_UNAVAILABLE, NULL },
                { ALLOWED("true") "x", AE_POLICY_UNAVAILABLE, NULL },
                { ALLOWED("1"), AE_POLICY_UNAVAILABLE, NULL },
                { ALLOWED("null"), AE_POLICY_UNAVAILABLE, NULL },
                { ALLOWED("\"true\""), AE_POLICY_UNAVAILABLE, NULL },
                { ALLOWED("[true]"), AE_POLICY_UNAVAILABLE, NULL },
                { "{\"Allowed\":true,\"required_scopes\":[],\"platform_status\":\"active\"}",
                  AE_POLICY_UNAVAILABLE, NULL },
                { "{\"required_scopes\":[],\"platform_status\":\"active\"}", AE_POLICY_UNAVAILABLE,
                  NULL },
                { "{\"allowed\":true,\"platform_status\":\"active\"}", AE_POLICY_UNAVAILABLE,
                  NULL },
                { "{\"allowed\":true,\"required_scopes\":[]}", AE_POLICY_UNAVAILABLE, NULL },
                { STATUS("\"\""), AE_POLICY_UNAVAILABLE, NULL },
                { STATUS("null"), AE_POLICY_UNAVAILABLE, NULL },
                { STATUS("true"), AE_POLICY_UNAVAILABLE, NULL },
                { STATUS("[\"active\"]"), AE_POLICY_UNAVAILABLE, NULL },
                { STATUS("\"active\\u0000\""), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("null"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("\"a\""), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("{\"a\":\"b\"}"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[1]"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[\"\"]"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[\"a b\"]"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[\"a\",\"b \"]"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[\"a\\tb\"]"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[\"a\\\"b\"]"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[\"a\\\\b\"]"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[\"\xc3\xbc\"]"), AE_POLICY_UNAVAILABLE, NULL },
                { SCOPES("[[\"a\"]]"), AE_POLICY_UNAVAILABLE, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_is(cases[i].text, cases[i].code, cases[i].says);
}

static void test_the_scopes(void **state) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *scopes = NULL;

        assert_int_equal(read_text(SCOPES("[\"a\",\"b\"]"), &scopes, &error), 0);
        assert_int_equal(cJSON_GetArraySize(scopes), 2);
        assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(scopes, 1)), "b");
}

/* The limits, and one past them. */
static void test_limits(void **state) {
        static char scope[CONTROL_MAX_SCOPE + 2], status[CONTROL_MAX_STATUS + 2];
        char text[1024];

        for (size_t over = 0; over <= 1; over++) {
                size_t n;

                memset(scope, 'a', CONTROL_MAX_SCOPE + over);
                snprintf(text, sizeof(text), SCOPES("[\"%s\"]"), scope);
                assert_is(text, over ? AE_POLICY_UNAVAILABLE : AE_NONE, NULL);

                memset(status, 'a', CONTROL_MAX_STATUS + over);
                snprintf(text, sizeof(text), STATUS("\"%s\""), status);
                assert_is(text, over ? AE_POLICY_UNAVAILABLE : AE_FORBIDDEN, NULL);

                n = (size_t)snprintf(text, sizeof(text), "%s", SCOPES("[\"a\""));
                n = (size_t)(strstr(text, "\"a\"") + 3 - text);
                for (size_t i = 1; i < CONTROL_MAX_SCOPES + over; i++)
                        n += (size_t)snprintf(text + n, sizeof(text) - n, ",\"a\"");
                snprintf(text + n, sizeof(text) - n, "],\"platform_status\":\"active\"}");
                assert_is(text, over ? AE_POLICY_UNAVAILABLE : AE_NONE, NULL);
        }
}

/* Whatever it says beside it. */
static void test_no_answer(void **state) {
        static const struct {
                enum http_failure failure;
                int status;
                const char *says;
        } cases[] = {
                { HTTP_REFUSED_URL, 0, "gave no answer: a reason" },
                { HTTP_NOT_CONNECTED, 0, "gave no answer: a reason" },
                { HTTP_CONNECT_TIMEOUT, 0, "in time" },
                { HTTP_NO_ANSWER, 200, "gave no answer: a reason" },
                { HTTP_ANSWER_TIMEOUT, 200, "in time" },
                { HTTP_ANSWER_TOO_LARGE, 200, "too large" },
                { HTTP_ANSWERED, 199, "HTTP 199" },
                { HTTP_ANSWERED, 201, "HTTP 201" },
                { HTTP_ANSWERED, 204, "HTTP 204" },
                { HTTP_ANSWERED, 302, "redirects" },
                { HTTP_ANSWERED, 400, "does not take the question" },
                { HTTP_ANSWERED, 401, "key" },
                { HTTP_ANSWERED, 403, "HTTP 403" },
                { HTTP_ANSWERED, 429, "too often" },
                { HTTP_ANSWERED, 500, "failed" },
                { HTTP_ANSWERED, 599, "failed" },
        };
        static const char yes[] = ALLOWED("true");

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                const struct http_response response = {
                        .failure = cases[i].failure,
                        .reason = "a reason",
                        .status = cases[i].status,
                        .body = yes,
                        .body_size = strlen(yes),
                };
                cJSON *scopes = NULL;

                assert_int_equal(read_answer(&response, &scopes, &error),
                                 ae_code_errno(AE_POLICY_UNAVAILABLE));
                assert_int_equal(error.code, AE_POLICY_UNAVAILABLE);
                assert_null(scopes);
                if (!strstr(error.message, cases[i].says))
                        fail_msg("%zu: %s", i, error.message);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_it_means),
                cmocka_unit_test(test_the_scopes),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_no_answer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
