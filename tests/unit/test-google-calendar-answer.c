/* SPDX-License-Identifier: MIT */
/*
 * google_calendar: from an answer to a result, an error, or another exchange.
 */
#include "calendar-rig.h"

#include "base/cleanup.h"

static struct http_response answer(int status, const char *body) {
        return (struct http_response){
                .status = status,
                .body = body,
                .body_size = strlen(body),
                .content_type = "",
                .retry_after = "",
        };
}

#define GOOGLE(code, domain, reason) \
        "{\"error\":{\"code\":" #code ",\"message\":\"Said.\",\"errors\":[{\"domain\":\"" domain \
        "\",\"reason\":\"" reason "\",\"message\":\"Said.\"}]}}"

static void test_errors(void **state) {
        static const struct {
                int status;
                const char *body;
                enum ae_code code;
                uint64_t retry_after_msec;
                const char *reason;
        } cases[] = {
                { 400, GOOGLE(400, "calendar", "timeRangeEmpty"), AE_UPSTREAM_REJECTED, 0,
                  "timeRangeEmpty" },
                { 400, GOOGLE(400, "global", "badRequest"), AE_UPSTREAM_REJECTED, 0, "badRequest" },
                { 401, GOOGLE(401, "global", "authError"), AE_REAUTHORIZATION_REQUIRED, 0,
                  "authError" },
                { 403, GOOGLE(403, "usageLimits", "rateLimitExceeded"), AE_RATE_LIMITED, 60000,
                  "rateLimitExceeded" },
                { 403, GOOGLE(403, "usageLimits", "userRateLimitExceeded"), AE_RATE_LIMITED, 60000,
                  "userRateLimitExceeded" },
                { 403, GOOGLE(403, "usageLimits", "quotaExceeded"), AE_RATE_LIMITED, 60000,
                  "quotaExceeded" },
                { 403, GOOGLE(403, "calendar", "forbiddenForNonOrganizer"), AE_UPSTREAM_REJECTED, 0,
                  "forbiddenForNonOrganizer" },
                { 403, GOOGLE(403, "global", "insufficientPermissions"),
                  AE_REAUTHORIZATION_REQUIRED, 0, "insufficientPermissions" },
                { 404, GOOGLE(404, "global", "notFound"), AE_UPSTREAM_REJECTED, 0, "notFound" },
                { 412, GOOGLE(412, "global", "conditionNotMet"), AE_UPSTREAM_REJECTED, 0,
                  "conditionNotMet" },
                { 429, GOOGLE(429, "usageLimits", "rateLimitExceeded"), AE_RATE_LIMITED, 60000,
                  "rateLimitExceeded" },
                { 500, GOOGLE(500, "global", "backendError"), AE_UPSTREAM_ERROR, 0,
                  "backendError" },
                { 503, "<html>", AE_UPSTREAM_ERROR, 0, "" },
                { 302, "", AE_UPSTREAM_REJECTED, 0, "" },
        };
        _cleanup_(json_freep) cJSON *payload = parse("{\"event_id\":\"abcde\"}");
        _cleanup_(json_freep) cJSON *notes = cJSON_CreateObject();
        struct adapter_input input = input_of(payload, notes);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t k = 0; k < calendar()->n_actions; k++) {
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        struct http_response response = answer(cases[i].status, cases[i].body);
                        cJSON *result = NULL;

                        assert_int_equal(calendar()->actions[k].interpret(&input, &response,
                                                                          &result, &error),
                                         ae_code_errno(cases[i].code));
                        assert_null(result);
                        assert_int_equal(error.code, cases[i].code);
                        assert_int_equal(error.upstream_status, cases[i].status);
                        assert_string_equal(error.upstream_reason, cases[i].reason);
                        assert_int_equal(error.retry_after_msec, cases[i].retry_after_msec);
                }
}

/* Gone: what delete_event was to bring about, and what update_event cannot change. */
static void test_gone(void **state) {
        static const char body[] = GOOGLE(410, "global", "deleted");
        _cleanup_(json_freep) cJSON *payload = parse("{\"event_id\":\"abcde\"}");
        _cleanup_(json_freep) cJSON *deleted = NULL, *updated = NULL;
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct adapter_input input = input_of(payload, NULL);
        struct http_response response = answer(410, body);

        assert_int_equal(action("delete_event")->interpret(&input, &response, &deleted, &error), 0);
        assert_string_equal(json_string(deleted, "event_id"), "abcde");
        assert_true(cJSON_IsTrue(json_member(deleted, "already_deleted")));
        assert_true(action("update_event")->interpret(&input, &response, &updated, &error) < 0);
        assert_int_equal(error.code, AE_UPSTREAM_REJECTED);
        assert_string_equal(error.upstream_reason, "deleted");
}

static void test_deleted(void **state) {
        static const int statuses[] = { 200, 204 };
        _cleanup_(json_freep) cJSON *payload = parse("{\"event_id\":\"abcde\"}");
        struct adapter_input input = input_of(payload, NULL);

        for (size_t i = 0; i < ELEMENTSOF(statuses); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *result = NULL;
                struct http_response response = answer(statuses[i], "");

                assert_int_equal(action("delete_event")
                                                 ->interpret(&input, &response, &result, &error),
                                 0);
                assert_true(cJSON_IsFalse(json_member(result, "already_deleted")));
        }
}

/* The result as text; NULL for upstream_error, which says that a repeat does no harm. */
static void assert_result(const char *type, const char *body, const char *result_text) {
        _cleanup_(json_freep) cJSON *payload = parse("{\"event_id\":\"abcde\"}");
        _cleanup_(json_freep) cJSON *notes = cJSON_CreateObject(), *result = NULL;
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct adapter_input input = input_of(payload, notes);
        struct http_response response = answer(200, body);
        int r;

        r = action(type)->interpret(&input, &response, &result, &error);
        if (!result_text) {
                assert_int_equal(r, ae_code_errno(AE_UPSTREAM_ERROR));
                assert_int_equal(error.code, AE_UPSTREAM_ERROR);
                assert_int_equal(error.upstream_status, 200);
                assert_null(result);
                return;
        }
        assert_int_equal(r, 0);
        json_print(result, &text);
        assert_string_equal(text.data, result_text);
}

static void test_written(void **state) {
        static const struct {
                const char *body, *result;
        } cases[] = {
                { "{\"id\":\"e1\",\"status\":\"confirmed\",\"htmlLink\":\"https://a/b\","
                  "\"hangoutLink\":\"https://meet/x\",\"summary\":\"x\"}",
                  "{\"event_id\":\"e1\",\"status\":\"confirmed\",\"html_link\":\"https://a/b\","
                  "\"meet_link\":\"https://meet/x\"}" },
                { "{\"id\":\"e1\"}", "{\"event_id\":\"e1\"}" },
                { "{\"id\":\"e1\",\"status\":7,\"htmlLink\":\"javascript:x\",\"hangoutLink\":{}}",
                  "{\"event_id\":\"e1\"}" },
                { "{\"id\":\"e1\",\"htmlLink\":\"https://a b\",\"hangoutLink\":\"http://x\"}",
                  "{\"event_id\":\"e1\"}" },
                { "", NULL },
                { "<html>", NULL },
                { "{}", NULL },
                { "[]", NULL },
                { "\"e1\"", NULL },
                { "{\"id\":7}", NULL },
                { "{\"id\":\"\"}", NULL },
                { "{\"id\":\"a\\nb\"}", NULL },
                { "{\"Id\":\"e1\"}", NULL },
                { "{\"id\":\"e1\"", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_result("create_event", cases[i].body, cases[i].result);
                assert_result("update_event", cases[i].body, cases[i].result);
        }
}

static void test_listed(void **state) {
        static const struct {
                const char *body, *result;
        } cases[] = {
                { "{\"items\":[]}", "{\"events\":[]}" },
                { "{\"items\":[{\"id\":\"e1\"}],\"nextPageToken\":\"p\"}",
                  "{\"events\":[{\"event_id\":\"e1\"}],\"next_page_token\":\"p\"}" },
                { "{\"items\":[{\"id\":\"e1\",\"status\":\"confirmed\",\"htmlLink\":\"https://a\","
                  "\"summary\":\"\",\"location\":\"l\",\"start\":{\"dateTime\":"
                  "\"2025-07-25T12:00:00Z\",\"timeZone\":\"UTC\"},\"end\":{\"date\":"
                  "\"2025-07-26\"},\"attendees\":[{\"email\":\"a@b.c\",\"displayName\":\"A\","
                  "\"responseStatus\":\"accepted\",\"optional\":true,\"self\":true},{}]}]}",
                  "{\"events\":[{\"event_id\":\"e1\",\"status\":\"confirmed\",\"html_link\":"
                  "\"https://a\",\"title\":\"\",\"location\":\"l\",\"start\":"
                  "\"2025-07-25T12:00:00Z\",\"end\":\"2025-07-26\",\"attendees\":[{\"email\":"
                  "\"a@b.c\",\"name\":\"A\",\"response_status\":\"accepted\",\"optional\":true},"
                  "{}]}]}" },
                { "{\"items\":[{\"id\":\"e1\",\"start\":7,\"end\":{},\"attendees\":{},"
                  "\"summary\":7}],\"nextPageToken\":7}",
                  "{\"events\":[{\"event_id\":\"e1\"}]}" },
                { "", NULL },
                { "{}", NULL },
                { "[]", NULL },
                { "{\"items\":{}}", NULL },
                { "{\"items\":[7]}", NULL },
                { "{\"items\":[{\"id\":\"e1\"},{}]}", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_result("list_events", cases[i].body, cases[i].result);
}

/* Nothing but this action has that id. */
static void test_conflict_is_unclear(void **state) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct adapter_input input = input_of(NULL, NULL);
        struct http_response response = answer(409, GOOGLE(409, "global", "duplicate"));
        cJSON *result = NULL;

        assert_int_equal(action("create_event")->interpret(&input, &response, &result, &error),
                         ae_code_errno(AE_OUTCOME_UNKNOWN));
        assert_int_equal(error.code, AE_OUTCOME_UNKNOWN);
        assert_int_equal(error.upstream_status, 409);
        assert_null(result);
}

static void test_look(void **state) {
        _cleanup_(json_freep) cJSON *payload =
                        parse("{\"calendar_id\":\"a#b\",\"send_updates\":\"all\",\"title\":\"x\"}");
        _cleanup_(http_request_done) struct http_request q = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct adapter_input input = input_of(payload, NULL);

        assert_int_equal(action("create_event")->reconcile->build(&input, &q, &error), 0);
        assert_string_equal(q.method, "GET");
        assert_string_equal(q.url,
                            "https://calendar.example/calendar/v3/calendars/a%23b/events/" ID);
        assert_int_equal(q.body.size, 0);
        assert_int_equal(q.n_headers, 0);
}

static void test_what_a_look_sees(void **state) {
#define FOUND(marker) \
        "{\"id\":\"" ID "\",\"status\":\"cancelled\",\"extendedProperties\":" marker "}"
        static const struct {
                int status;
                const char *body;
                int r;
                enum ae_code code;
        } cases[] = {
                { 200, FOUND("{\"private\":{\"actionId\":\"" ID "\"}}"), 0, AE_NONE },
                { 200, FOUND("{\"private\":{\"actionId\":\"f" ID "\"}}"), ADAPTER_ABSENT, AE_NONE },
                { 200, FOUND("{\"private\":{\"actionId\":7}}"), ADAPTER_ABSENT, AE_NONE },
                { 200, FOUND("{\"shared\":{\"actionId\":\"" ID "\"}}"), ADAPTER_ABSENT, AE_NONE },
                { 200, FOUND("7"), ADAPTER_ABSENT, AE_NONE },
                { 200, "{\"id\":\"" ID "\"}", ADAPTER_ABSENT, AE_NONE },
                { 404, GOOGLE(404, "global", "notFound"), ADAPTER_ABSENT, AE_NONE },
                { 404, "", -1, AE_UPSTREAM_REJECTED },
                { 404, "<html>no such page</html>", -1, AE_UPSTREAM_REJECTED },
                { 404, GOOGLE(404, "global", "other"), -1, AE_UPSTREAM_REJECTED },
                { 400, GOOGLE(400, "global", "notFound"), -1, AE_UPSTREAM_REJECTED },
                { 200, "{}", -1, AE_UPSTREAM_ERROR },
                { 200, "", -1, AE_UPSTREAM_ERROR },
                { 302, "", -1, AE_UPSTREAM_REJECTED },
                { 403, GOOGLE(403, "global", "forbidden"), -1, AE_UPSTREAM_REJECTED },
                { 410, GOOGLE(410, "global", "deleted"), -1, AE_UPSTREAM_REJECTED },
                { 429, GOOGLE(429, "usageLimits", "rateLimitExceeded"), -1, AE_RATE_LIMITED },
                { 500, "", -1, AE_UPSTREAM_ERROR },
        };
        struct adapter_input input = input_of(NULL, NULL);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *result = NULL;
                struct http_response response = answer(cases[i].status, cases[i].body);
                int r = action("create_event")
                                        ->reconcile->interpret(&input, &response, &result, &error);

                assert_int_equal(error.code, cases[i].code);
                assert_int_equal(r, cases[i].r < 0 ? ae_code_errno(cases[i].code) : cases[i].r);
                assert_int_equal(result != NULL, r == 0);
                if (result)
                        assert_string_equal(json_string(result, "event_id"), ID);
        }
#undef FOUND
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_errors),  cmocka_unit_test(test_gone),
                cmocka_unit_test(test_deleted), cmocka_unit_test(test_written),
                cmocka_unit_test(test_listed),  cmocka_unit_test(test_conflict_is_unclear),
                cmocka_unit_test(test_look),    cmocka_unit_test(test_what_a_look_sees),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
