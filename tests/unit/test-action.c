/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "action/action.h"
#include "action/digest.h"
#include "action/outcome.h"
#include "action/registry.h"
#include "base/json.h"

static int interpret(const struct adapter_input *input, const struct http_response *response,
                     cJSON **ret_result, struct ae_error *error) {
        if (response->status >= 500)
                return ae_error_set(error, AE_UPSTREAM_ERROR, "status %d", response->status);
        if (response->status >= 400)
                return ae_error_set(error, AE_UPSTREAM_REJECTED, "status %d", response->status);
        if (response->status == 298)
                return ae_error_from_errno(error, -ENOMEM);
        if (response->status == 299)
                return -ENOMEM;
        *ret_result = cJSON_CreateObject();
        return 0;
}

static const char *const scopes[] = { "send", NULL };
static const struct adapter_action actions[] = {
        {
                        .action_type = "write",
                        .title = "Write",
                        .description = "Writes.",
                        .payload_schema = "{\"type\":\"object\"}",
                        .result_schema = "{\"type\":\"object\"}",
                        .oauth_scopes = scopes,
                        .idempotency = IDEMPOTENCY_UNREPEATABLE,
                        .interpret = interpret,
        },
        {
                        .action_type = "read",
                        .title = "Read",
                        .description = "Reads.",
                        .payload_schema = "{\"type\":\"object\"}",
                        .result_schema = "{\"type\":\"object\"}",
                        .oauth_scopes = scopes,
                        .idempotency = IDEMPOTENCY_READ,
                        .interpret = interpret,
        },
};
static const struct adapter zoo = {
        .platform = "zoo",
        .title = "Zoo",
        .base_url = "https://zoo.example",
        .credential_schema = "{\"type\":\"object\"}",
        .actions = actions,
        .n_actions = ELEMENTSOF(actions),
};
static const struct adapter aviary = {
        .platform = "aviary",
        .title = "Aviary",
        .base_url = "https://aviary.example",
        .credential_schema = "{\"type\":\"object\"}",
        .actions = actions,
        .n_actions = 1,
};
static const struct adapter broken = {
        .platform = "broken",
        .title = "Broken",
        .base_url = "https://broken.example",
        .credential_schema = "{\"tpye\":\"object\"}",
        .actions = actions,
        .n_actions = 1,
};

/* A brain that is told `retryable` sends again: only where a second one does no harm. */
static void test_outcomes(void **state) {
        static const struct {
                enum http_failure failure;
                int status;
                bool left;
                enum ae_code write, read;
        } cases[] = {
                { HTTP_ANSWERED, 200, true, AE_NONE, AE_NONE },
                { HTTP_ANSWERED, 298, true, AE_OUTCOME_UNKNOWN, AE_INTERNAL },
                { HTTP_ANSWERED, 299, true, AE_OUTCOME_UNKNOWN, AE_INTERNAL },
                { HTTP_ANSWERED, 400, true, AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED },
                { HTTP_ANSWERED, 500, true, AE_OUTCOME_UNKNOWN, AE_UPSTREAM_ERROR },
                { HTTP_REFUSED_URL, 0, false, AE_INTERNAL, AE_INTERNAL },
                { HTTP_REFUSED_ADDRESS, 0, false, AE_FORBIDDEN, AE_FORBIDDEN },
                { HTTP_NOT_CONNECTED, 0, false, AE_UPSTREAM_UNREACHABLE, AE_UPSTREAM_UNREACHABLE },
                { HTTP_CONNECT_TIMEOUT, 0, false, AE_UPSTREAM_UNREACHABLE,
                  AE_UPSTREAM_UNREACHABLE },
                { HTTP_NO_ANSWER, 0, true, AE_OUTCOME_UNKNOWN, AE_UPSTREAM_ERROR },
                { HTTP_NO_ANSWER, 0, false, AE_UPSTREAM_UNREACHABLE, AE_UPSTREAM_UNREACHABLE },
                { HTTP_ANSWER_TIMEOUT, 0, true, AE_OUTCOME_UNKNOWN, AE_UPSTREAM_TIMEOUT },
                { HTTP_ANSWER_TOO_LARGE, 200, true, AE_OUTCOME_UNKNOWN, AE_UPSTREAM_ERROR },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t k = 0; k < ELEMENTSOF(actions); k++) {
                        struct http_response response = {
                                .failure = cases[i].failure,
                                .status = cases[i].status,
                                .left = cases[i].left,
                                .body = "",
                                .content_type = "",
                                .retry_after = "",
                        };
                        struct adapter_input input = { 0 };
                        _cleanup_(ae_error_done) struct ae_error error = { 0 };
                        _cleanup_(json_freep) cJSON *result = NULL;
                        enum ae_code expected = k == 0 ? cases[i].write : cases[i].read;
                        int r;

                        r = outcome_of_response(actions[k].interpret, &input,
                                                idempotency_is_repeatable(actions[k].idempotency),
                                                &response, &result, &error);
                        if (error.code != expected)
                                fail_msg("case %zu, %s: %s", i, actions[k].action_type,
                                         error.message);
                        assert_int_equal(r < 0, expected != AE_NONE);
                        assert_int_equal(result != NULL, expected == AE_NONE);
                        if (cases[i].left && expected != AE_UPSTREAM_REJECTED && k == 0)
                                assert_false(ae_code_retryable(error.code));
                }
}

/* Whoever sent a request may not learn by its answer with which token the engine made it. */
static void test_a_token_in_an_answer(void **state) {
        static const struct {
                const char *token, *text;
                bool withheld;
        } cases[] = {
                { "secret.token~of.this", "you sent secret.token~of.this, which", true },
                { "secret.token~of.this", "secret.token", true }, /* cut */
                { "secret.token~of.this", "secret.toke", false },
                { "https://x.example/hooks/12345678", "https://x.example/hooks/1234", false },
                { "https://x.example/hooks/12345678", "no hook /hooks/12345678", true },
                { "12345678", "x12345678x", true },
                { "1234567", "1234567", false },
                { "12345678", "1234567", false },
                { "12345678", "", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *result = cJSON_CreateObject();
                _cleanup_(secret_freep) struct secret *token = NULL;
                const char *text = cases[i].text;
                cJSON *list;

                assert_int_equal(secret_new(cases[i].token, strlen(cases[i].token), &token), 0);
                (void)ae_error_set(&error, AE_UPSTREAM_REJECTED, "it said '%s'", text);
                strcpy(error.upstream_reason, text);
                strcpy(error.upstream_message, text);
                ae_error_add(&error, "/status", "is none of '%s'", text);
                ae_error_detail(&error, "what", text);
                list = cJSON_AddArrayToObject(result, "list");
                cJSON_AddItemToArray(list, cJSON_CreateString(text));
                cJSON_AddItemToArray(list, cJSON_CreateString("good"));

                outcome_withhold(token, result, &error);
                assert_int_equal(error.code, AE_UPSTREAM_REJECTED);
                assert_int_equal(strstr(error.message, "it said") == NULL, cases[i].withheld);
                assert_string_equal(error.upstream_reason, cases[i].withheld ? "" : text);
                assert_string_equal(error.upstream_message, cases[i].withheld ? "" : text);
                assert_string_equal(json_string(error.errors->child, "path"), "/status");
                assert_int_equal(strstr(json_string(error.errors->child, "message"), "is") == NULL,
                                 cases[i].withheld);
                assert_int_equal(strcmp(json_string(error.details, "what"), text) != 0,
                                 cases[i].withheld);
                if (cases[i].withheld)
                        assert_int_equal(strspn(list->child->valuestring, "*"), strlen(text));
                else
                        assert_string_equal(list->child->valuestring, text);
                assert_string_equal(list->child->next->valuestring, "good");
                outcome_withhold(token, NULL, &error);
        }
}

static void test_registry_says_what_there_is(void **state) {
        const struct adapter *const list[] = { &zoo, &aviary, NULL };
        _cleanup_(registry_freep) struct registry *registry = NULL;
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *json = NULL;
        const struct platform *platforms, *platform;
        const struct action_type *type;
        struct buffer to = { 0 };
        size_t n;

        assert_int_equal(registry_new(list, &registry, &error), 0);
        platforms = registry_platforms(registry, &n);
        assert_int_equal(n, 2);
        assert_string_equal(platforms[0].adapter->platform, "aviary");

        assert_int_equal(registry_find_action(registry, "zoo", "read", &type, &error), 0);
        assert_string_equal(type->adapter->title, "Read");
        assert_string_equal(type->platform->base_url, "https://zoo.example");
        assert_int_equal(registry_set_base_url(registry, "zoo", "https://other.example//"), 0);
        assert_string_equal(type->platform->base_url, "https://other.example");
        assert_int_equal(registry_set_base_url(registry, "farm", "https://x.example"), -ENOENT);

        assert_true(registry_find_action(registry, "farm", "read", &type, &error) < 0);
        assert_int_equal(error.code, AE_UNSUPPORTED_PLATFORM);
        assert_non_null(strstr(error.message, "aviary, zoo"));
        assert_true(registry_find_action(registry, "zoo", "feed", &type, &error) < 0);
        assert_int_equal(error.code, AE_UNSUPPORTED_ACTION);
        assert_non_null(strstr(error.message, "write, read"));

        assert_int_equal(registry_find_platform(registry, "zoo", &platform, &error), 0);
        registry_describe(registry, platform, &to);
        assert_int_equal(json_parse(to.data, to.size, &json, NULL), 0);
        assert_int_equal(cJSON_GetArraySize(json), 2);
        assert_string_equal(json_string(cJSON_GetArrayItem(json, 0), "idempotency"),
                            "unrepeatable");
        buffer_done(&to);
}

static void test_registry_refuses_a_broken_schema(void **state) {
        const struct adapter *const list[] = { &zoo, &broken, NULL };
        struct registry *registry = NULL;
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        assert_int_equal(registry_new(list, &registry, &error), -EINVAL);
        assert_null(registry);
        assert_non_null(strstr(error.message, "broken"));
        assert_non_null(strstr(error.message, "tpye"));
}

static int look_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        return 0;
}

static int look_interpret(const struct adapter_input *input, const struct http_response *response,
                          struct cJSON **ret_result, struct ae_error *error) {
        return ADAPTER_ABSENT;
}

/* A class that promises what there are no functions for, and functions that no class promises. */
static void test_registry_refuses_a_promise_of_half(void **state) {
        static const struct adapter_reconcile look = { look_build, look_interpret, NULL };
        static const struct {
                enum idempotency class;
                const struct adapter_reconcile *reconcile;
                int r;
        } cases[] = {
                { IDEMPOTENCY_UNREPEATABLE, NULL, 0 },
                { IDEMPOTENCY_RECONCILABLE, &look, 0 },
                { IDEMPOTENCY_RECONCILABLE, NULL, -EINVAL },
                { IDEMPOTENCY_READ, &look, -EINVAL },
                { IDEMPOTENCY_UNREPEATABLE, &look, -EINVAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct adapter_action action = actions[0];
                struct adapter half = zoo;
                const struct adapter *const list[] = { &half, NULL };
                _cleanup_(registry_freep) struct registry *registry = NULL;
                _cleanup_(ae_error_done) struct ae_error error = { 0 };

                action.idempotency = cases[i].class;
                action.reconcile = cases[i].reconcile;
                half.actions = &action;
                half.n_actions = 1;
                assert_int_equal(registry_new(list, &registry, &error), cases[i].r);
                if (cases[i].r < 0)
                        assert_non_null(strstr(error.message, action.action_type));
        }
}

static void digest_of(const char *payload, const char *user_id, char *ret) {
        struct action a = { .spec = { .user_id = strdup(user_id),
                                      .platform = strdup("gmail"),
                                      .action_type = strdup("send_email"),
                                      .account = strdup("default") } };

        assert_int_equal(json_parse(payload, strlen(payload), &a.spec.payload, NULL), 0);
        assert_int_equal(digest_action(&a), 0);
        memcpy(ret, a.digest, sizeof(a.digest));
        action_spec_done(&a.spec);
}

/* The digest is of the action, not of how it was written. */
static void test_digest(void **state) {
        char one[65], same[65], other_payload[65], other_user[65];
        unsigned char expected[crypto_hash_sha256_BYTES];
        static const char canonical[] = "{\"account\":\"default\",\"action_type\":\"send_email\","
                                        "\"payload\":{\"a\":\"é\",\"b\":1},\"platform\":\"gmail\","
                                        "\"user_id\":\"u1\"}";
        char hex[65];

        digest_of("{\"a\":\"\\u00e9\",\"b\":1.0}", "u1", one);
        digest_of(" { \"b\" : 1 , \"a\" : \"é\" } ", "u1", same);
        digest_of("{\"a\":\"e\",\"b\":1}", "u1", other_payload);
        digest_of("{\"a\":\"é\",\"b\":1}", "u2", other_user);
        assert_string_equal(one, same);
        assert_string_not_equal(one, other_payload);
        assert_string_not_equal(one, other_user);

        crypto_hash_sha256(expected, (const unsigned char *)canonical, strlen(canonical));
        sodium_bin2hex(hex, sizeof(hex), expected, sizeof(expected));
        assert_string_equal(one, hex);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_outcomes),
                cmocka_unit_test(test_a_token_in_an_answer),
                cmocka_unit_test(test_registry_says_what_there_is),
                cmocka_unit_test(test_registry_refuses_a_broken_schema),
                cmocka_unit_test(test_registry_refuses_a_promise_of_half),
                cmocka_unit_test(test_digest),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
