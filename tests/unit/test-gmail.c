/* SPDX-License-Identifier: MIT */
#include "gmail-rig.h"

#include <errno.h>
#include <sodium.h>

#include "action/schema.h"
#include "base/cleanup.h"
#include "common/retry-after.h"

#define HOUR_MSEC UINT64_C(3600000)

static const struct adapter_action *send_email(void) {
        return gmail_action("send_email");
}

static struct adapter_input input_of(const cJSON *payload) {
        return (struct adapter_input){
                .payload = payload,
                .base_url = "https://gmail.example",
                .action_id = ID,
                .now_usec = NOW_USEC,
        };
}

static void test_table_is_whole(void **state) {
        static const struct {
                const char *type, *title, *scope;
        } cases[] = {
                { "create_draft", "gmail.create_draft",
                  "https://www.googleapis.com/auth/gmail.compose" },
                { "reply", "gmail.reply", "https://www.googleapis.com/auth/gmail.modify" },
                { "send_email", "send_email", "https://www.googleapis.com/auth/gmail.send" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct adapter_action *a = gmail_action(cases[i].type);
                _cleanup_(json_freep) cJSON *payload = parse(a->payload_schema);
                _cleanup_(json_freep) cJSON *result = parse(a->result_schema);

                assert_int_equal(a->idempotency, IDEMPOTENCY_RECONCILABLE);
                assert_non_null(a->reconcile);
                assert_non_null(a->lost);
                assert_string_equal(a->oauth_scopes[0], cases[i].scope);
                assert_string_equal(json_string(payload, "title"), cases[i].title);
                assert_non_null(json_member(json_member(result, "properties"), "message_id"));
        }
}

/* Each path must be found, and nothing else. */
static void test_check_finds_all_faults(void **state) {
        static const struct {
                const char *payload;
                const char *paths; /* joined by a space */
        } cases[] = {
                { "{\"to\":\"a@b.c\"}", "" },
                { "{\"to\":[\"a@b.c\"],\"subject\":\"x\",\"body\":\"\"}", "" },
                { "{\"to\":\"a@b.c\",\"from\":\"Ada\"}", "" },
                { "{\"to\":\"a@b.c\",\"from\":\"Ada <a@b.c>\"}", "" },
                { "{\"to\":\"a@b.c\",\"reply_to\":[\"a@b.c\",\"d@e.f\"]}", "" },
                { "{\"to\":\"a@b.c\",\"in_reply_to\":\"<a@b>\",\"thread_id\":\"18c\"}", "" },
                { "{\"to\":\"a@b.c\",\"attachments\":[]}", "" },
                { "{\"to\":\"a@b.c\",\"attachments\":[{\"filename\":\"a\","
                  "\"content_base64\":\"\"}]}",
                  "" },
                { "{}", "/to" },
                { "{\"to\":[]}", "/to" },
                { "{\"to\":\"\"}", "/to" },
                { "{\"to\":null}", "/to" },
                { "{\"to\":7}", "/to" },
                { "{\"to\":{}}", "/to" },
                { "{\"To\":\"a@b.c\"}", "/to" },
                { "{\"to\":[7,\"a@b.c\",[\"a@b.c\"]]}", "/to/0 /to/2" },
                { "{\"to\":\"a@b.c, d@e.f\"}", "/to" },
                { "{\"to\":[\"a@b.c\",\"x\"],\"cc\":\"y\",\"bcc\":[\"z\"],\"reply_to\":\"v\"}",
                  "/reply_to /to/1 /cc /bcc/0" },
                { "{\"to\":\"a@b.c\\r\\nBcc: x@y.z\"}", "/to" },
                { "{\"to\":\"a@b.c\",\"cc\":[\"a@b.c\",\"a@b.c\",\"a@b.c\",\"a\\n@b.c\"]}",
                  "/cc/3" },
                { "{\"to\":\"a@b.c\",\"subject\":\"x\\r\\nBcc: x@y.z\"}", "/subject" },
                { "{\"to\":\"a@b.c\",\"subject\":\"x\\u0085y\"}", "/subject" },
                { "{\"to\":\"a@b.c\",\"subject\":\"x\\u2028y\"}", "/subject" },
                { "{\"to\":\"a@b.c\",\"subject\":\"x\\ty\"}", "/subject" },
                { "{\"to\":\"a@b.c\",\"subject\":7,\"body\":[],\"html\":{}}",
                  "/subject /body /html" },
                { "{\"to\":\"a@b.c\",\"from\":\"\"}", "/from" },
                { "{\"to\":\"a@b.c\",\"from\":\"Ada\\n\"}", "/from" },
                { "{\"to\":\"a@b.c\",\"from\":\"Ada <a\"}", "/from" },
                { "{\"to\":\"a@b.c\",\"from\":[\"a@b.c\"]}", "/from" },
                { "{\"to\":\"a@b.c\",\"thread_id\":\"\",\"in_reply_to\":\"\"}",
                  "/thread_id /in_reply_to" },
                { "{\"to\":\"a@b.c\",\"in_reply_to\":\"<a@b>\\r\\nX: <c@d>\"}", "/in_reply_to" },
                { "{\"to\":\"a@b.c\",\"in_reply_to\":\"<a@b> <c@d>\"}", "/in_reply_to" },
                { "{\"to\":\"a@b.c\",\"attachments\":{}}", "/attachments" },
                { "{\"to\":\"a@b.c\",\"attachments\":[7,{},{\"filename\":7,\"content_type\":7,"
                  "\"content_base64\":7}]}",
                  "/attachments/0 /attachments/1/filename /attachments/1/content_base64 "
                  "/attachments/2/filename /attachments/2/content_type "
                  "/attachments/2/content_base64" },
                { "{\"to\":\"a@b.c\",\"attachments\":[{\"filename\":\"a\",\"content_base64\":"
                  "\"Zg==\"},{\"filename\":\"../x\",\"content_base64\":\"Zg\",\"content_type\":"
                  "\"x\"}]}",
                  "/attachments/1/filename /attachments/1/content_type "
                  "/attachments/1/content_base64" },
                { "{\"to\":\"a@b.c\",\"attachments\":[{\"filename\":\"a\\r\\nX: y\","
                  "\"content_base64\":\"Zm9v\\r\\n\",\"content_type\":\"a/b\\r\\nX: y\"}]}",
                  "/attachments/0/filename /attachments/0/content_type "
                  "/attachments/0/content_base64" },
                { "{\"to\":\"a@b.c\",\"attachments\":[{\"filename\":\"\",\"content_base64\":"
                  "\"/etc/passwd\"}]}",
                  "/attachments/0/filename /attachments/0/content_base64" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(buffer_done) struct buffer paths = { 0 };
                _cleanup_(json_freep) cJSON *payload = parse(cases[i].payload);
                const cJSON *finding;

                assert_int_equal(send_email()->check(payload, &error), 0);
                buffer_puts(&paths, "");
                cJSON_ArrayForEach (finding, error.errors)
                        buffer_printf(&paths, "%s%s", paths.size > 0 ? " " : "",
                                      json_string(finding, "path"));
                if (strcmp(paths.data, cases[i].paths) != 0)
                        fail_msg("%s: '%s'", cases[i].payload, paths.data);
        }
}

static void add_many(cJSON *payload, const char *name, int n, const char *text) {
        cJSON *array = cJSON_AddArrayToObject(payload, name);

        for (int i = 0; i < n; i++)
                cJSON_AddItemToArray(array, cJSON_CreateString(text));
}

/* The finding's path, or "" when there is none. At most one is expected. */
static void assert_finding(const cJSON *payload, const char *path) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        assert_int_equal(send_email()->check(payload, &error), 0);
        assert_int_equal(ae_error_count(&error), *path ? 1 : 0);
        if (*path)
                assert_string_equal(json_string(error.errors->child, "path"), path);
}

static void test_limits_of_number(void **state) {
        static const struct {
                int n_to, n_cc, n_bcc, n_reply_to;
                const char *path;
        } cases[] = {
                { 500, 0, 0, 1, "" },         { 501, 0, 0, 1, "/to/500" },
                { 5000, 0, 0, 1, "/to/500" }, { 498, 1, 1, 20, "" },
                { 498, 1, 2, 1, "/bcc/1" },   { 499, 2, 0, 1, "/cc/1" },
                { 500, 1, 0, 1, "/cc/0" },    { 1, 0, 0, 21, "/reply_to/20" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_freep) cJSON *payload = cJSON_CreateObject();

                add_many(payload, "to", cases[i].n_to, "a@b.c");
                add_many(payload, "cc", cases[i].n_cc, "a@b.c");
                add_many(payload, "bcc", cases[i].n_bcc, "a@b.c");
                add_many(payload, "reply_to", cases[i].n_reply_to, "a@b.c");
                assert_finding(payload, cases[i].path);
        }
}

static void add_attachment(cJSON *payload, size_t base64_size) {
        _cleanup_(freep) char *content = malloc(base64_size + 1);
        cJSON *array = cJSON_GetObjectItemCaseSensitive(payload, "attachments");
        cJSON *attachment = cJSON_CreateObject();

        if (!array)
                array = cJSON_AddArrayToObject(payload, "attachments");
        memset(content, 'A', base64_size);
        content[base64_size] = 0;
        cJSON_AddStringToObject(attachment, "filename", "a");
        cJSON_AddStringToObject(attachment, "content_base64", content);
        cJSON_AddItemToArray(array, attachment);
}

static void test_limits_of_size(void **state) {
        const size_t max = 25 * 1024 * 1024;
        /* The most base64 that fits with a CRLF behind each 76 of it but the last. */
        const size_t fits = (max + 2) / 78 * 76;
        _cleanup_(json_freep) cJSON *payload = parse("{\"to\":\"a@b.c\"}");
        _cleanup_(freep) char *text = malloc(max + 2);

        add_attachment(payload, fits);
        assert_finding(payload, "");
        add_attachment(payload, 4 * 76);
        assert_finding(payload, "/attachments/1/content_base64");

        payload = json_free(payload);
        payload = parse("{\"to\":\"a@b.c\"}");
        add_attachment(payload, fits + 76);
        assert_finding(payload, "/attachments/0/content_base64");

        memset(text, '\n', max + 1);
        text[max / 2] = 0;
        payload = json_free(payload);
        payload = parse("{\"to\":\"a@b.c\"}");
        cJSON_AddStringToObject(payload, "body", text);
        assert_finding(payload, "");
        cJSON_AddStringToObject(payload, "html", "x");
        assert_finding(payload, "/html");
        text[max / 2] = '\n';
        text[max / 2 + 1] = 0;
        payload = json_free(payload);
        payload = parse("{\"to\":\"a@b.c\"}");
        cJSON_AddStringToObject(payload, "body", text);
        assert_finding(payload, "/body");
}

static void test_limit_of_attachments(void **state) {
        _cleanup_(json_freep) cJSON *payload = parse("{\"to\":\"a@b.c\"}");

        for (int i = 0; i < 100; i++)
                add_attachment(payload, 4);
        assert_finding(payload, "");
        add_attachment(payload, 4);
        assert_finding(payload, "/attachments");
}

static void test_limit_of_filename(void **state) {
        for (size_t size = 255; size <= 256; size++) {
                _cleanup_(json_freep) cJSON *payload = parse("{\"to\":\"a@b.c\"}");
                char name[257] = { 0 };

                add_attachment(payload, 4);
                memset(name, 'a', size);
                cJSON_ReplaceItemInObjectCaseSensitive(
                                cJSON_GetObjectItemCaseSensitive(payload, "attachments")->child,
                                "filename", cJSON_CreateString(name));
                assert_finding(payload, size == 255 ? "" : "/attachments/0/filename");
        }
}

/* The message inside of {"raw":"…"}. */
static char *build_message(const char *text, char **ret_thread) {
        _cleanup_(http_request_done) struct http_request q = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *payload = parse(text), *body = NULL;
        struct adapter_input input = input_of(payload);
        const char *raw;
        size_t size;
        char *message;

        assert_int_equal(send_email()->build(&input, &q, &error), 0);
        assert_string_equal(q.method, "POST");
        assert_string_equal(q.url, "https://gmail.example/gmail/v1/users/me/messages/send");
        assert_int_equal(q.n_headers, 1);
        assert_string_equal(q.headers[0].name, "Content-Type");
        assert_string_equal(q.headers[0].value, "application/json");
        assert_int_equal(json_parse(q.body.data, q.body.size, &body, NULL), 0);

        raw = json_string(body, "raw");
        message = calloc(1, q.body.size);
        assert_int_equal(sodium_base642bin((unsigned char *)message, q.body.size, raw, strlen(raw),
                                           NULL, &size, NULL,
                                           sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                         0);
        assert_int_equal(strlen(message), size);
        *ret_thread = json_string(body, "threadId") ? strdup(json_string(body, "threadId")) : NULL;
        return message;
}

static void test_build(void **state) {
        static const struct {
                const char *payload, *thread;
                const char *holds, *lacks;
        } cases[] = {
                { "{\"to\":\"a@b.c\",\"subject\":\"Hello!\",\"body\":\"How are you?\"}", NULL,
                  "Date: Fri, 25 Jul 2025 15:21:00 +0000\r\nTo: a@b.c\r\nSubject: Hello!\r\n"
                  "Message-ID: <" ID "@action-engine.invalid>\r\nX-Action-Id: " ID "\r\n",
                  "From:" },
                { "{\"to\":\"a@b.c\",\"from\":\"Ada\"}", NULL, "\r\nTo: a@b.c\r\n", "From:" },
                { "{\"to\":\"a@b.c\",\"from\":\"Ada <ada@example.com>\"}", NULL,
                  "From: \"Ada\" <ada@example.com>\r\nTo: a@b.c\r\nMessage-ID: <" ID
                  "@example.com>\r\n",
                  "Subject" },
                { "{\"to\":\"a@b.c\",\"thread_id\":\"18c\",\"in_reply_to\":\"x@y\"}", "18c",
                  "\r\nIn-Reply-To: <x@y>\r\nReferences: <x@y>\r\n", "Reply-To: a" },
                { "{\"to\":\"a@b.c\",\"thread_id\":\"a\\\"b\\\\\"}", "a\"b\\", "To: a@b.c",
                  "From" },
                { "{\"to\":\"a@b.c\",\"html\":\"<p>\",\"body\":\"\"}", NULL, "text/html",
                  "text/plain" },
                { "{\"to\":\"a@b.c\",\"html\":\"<p>\",\"body\":\"x\"}", NULL, "text/plain",
                  "mixed" },
                { "{\"to\":\"a@b.c\"}", NULL, "text/plain", "multipart" },
                { "{\"to\":\"a@b.c\",\"cc\":\"d@e.f\",\"bcc\":\"g@h.i\",\"reply_to\":\"j@k.l\"}",
                  NULL, "Reply-To: j@k.l\r\nTo: a@b.c\r\nCc: d@e.f\r\nBcc: g@h.i\r\n", "From" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *thread = NULL;
                _cleanup_(freep) char *message = build_message(cases[i].payload, &thread);

                if (!strstr(message, cases[i].holds) || strstr(message, cases[i].lacks))
                        fail_msg("%s gives:\n%s", cases[i].payload, message);
                if (cases[i].thread)
                        assert_string_equal(thread, cases[i].thread);
                else
                        assert_null(thread);
        }
}

/* The message of a draft is a member of it, and its answer tells three ids. */
static void test_draft(void **state) {
        static const struct {
                const char *body;
                const char *result; /* NULL: unknown outcome */
        } cases[] = {
                { "{\"id\":\"r1\",\"message\":{\"id\":\"m1\",\"threadId\":\"t1\",\"labelIds\":"
                  "[\"DRAFT\"]}}",
                  "{\"draft_id\":\"r1\",\"message_id\":\"m1\",\"thread_id\":\"t1\"}" },
                { "{\"id\":\"r-1_\",\"message\":{\"id\":\"m1\",\"threadId\":\"a/b\"}}",
                  "{\"draft_id\":\"r-1_\",\"message_id\":\"m1\"}" },
                { "{\"id\":\"r1\"}", NULL },
                { "{\"message\":{\"id\":\"m1\"}}", NULL },
                { "{\"id\":\"r1\",\"message\":{\"id\":\"../m\"}}", NULL },
                { "{\"id\":\"r/1\",\"message\":{\"id\":\"m1\"}}", NULL },
                { "", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer result = { 0 };
                _cleanup_(json_freep) cJSON *body = NULL;
                const struct answer answer = { 200, cases[i].body, NULL, NULL };
                struct run run;

                run_begin(&run, "create_draft", "{\"to\":\"a@b.c\",\"thread_id\":\"18c\"}");
                assert_int_equal(run_build(&run), 0);
                assert_string_equal(run.request.method, "POST");
                assert_string_equal(run.request.url, BASE "/gmail/v1/users/me/drafts");
                assert_string_equal(run_header(&run, "Content-Type"), "application/json");
                body = parse(run.request.body.data);
                assert_string_equal(json_string(json_member(body, "message"), "threadId"), "18c");
                assert_non_null(json_string(json_member(body, "message"), "raw"));
                assert_int_equal(cJSON_GetArraySize(body), 1);

                (void)run_take(&run, &answer);
                if (cases[i].result) {
                        json_print(run.result, &result);
                        assert_string_equal(result.data, cases[i].result);
                } else
                        assert_int_equal(run.error.code, AE_OUTCOME_UNKNOWN);
                run_done(&run);
        }
}

static void test_draft_needs_nothing(void **state) {
        static const char *const payloads[] = { "{}", "{\"subject\":\"x\"}", "{\"to\":[]}",
                                                "{\"bcc\":\"a@b.c\"}" };

        for (size_t i = 0; i < ELEMENTSOF(payloads); i++) {
                struct run run;

                run_begin(&run, "create_draft", payloads[i]);
                assert_int_equal(run.action->check(run.payload, &run.error), 0);
                assert_int_equal(ae_error_count(&run.error), 0);
                assert_int_equal(run_build(&run), 0);
                run_done(&run);
        }
}

/* Whoever forgets to check first gets no message either. */
static void test_build_refuses_what_check_refuses(void **state) {
        _cleanup_(http_request_done) struct http_request q = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *payload = parse("{\"to\":\"a@b.c\",\"subject\":\"a\\nb\"}");
        struct adapter_input input = input_of(payload);

        assert_int_equal(send_email()->build(&input, &q, &error), -EINVAL);
        assert_int_equal(error.code, AE_INVALID_PAYLOAD);
        assert_int_equal(ae_error_count(&error), 1);
        assert_int_equal(q.body.size, 0);
}

#define GOOGLE(code, reason, status) \
        "{\"error\":{\"code\":" #code ",\"message\":\"Said.\",\"errors\":[{\"domain\":\"global\"," \
        "\"reason\":\"" reason "\",\"message\":\"Said.\"}],\"status\":\"" status "\"}}"

static void test_errors(void **state) {
        static const struct {
                int status;
                const char *body, *retry_after;
                enum ae_code code;
                uint64_t retry_after_msec;
                const char *reason;
        } cases[] = {
                { 400, GOOGLE(400, "badRequest", "INVALID_ARGUMENT"), "", AE_UPSTREAM_REJECTED, 0,
                  "badRequest" },
                { 400, GOOGLE(400, "invalidArgument", "INVALID_ARGUMENT"), "", AE_UPSTREAM_REJECTED,
                  0, "invalidArgument" },
                { 400, GOOGLE(400, "failedPrecondition", "FAILED_PRECONDITION"), "",
                  AE_UPSTREAM_REJECTED, 0, "failedPrecondition" },
                { 401, GOOGLE(401, "authError", "UNAUTHENTICATED"), "", AE_REAUTHORIZATION_REQUIRED,
                  0, "authError" },
                { 403, GOOGLE(403, "rateLimitExceeded", "PERMISSION_DENIED"), "", AE_RATE_LIMITED,
                  60000, "rateLimitExceeded" },
                { 403, GOOGLE(403, "userRateLimitExceeded", "PERMISSION_DENIED"), "7",
                  AE_RATE_LIMITED, 7000, "userRateLimitExceeded" },
                { 403, GOOGLE(403, "dailyLimitExceeded", "PERMISSION_DENIED"), "7", AE_RATE_LIMITED,
                  (16 * 60 + 39) * 60 * 1000, "dailyLimitExceeded" },
                { 403, GOOGLE(403, "quotaExceeded", "PERMISSION_DENIED"), "", AE_RATE_LIMITED,
                  60000, "quotaExceeded" },
                { 403, GOOGLE(403, "insufficientPermissions", "PERMISSION_DENIED"), "",
                  AE_REAUTHORIZATION_REQUIRED, 0, "insufficientPermissions" },
                { 403, GOOGLE(403, "domainPolicy", "PERMISSION_DENIED"), "", AE_UPSTREAM_REJECTED,
                  0, "domainPolicy" },
                { 403, GOOGLE(403, "accessNotConfigured", "PERMISSION_DENIED"), "",
                  AE_UPSTREAM_REJECTED, 0, "accessNotConfigured" },
                { 403, GOOGLE(403, "forbidden", "PERMISSION_DENIED"), "", AE_UPSTREAM_REJECTED, 0,
                  "forbidden" },
                { 404, GOOGLE(404, "notFound", "NOT_FOUND"), "", AE_UPSTREAM_REJECTED, 0,
                  "notFound" },
                { 429, GOOGLE(429, "userRateLimitExceeded", "RESOURCE_EXHAUSTED"), "120",
                  AE_RATE_LIMITED, 120000, "userRateLimitExceeded" },
                { 429, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}", "", AE_RATE_LIMITED,
                  60000, "RESOURCE_EXHAUSTED" },
                { 500, GOOGLE(500, "backendError", "INTERNAL"), "", AE_UPSTREAM_ERROR, 0,
                  "backendError" },
                { 503, GOOGLE(503, "rateLimitExceeded", "UNAVAILABLE"), "9", AE_UPSTREAM_ERROR, 0,
                  "rateLimitExceeded" },
                { 403,
                  "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"details\":[{\"@type\":\"x\"},"
                  "{\"reason\":\"ACCESS_TOKEN_SCOPE_INSUFFICIENT\"}]}}",
                  "", AE_REAUTHORIZATION_REQUIRED, 0, "ACCESS_TOKEN_SCOPE_INSUFFICIENT" },
                /* No error object of Google's: the HTTP status speaks. */
                { 400, "", "", AE_UPSTREAM_REJECTED, 0, "" },
                { 401, "<html>no</html>", "", AE_REAUTHORIZATION_REQUIRED, 0, "" },
                { 429, "nonsense", "", AE_RATE_LIMITED, 60000, "" },
                { 502, "<html>", "", AE_UPSTREAM_ERROR, 0, "" },
                { 302, "", "", AE_UPSTREAM_REJECTED, 0, "" },
                { 404, "[]", "", AE_UPSTREAM_REJECTED, 0, "" },
                { 404, "7", "", AE_UPSTREAM_REJECTED, 0, "" },
                { 404, "{\"error\":7}", "", AE_UPSTREAM_REJECTED, 0, "" },
                { 404, "{\"error\":\"notFound\"}", "", AE_UPSTREAM_REJECTED, 0, "" },
                { 404, "{\"error\":{\"errors\":7,\"details\":7,\"status\":7,\"message\":7}}", "",
                  AE_UPSTREAM_REJECTED, 0, "" },
                { 404, "{\"error\":{\"errors\":[7],\"details\":[7]}}", "", AE_UPSTREAM_REJECTED, 0,
                  "" },
                { 404, "{\"error\":{\"errors\":[{\"reason\":\"a b\\r\\n\"}],\"status\":\"X\"}}", "",
                  AE_UPSTREAM_REJECTED, 0, "X" },
                { 403, GOOGLE(403, "RateLimitExceeded", "PERMISSION_DENIED"), "",
                  AE_UPSTREAM_REJECTED, 0, "RateLimitExceeded" },
        };
        struct adapter_input input = input_of(NULL);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                cJSON *result = NULL;
                struct http_response response = {
                        .status = cases[i].status,
                        .body = cases[i].body,
                        .body_size = strlen(cases[i].body),
                        .content_type = "",
                        .retry_after = cases[i].retry_after,
                };

                assert_int_equal(send_email()->interpret(&input, &response, &result, &error),
                                 ae_code_errno(cases[i].code));
                assert_null(result);
                assert_int_equal(error.code, cases[i].code);
                assert_int_equal(error.upstream_status, cases[i].status);
                assert_string_equal(error.upstream_reason, cases[i].reason);
                assert_int_equal(error.retry_after_msec, cases[i].retry_after_msec);
                assert_true(*error.message);
        }
}

static void interpret(int status, const char *body, cJSON **ret_result, struct ae_error *error) {
        struct adapter_input input = input_of(NULL);
        struct http_response response = {
                .status = status,
                .body = body,
                .body_size = strlen(body),
                .content_type = "",
                .retry_after = "",
        };

        (void)send_email()->interpret(&input, &response, ret_result, error);
}

static void test_deep_body_is_survived(void **state) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        size_t size = 1 << 20;
        _cleanup_(freep) char *body = malloc(size + 1);
        cJSON *result = NULL;

        memset(body, '[', size);
        body[size] = 0;
        interpret(400, body, &result, &error);
        assert_int_equal(error.code, AE_UPSTREAM_REJECTED);
        interpret(200, body, &result, &error);
        assert_int_equal(error.code, AE_OUTCOME_UNKNOWN);
}

/* An answer may echo what it was sent. */
static void test_secrets_go_no_further(void **state) {
#define TOKEN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
        static const struct {
                const char *message;
                bool kept;
        } cases[] = {
                { "Invalid To header", true },
                { "Access Not Configured. Visit https://console.developers.google.com/apis/api/"
                  "gmail.googleapis.com/overview?project=123 and try again.",
                  true },
                { "Invalid credentials 'Authorization: Bearer x'", false },
                { "bad bEaReR x", false },
                { "token ya29.x is bad", false },
                { "token " TOKEN " is bad", false },
                { TOKEN, false },
                { "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJ9.x", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *json = cJSON_CreateObject();
                _cleanup_(buffer_done) struct buffer body = { 0 };
                cJSON *e = cJSON_AddObjectToObject(json, "error"), *result = NULL;

                cJSON_AddStringToObject(e, "message", cases[i].message);
                cJSON_AddStringToObject(e, "status", TOKEN);
                json_print(json, &body);
                interpret(400, body.data, &result, &error);
                assert_string_equal(error.upstream_message, cases[i].kept ? cases[i].message : "");
                assert_int_equal(strstr(error.message, cases[i].message) != NULL, cases[i].kept);
                assert_string_equal(error.upstream_reason, "");
        }
#undef TOKEN
}

static void test_long_message_is_cut(void **state) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer body = { 0 };
        cJSON *result = NULL;

        buffer_puts(&body, "{\"error\":{\"message\":\"");
        for (int i = 0; i < 500; i++)
                buffer_puts(&body, "a ");
        buffer_puts(&body, "\"}}");
        interpret(400, body.data, &result, &error);
        assert_int_equal(strlen(error.upstream_message), 200);
}

static void test_success(void **state) {
        static const struct {
                const char *body;
                const char *message_id, *thread_id; /* no message_id: unknown outcome */
        } cases[] = {
                { "{\"id\":\"m1\",\"threadId\":\"t1\",\"labelIds\":[\"SENT\"],\"x\":{}}", "m1",
                  "t1" },
                { "{\"id\":\"m1\"}", "m1", NULL },
                { "{\"id\":\"m1\",\"threadId\":7}", "m1", NULL },
                { "", NULL, NULL },
                { "{}", NULL, NULL },
                { "<html>ok</html>", NULL, NULL },
                { "{\"id\":\"m1\"", NULL, NULL },
                { "{\"id\":7}", NULL, NULL },
                { "{\"id\":\"\"}", NULL, NULL },
                { "{\"Id\":\"m1\"}", NULL, NULL },
                { "{\"id\":\"a\\nb\"}", NULL, NULL },
                { "[{\"id\":\"m1\"}]", NULL, NULL },
                { "\"m1\"", NULL, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *result = NULL;

                interpret(200, cases[i].body, &result, &error);
                if (!cases[i].message_id) {
                        assert_null(result);
                        assert_int_equal(error.code, AE_OUTCOME_UNKNOWN);
                        continue;
                }
                assert_int_equal(error.code, AE_NONE);
                assert_string_equal(json_string(result, "message_id"), cases[i].message_id);
                if (cases[i].thread_id)
                        assert_string_equal(json_string(result, "thread_id"), cases[i].thread_id);
                else
                        assert_null(json_member(result, "thread_id"));
        }
}

static void test_retry_after(void **state) {
        static const struct {
                const char *header;
                uint64_t msec; /* 42: made no sense */
        } cases[] = {
                { "", 42 },
                { "0", 1000 },
                { "1", 1000 },
                { "30", 30000 },
                { "3600", HOUR_MSEC },
                { "3601", HOUR_MSEC },
                { "999999999", HOUR_MSEC },
                { "99999999999999999999999999", HOUR_MSEC },
                { "-1", 42 },
                { "+1", 42 },
                { "1.5", 42 },
                { " 1", 42 },
                { "1 ", 42 },
                { "1e3", 42 },
                { "soon", 42 },
                { "Fri, 25 Jul 2025 15:21:30 GMT", 30000 },
                { "Friday, 25-Jul-25 15:21:30 GMT", 30000 },
                { "Fri Jul 25 15:21:30 2025", 30000 },
                { "Fri, 25 Jul 2025 15:20:30 GMT", 1000 },
                { "Thu, 01 Jan 1970 00:00:00 GMT", 1000 },
                { "Fri, 31 Dec 9999 23:59:59 GMT", HOUR_MSEC },
                { "Fri, 99 Jul 2025 15:21:30 GMT", 42 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(retry_after_msec(cases[i].header, NOW_USEC, 42), cases[i].msec);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_is_whole),
                cmocka_unit_test(test_check_finds_all_faults),
                cmocka_unit_test(test_limits_of_number),
                cmocka_unit_test(test_limits_of_size),
                cmocka_unit_test(test_limit_of_attachments),
                cmocka_unit_test(test_limit_of_filename),
                cmocka_unit_test(test_build),
                cmocka_unit_test(test_draft),
                cmocka_unit_test(test_draft_needs_nothing),
                cmocka_unit_test(test_build_refuses_what_check_refuses),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_deep_body_is_survived),
                cmocka_unit_test(test_secrets_go_no_further),
                cmocka_unit_test(test_long_message_is_cut),
                cmocka_unit_test(test_success),
                cmocka_unit_test(test_retry_after),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
