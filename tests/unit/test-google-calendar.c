/* SPDX-License-Identifier: MIT */
/*
 * google_calendar: from a payload to findings, or to a request.
 */
#include "calendar-rig.h"

#include <errno.h>

#include "action/schema.h"
#include "base/cleanup.h"

#define EVENTS "https://calendar.example/calendar/v3/calendars/primary/events"

static void test_table_is_whole(void **state) {
        static const struct {
                const char *type, *scope;
                enum idempotency idempotency;
        } cases[] = {
                { "create_event", "calendar.events", IDEMPOTENCY_RECONCILABLE },
                { "delete_event", "calendar.events", IDEMPOTENCY_IDEMPOTENT },
                { "list_events", "calendar.events", IDEMPOTENCY_READ },
                { "update_event", "calendar.events", IDEMPOTENCY_IDEMPOTENT },
        };

        assert_string_equal(calendar()->base_url, "https://www.googleapis.com");
        assert_int_equal(calendar()->n_actions, ELEMENTSOF(cases));
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct adapter_action *a = action(cases[i].type);

                assert_int_equal(a->idempotency, cases[i].idempotency);
                assert_string_equal(strrchr(a->oauth_scopes[0], '/') + 1, cases[i].scope);
        }
}

static struct schema *load(const char *text) {
        char reason[SCHEMA_ERROR_SIZE] = "";
        struct schema *schema = NULL;

        if (schema_new(text, strlen(text), &schema, reason) < 0)
                fail_msg("%s", reason);
        return schema;
}

/* As the engine asks: the schema, and the adapter where that finds nothing. */
static void validate(const struct adapter_action *a, const struct schema *schema,
                     const cJSON *payload, struct ae_error *error) {
        if (schema_validate(schema, payload, error) == 0 && a->check)
                assert_int_equal(a->check(payload, error), 0);
}

static void test_schemas_load_and_take_their_examples(void **state) {
        for (size_t i = 0; i < calendar()->n_actions; i++) {
                const struct adapter_action *a = &calendar()->actions[i];
                _cleanup_(schema_freep) struct schema *schema = load(a->payload_schema);
                _cleanup_(schema_freep) struct schema *result = load(a->result_schema);
                const cJSON *example, *examples = json_member(schema_json(schema), "examples");

                assert_non_null(result);
                assert_true(cJSON_GetArraySize(examples) > 0);
                cJSON_ArrayForEach (example, examples) {
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };

                        validate(a, schema, example, &error);
                        assert_int_equal(ae_error_count(&error), 0);
                }
        }
}

struct finding_case {
        const char *members; /* of the payload */
        const char *paths;   /* of what is found, joined by a space */
};

static void assert_findings(const char *type, const char *before, const struct finding_case *cases,
                            size_t n) {
        const struct adapter_action *a = action(type);
        _cleanup_(schema_freep) struct schema *schema = load(a->payload_schema);

        for (size_t i = 0; i < n; i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(buffer_done) struct buffer text = { 0 }, paths = { 0 };
                _cleanup_(json_freep) cJSON *payload = NULL;
                const cJSON *finding;

                buffer_printf(&text, "{%s%s}", before, cases[i].members);
                payload = parse(text.data);
                validate(a, schema, payload, &error);
                buffer_puts(&paths, "");
                cJSON_ArrayForEach (finding, error.errors)
                        buffer_printf(&paths, "%s%s", paths.size > 0 ? " " : "",
                                      json_string(finding, "path"));
                if (strcmp(paths.data, cases[i].paths) != 0)
                        fail_msg("%s: '%s'", text.data, paths.data);
        }
}

static void test_when(void **state) {
        static const struct finding_case cases[] = {
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-26\"", "" },
                { "\"start\":\"2024-02-29\",\"end\":\"2024-03-01\"", "" },
                { "\"start\":\"2025-07-25T12:00:00Z\",\"end\":\"2025-07-25T12:00:01Z\"", "" },
                { "\"start\":\"2025-07-25T12:00:00.5Z\",\"end\":\"2025-07-25T12:00:00.6Z\"", "" },
                { "\"start\":\"2025-07-25T12:00:00+02:00\",\"end\":\"2025-07-25T10:30:00Z\"", "" },
                { "\"start\":{\"date\":\"2025-07-25\"},\"end\":\"2025-07-26\"", "" },
                { "\"start\":{\"date_time\":\"2025-07-25T12:00:00Z\"},"
                  "\"end\":\"2025-07-25T13:00:00Z\"",
                  "" },
                { "\"start\":\"2025-07-25T12:00:00\",\"end\":\"2025-07-25T13:00:00\","
                  "\"time_zone\":\"Europe/Berlin\"",
                  "" },
                { "\"start\":{\"date_time\":\"2025-07-25T12:00:00\",\"time_zone\":\"UTC\"},"
                  "\"end\":{\"date_time\":\"2025-07-25T12:00:00\",\"time_zone\":"
                  "\"America/Argentina/Buenos_Aires\"}",
                  "" },
                /* Which of these is the later only the zone's rules say. */
                { "\"start\":{\"date_time\":\"2025-07-25T12:00:00\",\"time_zone\":\"Etc/GMT+5\"},"
                  "\"end\":\"2025-07-25T12:00:00Z\"",
                  "" },
                { "\"start\":\"2025-07-25\"", "/end" },
                { "\"end\":\"2025-07-25\"", "/start" },
                { "\"start\":7,\"end\":[]", "/start /end" },
                { "\"start\":null,\"end\":\"\"", "/start /end" },
                { "\"start\":{},\"end\":{\"date_time\":null}", "/start /end" },
                { "\"start\":{\"date\":\"2025-07-25\",\"date_time\":\"2025-07-25T12:00:00Z\"},"
                  "\"end\":\"2025-07-26\"",
                  "/start" },
                { "\"start\":{\"date\":\"2025-07-25\",\"time_zone\":\"UTC\"},"
                  "\"end\":\"2025-07-26\"",
                  "/start" },
                { "\"start\":\"2025-07-25 12:00:00Z\",\"end\":\"25.07.2025\"", "/start /end" },
                { "\"start\":\"2025-07-25T12:00\",\"end\":\"tomorrow\"", "/start /end" },
                { "\"start\":\"2025-07-25T12:00:00z\",\"end\":\"2025-07-25t13:00:00Z\"",
                  "/start /end" },
                { "\"start\":\"2025-07-25T12:00:00+0200\",\"end\":\"2025-07-25T13:00:00 Z\"",
                  "/start /end" },
                { "\"start\":\"2025-07-25\\n\",\"end\":\"2025-07-26\"", "/start" },
                { "\"start\":\"2025-02-29\",\"end\":\"2025-13-01\"", "/start /end" },
                { "\"start\":\"1969-12-31\",\"end\":\"1970-01-01\"", "/start" },
                { "\"start\":{\"date\":\"2025-02-30\"},"
                  "\"end\":{\"date_time\":\"2025-07-25T24:00:00Z\"}",
                  "/start/date /end/date_time" },
                { "\"start\":\"2025-07-25T12:61:00Z\",\"end\":\"2025-07-25T13:00:00+24:00\"",
                  "/start /end" },
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-25\"", "/end" },
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-24\"", "/end" },
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-25T12:00:00Z\"", "/end" },
                { "\"start\":\"2025-07-25T12:00:00Z\",\"end\":\"2025-07-26\"", "/end" },
                { "\"start\":\"2025-07-25T12:00:00Z\",\"end\":\"2025-07-25T12:00:00Z\"", "/end" },
                { "\"start\":\"2025-07-25T12:00:00Z\",\"end\":\"2025-07-25T13:00:00+02:00\"",
                  "/end" },
                { "\"start\":\"2025-07-25T12:00:00\",\"end\":\"2025-07-25T12:00:00\","
                  "\"time_zone\":\"UTC\"",
                  "/end" },
                { "\"start\":\"2025-07-25T12:00:00\",\"end\":\"2025-07-25T13:00:00\"",
                  "/start /end" },
                { "\"start\":{\"date_time\":\"2025-07-25T12:00:00\"},"
                  "\"end\":{\"date_time\":\"2025-07-25T13:00:00\",\"time_zone\":\"UTC\"}",
                  "/start/date_time" },
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-26\",\"time_zone\":\"\"",
                  "/time_zone" },
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-26\",\"time_zone\":\"Europe/\"",
                  "/time_zone" },
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-26\",\"time_zone\":\"../etc/passwd\"",
                  "/time_zone" },
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-26\",\"time_zone\":\"Europe/Ber "
                  "lin\"",
                  "/time_zone" },
        };

        assert_findings("create_event", "\"title\":\"x\",", cases, ELEMENTSOF(cases));
}

#define TIMED "\"start\":\"2025-07-25T12:00:00Z\",\"end\":\"2025-07-25T13:00:00Z\","

static void test_the_rest_of_an_event(void **state) {
        static const struct finding_case cases[] = {
                { "\"title\":\"x\"", "" },
                { "\"title\":\"\xc3\xa4\",\"description\":\"\",\"location\":\"\"", "" },
                { "\"title\":\"x\",\"attendees\":[],\"recurrence\":[],\"reminders\":[]", "" },
                { "\"title\":\"x\",\"attendees\":[\"a@b.c\",{\"email\":\"d@e.f\","
                  "\"optional\":false,\"name\":\"D\"}]",
                  "" },
                { "\"title\":\"x\",\"time_zone\":\"UTC\",\"recurrence\":[\"RRULE:FREQ=DAILY\","
                  "\"EXDATE:20250726T120000Z\"]",
                  "" },
                { "\"title\":\"x\",\"reminders\":{\"use_default\":false}", "" },
                { "\"title\":\"x\",\"reminders\":[{\"method\":\"email\",\"minutes\":0},"
                  "{\"method\":\"popup\",\"minutes\":40320}]",
                  "" },
                { "\"title\":\"x\",\"calendar_id\":\"en.usa#holiday@group.v.calendar.google.com\"",
                  "" },
                { "\"title\":\"x\",\"send_updates\":\"external_only\",\"conference\":false", "" },
                { "\"titel\":\"x\"", "/title /titel" },
                { "\"title\":\"\"", "/title" },
                { "\"title\":\"a\\r\\nb\",\"description\":7,\"location\":[]",
                  "/title /description /location" },
                { "\"title\":\"x\",\"attendees\":\"a@b.c\"", "/attendees" },
                { "\"title\":\"x\",\"attendees\":[7,\"a\",\"a@b.c, d@e.f\",\"Ada <a@b.c>\"]",
                  "/attendees/0 /attendees/1 /attendees/2 /attendees/3" },
                { "\"title\":\"x\",\"attendees\":[{},{\"email\":\"a@b.c\",\"optional\":1},"
                  "{\"email\":\"a@b.c\\r\\n\"},{\"email\":\"a@b.c\",\"role\":\"x\"}]",
                  "/attendees/0/email /attendees/1/optional /attendees/2/email "
                  "/attendees/3/role" },
                { "\"title\":\"x\",\"recurrence\":\"RRULE:FREQ=DAILY\"", "/recurrence" },
                { "\"title\":\"x\",\"recurrence\":[7,\"DTSTART:20250725\",\"RRULE:FREQ=DAILY\\n\"]",
                  "/recurrence/0 /recurrence/1 /recurrence/2" },
                { "\"title\":\"x\",\"time_zone\":\"UTC\",\"recurrence\":[\"RRULE:FREQ=DAILY\","
                  "\"RRULE:FREQ=X\",\"EXDATE:1\"]",
                  "/recurrence/1 /recurrence/2" },
                { "\"title\":\"x\",\"time_zone\":\"UTC\","
                  "\"recurrence\":[\"EXDATE:20250725T120000Z\"]",
                  "/recurrence" },
                { "\"title\":\"x\",\"recurrence\":[\"RRULE:FREQ=DAILY\"]", "/time_zone" },
                { "\"title\":\"x\",\"reminders\":{}", "/reminders/use_default" },
                { "\"title\":\"x\",\"reminders\":true", "/reminders" },
                { "\"title\":\"x\",\"reminders\":[{\"method\":\"sms\",\"minutes\":-1},{}]",
                  "/reminders/0/method /reminders/0/minutes /reminders/1/method "
                  "/reminders/1/minutes" },
                { "\"title\":\"x\",\"reminders\":[{\"method\":\"popup\",\"minutes\":40321},"
                  "{\"method\":\"popup\",\"minutes\":1.5}]",
                  "/reminders/0/minutes /reminders/1/minutes" },
                { "\"title\":\"x\",\"conference\":\"true\"", "/conference" },
                { "\"title\":\"x\",\"send_updates\":\"externalOnly\"", "/send_updates" },
                { "\"title\":\"x\",\"event_id\":\"abcdef\"", "/event_id" },
                { "\"title\":\"x\",\"calendar_id\":\"\"", "/calendar_id" },
                { "\"title\":\"x\",\"calendar_id\":\"..\"", "/calendar_id" },
                { "\"title\":\"x\",\"calendar_id\":\"../x\"", "/calendar_id" },
                { "\"title\":\"x\",\"calendar_id\":\"a/b\"", "/calendar_id" },
                { "\"title\":\"x\",\"calendar_id\":\"a%2fb\"", "/calendar_id" },
                { "\"title\":\"x\",\"calendar_id\":\"a?b\"", "/calendar_id" },
                { "\"title\":\"x\",\"calendar_id\":\"a\\\\b\"", "/calendar_id" },
                { "\"title\":\"x\",\"calendar_id\":\"a b\\r\\n\"", "/calendar_id" },
        };

        assert_findings("create_event", TIMED, cases, ELEMENTSOF(cases));
}

static void test_update(void **state) {
        static const struct finding_case cases[] = {
                { "\"title\":\"x\"", "" },
                { "\"start\":\"2025-07-25\"", "" },
                { "\"end\":\"2025-07-25T12:00:00\",\"time_zone\":\"UTC\"", "" },
                { "\"recurrence\":[\"RRULE:FREQ=DAILY\"]", "" },
                { "\"recurrence\":[]", "" },
                { "\"conference\":false", "" },
                { "\"time_zone\":\"UTC\"", "/time_zone " },
                { "\"title\":\"x\",\"time_zone\":\"UTC\"", "/time_zone" },
                { "\"start\":\"2025-07-25\",\"end\":\"2025-07-25\"", "/end" },
                { "\"start\":\"2025-07-25T12:00:00\"", "/start" },
                { "\"start\":\"2025-07-25T12:00:00Z\",\"recurrence\":[\"RRULE:FREQ=DAILY\"]",
                  "/time_zone" },
                { "\"title\":\"\"", "/title" },
        };
        static const struct finding_case ids[] = {
                { "", "/event_id" },
                { ",\"event_id\":\"abcd\"", "/event_id" },
                { ",\"event_id\":\"../../x\"", "/event_id" },
                { ",\"event_id\":\"abc%2fd\"", "/event_id" },
                { ",\"event_id\":\"abcde?\"", "/event_id" },
                { ",\"event_id\":\"abcde#\"", "/event_id" },
                { ",\"event_id\":\"abcde\\n\"", "/event_id" },
                { ",\"event_id\":7", "/event_id" },
                { ",\"event_id\":\"_60q30_20250725T120000Z\"", "" },
        };

        assert_findings("update_event", "\"event_id\":\"abcde\",", cases, ELEMENTSOF(cases));
        assert_findings("update_event", "\"title\":\"x\"", ids, ELEMENTSOF(ids));
        assert_findings("delete_event", "\"calendar_id\":\"primary\"", ids, ELEMENTSOF(ids));
}

/* One finding, about the payload as a whole. */
static void test_update_of_nothing(void **state) {
        _cleanup_(json_freep) cJSON *payload =
                        parse("{\"event_id\":\"abcde\",\"send_updates\":\"all\"}");
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        assert_int_equal(action("update_event")->check(payload, &error), 0);
        assert_int_equal(ae_error_count(&error), 1);
        assert_string_equal(json_string(error.errors->child, "path"), "");
}

static void test_list(void **state) {
        static const struct finding_case cases[] = {
                { "", "" },
                { "\"time_min\":\"2025-07-25T00:00:00Z\",\"time_max\":\"2025-07-25T00:00:01Z\"",
                  "" },
                { "\"max_results\":1,\"query\":\"\xc3\xa4 b\",\"page_token\":\"x\"", "" },
                { "\"max_results\":250,\"single_events\":true", "" },
                { "\"time_min\":\"2025-07-25T00:00:00Z\",\"time_max\":\"2025-07-25T00:00:00Z\"",
                  "/time_max" },
                { "\"time_min\":\"2025-07-25T00:00:00Z\",\"time_max\":\"2025-07-25T01:00:00+02:"
                  "00\"",
                  "/time_max" },
                { "\"time_min\":\"2025-07-25\",\"time_max\":\"2025-07-25T00:00:00\"",
                  "/time_min /time_max" },
                { "\"time_min\":\"1960-07-25T00:00:00Z\",\"time_max\":\"1960-07-25T00:00:00Z\"",
                  "/time_min /time_max" },
                { "\"max_results\":0", "/max_results" },
                { "\"max_results\":251", "/max_results" },
                { "\"max_results\":\"10\"", "/max_results" },
                { "\"query\":\"\",\"page_token\":\"\"", "/query /page_token" },
                { "\"page_token\":\"a b\"", "/page_token" },
                { "\"single_events\":1,\"order_by\":\"x\"", "/single_events /order_by" },
                { "\"calendar_id\":\"../primary\"", "/calendar_id" },
        };

        assert_findings("list_events", "", cases, ELEMENTSOF(cases));
}

/* Limits of number, and one more. */
static void test_limits(void **state) {
        static const struct {
                const char *name, *item;
                int max;
        } cases[] = {
                { "attendees", "\"a@b.c\"", 200 },
                { "reminders", "{\"method\":\"popup\",\"minutes\":1}", 5 },
                { "recurrence", "\"RRULE:FREQ=DAILY\"", 64 },
        };
        const struct adapter_action *a = action("create_event");
        _cleanup_(schema_freep) struct schema *schema = load(a->payload_schema);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (int n = cases[i].max; n <= cases[i].max + 1; n++) {
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        _cleanup_(buffer_done) struct buffer text = { 0 };
                        _cleanup_(json_freep) cJSON *payload = NULL;

                        buffer_printf(&text,
                                      "{\"title\":\"x\",\"time_zone\":\"UTC\"," TIMED "\"%s\":[",
                                      cases[i].name);
                        for (int k = 0; k < n; k++)
                                buffer_printf(&text, "%s%s", k > 0 ? "," : "", cases[i].item);
                        buffer_puts(&text, "]}");
                        payload = parse(text.data);
                        validate(a, schema, payload, &error);
                        assert_int_equal(ae_error_count(&error), n > cases[i].max ? 1 : 0);
                }
}

/* Whoever forgets the schema gets no crash. */
static void test_wrong_types_are_survived(void **state) {
        static const char *const payloads[] = {
                "{}",
                "{\"event_id\":7,\"calendar_id\":7,\"start\":7,\"end\":[],\"time_zone\":{},"
                "\"recurrence\":7,\"attendees\":7,\"reminders\":7,\"conference\":7,\"title\":{}}",
                "{\"event_id\":\"x\",\"start\":{\"date\":7,\"date_time\":7},\"end\":\"\","
                "\"recurrence\":[7,null],\"attendees\":[7,null,{},{\"email\":7,\"name\":7}],"
                "\"reminders\":[7],\"send_updates\":7,\"max_results\":\"x\",\"time_min\":7}",
        };

        for (size_t i = 0; i < ELEMENTSOF(payloads); i++)
                for (size_t k = 0; k < calendar()->n_actions; k++) {
                        const struct adapter_action *a = &calendar()->actions[k];
                        _cleanup_(http_request_done) struct http_request q = { 0 };
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        _cleanup_(json_freep) cJSON *payload = parse(payloads[i]);
                        struct adapter_input input = input_of(payload, NULL);

                        if (a->check)
                                assert_int_equal(a->check(payload, &error), 0);
                        (void)a->build(&input, &q, &error);
                }
}

static void test_build(void **state) {
#define MARK "\"id\":\"" ID "\",\"extendedProperties\":{\"private\":{\"actionId\":\"" ID "\"}}"
        static const struct {
                const char *type, *payload;
                const char *method, *url, *body; /* NULL: none */
        } cases[] = {
                { "create_event",
                  "{\"title\":\"a\\\"b\",\"start\":\"2025-07-25\",\"end\":\"2025-07-26\"}", "POST",
                  EVENTS,
                  "{" MARK ",\"summary\":\"a\\\"b\",\"start\":{\"date\":\"2025-07-25\"},"
                  "\"end\":{\"date\":\"2025-07-26\"}}" },
                { "create_event",
                  "{\"title\":\"x\",\"start\":\"2025-07-25T12:00:00Z\",\"end\":{\"date_time\":"
                  "\"2025-07-25T13:00:00\",\"time_zone\":\"Asia/Tokyo\"},\"time_zone\":"
                  "\"Europe/Berlin\",\"description\":\"<b>\",\"location\":\"a\\nb\","
                  "\"send_updates\":\"external_only\"}",
                  "POST", EVENTS "?sendUpdates=externalOnly",
                  "{" MARK ",\"summary\":\"x\",\"start\":{\"dateTime\":\"2025-07-25T12:00:00Z\","
                  "\"timeZone\":\"Europe/Berlin\"},\"end\":{\"dateTime\":\"2025-07-25T13:00:00\","
                  "\"timeZone\":\"Asia/Tokyo\"},\"description\":\"<b>\",\"location\":\"a\\nb\"}" },
                { "create_event",
                  "{\"attendees\":[\"a@b.c\",{\"email\":\"d@e.f\",\"optional\":true,\"name\":"
                  "\"\xc3\x84\"},{\"email\":\"g@h.i\",\"optional\":false}],\"recurrence\":["
                  "\"RRULE:FREQ=DAILY\",\"EXDATE:20250725T120000Z\"],\"reminders\":[{\"method\":"
                  "\"popup\",\"minutes\":10}],\"conference\":true,\"send_updates\":\"all\"}",
                  "POST", EVENTS "?conferenceDataVersion=1&sendUpdates=all",
                  "{" MARK ",\"attendees\":[{\"email\":\"a@b.c\"},{\"email\":\"d@e.f\","
                  "\"displayName\":\"\xc3\x84\",\"optional\":true},{\"email\":\"g@h.i\"}],"
                  "\"recurrence\":[\"RRULE:FREQ=DAILY\",\"EXDATE:20250725T120000Z\"],"
                  "\"reminders\":{\"useDefault\":false,\"overrides\":[{\"method\":\"popup\","
                  "\"minutes\":10}]},\"conferenceData\":{\"createRequest\":{\"requestId\":\"" ID
                  "\",\"conferenceSolutionKey\":{\"type\":\"hangoutsMeet\"}}}}" },
                { "create_event",
                  "{\"attendees\":[],\"reminders\":{\"use_default\":true},\"conference\":false,"
                  "\"send_updates\":\"none\"}",
                  "POST", EVENTS "?conferenceDataVersion=1&sendUpdates=none",
                  "{" MARK ",\"attendees\":[],\"reminders\":{\"useDefault\":true,"
                  "\"overrides\":[]}}" },
                { "update_event", "{\"event_id\":\"abcde\",\"title\":\"x\"}", "PATCH",
                  EVENTS "/abcde", "{\"summary\":\"x\"}" },
                { "update_event",
                  "{\"event_id\":\"abcde\",\"start\":\"2025-07-25\",\"end\":"
                  "\"2025-07-25T12:00:00Z\",\"conference\":false}",
                  "PATCH", EVENTS "/abcde?conferenceDataVersion=1",
                  "{\"start\":{\"date\":\"2025-07-25\",\"dateTime\":null},\"end\":{\"dateTime\":"
                  "\"2025-07-25T12:00:00Z\",\"date\":null},\"conferenceData\":null}" },
                { "update_event",
                  "{\"event_id\":\"abcde\",\"calendar_id\":\"a@b.c\",\"recurrence\":[],"
                  "\"description\":\"\",\"reminders\":{\"use_default\":false}}",
                  "PATCH", "https://calendar.example/calendar/v3/calendars/a%40b.c/events/abcde",
                  "{\"description\":\"\",\"recurrence\":[],\"reminders\":{\"useDefault\":false,"
                  "\"overrides\":[]}}" },
                { "delete_event", "{\"event_id\":\"abcde\"}", "DELETE", EVENTS "/abcde", NULL },
                { "delete_event", "{\"event_id\":\"abcde\",\"send_updates\":\"all\"}", "DELETE",
                  EVENTS "/abcde?sendUpdates=all", NULL },
                { "list_events", "{}", "GET", EVENTS, NULL },
                { "list_events",
                  "{\"time_min\":\"2025-07-25T00:00:00+02:00\",\"time_max\":"
                  "\"2025-07-26T00:00:00Z\",\"query\":\"a&b=c#d \xc3\xa4\",\"page_token\":\"+/=\","
                  "\"max_results\":250,\"single_events\":true}",
                  "GET",
                  EVENTS "?timeMin=2025-07-25T00%3A00%3A00%2B02%3A00"
                         "&timeMax=2025-07-26T00%3A00%3A00Z&q=a%26b%3Dc%23d%20%C3%A4"
                         "&pageToken=%2B%2F%3D&maxResults=250&singleEvents=true&orderBy=startTime",
                  NULL },
                { "list_events", "{\"single_events\":false}", "GET", EVENTS, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(http_request_done) struct http_request q = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *payload = parse(cases[i].payload);
                _cleanup_(json_freep) cJSON *notes = cJSON_CreateObject();
                _cleanup_(json_freep) cJSON *body = NULL, *expected = NULL;
                struct adapter_input input = input_of(payload, notes);

                assert_int_equal(action(cases[i].type)->build(&input, &q, &error), 0);
                assert_string_equal(q.method, cases[i].method);
                assert_string_equal(q.url, cases[i].url);
                assert_int_equal(q.n_headers, cases[i].body ? 1 : 0);
                if (!cases[i].body) {
                        assert_int_equal(q.body.size, 0);
                        continue;
                }
                assert_string_equal(q.headers[0].name, "Content-Type");
                assert_string_equal(q.headers[0].value, "application/json");
                assert_int_equal(json_parse(q.body.data, q.body.size, &body, NULL), 0);
                expected = parse(cases[i].body);
                if (!cJSON_Compare(body, expected, /* case_sensitive= */ true))
                        fail_msg("%s gives %s", cases[i].payload, q.body.data);
        }
#undef MARK
}

/* Ids that no schema has seen: they stay one segment, or there is no request. */
static void test_hostile_ids(void **state) {
        static const struct {
                const char *id;
                const char *segment; /* NULL: refused */
        } cases[] = {
                { "../../../gmail/v1", "..%2F..%2F..%2Fgmail%2Fv1" },
                { "..%2f..%2f", "..%252f..%252f" },
                { "%2e%2e", "%252e%252e" },
                { "a?alt=media", "a%3Falt%3Dmedia" },
                { "a#b", "a%23b" },
                { "a\r\nX: y", "a%0D%0AX%3A%20y" },
                { "@evil.example", "%40evil.example" },
                { ".", NULL },
                { "..", NULL },
                { "", NULL },
        };
        static const char *const types[] = { "create_event", "update_event", "delete_event",
                                             "list_events" };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t k = 0; k < ELEMENTSOF(types); k++) {
                        _cleanup_(http_request_done) struct http_request q = { 0 };
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        _cleanup_(buffer_done) struct buffer url = { 0 };
                        _cleanup_(json_freep) cJSON *payload = cJSON_CreateObject();
                        struct adapter_input input = input_of(payload, NULL);
                        bool one = strcmp(types[k], "update_event") == 0 ||
                                   strcmp(types[k], "delete_event") == 0;

                        cJSON_AddStringToObject(payload, "calendar_id", cases[i].id);
                        cJSON_AddStringToObject(payload, "event_id", cases[i].id);
                        if (!cases[i].segment) {
                                assert_int_equal(action(types[k])->build(&input, &q, &error),
                                                 -EINVAL);
                                assert_int_equal(error.code, AE_INVALID_PAYLOAD);
                                assert_null(q.url);
                                continue;
                        }
                        assert_int_equal(action(types[k])->build(&input, &q, &error), 0);
                        buffer_printf(&url,
                                      "https://calendar.example/calendar/v3/calendars/%s/"
                                      "events%s%s",
                                      cases[i].segment, one ? "/" : "",
                                      one ? cases[i].segment : "");
                        assert_string_equal(q.url, url.data);
                }
}

/* No event is not the calendar's whole list of them. */
static void test_no_id_no_request(void **state) {
        static const char *const types[] = { "update_event", "delete_event" };

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                _cleanup_(http_request_done) struct http_request q = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *payload = parse("{}");
                struct adapter_input input = input_of(payload, NULL);

                assert_int_equal(action(types[i])->build(&input, &q, &error), -EINVAL);
                assert_null(q.url);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_is_whole),
                cmocka_unit_test(test_schemas_load_and_take_their_examples),
                cmocka_unit_test(test_when),
                cmocka_unit_test(test_the_rest_of_an_event),
                cmocka_unit_test(test_update),
                cmocka_unit_test(test_update_of_nothing),
                cmocka_unit_test(test_list),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_wrong_types_are_survived),
                cmocka_unit_test(test_build),
                cmocka_unit_test(test_hostile_ids),
                cmocka_unit_test(test_no_id_no_request),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
