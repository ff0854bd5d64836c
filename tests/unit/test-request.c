/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "engine/request.h"

/* What a line comes to: the code that refuses it, and the id that an answer would echo. */
struct line_case {
        const char *line;
        enum ae_code code; /* AE_NONE: accepted */
        const char *id;    /* NULL: none could be read */
};

#define S64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* clang-format off */
static const struct line_case line_cases[] = {
        { "{}",                                         AE_NONE,            NULL },
        { "{\"id\":\"x\"}",                             AE_NONE,            "\"x\"" },
        { "{\"id\":7}",                                 AE_NONE,            "7" },
        { "{\"id\":-9007199254740992}",                 AE_NONE,            "-9007199254740992" },
        { "{\"id\":9007199254740992}",                  AE_NONE,            "9007199254740992" },
        { "{\"id\":9007199254740993}",                  AE_INVALID_REQUEST, NULL },
        { "{\"id\":7.0}",                               AE_INVALID_REQUEST, NULL },
        { "{\"id\":7e0}",                               AE_INVALID_REQUEST, NULL },
        { "{\"id\":null}",                              AE_INVALID_REQUEST, NULL },
        { "{\"id\":{}}",                                AE_INVALID_REQUEST, NULL },
        { "{\"id\":\"" S64 S64 "\"}",                   AE_NONE,            "\"" S64 S64 "\"" },
        { "{\"id\":\"" S64 S64 "a\"}",                  AE_INVALID_REQUEST, NULL },
        { "{\"id\":\"\\u00e9\"}",                       AE_NONE,            "\"\\u00e9\"" },

        /* An id is found wherever it stands, as far as the line could be read. */
        { "{\"op\":7,\"id\":1}",                        AE_INVALID_REQUEST, "1" },
        { "{\"id\":1,\"op\":\"a\",\"op\":\"a\"}",       AE_INVALID_JSON,    "1" },
        { "{\"id\":1,\"id\":2}",                        AE_INVALID_JSON,    NULL },
        { "{\"id\":1,",                                 AE_INVALID_JSON,    "1" },
        { "{\"id\":1",                                  AE_INVALID_JSON,    NULL },
        { "[{\"id\":1}]",                               AE_INVALID_REQUEST, NULL },
        { "7",                                          AE_INVALID_REQUEST, NULL },
        { "\"op\"",                                     AE_INVALID_REQUEST, NULL },
        { "nonsense",                                   AE_INVALID_JSON,    NULL },

        /* A misspelt field must not pass silently. */
        { "{\"id\":1,\"idempotency-key\":\"k\"}",       AE_INVALID_REQUEST, "1" },
        { "{\"id\":1,\"Op\":\"ping\"}",                 AE_INVALID_REQUEST, "1" },
        { "{\"id\":1,\"\":0}",                          AE_INVALID_REQUEST, "1" },
        { "{\"id\":1,\"\\u006fp\":\"ping\"}",           AE_NONE,            "1" },
        { "{\"0\":0,\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,"
          "\"10\":0,\"11\":0,\"12\":0,\"13\":0,\"14\":0,\"15\":0,\"16\":0,\"17\":0,\"18\":0,"
          "\"20\":0,\"21\":0,\"22\":0,\"23\":0,\"24\":0,\"25\":0,\"26\":0,\"27\":0,\"28\":0,"
          "\"30\":0,\"31\":0,\"32\":0,\"33\":0,\"34\":0,\"35\":0,\"36\":0,\"37\":0,\"38\":0,"
          "\"op\":\"ping\"}",                           AE_INVALID_REQUEST, NULL },

        { "{\"scopes\":[]}",                            AE_NONE,            NULL },
        { "{\"scopes\":\"a\"}",                         AE_INVALID_REQUEST, NULL },
        { "{\"device\":true,\"verify\":false}",         AE_NONE,            NULL },
        { "{\"approval_id\":\"0193\"}",               AE_NONE,            NULL },
        { "{\"approval_id\":\"\"}",                   AE_INVALID_REQUEST, NULL },
        { "{\"approval_id\":\"a\\n\"}",                AE_INVALID_REQUEST, NULL },
        { "{\"approval_id\":1}",                      AE_INVALID_REQUEST, NULL },
        { "{\"device\":1}",                             AE_INVALID_REQUEST, NULL },
        { "{\"verify\":\"yes\"}",                       AE_INVALID_REQUEST, NULL },
        { "{\"code\":\"4/0a\",\"state\":\"s\"}",        AE_NONE,            NULL },
        { "{\"code\":\"\"}",                            AE_INVALID_REQUEST, NULL },
        { "{\"code\":\"a\\n\"}",                        AE_INVALID_REQUEST, NULL },
        { "{\"state\":\"\"}",                           AE_INVALID_REQUEST, NULL },
        { "{\"state\":\"\\u00e9\"}",                    AE_INVALID_REQUEST, NULL },
        { "{\"authorization_response\":\"\"}",          AE_INVALID_REQUEST, NULL },
        { "{\"authorization_response\":\"?code=a\"}",   AE_NONE,            NULL },
        { "{\"redirect_uri\":\"\"}",                    AE_INVALID_REQUEST, NULL },

        { "{\"op\":\"\"}",                              AE_NONE,            NULL },
        { "{\"op\":null}",                              AE_INVALID_REQUEST, NULL },
        { "{\"payload\":{}}",                           AE_NONE,            NULL },
        { "{\"payload\":[]}",                           AE_INVALID_REQUEST, NULL },
        { "{\"payload\":\"{}\"}",                       AE_INVALID_REQUEST, NULL },
        { "{\"account\":\"a.B_1@x+y-z\"}",              AE_NONE,            NULL },
        { "{\"account\":\"\"}",                         AE_INVALID_REQUEST, NULL },
        { "{\"account\":\"a b\"}",                      AE_INVALID_REQUEST, NULL },
        { "{\"account\":\"" S64 "\"}",                  AE_NONE,            NULL },
        { "{\"account\":\"" S64 "a\"}",                 AE_INVALID_REQUEST, NULL },
        { "{\"user_id\":\"u\\n1\"}",                    AE_INVALID_REQUEST, NULL },
        { "{\"user_id\":\"" S64 S64 "\"}",              AE_NONE,            NULL },
        { "{\"user_id\":\"" S64 S64 "a\"}",             AE_INVALID_REQUEST, NULL },
        { "{\"idempotency_key\":\"\"}",                 AE_INVALID_REQUEST, NULL },
        { "{\"idempotency_key\":\"\\u00e9\"}",          AE_INVALID_REQUEST, NULL },
        { "{\"deadline_ms\":1}",                        AE_NONE,            NULL },
        { "{\"deadline_ms\":86400000}",                 AE_NONE,            NULL },
        { "{\"deadline_ms\":86400001}",                 AE_INVALID_REQUEST, NULL },
        { "{\"deadline_ms\":0}",                        AE_INVALID_REQUEST, NULL },
        { "{\"deadline_ms\":1.5}",                      AE_INVALID_REQUEST, NULL },
        { "{\"deadline_ms\":\"1\"}",                    AE_INVALID_REQUEST, NULL },
        { "{\"dry_run\":true,\"interactive\":false}",   AE_NONE,            NULL },
        { "{\"dry_run\":1}",                            AE_INVALID_REQUEST, NULL },
        { "{\"interactive\":\"true\"}",                 AE_INVALID_REQUEST, NULL },
        { "{\"traceparent\":\"" TRACE "\"}",            AE_NONE,            NULL },
        { "{\"traceparent\":\"" TRACE "-x\"}",          AE_INVALID_REQUEST, NULL },
        /* A later version may append to it, but a header is made of it. */
        { "{\"traceparent\":\"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x\"}",
                                                        AE_NONE,            NULL },
        { "{\"traceparent\":\"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x\"}",
                                                        AE_INVALID_REQUEST, NULL },
        { "{\"traceparent\":\"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-\\r\\nX: 1\"}",
                                                        AE_INVALID_REQUEST, NULL },
        { "{\"traceparent\":\"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-\xc3\xa9\"}",
                                                        AE_INVALID_REQUEST, NULL },
        { "{\"traceparent\":\"00-00000000000000000000000000000000-b7ad6b7169203331-01\"}",
                                                        AE_INVALID_REQUEST, NULL },
        { "{\"traceparent\":\"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}",
                                                        AE_INVALID_REQUEST, NULL },
        { "{\"traceparent\":\"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01\"}",
                                                        AE_INVALID_REQUEST, NULL },
};
/* clang-format on */

static void test_lines(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(line_cases); i++) {
                const struct line_case *c = &line_cases[i];
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(request_done) struct request q;
                int r;

                r = request_parse(c->line, strlen(c->line), 5, &q, &error);
                if (error.code != c->code || (r < 0) != (c->code != AE_NONE))
                        fail_msg("%s: %d %s", c->line, r, error.message);
                if (c->id ? !q.id || strcmp(q.id, c->id) != 0 : q.id != NULL)
                        fail_msg("%s: id %s", c->line, q.id ? q.id : "none");
        }
}

static void test_fields_arrive(void **state) {
        static const char line[] = "{\"id\":\"7\",\"op\":\"perform_action\",\"platform\":\"gmail\","
                                   "\"action_type\":\"send_email\",\"payload\":{\"to\":\"a@b.c\"},"
                                   "\"user_id\":\"u\\u0031\","
                                   "\"account\":\"work\",\"deadline_ms\":1500,\"dry_run\":true}";
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(request_done) struct request q;

        assert_int_equal(request_parse(line, strlen(line), 1, &q, &error), 0);
        assert_string_equal(q.platform, "gmail");
        assert_string_equal(q.user_id, "u1");
        assert_string_equal(q.account, "work");
        assert_int_equal(q.deadline_usec, 1500000);
        assert_true(q.dry_run);
        assert_false(q.interactive);
        assert_memory_equal(q.payload.text, "{\"to\":\"a@b.c\"}", q.payload.size);
        assert_null(q.token);
}

/* As long as it may be, and a byte longer. */
static void test_long_fields(void **state) {
        static const struct {
                const char *name;
                size_t max;
        } cases[] = {
                { "authorization_response", 8192 },
                { "code", 4096 },
                { "redirect_uri", 2048 },
                { "state", 1024 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t more = 0; more < 2; more++) {
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        _cleanup_(request_done) struct request q;
                        char line[9000];
                        int n, r;

                        n = snprintf(line, sizeof(line), "{\"%s\":\"%0*d\"}", cases[i].name,
                                     (int)(cases[i].max + more), 0);
                        r = request_parse(line, (size_t)n, 1, &q, &error);
                        assert_int_equal(error.code, more > 0 ? AE_INVALID_REQUEST : AE_NONE);
                        if (r == 0)
                                assert_string_equal(request_field_name(q.present), cases[i].name);
                }
        assert_null(request_field_name(0));
}

/* An answer is one line, whatever it quotes, and finds its way back by id or by line. */
static void test_answers(void **state) {
        static const char line[] = "{\"id\":\"a\\\"b\",\"platform\":\"x\\\"y\"}";
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *json = NULL;
        _cleanup_(request_done) struct request q;
        struct buffer to = { 0 };
        const cJSON *inner;
        int64_t number;

        assert_int_equal(request_parse(line, strlen(line), 3, &q, &error), 0);
        request_write_result(&q, "{\"n\":1}", 7, &to);
        assert_int_equal(json_parse(to.data, to.size, &json, NULL), 0);
        assert_string_equal(json_string(json, "id"), "a\"b");
        assert_string_equal(json_string(json, "status"), "success");
        assert_string_equal(json_string(json, "platform"), "x\"y");
        assert_int_equal(json_integer(json_member(json, "result"), "n", &number), 0);
        assert_null(json_member(json, "reconciled"));
        q.reconciled = true;
        buffer_clear(&to);
        request_write_result(&q, "{}", 2, &to);
        assert_non_null(strstr(to.data, ",\"reconciled\":true,\"result\":{}}"));

        (void)ae_error_set(&error, AE_RATE_LIMITED, "wait, \"%s\"", "now\n");
        error.retry_after_msec = 1500;
        error.upstream_status = 429;
        memcpy(error.upstream_reason, "slow", 5);
        ae_error_add(&error, "/to", "is required");
        ae_error_detail(&error, "by", "scope");
        buffer_clear(&to);
        request_write_error(&q, &error, &to);
        assert_null(strchr(to.data, '\n'));
        json = json_free(json);
        assert_int_equal(json_parse(to.data, to.size, &json, NULL), 0);
        assert_null(json_member(json, "line"));
        inner = json_member(json, "error");
        assert_string_equal(json_string(inner, "code"), "rate_limited");
        assert_true(cJSON_IsTrue(json_member(inner, "retryable")));
        assert_int_equal(json_integer(inner, "retry_after_ms", &number), 0);
        assert_int_equal(number, 1500);
        assert_string_equal(json_string(json_member(inner, "upstream"), "reason"), "slow");
        assert_string_equal(json_string(json_member(inner, "details"), "by"), "scope");

        (void)ae_error_set(&error, AE_OVERLOADED, "wait");
        buffer_clear(&to);
        request_write_error(&q, &error, &to);
        json = json_free(json);
        assert_int_equal(json_parse(to.data, to.size, &json, NULL), 0);
        inner = json_member(json, "error");
        assert_null(json_member(inner, "errors")); /* of a payload that nobody looked at */

        (void)ae_error_set(&error, AE_INVALID_PAYLOAD, "payload does not match");
        buffer_clear(&to);
        request_write_error(&q, &error, &to);
        json = json_free(json);
        assert_int_equal(json_parse(to.data, to.size, &json, NULL), 0);
        inner = json_member(json_member(json, "error"), "errors");
        assert_string_equal(json_string(cJSON_GetArrayItem(inner, 0), "path"), "/to");

        free(q.id);
        q.id = NULL;
        buffer_clear(&to);
        request_write_error(&q, &error, &to);
        json = json_free(json);
        assert_int_equal(json_parse(to.data, to.size, &json, NULL), 0);
        assert_int_equal(json_integer(json, "line", &number), 0);
        assert_int_equal(number, 3);
        buffer_done(&to);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_fields_arrive),
                cmocka_unit_test(test_long_fields),
                cmocka_unit_test(test_answers),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
