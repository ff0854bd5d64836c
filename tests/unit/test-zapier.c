/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "action/adapter.h"
#include "action/schema.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"

#define ID "0123456789abcdef0123456789abcdef"
#define BASE "https://hooks.zapier.com"
#define HOOK_UUID "6f6de14c-5bd5-4c98-8e58-309c5dc66da0"
#define HOOK BASE "/hooks/catch/1234567/" HOOK_UUID "/canary/"
#define NOW_USEC (UINT64_C(1753456860) * USEC_PER_SEC) /* 2025-07-25T15:21:00Z */
#define MAX_SIZE ((size_t)10000000)

static const struct adapter *zapier(void) {
        for (const struct adapter *const *a = adapters; *a; a++)
                if (strcmp((*a)->platform, "zapier") == 0)
                        return *a;
        return NULL;
}

static const struct adapter_action *trigger_zap(void) {
        return &zapier()->actions[0];
}

static cJSON *parse(const char *text) {
        cJSON *json = NULL;

        if (json_parse(text, strlen(text), &json, NULL) < 0)
                fail_msg("the test's own JSON is bad: %s", text);
        return json;
}

static struct adapter_input input_of(const cJSON *payload, const struct secret *credential) {
        return (struct adapter_input){
                .payload = payload,
                .base_url = BASE,
                .action_id = ID,
                .now_usec = NOW_USEC,
                .credential = credential,
        };
}

static void test_table_is_whole(void **state) {
        const struct adapter *a = zapier();

        assert_non_null(a);
        assert_string_equal(a->base_url, BASE);
        assert_string_equal(a->credential_member, "hook_url");
        assert_true(a->brings_credential);
        assert_int_equal(a->n_actions, 1);
        assert_string_equal(trigger_zap()->action_type, "trigger_zap");
        assert_int_equal(trigger_zap()->idempotency, IDEMPOTENCY_UNREPEATABLE);
        assert_null(trigger_zap()->oauth_scopes[0]);
}

static struct schema *load(const char *text) {
        struct schema *schema = NULL;
        char reason[SCHEMA_ERROR_SIZE] = "";

        if (schema_new(text, strlen(text), &schema, reason) < 0)
                fail_msg("%s", reason);
        return schema;
}

static void test_payload_schema(void **state) {
        static const struct {
                const char *payload;
                bool fine;
        } cases[] = {
                { "{\"data\":{}}", true },
                { "{\"data\":{\"a\":[1,{\"b\":null}],\"c\":\"\\u00e9\"}}", true },
                { "{}", false },
                { "{\"data\":null}", false },
                { "{\"data\":[]}", false },
                { "{\"data\":\"{}\"}", false },
                { "{\"Data\":{}}", false },
                { "{\"data\":{},\"hook_url\":\"" HOOK "\"}", false },
        };
        _cleanup_(schema_freep) struct schema *schema = load(trigger_zap()->payload_schema);
        _cleanup_(schema_freep) struct schema *result = load(trigger_zap()->result_schema);
        const cJSON *example = json_member(schema_json(schema), "examples")->child;
        _cleanup_(ae_error_done) struct ae_error none = { 0 };

        assert_non_null(result);
        assert_int_equal(schema_validate(schema, example, &none), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *payload = parse(cases[i].payload);

                if ((schema_validate(schema, payload, &error) == 0) != cases[i].fine)
                        fail_msg("%s", cases[i].payload);
        }
}

/* A wrong URL is found when it is stored, and is not in what is said of it. */
static void test_credential_schema(void **state) {
        static const struct {
                const char *credential;
                bool fine;
        } cases[] = {
                { "{\"hook_url\":\"" HOOK "\"}", true },
                { "{\"hook_url\":\"" BASE "/hooks/catch/o1canary\"}", true },
                { "{\"hook_url\":\"http://127.0.0.1:4100/hooks/catch/1/canary/\"}", true },
                { "{}", false },
                { "{\"hook_url\":7}", false },
                { "{\"hook_url\":\"\"}", false },
                { "{\"hook_url\":\"canary\"}", false },
                { "{\"hook_url\":\"" BASE "\"}", false },
                { "{\"hook_url\":\"" BASE "/hooks/catch/\"}", false },
                { "{\"hook_url\":\"" BASE "/hooks/catch/../canary\"}", false },
                { "{\"hook_url\":\"" BASE "/hooks/catch/1/canary?x=y\"}", false },
                { "{\"hook_url\":\"" BASE "/hooks/catch/1/canary#x\"}", false },
                { "{\"hook_url\":\"" BASE "/hooks/catch/1/canary\\n\"}", false },
                { "{\"hook_url\":\"https://user@hooks.zapier.com/hooks/catch/canary\"}", false },
                { "{\"hook_url\":\"" HOOK "\",\"canary\":1}", false },
                { "{\"access_token\":\"" HOOK "\"}", false },
        };
        _cleanup_(schema_freep) struct schema *schema = load(zapier()->credential_schema);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *credential = parse(cases[i].credential);
                const cJSON *finding;

                if ((schema_validate(schema, credential, &error) == 0) != cases[i].fine)
                        fail_msg("%s", cases[i].credential);
                cJSON_ArrayForEach (finding, error.errors)
                        assert_null(strstr(json_string(finding, "message"), "canary"));
        }
}

static int build(const char *payload, const char *hook, size_t hook_size, struct http_request *q,
                 struct ae_error *error) {
        _cleanup_(json_freep) cJSON *json = parse(payload);
        _cleanup_(secret_freep) struct secret *credential = NULL;
        struct adapter_input input;

        assert_int_equal(secret_new(hook, hook_size, &credential), 0);
        input = input_of(json, credential);
        return trigger_zap()->build(&input, q, error);
}

static void test_build(void **state) {
        static const struct {
                const char *payload, *body;
        } cases[] = {
                { "{\"data\":{}}", "{\"action_id\":\"" ID "\"}" },
                { "{\"data\":{\"a\":1}}", "{\"action_id\":\"" ID "\",\"a\":1}" },
                { "{\"data\":{\"\\\"\\n\":[{\"x\":null},1.5,\"\\u00e9\"],\"b\":{}}}",
                  "{\"action_id\":\"" ID "\",\"\\\"\\n\":[{\"x\":null},1.5,\"é\"],\"b\":{}}" },
                { "{\"data\":{\"action_id\":\"mine\"}}", "{\"action_id\":\"mine\"}" },
                { "{\"data\":{\"a\":true,\"action_id\":null,\"b\":2}}",
                  "{\"a\":true,\"action_id\":null,\"b\":2}" },
                { "{\"data\":{\"Action_Id\":1,\"x\":{\"action_id\":2}}}",
                  "{\"action_id\":\"" ID "\",\"Action_Id\":1,\"x\":{\"action_id\":2}}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(http_request_done) struct http_request q = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };

                assert_int_equal(build(cases[i].payload, HOOK, strlen(HOOK), &q, &error), 0);
                assert_string_equal(q.method, "POST");
                assert_string_equal(q.url, HOOK);
                assert_true(q.secret_url);
                assert_false(q.repeatable);
                assert_null(q.bearer);
                assert_int_equal(q.n_headers, 1);
                assert_string_equal(q.headers[0].name, "Content-Type");
                assert_string_equal(q.headers[0].value, "application/json");
                assert_string_equal(q.body.data, cases[i].body);
                assert_int_equal(q.body.size, strlen(cases[i].body));
        }
}

static void test_build_takes_only_hooks(void **state) {
#define URL(text) \
        { text, sizeof(text) - 1 }
        static const struct {
                const char *text;
                size_t size;
        } urls[] = {
                URL(""),
                URL("canary"),
                URL(BASE),
                URL(BASE "/hooks/catch"),
                URL(BASE "/hooks/catch/"),
                URL(BASE "/hooks/catch///"),
                URL(BASE "/hooks/standard/1/canary/"),
                URL(BASE "/hooks/catchall/1/canary/"),
                URL(BASE "/canary/hooks/catch/1/"),
                URL(BASE ".evil.example/hooks/catch/1/canary/"),
                URL(BASE ":444/hooks/catch/1/canary/"),
                URL(BASE "@evil.example/hooks/catch/1/canary/"),
                URL("https://hooks.zapier.com@evil.example/hooks/catch/1/canary/"),
                URL("https://evil.example/" BASE "/hooks/catch/1/canary/"),
                URL("https://evil.example/hooks/catch/1/canary/"),
                URL("http://hooks.zapier.com/hooks/catch/1/canary/"),
                URL("HTTPS://hooks.zapier.com/hooks/catch/1/canary/"),
                URL(" " HOOK),
                URL(BASE "/hooks/catch/../../canary"),
                URL(BASE "/hooks/catch/%2e%2e/canary"),
                URL(BASE "/hooks/catch/1/canary?a=b"),
                URL(BASE "/hooks/catch/1/canary#a"),
                URL(BASE "/hooks/catch/1/canary\\"),
                URL(BASE "/hooks/catch/1/canary "),
                URL(BASE "/hooks/catch/1/canary\r\nX: y"),
                URL(BASE "/hooks/catch/1/canary\n"),
                URL(BASE "/hooks/catch/1/canary\x01"),
                URL(BASE "/hooks/catch/1/canary\x7f"),
                URL(BASE "/hooks/catch/1/canary\xc3\xa9"),
                URL(BASE "/hooks/catch/1/canary\0/x"),
        };

        for (size_t i = 0; i < ELEMENTSOF(urls); i++) {
                _cleanup_(http_request_done) struct http_request q = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                int r = build("{\"data\":{}}", urls[i].text, urls[i].size, &q, &error);

                if (r >= 0)
                        fail_msg("%s was taken", urls[i].text);
                assert_int_equal(error.code, AE_REAUTHORIZATION_REQUIRED);
                assert_null(q.url);
                assert_null(strstr(error.message, "canary"));
                assert_null(strstr(error.message, "evil"));
                assert_non_null(strstr(error.message, "auth_token"));
        }
#undef URL
}

/* A payload whose body has that size, with the engine's action_id or with one of its own. */
static cJSON *sized_payload(size_t body_size, bool has_id) {
        const char *frame = has_id ? "{\"action_id\":0,\"x\":\"\"}"
                                   : "{\"action_id\":\"" ID "\",\"x\":\"\"}";
        size_t size = body_size - strlen(frame);
        _cleanup_(freep) char *text = malloc(size + 1);
        cJSON *payload = cJSON_CreateObject(), *data = cJSON_AddObjectToObject(payload, "data");

        memset(text, 'x', size);
        text[size] = 0;
        if (has_id)
                cJSON_AddNumberToObject(data, "action_id", 0);
        cJSON_AddStringToObject(data, "x", text);
        return payload;
}

static void test_limit_of_size(void **state) {
        static const struct {
                size_t size;
                bool has_id, fine;
        } cases[] = {
                { MAX_SIZE, false, true },
                { MAX_SIZE + 1, false, false },
                { MAX_SIZE, true, true },
                { MAX_SIZE + 1, true, false },
        };
        _cleanup_(secret_freep) struct secret *hook = NULL;

        assert_int_equal(secret_new(HOOK, strlen(HOOK), &hook), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error found = { 0 }, error = { 0 };
                _cleanup_(http_request_done) struct http_request q = { 0 };
                _cleanup_(json_freep) cJSON *payload =
                                sized_payload(cases[i].size, cases[i].has_id);
                struct adapter_input input = input_of(payload, hook);
                int r;

                assert_int_equal(trigger_zap()->check(payload, &found), 0);
                assert_int_equal(ae_error_count(&found), cases[i].fine ? 0 : 1);
                r = trigger_zap()->build(&input, &q, &error);
                assert_int_equal(r < 0, !cases[i].fine);
                assert_int_equal(error.code, cases[i].fine ? AE_NONE : AE_INVALID_PAYLOAD);
                if (cases[i].fine)
                        assert_int_equal(q.body.size, cases[i].size);
                else
                        assert_string_equal(json_string(found.errors->child, "path"), "/data");
        }
}

/* Whoever forgets the schema gets no further either. */
static void test_check_finds_what_is_no_object(void **state) {
        static const char *const payloads[] = { "{}", "{\"data\":7}", "{\"data\":[]}", "[]", "7" };

        for (size_t i = 0; i < ELEMENTSOF(payloads); i++) {
                _cleanup_(http_request_done) struct http_request q = { 0 };
                _cleanup_(ae_error_done) struct ae_error found = { 0 }, error = { 0 };
                _cleanup_(json_freep) cJSON *payload = parse(payloads[i]);

                assert_int_equal(trigger_zap()->check(payload, &found), 0);
                assert_int_equal(ae_error_count(&found), 1);
                assert_int_equal(build(payloads[i], HOOK, strlen(HOOK), &q, &error), -EINVAL);
                assert_int_equal(error.code, AE_INVALID_PAYLOAD);
        }
}

static int interpret(int status, const char *body, const char *retry_after, cJSON **ret_result,
                     struct ae_error *error) {
        _cleanup_(secret_freep) struct secret *hook = NULL;
        struct http_response response = {
                .status = status,
                .body = body,
                .body_size = strlen(body),
                .content_type = "",
                .retry_after = retry_after,
        };
        struct adapter_input input;

        assert_int_equal(secret_new(HOOK, strlen(HOOK), &hook), 0);
        input = input_of(NULL, hook);
        return trigger_zap()->interpret(&input, &response, ret_result, error);
}

#define U1 "018c2f3a-7d4e-7b11-9c2d-1f2e3d4c5b6a"
#define U2 "118c2f3a-7d4e-7b11-9c2d-1f2e3d4c5b6a"
#define U3 "218c2f3a-7d4e-7b11-9c2d-1f2e3d4c5b6a"

static void test_success(void **state) {
        static const struct {
                int status;
                const char *body, *result;
        } cases[] = {
                { 200,
                  "{\"status\":\"success\",\"id\":\"" U1 "\",\"attempt\":\"" U2
                  "\",\"request_id\":\"" U3 "\"}",
                  "{\"status\":\"success\",\"request_id\":\"" U3 "\",\"attempt_id\":\"" U2 "\"}" },
                { 200, "{\"id\":\"" U1 "\"}",
                  "{\"status\":\"success\",\"request_id\":\"" U1 "\"}" },
                { 200, "{\"request_id\":7,\"id\":\"" U1 "\"}",
                  "{\"status\":\"success\",\"request_id\":\"" U1 "\"}" },
                { 200, "{\"status\":\"ignored\",\"attempt\":\"" U2 "\"}",
                  "{\"status\":\"ignored\",\"attempt_id\":\"" U2 "\"}" },
                { 202, "{\"status\":\"queued_up\"}", "{\"status\":\"queued_up\"}" },
                /* Nothing is required: a silent hook has no body. */
                { 200, "", "{\"status\":\"success\"}" },
                { 204, "", "{\"status\":\"success\"}" },
                { 299, "{}", "{\"status\":\"success\"}" },
                { 200, "OK", "{\"status\":\"success\"}" },
                { 200, "<html>", "{\"status\":\"success\"}" },
                { 200, "[]", "{\"status\":\"success\"}" },
                { 200, "{\"status\":\"succ", "{\"status\":\"success\"}" },
                { 200, "{\"status\":7,\"id\":[],\"attempt\":{}}", "{\"status\":\"success\"}" },
                /* What is no id and no word is left out. */
                { 200, "{\"id\":\"\",\"attempt\":\"7\",\"status\":\"\"}",
                  "{\"status\":\"success\"}" },
                { 200, "{\"id\":\"" U1 "0\",\"attempt\":\"" U1 "\\n\"}",
                  "{\"status\":\"success\"}" },
                { 200, "{\"status\":\"Success\",\"Id\":\"" U1 "\"}", "{\"status\":\"success\"}" },
                { 200, "{\"status\":\"two words\"}", "{\"status\":\"success\"}" },
                { 200, "{\"status\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
                  "{\"status\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}" },
                { 200, "{\"status\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
                  "{\"status\":\"success\"}" },
                /* Nor what stands in the hook's URL, however harmless it looks. */
                { 200, "{\"id\":\"" HOOK "\",\"attempt\":\"" HOOK_UUID "\",\"status\":\"canary\"}",
                  "{\"status\":\"success\"}" },
                { 200, "{\"request_id\":\"" HOOK_UUID "\",\"id\":\"" U1 "\",\"status\":\"nary\"}",
                  "{\"status\":\"success\",\"request_id\":\"" U1 "\"}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *result = NULL;
                _cleanup_(buffer_done) struct buffer text = { 0 };

                assert_int_equal(interpret(cases[i].status, cases[i].body, "", &result, &error), 0);
                assert_int_equal(error.code, AE_NONE);
                json_print(result, &text);
                assert_string_equal(text.data, cases[i].result);
        }
}

static void test_errors(void **state) {
        static const struct {
                int status;
                const char *retry_after;
                enum ae_code code;
                uint64_t retry_after_msec;
        } cases[] = {
                { 199, "", AE_UPSTREAM_REJECTED, 0 },
                { 300, "", AE_UPSTREAM_REJECTED, 0 },
                { 302, "", AE_UPSTREAM_REJECTED, 0 },
                { 400, "", AE_UPSTREAM_REJECTED, 0 },
                { 401, "", AE_REAUTHORIZATION_REQUIRED, 0 },
                { 403, "7", AE_UPSTREAM_REJECTED, 0 },
                { 404, "", AE_REAUTHORIZATION_REQUIRED, 0 },
                { 410, "", AE_REAUTHORIZATION_REQUIRED, 0 },
                { 413, "", AE_UPSTREAM_REJECTED, 0 },
                { 429, "", AE_RATE_LIMITED, 60000 },
                { 429, "7", AE_RATE_LIMITED, 7000 },
                { 429, "Fri, 25 Jul 2025 15:21:30 GMT", AE_RATE_LIMITED, 30000 },
                { 429, "99999999999", AE_RATE_LIMITED, 3600000 },
                { 429, "canary", AE_RATE_LIMITED, 60000 },
                { 500, "", AE_UPSTREAM_ERROR, 0 },
                { 503, "7", AE_UPSTREAM_ERROR, 0 },
                { 599, "", AE_UPSTREAM_ERROR, 0 },
        };
        /* Each tells the hook's URL; a 4xx that says "success" is none, either. */
        static const char *const bodies[] = {
                "",
                HOOK,
                "{\"status\":\"success\",\"id\":\"" U1 "\",\"detail\":\"" HOOK "\"}",
                "{\"error\":{\"message\":\"" HOOK "\",\"status\":\"canary\"}}",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t k = 0; k < ELEMENTSOF(bodies); k++) {
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        cJSON *result = NULL;

                        assert_int_equal(interpret(cases[i].status, bodies[k], cases[i].retry_after,
                                                   &result, &error),
                                         ae_code_errno(cases[i].code));
                        assert_null(result);
                        assert_int_equal(error.code, cases[i].code);
                        assert_int_equal(error.upstream_status, cases[i].status);
                        assert_int_equal(error.retry_after_msec, cases[i].retry_after_msec);
                        assert_null(strstr(error.message, "canary"));
                        assert_null(strstr(error.message, "hooks/"));
                        assert_string_equal(error.upstream_reason, "");
                        assert_string_equal(error.upstream_message, "");
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_is_whole),
                cmocka_unit_test(test_payload_schema),
                cmocka_unit_test(test_credential_schema),
                cmocka_unit_test(test_build),
                cmocka_unit_test(test_build_takes_only_hooks),
                cmocka_unit_test(test_limit_of_size),
                cmocka_unit_test(test_check_finds_what_is_no_object),
                cmocka_unit_test(test_success),
                cmocka_unit_test(test_errors),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
