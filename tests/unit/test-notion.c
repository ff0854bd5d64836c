/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "action/adapter.h"
#include "action/schema.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

#define ACTION_ID "0123456789abcdef0123456789abcdef"
#define NOW_USEC (UINT64_C(1753456860) * USEC_PER_SEC) /* 2025-07-25T15:21:00Z */
#define BASE "https://notion.example"

#define SOURCE "1a44be12-0953-4631-b498-9e5817518db8"
#define SOURCE2 "2b44be12-0953-4631-b498-9e5817518db8"
#define DATABASE "3c44be12-0953-4631-b498-9e5817518db8"
#define PAGE "59833787-2cf9-4fdf-8782-e53db20768a5"
#define USER "6a44be12-0953-4631-b498-9e5817518db8"
#define USER2 "7b44be120953463ab4989e5817518db8"
#define URL "https://www.notion.so/Write-report-598337872cf94fdf8782e53db20768a5"

static const struct adapter *notion(void) {
        for (const struct adapter *const *a = adapters; *a; a++)
                if (strcmp((*a)->platform, "notion") == 0)
                        return *a;
        fail_msg("there is no notion");
        return NULL;
}

static const struct adapter_action *action_of(const char *type) {
        for (size_t i = 0; i < notion()->n_actions; i++)
                if (strcmp(notion()->actions[i].action_type, type) == 0)
                        return &notion()->actions[i];
        fail_msg("there is no notion.%s", type);
        return NULL;
}

static cJSON *parse(const char *text) {
        cJSON *json = NULL;

        if (json_parse(text, strlen(text), &json, NULL) < 0)
                fail_msg("the test's own JSON is bad: %s", text);
        return json;
}

static struct schema *load(const char *text) {
        char reason[SCHEMA_ERROR_SIZE] = "";
        struct schema *schema = NULL;

        if (schema_new(text, strlen(text), &schema, reason) < 0)
                fail_msg("%s", reason);
        return schema;
}

static void test_table_is_whole(void **state) {
        static const struct {
                const char *type;
                enum idempotency idempotency;
        } cases[] = {
                { "create_task", IDEMPOTENCY_UNREPEATABLE },
                { "query_tasks", IDEMPOTENCY_READ },
                { "update_task", IDEMPOTENCY_IDEMPOTENT },
        };

        assert_int_equal(notion()->n_actions, ELEMENTSOF(cases));
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct adapter_action *a = action_of(cases[i].type);
                _cleanup_(schema_freep) struct schema *payload = load(a->payload_schema);
                _cleanup_(schema_freep) struct schema *result = load(a->result_schema);
                const cJSON *example, *examples = json_member(schema_json(payload), "examples");

                assert_int_equal(a->idempotency, cases[i].idempotency);
                assert_null(a->oauth_scopes[0]);
                assert_non_null(examples);
                assert_non_null(json_member(json_member(schema_json(result), "properties"),
                                            "timestamp"));
                cJSON_ArrayForEach (example, examples) {
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };

                        assert_int_equal(schema_validate(payload, example, &error), 0);
                        assert_int_equal(a->check(example, &error), 0);
                        assert_int_equal(ae_error_count(&error), 0);
                }
        }
}

static void test_credential(void **state) {
        static const struct {
                const char *credential;
                size_t n_faults;
        } cases[] = {
                { "{\"access_token\":\"ntn_x\"}", 0 },
                { "{\"access_token\":\"x\",\"refresh_token\":\"y\",\"expires_in\":3600}", 0 },
                { "{}", 1 },
                { "{\"access_token\":\"\"}", 1 },
                { "{\"access_token\":7}", 1 },
                { "{\"access_token\":\"x\",\"workspace\":\"y\"}", 1 },
        };
        _cleanup_(schema_freep) struct schema *schema = load(notion()->credential_schema);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *credential = parse(cases[i].credential);

                assert_int_equal(schema_validate(schema, credential, &error), cases[i].n_faults);
        }
}

/* Schema and check, as the engine has them. Returns the paths, joined by a space. */
static char *find_faults(const char *type, const cJSON *payload) {
        const struct adapter_action *a = action_of(type);
        _cleanup_(schema_freep) struct schema *schema = load(a->payload_schema);
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct buffer paths = { 0 };
        const cJSON *finding;

        if (schema_validate(schema, payload, &error) == 0)
                assert_int_equal(a->check(payload, &error), 0);
        buffer_puts(&paths, "");
        cJSON_ArrayForEach (finding, error.errors)
                buffer_printf(&paths, "%s%s", paths.size > 0 ? " " : "",
                              *json_string(finding, "path") ? json_string(finding, "path") : "-");
        return paths.data;
}

struct fault_case {
        const char *payload;
        const char *paths;
};

static void assert_faults(const char *type, const struct fault_case *cases, size_t n) {
        for (size_t i = 0; i < n; i++) {
                _cleanup_(json_freep) cJSON *payload = parse(cases[i].payload);
                _cleanup_(freep) char *paths = find_faults(type, payload);

                if (strcmp(paths, cases[i].paths) != 0)
                        fail_msg("%s: '%s'", cases[i].payload, paths);
        }
}

#define AT "\"data_source_id\":\"" SOURCE "\""
#define TASK(more) "{" AT ",\"title\":\"x\"" more "}"

static void test_create_finds_all_faults(void **state) {
        static const struct fault_case cases[] = {
                { TASK(""), "" },
                { "{\"database_id\":\"3c44be1209534631b4989e5817518DB8\",\"title\":\"x\"}", "" },
                { TASK(",\"status\":\"Done\",\"priority\":\"High\",\"tags\":[\"a\",\"b\"]"), "" },
                { TASK(",\"assignee\":\"" USER "\""), "" },
                { TASK(",\"assignee\":[\"" USER "\",\"" USER2 "\"]"), "" },
                { TASK(",\"notes\":\"x\",\"notes_format\":\"markdown\""), "" },
                { TASK(",\"properties\":{\"status\":\"State\"}"), "" },
                { TASK(",\"due\":\"2026-12-01\""), "" },
                { TASK(",\"due\":\"2026-12-01T09:00:00+01:00\""), "" },
                { TASK(",\"due\":{\"start\":\"2026-12-01\",\"end\":\"2026-12-01\"}"), "" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T09:00:00Z\"}"), "" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T10:00:00+02:00\","
                       "\"end\":\"2026-12-01T09:00:00Z\"}"),
                  "" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T09:00\",\"time_zone\":\"Europe/Berlin\"}"),
                  "" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T10:00:00+01:00\","
                       "\"end\":\"2026-12-01T09:00:00Z\"}"),
                  "" },

                { "{}", "/title" },
                { "{\"title\":\"x\"}", "/data_source_id" },
                { "{\"title\":\"x\",\"database_id\":\"" DATABASE "\"," AT "}", "/database_id" },
                { "{" AT ",\"title\":\"\"}", "/title" },
                { "{" AT ",\"title\":null}", "/title" },
                { "{" AT ",\"Title\":\"x\"}", "/title /Title" },
                { TASK(",\"page_id\":\"" PAGE "\""), "/page_id" },
                { TASK(",\"status\":\"\""), "/status" },
                { TASK(",\"status\":null,\"due\":null,\"tags\":[],\"assignee\":[]"),
                  "/status /due /assignee /tags" },
                { TASK(",\"priority\":\"a,b\",\"tags\":[\"a\",\"b,c\",\"\"]"), "/tags/2" },
                { TASK(",\"priority\":\"a,b\",\"tags\":[\"a\",\"b,c\"]"), "/priority /tags/1" },
                { TASK(",\"tags\":[\"a\",\"a\"]"), "/tags/1" },
                { TASK(",\"tags\":\"a\""), "/tags" },
                { TASK(",\"assignee\":\"ada@example.com\""), "/assignee" },
                { TASK(",\"notes_format\":\"html\""), "/notes_format" },
                { TASK(",\"properties\":{\"title\":\"Name\"}"), "/properties/title" },
                { TASK(",\"properties\":{\"status\":\"\"}"), "/properties/status" },

                { TASK(",\"due\":\"\""), "/due" },
                { TASK(",\"due\":\"tomorrow\""), "/due" },
                { TASK(",\"due\":\"2026-02-29\""), "/due" },
                { TASK(",\"due\":\"2026-12-01T09:00:00\""), "/due" },
                { TASK(",\"due\":{}"), "/due/start" },
                { TASK(",\"due\":{\"end\":\"2026-12-01\"}"), "/due/start" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T09:00:00\"}"), "/due/start" },
                { TASK(",\"due\":{\"start\":\"2026-12-01\",\"time_zone\":\"Europe/Berlin\"}"),
                  "/due/start" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T09:00:00Z\",\"time_zone\":\"UTC\"}"),
                  "/due/start" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T09:00:00\",\"time_zone\":\"UTC\","
                       "\"end\":\"2026-12-01T09:00:00Z\"}"),
                  "/due/end" },
                { TASK(",\"due\":{\"start\":\"2026-12-02\",\"end\":\"2026-12-01\"}"), "/due/end" },
                { TASK(",\"due\":{\"start\":\"2026-12-01\",\"end\":\"2026-12-01T09:00:00Z\"}"),
                  "/due/end" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T10:00:00+01:00\","
                       "\"end\":\"2026-12-01T08:59:59Z\"}"),
                  "/due/end" },
                { TASK(",\"due\":{\"start\":\"2026-12-01T10:00\",\"time_zone\":\"../UTC\"}"),
                  "/due/time_zone" },
        };

        assert_faults("create_task", cases, ELEMENTSOF(cases));
}

static void test_update_finds_all_faults(void **state) {
        static const struct fault_case cases[] = {
                { "{\"page_id\":\"" PAGE "\",\"in_trash\":true}", "" },
                { "{\"page_id\":\"" PAGE "\",\"title\":\"x\",\"status\":\"Done\"}", "" },
                { "{\"page_id\":\"" PAGE "\",\"due\":null,\"assignee\":null,\"priority\":null,"
                  "\"tags\":null}",
                  "" },
                { "{\"page_id\":\"" PAGE "\",\"assignee\":[],\"tags\":[]}", "" },
                { "{}", "/page_id" },
                { "{\"page_id\":\"" PAGE "\"}", "-" },
                { "{\"page_id\":\"" PAGE "\",\"properties\":{\"status\":\"x\"}}", "-" },
                { "{\"page_id\":\"" PAGE "\",\"title\":\"\",\"status\":null}", "/title /status" },
                { "{\"page_id\":\"" PAGE "\",\"notes\":\"x\"}", "/notes" },
                { "{\"page_id\":\"" PAGE "\",\"in_trash\":\"yes\"}", "/in_trash" },
                { "{\"page_id\":\"" PAGE "\",\"tags\":[\"a,b\"],\"due\":{\"start\":\"2026-12-02\","
                  "\"end\":\"2026-12-01\"}}",
                  "/due/end /tags/0" },
        };

        assert_faults("update_task", cases, ELEMENTSOF(cases));
}

static void test_query_finds_all_faults(void **state) {
        static const struct fault_case cases[] = {
                { "{" AT "}", "" },
                { "{" AT ",\"filter\":{},\"sorts\":[],\"page_size\":1,\"cursor\":\"x\"}", "" },
                { "{" AT ",\"page_size\":100}", "" },
                { "{}", "/data_source_id" },
                { "{" AT ",\"database_id\":\"" DATABASE "\"}", "/database_id" },
                { "{" AT ",\"page_size\":0}", "/page_size" },
                { "{" AT ",\"page_size\":101}", "/page_size" },
                { "{" AT ",\"page_size\":1.5}", "/page_size" },
                { "{" AT ",\"filter\":[],\"sorts\":{},\"cursor\":\"\"}", "/filter /sorts /cursor" },
                { "{" AT ",\"sorts\":[7]}", "/sorts/0" },
        };

        assert_faults("query_tasks", cases, ELEMENTSOF(cases));
}

static const char *const hostile_ids[] = {
        "",
        ".",
        "..",
        "../v1/users",
        "1a44be12-0953-4631-b498-9e5817518db",
        "1a44be12-0953-4631-b498-9e5817518db88",
        "1a44be12-0953-4631-b498-9e5817518d/8",
        "1a44be12-0953-4631-b498-9e5817518d%2f",
        "1a44be12-0953-4631-b498-9e5817518db?",
        "1a44be12-0953-4631-b498-9e5817518db#",
        "1a44be12-0953-4631-b498-9e5817518dbg",
        "1a44be12095346-31b498-9e5817518db8",
        "1a44be1209534631b4989e5817518db",
        "1a44be1209534631b4989e5817518db88",
        "1a44be1209534631b4989e5817518d..",
        "1a44be1209534631b4989e5817518d\\u000a8",
        " 1a44be1209534631b4989e5817518db8",
        "1a44be12-0953-4631-b498-9e5817518db8/query",
        "------------------------------------",
};

/* The schema refuses them; and so does whoever would write one into a URL. */
static void test_hostile_ids_reach_no_url(void **state) {
        static const struct {
                const char *type, *field;
        } cases[] = {
                { "create_task", "data_source_id" }, { "create_task", "database_id" },
                { "query_tasks", "data_source_id" }, { "query_tasks", "database_id" },
                { "update_task", "page_id" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t k = 0; k < ELEMENTSOF(hostile_ids); k++) {
                        _cleanup_(json_freep) cJSON *notes = cJSON_CreateObject(), *payload = NULL;
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        _cleanup_(http_request_done) struct http_request q = { 0 };
                        _cleanup_(buffer_done) struct buffer text = { 0 };
                        _cleanup_(freep) char *paths = NULL;
                        struct adapter_input input = { .base_url = BASE, .notes = notes };

                        buffer_printf(&text, "{\"%s\":\"%s\",\"title\":\"x\"}", cases[i].field,
                                      hostile_ids[k]);
                        payload = parse(text.data);
                        paths = find_faults(cases[i].type, payload);
                        assert_non_null(strstr(paths, cases[i].field));

                        input.payload = payload;
                        assert_true(action_of(cases[i].type)->build(&input, &q, &error) < 0);
                        assert_int_equal(error.code, AE_INVALID_PAYLOAD);
                        assert_null(q.url);
                }
}

static void repeat(struct buffer *to, const char *text, size_t n) {
        while (n-- > 0)
                buffer_puts(to, text);
}

/* Notion counts UTF-16 code units; what is one more is refused before it is sent. */
static void test_limits_of_text(void **state) {
        static const struct {
                const char *before, *unit, *after;
                size_t fits;
                const char *path; /* for one more */
        } cases[] = {
                { "{" AT ",\"title\":\"", "a", "\"}", 2000, "/title" },
                { "{" AT ",\"title\":\"", "\xc3\xa4", "\"}", 2000, "/title" },
                { "{" AT ",\"title\":\"", "\xf0\x9f\x98\x80", "\"}", 1000, "/title" },
                { "{" AT ",\"title\":\"x\",\"status\":\"", "a", "\"}", 100, "/status" },
                { "{" AT ",\"title\":\"x\",\"status\":\"", "\xf0\x9f\x98\x80", "\"}", 50,
                  "/status" },
                { "{" AT ",\"title\":\"x\",\"priority\":\"", "\xf0\x9f\x98\x80", "\"}", 50,
                  "/priority" },
                { "{" AT ",\"title\":\"x\",\"priority\":\"a", "\xf0\x9f\x98\x80", "\"}", 49,
                  "/priority" },
                { "{" AT ",\"title\":\"x\",\"tags\":[\"x\",\"", "\xf0\x9f\x98\x80", "\"]}", 50,
                  "/tags/1" },
                { "{" AT ",\"title\":\"x\",\"notes\":\"", "a", "\"}", 199900, "/notes" },
                { "{" AT ",\"title\":\"x\",\"notes\":\"", "a\\n\\n", "\"}", 66633, "/notes" },
                { "{" AT ",\"title\":\"x\",\"notes_format\":\"markdown\",\"notes\":\"", "a", "\"}",
                  399998, "/notes" },
                { "{" AT ",\"title\":\"x\",\"notes_format\":\"markdown\",\"notes\":\"", "\\u0001",
                  "\"}", 66666, "/notes" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t more = 0; more <= 1; more++) {
                        _cleanup_(buffer_done) struct buffer text = { 0 };
                        _cleanup_(json_freep) cJSON *payload = NULL;
                        _cleanup_(freep) char *paths = NULL;

                        buffer_puts(&text, cases[i].before);
                        repeat(&text, cases[i].unit, cases[i].fits + more);
                        buffer_puts(&text, cases[i].after);
                        payload = parse(text.data);
                        paths = find_faults("create_task", payload);
                        if (strcmp(paths, more ? cases[i].path : "") != 0)
                                fail_msg("case %zu, %zu more: '%s'", i, more, paths);
                }
}

static void test_limits_of_number(void **state) {
        static const char *const names[] = { "tags", "assignee" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                for (size_t n = 100; n <= 101; n++) {
                        _cleanup_(json_freep) cJSON *payload = parse(TASK(""));
                        _cleanup_(freep) char *paths = NULL;
                        cJSON *array = cJSON_AddArrayToObject(payload, names[i]);
                        char item[64];

                        for (size_t k = 0; k < n; k++) {
                                snprintf(item, sizeof(item), "1a44be1209534631b4989e58175%05zu", k);
                                cJSON_AddItemToArray(array, cJSON_CreateString(item));
                        }
                        paths = find_faults("create_task", payload);
                        assert_string_equal(paths + (*paths == '/'), n > 100 ? names[i] : "");
                }
}

static void test_limit_of_a_query(void **state) {
        for (size_t more = 0; more <= 1; more++) {
                _cleanup_(buffer_done) struct buffer text = { 0 };
                _cleanup_(json_freep) cJSON *payload = NULL;
                _cleanup_(freep) char *paths = NULL;

                buffer_puts(&text, "{" AT ",\"filter\":{\"x\":\"");
                repeat(&text, "a", 400000 - strlen("{\"filter\":{\"x\":\"\"}}") + more);
                buffer_puts(&text, "\"}}");
                payload = parse(text.data);
                paths = find_faults("query_tasks", payload);
                assert_string_equal(paths, more ? "/filter" : "");
        }
}

/* One exchange: the request that must be built, and the answer to it. */
struct exchange {
        const char *line; /* "GET /v1/…" */
        const char *body; /* "" when there must be none */
        int status;
        const char *answer;
};

struct run {
        cJSON *payload, *notes, *result;
        struct ae_error error;
        int r;
};

static void run_done(struct run *run) {
        json_free(run->payload);
        json_free(run->notes);
        json_free(run->result);
        ae_error_done(&run->error);
}

static void assert_request(const struct http_request *q, const struct exchange *e) {
        _cleanup_(buffer_done) struct buffer line = { 0 };
        bool reads = strcmp(q->method, "GET") == 0;

        buffer_printf(&line, "%s %s", q->method, q->url + strlen(BASE));
        assert_memory_equal(q->url, BASE, strlen(BASE));
        assert_string_equal(line.data, e->line);
        assert_string_equal(q->body.size > 0 ? q->body.data : "", e->body);
        assert_int_equal(q->n_headers, reads ? 1 : 2);
        assert_string_equal(q->headers[0].name, "Notion-Version");
        assert_string_equal(q->headers[0].value, "2026-03-11");
        if (!reads) {
                assert_string_equal(q->headers[1].name, "Content-Type");
                assert_string_equal(q->headers[1].value, "application/json");
        }
        assert_int_equal(q->repeatable, reads || strstr(q->url, "/query") != NULL);
        assert_null(q->bearer);
}

/* Goes through the exchanges as the engine would. All of them must come. */
static void run_action(const char *type, const char *payload, const struct exchange *exchanges,
                       size_t n, struct run *run) {
        const struct adapter_action *a = action_of(type);
        struct adapter_input input;

        *run = (struct run){ .payload = parse(payload), .notes = cJSON_CreateObject() };
        input = (struct adapter_input){
                .payload = run->payload,
                .base_url = BASE,
                .action_id = ACTION_ID,
                .now_usec = NOW_USEC,
                .notes = run->notes,
        };
        for (size_t i = 0; i < n; i++) {
                _cleanup_(http_request_done) struct http_request q = { 0 };
                struct http_response response = {
                        .status = exchanges[i].status,
                        .body = exchanges[i].answer,
                        .body_size = strlen(exchanges[i].answer),
                        .content_type = "application/json",
                        .retry_after = "",
                };

                assert_int_equal(a->build(&input, &q, &run->error), 0);
                assert_request(&q, &exchanges[i]);
                run->r = a->interpret(&input, &response, &run->result, &run->error);
                if (run->r == ADAPTER_CONTINUE)
                        assert_true(i + 1 < n);
                else
                        assert_int_equal(i + 1, n);
        }
}

/* The result as text, after it was found to be what its schema says. */
static void assert_result(const char *type, struct run *run, const char *expected) {
        _cleanup_(schema_freep) struct schema *schema = load(action_of(type)->result_schema);
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer text = { 0 };

        if (run->r != 0)
                fail_msg("%s", run->error.message);
        json_print(run->result, &text);
        assert_string_equal(text.data, expected);
        cJSON_AddStringToObject(run->result, "timestamp", "2025-07-25T15:21:00Z");
        if (schema_validate(schema, run->result, &error) > 0)
                fail_msg("%s %s", json_string(error.errors->child, "path"),
                         json_string(error.errors->child, "message"));
}

/* The finding's path and, somewhere in its message, each of the words (separated by '|'). */
static void assert_finding(const struct run *run, const char *path, const char *words) {
        const cJSON *finding = run->error.errors ? run->error.errors->child : NULL;
        _cleanup_(freep) char *copy = strdup(words);
        char *rest = copy, *word;

        assert_int_equal(run->r, -EINVAL);
        assert_int_equal(run->error.code, AE_INVALID_PAYLOAD);
        assert_int_equal(ae_error_count(&run->error), 1);
        assert_string_equal(json_string(finding, "path"), path);
        while ((word = strsep(&rest, "|")) != NULL)
                if (!strstr(json_string(finding, "message"), word))
                        fail_msg("'%s' is not in: %s", word, json_string(finding, "message"));
}

#define GET_SOURCE "GET /v1/data_sources/" SOURCE
#define POST_PAGE "POST /v1/pages"
#define GET_PAGE "GET /v1/pages/" PAGE
#define PATCH_PAGE "PATCH /v1/pages/" PAGE
#define QUERY "POST /v1/data_sources/" SOURCE "/query"
#define PARENT "{\"parent\":{\"type\":\"data_source_id\",\"data_source_id\":\"" SOURCE "\"},"
#define CREATED "{\"object\":\"page\",\"id\":\"" PAGE "\",\"url\":\"" URL "\"}"
#define IDENTITY "{\"page_id\":\"" PAGE "\",\"url\":\"" URL "\"}"

#define PROPERTY(name, type) \
        "\"" name "\":{\"id\":\"x\",\"name\":\"" name "\",\"type\":\"" type "\"}"
#define STATUS(name) \
        "\"" name "\":{\"type\":\"status\",\"status\":{\"options\":[{\"name\":\"Not started\"}," \
        "{\"name\":\"In progress\"},{\"name\":\"Done\"}]}}"
#define PROPERTIES(list) "{\"object\":\"data_source\",\"properties\":{" list "}}"
#define USUAL \
        PROPERTIES(PROPERTY("Aufgabe", "title") "," STATUS("Status") "," PROPERTY( \
                        "Due Date", \
                        "date") "," PROPERTY("assignee", \
                                             "people") "," PROPERTY("Priority", \
                                                                    "select") "," PROPERTY("Tags", \
                                                                                           "multi" \
                                                                                           "_sele" \
                                                                                           "ct"))

static void test_create_in_a_data_source(void **state) {
        static const struct {
                const char *payload, *properties, *body;
        } cases[] = {
                { TASK(""), USUAL,
                  PARENT "\"properties\":{\"Aufgabe\":{\"title\":[{\"text\":{\"content\":\"x\"}}]}"
                         "}}" },
                { TASK(",\"status\":\"In progress\",\"due\":\"2026-12-01\",\"assignee\":\"" USER
                       "\",\"priority\":\"New "
                       "\\\"one\\\"\",\"tags\":[\"a\",\"b\"],\"notes\":\"n\""),
                  USUAL,
                  PARENT "\"properties\":{\"Aufgabe\":{\"title\":[{\"text\":{\"content\":\"x\"}}]},"
                         "\"Status\":{\"status\":{\"name\":\"In progress\"}},"
                         "\"Due Date\":{\"date\":{\"start\":\"2026-12-01\"}},"
                         "\"assignee\":{\"people\":[{\"object\":\"user\",\"id\":\"" USER "\"}]},"
                         "\"Priority\":{\"select\":{\"name\":\"New \\\"one\\\"\"}},"
                         "\"Tags\":{\"multi_select\":[{\"name\":\"a\"},{\"name\":\"b\"}]}},"
                         "\"children\":[{\"object\":\"block\",\"type\":\"paragraph\",\"paragraph\":"
                         "{\"rich_text\":[{\"text\":{\"content\":\"n\"}}]}}]}" },
                { TASK(",\"assignee\":[\"" USER "\",\"" USER2 "\"],\"due\":{\"start\":"
                       "\"2026-12-01T09:00\",\"end\":\"2026-12-01T10:00\",\"time_zone\":\"UTC\"}"),
                  USUAL,
                  PARENT "\"properties\":{\"Aufgabe\":{\"title\":[{\"text\":{\"content\":\"x\"}}]},"
                         "\"Due Date\":{\"date\":{\"start\":\"2026-12-01T09:00\",\"end\":"
                         "\"2026-12-01T10:00\",\"time_zone\":\"UTC\"}},"
                         "\"assignee\":{\"people\":[{\"object\":\"user\",\"id\":\"" USER "\"},"
                         "{\"object\":\"user\",\"id\":\"" USER2 "\"}]}}}" },
                { TASK(",\"notes\":\"# A\\n\\n* b\",\"notes_format\":\"markdown\""), USUAL,
                  PARENT "\"properties\":{\"Aufgabe\":{\"title\":[{\"text\":{\"content\":\"x\"}}]}"
                         "},\"markdown\":\"# A\\n\\n* b\"}" },
                /* The user's own names; a status that is a select takes what is new. */
                { TASK(",\"status\":\"New\",\"due\":\"2026-12-01\",\"properties\":{\"status\":"
                       "\"Stage\",\"due\":\"By \\\"when\\\"\"}"),
                  PROPERTIES(PROPERTY("Name", "title") "," STATUS("Status") "," PROPERTY(
                                  "Stage", "select") "," PROPERTY("Date",
                                                                  "date") ","
                                                                          "\"By "
                                                                          "\\\"when\\\"\":{"
                                                                          "\"type\":\"date\"}"),
                  PARENT "\"properties\":{\"Name\":{\"title\":[{\"text\":{\"content\":\"x\"}}]},"
                         "\"Stage\":{\"select\":{\"name\":\"New\"}},"
                         "\"By \\\"when\\\"\":{\"date\":{\"start\":\"2026-12-01\"}}}}" },
                /* The usual names have an order, and a type. */
                { TASK(",\"due\":\"2026-12-01\""),
                  PROPERTIES(PROPERTY("Date", "date") "," PROPERTY("DUE", "formula") "," PROPERTY(
                                  "deadline", "date") "," PROPERTY("Name", "title")),
                  PARENT "\"properties\":{\"Name\":{\"title\":[{\"text\":{\"content\":\"x\"}}]},"
                         "\"deadline\":{\"date\":{\"start\":\"2026-12-01\"}}}}" },
                /* The marker. */
                { TASK(""),
                  PROPERTIES(PROPERTY("Action ID", "rich_text") "," PROPERTY("Name", "title")),
                  PARENT "\"properties\":{\"Name\":{\"title\":[{\"text\":{\"content\":\"x\"}}]},"
                         "\"Action ID\":{\"rich_text\":[{\"text\":{\"content\":\"" ACTION_ID
                         "\"}}]}}}" },
                { TASK(""),
                  PROPERTIES(PROPERTY("Action ID", "number") "," PROPERTY("Name", "title")),
                  PARENT "\"properties\":{\"Name\":{\"title\":[{\"text\":{\"content\":\"x\"}}]}}"
                         "}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct exchange exchanges[] = {
                        { GET_SOURCE, "", 200, cases[i].properties },
                        { POST_PAGE, cases[i].body, 200, CREATED },
                };
                _cleanup_(run_done) struct run run = { 0 };

                run_action("create_task", cases[i].payload, exchanges, 2, &run);
                assert_result("create_task", &run, IDENTITY);
        }
}

static void test_create_in_a_database(void **state) {
        static const struct exchange exchanges[] = {
                { "GET /v1/databases/" DATABASE, "", 200,
                  "{\"object\":\"database\",\"data_sources\":[{\"id\":\"" SOURCE
                  "\",\"name\":\"Tasks\"}]}" },
                { GET_SOURCE, "", 200, USUAL },
                { POST_PAGE,
                  PARENT "\"properties\":{\"Aufgabe\":{\"title\":[{\"text\":{\"content\":\"x\"}}]}"
                         "}}",
                  200, CREATED },
        };
        _cleanup_(run_done) struct run run = { 0 };

        run_action("create_task", "{\"database_id\":\"" DATABASE "\",\"title\":\"x\"}", exchanges,
                   3, &run);
        assert_result("create_task", &run, IDENTITY);
}

static void test_several_data_sources_are_named(void **state) {
        static const struct exchange exchange = {
                "GET /v1/databases/" DATABASE,
                "",
                200,
                "{\"data_sources\":[{\"id\":\"" SOURCE "\",\"name\":\"Work\"},{\"id\":\"" SOURCE2
                "\",\"name\":\"Home\\u0007\"},{\"id\":\"../x\",\"name\":\"Evil\"}]}",
        };
        static const char *const types[] = { "create_task", "query_tasks" };

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                _cleanup_(run_done) struct run run = { 0 };

                run_action(types[i], "{\"database_id\":\"" DATABASE "\",\"title\":\"x\"}",
                           &exchange, 1, &run);
                assert_finding(&run, "/database_id",
                               "3 data sources|data_source_id|" SOURCE " 'Work'|" SOURCE2
                               " 'Home?'");
                assert_null(strstr(json_string(run.error.errors->child, "message"), "Evil"));
        }
}

/* What the data source has not is told before anything is written. */
static void test_what_does_not_fit(void **state) {
        static const struct {
                const char *more, *properties, *path, *words;
        } cases[] = {
                { "\"status\":\"done\"", USUAL, "/status", "'Not started'|'In progress'|'Done'" },
                { "\"status\":\"Done\"", PROPERTIES(PROPERTY("Name", "title")), "/status",
                  "status or select|properties.status|'Name' (title)" },
                { "\"status\":\"Done\"",
                  PROPERTIES(PROPERTY("Name", "title") "," STATUS("Stage") "," PROPERTY("Status",
                                                                                        "number")),
                  "/status", "has 'Stage' (status), 'Name' (title), 'Status' (number)" },
                { "\"status\":\"Done\",\"properties\":{\"status\":\"Stage\"}", USUAL,
                  "/properties/status", "status or select|has 'Status' (status), 'Priority'" },
                { "\"status\":\"Done\",\"properties\":{\"status\":\"status\"}", USUAL,
                  "/properties/status", "'Status'" },
                { "\"due\":\"2026-12-01\",\"properties\":{\"due\":\"Tags\"}", USUAL,
                  "/properties/due", "no date property|has 'Due Date' (date), " },
                { "\"due\":\"2026-12-01\"", PROPERTIES(PROPERTY("Due", "rollup")), "/due",
                  "'Due' (rollup)" },
                { "\"assignee\":\"" USER "\"", PROPERTIES(PROPERTY("Assignee", "rich_text")),
                  "/assignee", "people" },
                { "\"priority\":\"High\"", PROPERTIES(PROPERTY("Priority", "number")), "/priority",
                  "select or status" },
                { "\"priority\":\"High\"", PROPERTIES(STATUS("Priority")), "/priority",
                  "'In progress'" },
                { "\"tags\":[\"a\"]", PROPERTIES(PROPERTY("Tags", "select")), "/tags",
                  "multi_select" },
                { "\"tags\":[\"a\"]", PROPERTIES(""), "/tags", "none" },
                { "\"status\":\"Done\",\"priority\":\"High\",\"properties\":{\"priority\":"
                  "\"Status\"}",
                  PROPERTIES(PROPERTY("Status", "select")), "/properties/priority", "already" },
                { "\"tags\":[\"a\"]",
                  PROPERTIES(PROPERTY("ntn_123", "title") "," PROPERTY("Kind", "select")), "/tags",
                  "has 'Kind' (select)" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct exchange exchanges[] = {
                        { GET_PAGE, "", 200,
                          "{\"parent\":{\"type\":\"data_source_id\",\"data_source_id\":\"" SOURCE
                          "\"}}" },
                        { GET_SOURCE, "", 200, cases[i].properties },
                };
                _cleanup_(buffer_done) struct buffer payload = { 0 };
                _cleanup_(run_done) struct run run = { 0 };

                buffer_printf(&payload, "{\"page_id\":\"" PAGE "\",%s}", cases[i].more);
                run_action("update_task", payload.data, exchanges, 2, &run);
                assert_finding(&run, cases[i].path, cases[i].words);
        }
}

/* A data source may have any number of properties, under any names. */
static void test_long_lists_are_cut(void **state) {
        _cleanup_(buffer_done) struct buffer properties = { 0 };
        _cleanup_(run_done) struct run run = { 0 };
        struct exchange exchange = { GET_SOURCE, "", 200, NULL };
        const char *message;

        buffer_puts(&properties, "{\"properties\":{\"Name\":{\"type\":\"title\"}");
        for (int i = 0; i < 500; i++)
                buffer_printf(&properties, ",\"\xc3\xa4 b %d\":{\"type\":\"number\"}", i);
        buffer_puts(&properties, "}}");
        exchange.answer = properties.data;
        run_action("create_task", TASK(",\"status\":\"Done\""), &exchange, 1, &run);
        assert_finding(&run, "/status", "'Name' (title), '\xc3\xa4 b 0' (number)|and others");
        message = json_string(run.error.errors->child, "message");
        assert_true(strlen(message) < 511);
}

static void test_update(void **state) {
        static const struct {
                const char *more, *body;
        } cases[] = {
                { "\"status\":\"Done\"", "{\"properties\":{\"Status\":{\"status\":{\"name\":"
                                         "\"Done\"}}}}" },
                { "\"title\":\"y\",\"in_trash\":false",
                  "{\"properties\":{\"Aufgabe\":{\"title\":[{\"text\":{\"content\":\"y\"}}]}},"
                  "\"in_trash\":false}" },
                { "\"due\":null,\"assignee\":null,\"priority\":null,\"tags\":null",
                  "{\"properties\":{\"Due Date\":{\"date\":null},\"assignee\":{\"people\":[]},"
                  "\"Priority\":{\"select\":null},\"Tags\":{\"multi_select\":[]}}}" },
                { "\"assignee\":[],\"tags\":[]", "{\"properties\":{\"assignee\":{\"people\":[]},"
                                                 "\"Tags\":{\"multi_select\":[]}}}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct exchange exchanges[] = {
                        { GET_PAGE, "", 200,
                          "{\"parent\":{\"type\":\"data_source_id\",\"data_source_id\":\"" SOURCE
                          "\",\"database_id\":\"" DATABASE "\"}}" },
                        { GET_SOURCE, "", 200, USUAL },
                        { PATCH_PAGE, cases[i].body, 200, CREATED },
                };
                _cleanup_(buffer_done) struct buffer payload = { 0 };
                _cleanup_(run_done) struct run run = { 0 };

                buffer_printf(&payload, "{\"page_id\":\"" PAGE "\",%s}", cases[i].more);
                run_action("update_task", payload.data, exchanges, 3, &run);
                assert_result("update_task", &run, IDENTITY);
        }
}

/* The marker is the action's that made the page. */
static void test_update_leaves_the_marker(void **state) {
        static const struct exchange exchanges[] = {
                { GET_PAGE, "", 200, "{\"parent\":{\"data_source_id\":\"" SOURCE "\"}}" },
                { GET_SOURCE, "", 200,
                  PROPERTIES(PROPERTY("Action ID", "rich_text") "," PROPERTY("Name", "title")) },
                { PATCH_PAGE,
                  "{\"properties\":{\"Name\":{\"title\":[{\"text\":{\"content\":\"x\"}}]}}}", 200,
                  CREATED },
        };
        _cleanup_(run_done) struct run run = { 0 };

        run_action("update_task", "{\"page_id\":\"" PAGE "\",\"title\":\"x\"}", exchanges, 3, &run);
        assert_result("update_task", &run, IDENTITY);
}

static void test_trash_needs_one_exchange(void **state) {
        static const struct exchange exchange = { PATCH_PAGE, "{\"in_trash\":true}", 200, CREATED };
        _cleanup_(run_done) struct run run = { 0 };

        run_action("update_task", "{\"page_id\":\"" PAGE "\",\"in_trash\":true}", &exchange, 1,
                   &run);
        assert_result("update_task", &run, IDENTITY);
}

static void test_page_of_no_data_source(void **state) {
        static const char *const answers[] = {
                "{\"parent\":{\"type\":\"workspace\",\"workspace\":true}}",
                "{\"parent\":{\"type\":\"page_id\",\"page_id\":\"" PAGE "\"}}",
                "{\"parent\":{\"data_source_id\":\"../users\"}}",
                "{\"parent\":7}",
        };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                const struct exchange exchange = { GET_PAGE, "", 200, answers[i] };
                _cleanup_(run_done) struct run run = { 0 };

                run_action("update_task", "{\"page_id\":\"" PAGE "\",\"status\":\"x\"}", &exchange,
                           1, &run);
                assert_finding(&run, "/page_id", "no data source");
        }
}

static void test_query(void **state) {
        static const struct {
                const char *more, *body;
        } cases[] = {
                { "", "{}" },
                { ",\"page_size\":20", "{\"page_size\":20}" },
                { ",\"sorts\":[{\"property\":\"Due\",\"direction\":\"ascending\"}],\"cursor\":"
                  "\"c\","
                  "\"filter\":{\"and\":[{\"property\":\"N\",\"number\":{\"less_than\":1.50}}]}",
                  "{\"start_cursor\":\"c\",\"filter\":{\"and\":[{\"property\":\"N\",\"number\":"
                  "{\"less_than\":1.5}}]},\"sorts\":[{\"property\":\"Due\",\"direction\":"
                  "\"ascending\"}]}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct exchange exchanges[] = {
                        { "GET /v1/databases/" DATABASE, "", 200,
                          "{\"data_sources\":[{\"id\":\"" SOURCE "\"}]}" },
                        { QUERY, cases[i].body, 200,
                          "{\"object\":\"list\",\"results\":[],\"has_more\":false,"
                          "\"next_cursor\":null}" },
                };
                _cleanup_(buffer_done) struct buffer payload = { 0 };
                _cleanup_(run_done) struct run run = { 0 };

                buffer_printf(&payload, "{\"database_id\":\"" DATABASE "\"%s}", cases[i].more);
                run_action("query_tasks", payload.data, exchanges, 2, &run);
                assert_result("query_tasks", &run, "{\"tasks\":[],\"has_more\":false}");
        }
}

#define PAGE_OF(properties) \
        "{\"object\":\"page\",\"id\":\"" PAGE "\",\"url\":\"" URL "\",\"in_trash\":false," \
        "\"properties\":{" properties "}}"

static void test_pages_become_tasks(void **state) {
        static const struct {
                const char *more, *page, *task; /* NULL: none */
        } cases[] = {
                { "", PAGE_OF(""), IDENTITY },
                { "",
                  PAGE_OF("\"Tags\":{\"type\":\"multi_select\",\"multi_select\":[{\"name\":\"a\"},"
                          "{\"name\":\"b\"}]},"
                          "\"Name\":{\"type\":\"title\",\"title\":[{\"plain_text\":\"Write \"},"
                          "{\"plain_text\":\"report\"}]},"
                          "\"Status\":{\"type\":\"status\",\"status\":{\"name\":\"Done\"}},"
                          "\"Due\":{\"type\":\"date\",\"date\":{\"start\":\"2026-12-01\",\"end\":"
                          "null,\"time_zone\":null}},"
                          "\"Person\":{\"type\":\"people\",\"people\":[{\"object\":\"user\","
                          "\"id\":\"" USER "\",\"name\":\"A\"}]},"
                          "\"Priority\":{\"type\":\"select\",\"select\":{\"name\":\"High\"}}"),
                  "{\"page_id\":\"" PAGE "\",\"url\":\"" URL "\",\"title\":\"Write report\","
                  "\"status\":\"Done\",\"due\":{\"start\":\"2026-12-01\"},\"assignee\":[\"" USER
                  "\"],\"priority\":\"High\",\"tags\":[\"a\",\"b\"]}" },
                { "",
                  PAGE_OF("\"Name\":{\"type\":\"title\",\"title\":[]},"
                          "\"Status\":{\"type\":\"status\",\"status\":null},"
                          "\"Due\":{\"type\":\"date\",\"date\":null},"
                          "\"Person\":{\"type\":\"people\",\"people\":[]},"
                          "\"Tags\":{\"type\":\"multi_select\",\"multi_select\":[]}"),
                  IDENTITY },
                { ",\"properties\":{\"status\":\"Stage\"}",
                  PAGE_OF("\"Status\":{\"type\":\"status\",\"status\":{\"name\":\"Done\"}},"
                          "\"Stage\":{\"type\":\"select\",\"select\":{\"name\":\"Mine\"}}"),
                  "{\"page_id\":\"" PAGE "\",\"url\":\"" URL "\",\"status\":\"Mine\"}" },
                { "",
                  "{\"object\":\"page\",\"id\":\"" PAGE "\",\"url\":\"javascript:x\",\"in_trash\":"
                  "true}",
                  "{\"page_id\":\"" PAGE "\",\"in_trash\":true}" },
                /* What is not what its type says. */
                { "",
                  PAGE_OF("\"Name\":{\"type\":\"title\",\"title\":7},\"Status\":7,"
                          "\"Due\":{\"type\":\"date\",\"date\":[]},"
                          "\"Tags\":{\"type\":\"multi_select\",\"multi_select\":[7,{},"
                          "{\"name\":7}]},"
                          "\"Person\":{\"type\":\"people\",\"people\":{\"id\":\"x\"}}"),
                  IDENTITY },
                { "",
                  "{\"object\":\"page\",\"id\":\"" PAGE "\",\"properties\":[{\"type\":"
                  "\"title\"}]}",
                  "{\"page_id\":\"" PAGE "\"}" },
                { "", "{\"object\":\"data_source\",\"id\":\"" SOURCE "\"}", NULL },
                { "", "{\"object\":\"page\",\"id\":\"../x\"}", NULL },
                { "", "{\"id\":\"" PAGE "\"}", NULL },
                { "", "7", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer payload = { 0 }, answer = { 0 };
                _cleanup_(buffer_done) struct buffer expected = { 0 };
                struct exchange exchange = { QUERY, "{}", 200, NULL };
                _cleanup_(run_done) struct run run = { 0 };

                buffer_printf(&payload, "{" AT "%s}", cases[i].more);
                buffer_printf(&answer, "{\"results\":[%s],\"has_more\":true,\"next_cursor\":\"c\"}",
                              cases[i].page);
                buffer_printf(&expected, "{\"tasks\":[%s],\"has_more\":true,\"next_cursor\":\"c\"}",
                              cases[i].task ? cases[i].task : "");
                exchange.answer = answer.data;
                run_action("query_tasks", payload.data, &exchange, 1, &run);
                assert_result("query_tasks", &run, expected.data);
        }
}

/* A 2xx that does not hold what it must. Only for the page that may be there it matters whether. */
static void test_unclear_answers(void **state) {
        static const char *const answers[] = {
                "",
                "{}",
                "[]",
                "7",
                "{",
                "null",
                "<html>hi</html>",
                "{\"id\":7}",
                ("{\"id\":\"../x\",\"data_sources\":[{\"id\":\"..\"}]"
                 ",\"properties\":[],\"results\":{}}")
        };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                const struct {
                        const char *type, *payload;
                        enum ae_code code;
                        struct exchange exchanges[2];
                } cases[] = {
                        { "create_task",
                          "{\"database_id\":\"" DATABASE "\",\"title\":\"x\"}",
                          AE_UPSTREAM_ERROR,
                          { { "GET /v1/databases/" DATABASE, "", 200, answers[i] } } },
                        { "create_task",
                          TASK(""),
                          AE_UPSTREAM_ERROR,
                          { { GET_SOURCE, "", 200, answers[i] } } },
                        { "create_task",
                          TASK(""),
                          AE_OUTCOME_UNKNOWN,
                          { { GET_SOURCE, "", 200, PROPERTIES(PROPERTY("N", "title")) },
                            { POST_PAGE,
                              PARENT "\"properties\":{\"N\":{\"title\":[{\"text\":{\"content\":"
                                     "\"x\"}}]}}}",
                              200, answers[i] } } },
                        { "update_task",
                          "{\"page_id\":\"" PAGE "\",\"title\":\"x\"}",
                          AE_UPSTREAM_ERROR,
                          { { GET_PAGE, "", 200, answers[i] } } },
                        { "update_task",
                          "{\"page_id\":\"" PAGE "\",\"in_trash\":true}",
                          AE_UPSTREAM_ERROR,
                          { { PATCH_PAGE, "{\"in_trash\":true}", 200, answers[i] } } },
                        { "query_tasks",
                          "{" AT "}",
                          AE_UPSTREAM_ERROR,
                          { { QUERY, "{}", 200, answers[i] } } },
                };

                for (size_t k = 0; k < ELEMENTSOF(cases); k++) {
                        _cleanup_(run_done) struct run run = { 0 };

                        run_action(cases[k].type, cases[k].payload, cases[k].exchanges,
                                   cases[k].exchanges[1].line ? 2 : 1, &run);
                        assert_null(run.result);
                        assert_int_equal(run.error.code, cases[k].code);
                        assert_int_equal(run.error.upstream_status, 200);
                }
        }
}

static int interpret(const char *type, const char *payload, const struct http_response *response,
                     struct ae_error *error) {
        _cleanup_(json_freep) cJSON *json = parse(payload), *result = NULL;
        _cleanup_(json_freep) cJSON *notes = parse("{\"targets\":{}}");
        struct adapter_input input = {
                .payload = json,
                .base_url = BASE,
                .now_usec = NOW_USEC,
                .notes = notes,
        };
        int r;

        r = action_of(type)->interpret(&input, response, &result, error);
        assert_null(result);
        return r;
}

#define SAYS(code) "{\"object\":\"error\",\"status\":0,\"code\":\"" code "\",\"message\":\"Said.\"}"

static void test_errors(void **state) {
        static const struct {
                int status;
                const char *body, *retry_after;
                enum ae_code once, again; /* for what creates, and for the rest */
                uint64_t retry_after_msec;
                const char *reason;
        } cases[] = {
                { 400, SAYS("validation_error"), "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED, 0,
                  "validation_error" },
                { 400, SAYS("missing_version"), "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED, 0,
                  "missing_version" },
                { 400, SAYS("rate_limited"), "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED, 0,
                  "rate_limited" },
                { 401, SAYS("unauthorized"), "", AE_REAUTHORIZATION_REQUIRED,
                  AE_REAUTHORIZATION_REQUIRED, 0, "unauthorized" },
                { 403, SAYS("restricted_resource"), "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED,
                  0, "restricted_resource" },
                { 404, SAYS("object_not_found"), "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED, 0,
                  "object_not_found" },
                { 409, SAYS("conflict_error"), "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_ERROR, 0,
                  "conflict_error" },
                { 429, SAYS("rate_limited"), "7", AE_RATE_LIMITED, AE_RATE_LIMITED, 7000,
                  "rate_limited" },
                { 429, SAYS("rate_limited"), "", AE_RATE_LIMITED, AE_RATE_LIMITED, 60000,
                  "rate_limited" },
                { 500, SAYS("internal_server_error"), "7", AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR, 0,
                  "internal_server_error" },
                { 503, SAYS("service_unavailable"), "7", AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR, 0,
                  "service_unavailable" },
                { 503, SAYS("rate_limited"), "7", AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR, 0,
                  "rate_limited" },
                { 504, SAYS("gateway_timeout"), "", AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR, 0,
                  "gateway_timeout" },
                { 529, SAYS("service_overload"), "3", AE_RATE_LIMITED, AE_RATE_LIMITED, 3000,
                  "service_overload" },
                /* Not Notion's own word for it. */
                { 529, "<html>", "3", AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR, 0, "" },
                { 503, SAYS("service_overload"), "3", AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR, 0,
                  "service_overload" },
                /* No error object of Notion's: the HTTP status speaks. */
                { 302, "", "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED, 0, "" },
                { 401, "", "", AE_REAUTHORIZATION_REQUIRED, AE_REAUTHORIZATION_REQUIRED, 0, "" },
                { 404, "[]", "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED, 0, "" },
                { 409, "{}", "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED, 0, "" },
                { 413, "{\"code\":7,\"message\":7}", "", AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED,
                  0, "" },
                { 429, "nonsense", "soon", AE_RATE_LIMITED, AE_RATE_LIMITED, 60000, "" },
                { 502, "<html>", "", AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR, 0, "" },
                { 400, "{\"code\":\"two words\\r\\n\"}", "", AE_UPSTREAM_REJECTED,
                  AE_UPSTREAM_REJECTED, 0, "" },
        };
        static const struct {
                const char *type, *payload;
                bool once;
        } actions[] = {
                { "create_task", TASK(""), true },
                { "create_task", "{\"database_id\":\"" DATABASE "\",\"title\":\"x\"}", false },
                { "query_tasks", "{" AT "}", false },
                { "update_task", "{\"page_id\":\"" PAGE "\",\"title\":\"x\"}", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t k = 0; k < ELEMENTSOF(actions); k++) {
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        enum ae_code code = actions[k].once ? cases[i].once : cases[i].again;
                        const struct http_response response = {
                                .status = cases[i].status,
                                .body = cases[i].body,
                                .body_size = strlen(cases[i].body),
                                .content_type = "",
                                .retry_after = cases[i].retry_after,
                        };

                        assert_int_equal(interpret(actions[k].type, actions[k].payload, &response,
                                                   &error),
                                         ae_code_errno(code));
                        assert_int_equal(error.code, code);
                        assert_int_equal(error.upstream_status, cases[i].status);
                        assert_string_equal(error.upstream_reason, cases[i].reason);
                        assert_int_equal(error.retry_after_msec, cases[i].retry_after_msec);
                        assert_true(*error.message);
                }
}

/* An answer may echo what it was sent; ids are told, since they say what was not found. */
static void test_secrets_go_no_further(void **state) {
        static const struct {
                const char *message;
                bool kept;
        } cases[] = {
                { "body failed validation: body.properties.Name should be defined.", true },
                { "Could not find page with ID: " PAGE ". Share it.", true },
                { PAGE, true },
                { PAGE "a", false },
                { PAGE "-" PAGE, false },
                { "the token ntn_1 is bad", false },
                { "SECRET_1 is bad", false },
                { "Authorization: Bearer x", false },
                { "token abcdefghijklmnopqrstuvwxyzABCDEF is bad", false },
                { "token abcdefghijklmnopqrstuvwxyzABCDE is bad", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(buffer_done) struct buffer body = { 0 };
                struct http_response response = { .status = 400, .retry_after = "" };

                buffer_printf(&body, "{\"code\":\"ntn_x\",\"message\":\"%s\"}", cases[i].message);
                response.body = body.data;
                response.body_size = body.size;
                (void)interpret("query_tasks", "{" AT "}", &response, &error);
                assert_string_equal(error.upstream_message, cases[i].kept ? cases[i].message : "");
                assert_int_equal(strstr(error.message, cases[i].message) != NULL, cases[i].kept);
                assert_string_equal(error.upstream_reason, "");
        }
}

/* The body that notes make, as a tree: of each block its texts. */
static cJSON *blocks_of(const char *notes) {
        _cleanup_(json_freep) cJSON *payload = parse(TASK("")), *memory = NULL, *body = NULL;
        _cleanup_(http_request_done) struct http_request q = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct adapter_input input = { .base_url = BASE, .action_id = ACTION_ID };

        cJSON_AddStringToObject(payload, "notes", notes);
        memory = parse("{\"targets\":{}}");
        input.payload = payload;
        input.notes = memory;
        assert_int_equal(action_of("create_task")->build(&input, &q, &error), 0);
        assert_int_equal(json_parse(q.body.data, q.body.size, &body, NULL), 0);
        return cJSON_DetachItemFromObjectCaseSensitive(body, "children");
}

static const cJSON *texts_of(const cJSON *block) {
        return json_member(json_member(block, "paragraph"), "rich_text");
}

static const char *content_of(const cJSON *text) {
        return json_string(json_member(text, "text"), "content");
}

static void test_notes_become_paragraphs(void **state) {
        static const struct {
                const char *notes, *paragraphs; /* joined by '|' */
        } cases[] = {
                { "a", "a" },
                { "a\nb", "a\nb" },
                { "a\n\nb", "a|b" },
                { "a\r\n\r\nb", "a|b" },
                { "a\r\nb\r\n", "a\r\nb" },
                { "\n\n a\n\n\n\nb\n", " a|b" },
                { "a\n \nb", "a\n \nb" },
                { "\n\r\n", "" },
                { "\"\\\x01\xc3\xa4\xf0\x9f\x98\x80", "\"\\\x01\xc3\xa4\xf0\x9f\x98\x80" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_freep) cJSON *blocks = blocks_of(cases[i].notes);
                _cleanup_(buffer_done) struct buffer joined = { 0 };
                const cJSON *block, *text;

                buffer_puts(&joined, "");
                cJSON_ArrayForEach (block, blocks) {
                        buffer_puts(&joined, joined.size > 0 ? "|" : "");
                        cJSON_ArrayForEach (text, texts_of(block))
                                buffer_puts(&joined, content_of(text));
                }
                assert_string_equal(joined.data, cases[i].paragraphs);
        }
}

/* Nothing is lost, and no text, array or request is over Notion's limit. */
static void test_long_notes_are_cut_between_characters(void **state) {
        static const struct {
                const char *unit;
                size_t n, n_blocks, n_texts; /* in the last block */
                size_t first_size;           /* bytes of the first text */
        } cases[] = {
                { "a", 2000, 1, 1, 2000 },
                { "a", 2001, 1, 2, 2000 },
                { "a", 199900, 1, 100, 2000 },
                { "\xc3\xa4", 2001, 1, 2, 4000 },
                { "\xf0\x9f\x98\x80", 1000, 1, 1, 4000 },
                { "\xf0\x9f\x98\x80", 1001, 1, 2, 4000 },
                /* A pair that would lie across the border goes behind it. */
                { "a\xf0\x9f\x98\x80", 667, 1, 2, 666 * 5 + 1 },
                { "a\n\n", 100, 100, 1, 1 },
                { "a\n\n", 101, 100, 1, 1 },
                { "a\n\n", 66633, 100, 100, 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer notes = { 0 };
                _cleanup_(json_freep) cJSON *blocks = NULL;
                const cJSON *last;
                size_t n = 0;

                repeat(&notes, cases[i].unit, cases[i].n);
                blocks = blocks_of(notes.data);
                assert_int_equal(cJSON_GetArraySize(blocks), cases[i].n_blocks);
                last = cJSON_GetArrayItem(blocks, (int)cases[i].n_blocks - 1);
                assert_int_equal(cJSON_GetArraySize(texts_of(last)), cases[i].n_texts);
                assert_int_equal(strlen(content_of(texts_of(blocks->child)->child)),
                                 cases[i].first_size);
                for (const cJSON *text = texts_of(last)->child; text; text = text->next)
                        n += strlen(content_of(text));
                if (cases[i].n_blocks == 1)
                        assert_int_equal(n, notes.size);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_is_whole),
                cmocka_unit_test(test_credential),
                cmocka_unit_test(test_create_finds_all_faults),
                cmocka_unit_test(test_update_finds_all_faults),
                cmocka_unit_test(test_query_finds_all_faults),
                cmocka_unit_test(test_hostile_ids_reach_no_url),
                cmocka_unit_test(test_limits_of_text),
                cmocka_unit_test(test_limits_of_number),
                cmocka_unit_test(test_limit_of_a_query),
                cmocka_unit_test(test_create_in_a_data_source),
                cmocka_unit_test(test_create_in_a_database),
                cmocka_unit_test(test_several_data_sources_are_named),
                cmocka_unit_test(test_what_does_not_fit),
                cmocka_unit_test(test_long_lists_are_cut),
                cmocka_unit_test(test_update),
                cmocka_unit_test(test_update_leaves_the_marker),
                cmocka_unit_test(test_trash_needs_one_exchange),
                cmocka_unit_test(test_page_of_no_data_source),
                cmocka_unit_test(test_query),
                cmocka_unit_test(test_pages_become_tasks),
                cmocka_unit_test(test_unclear_answers),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_secrets_go_no_further),
                cmocka_unit_test(test_notes_become_paragraphs),
                cmocka_unit_test(test_long_notes_are_cut_between_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
