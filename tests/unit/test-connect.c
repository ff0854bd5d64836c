/* SPDX-License-Identifier: MIT */
/*
 * Scopes, and what becomes of an app and of a provider's facts.
 */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "action/adapter.h"
#include "action/scopes.h"
#include "base/json.h"
#include "engine/connect.h"

static void test_whole_scopes(void **state) {
        static const struct {
                const char *text, *scope;
                bool holds;
        } cases[] = {
                { "a", "a", true },       { "a b", "b", true },    { "x a b", "a", true },
                { "", "a", false },       { "ab", "a", false },    { "ba", "a", false },
                { "aa a", "a", true },    { "a.b", "a", false },   { "A", "a", false },
                { "aba ab", "ab", true }, { "abab", "ab", false }, { "a b", "a b", true },
                { "a", "", false },       { "a  b", "b", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (scopes_hold(cases[i].text, cases[i].scope) != cases[i].holds)
                        fail_msg("'%s' in '%s'", cases[i].scope, cases[i].text);
}

static void test_usual_scopes(void **state) {
        static const char *const none[] = { NULL };
        static const char *const send[] = { "send", "all", NULL };
        static const char *const read[] = { "read", "send", NULL };
        static const char *const all[] = { "all", NULL };
        const struct adapter_action actions[] = { { .oauth_scopes = send },
                                                  { .oauth_scopes = none },
                                                  { .oauth_scopes = read },
                                                  { .oauth_scopes = send },
                                                  { .oauth_scopes = all,
                                                    .scope_on_request = true } };
        struct adapter adapter = { .actions = actions, .n_actions = ELEMENTSOF(actions) };
        _cleanup_(freep) char *scopes = NULL, *with_all = NULL, *nothing = NULL;

        assert_int_equal(connect_usual_scopes(&adapter, NULL, &scopes), 0);
        assert_string_equal(scopes, "send read");
        assert_int_equal(connect_usual_scopes(&adapter, &actions[4], &with_all), 0);
        assert_string_equal(with_all, "send read all");
        adapter.n_actions = 0;
        assert_int_equal(connect_usual_scopes(&adapter, NULL, &nothing), 0);
        assert_string_equal(nothing, "");
}

/* What is asked for here is what every adapter would ask for, and it fits. */
static void test_usual_scopes_of_all(void **state) {
        for (const struct adapter *const *a = adapters; *a; a++) {
                _cleanup_(freep) char *scopes = NULL;
                size_t n = 1;

                assert_int_equal(connect_usual_scopes(*a, NULL, &scopes), 0);
                for (const char *p = scopes; (p = strchr(p, ' ')); p++)
                        n++;
                assert_true(n <= CONNECT_MAX_SCOPES);
        }
}

static bool names(const char *const *list, const char *scope) {
        while (*list && strcmp(*list, scope) != 0)
                list++;
        return *list;
}

/* What another action's scope opens already is not asked for again: a grant is no larger for it. */
static void test_no_scope_is_asked_for_in_vain(void **state) {
        for (const struct adapter *const *a = adapters; *a; a++)
                for (size_t i = 0; i < (*a)->n_actions; i++)
                        for (size_t k = 0; k < (*a)->n_actions; k++) {
                                const struct adapter_action *one = &(*a)->actions[i];
                                const struct adapter_action *other = &(*a)->actions[k];
                                const char *first = other->oauth_scopes[0];

                                if (first && !one->scope_on_request && !other->scope_on_request &&
                                    strcmp(first, one->oauth_scopes[0] ?: first) != 0 &&
                                    names(one->oauth_scopes, first))
                                        fail_msg("%s: '%s' does for %s as well", (*a)->platform,
                                                 first, one->action_type);
                        }
}

static void test_missing_scopes(void **state) {
        static const struct {
                const char *asked, *granted, *missing;
        } cases[] = {
                { "a b", "[\"b\",\"a\",\"c\"]", "[]" },
                { "a b", "[\"a\"]", "[\"b\"]" },
                { "a b", "[]", "[\"a\",\"b\"]" },
                { "a", "[7,null,\"A\"]", "[\"a\"]" },
                { "", "[\"a\"]", "[]" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(json_freep) cJSON *granted = cJSON_Parse(cases[i].granted);
                _cleanup_(json_freep) cJSON *missing = NULL;
                _cleanup_(buffer_done) struct buffer text = { 0 };

                assert_int_equal(connect_missing_scopes(cases[i].asked, granted, &missing), 0);
                json_print(missing, &text);
                assert_string_equal(text.data, cases[i].missing);
        }
}

static const struct connect how = { .owner = { 1000, "ada", "ada", "gmail", "default" },
                                    .provider = "google",
                                    .scopes = "a b" };

#define REDIRECT "\"redirect_uri\":\"http://127.0.0.1:9/cb\""

static enum ae_code begin(struct flows *flows, const char *app, const char *redirect_uri,
                          const struct flow **ret) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *json = cJSON_Parse(app);
        struct connect c = how;

        c.redirect_uri = redirect_uri;
        assert_non_null(json);
        assert_true((connect_begin(flows, &c, json, ret, &error) < 0) == (error.code != AE_NONE));
        return error.code;
}

static void test_apps(void **state) {
        static const char good[] = "{\"profile\":\"google\",\"client_id\":\"c\"," REDIRECT "}";
        static const struct {
                const char *app, *redirect_uri;
                enum ae_code code;
        } cases[] = {
                { good, NULL, AE_NONE },
                { good, "http://127.0.0.1:9/cb", AE_NONE },
                { good, "http://127.0.0.1:10/cb", AE_INVALID_REQUEST },
                { good, "http://127.0.0.1:9/other", AE_INVALID_REQUEST },
                { good, "https://evil.example/cb", AE_INVALID_REQUEST },
                { "{\"profile\":\"google\",\"client_id\":\"c\"}", NULL, AE_INVALID_REQUEST },
                { "{\"profile\":\"google\",\"client_id\":\"c\"}", "http://127.0.0.1:1/x", AE_NONE },
                { "{\"profile\":\"nobody\",\"client_id\":\"c\"," REDIRECT "}", NULL, AE_INTERNAL },
                { "{\"profile\":\"google\"," REDIRECT "}", NULL, AE_INTERNAL },
                { "{}", NULL, AE_INTERNAL },
        };
        _cleanup_(flows_freep) struct flows *flows = NULL;
        const struct flow *f;
        size_t n = 0;

        assert_int_equal(flows_new(&flows), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(begin(flows, cases[i].app, cases[i].redirect_uri, &f),
                                 cases[i].code);
                n += cases[i].code == AE_NONE;
                assert_int_equal(flows_size(flows), n); /* what fails leaves nothing */
        }
}

/* The verifier is kept where the app uses PKCE, and is never the challenge. */
static void test_pkce(void **state) {
        static const char notion[] = "{\"profile\":\"notion\",\"client_id\":\"c\"," REDIRECT "}";
        static const char *const apps[] = {
                "{\"profile\":\"google\",\"client_id\":\"c\"," REDIRECT "}",
                "{\"profile\":\"slack\",\"client_id\":\"c\",\"client_auth\":\"none\"," REDIRECT "}",
        };
        _cleanup_(flows_freep) struct flows *flows = NULL;
        char challenge[OAUTH_VERIFIER_SIZE];
        const struct flow *f;

        assert_int_equal(flows_new(&flows), 0);
        for (size_t i = 0; i < ELEMENTSOF(apps); i++) {
                assert_int_equal(begin(flows, apps[i], NULL, &f), AE_NONE);
                oauth_challenge(f->verifier->data, challenge);
                assert_non_null(strstr(f->url, challenge));
                assert_null(strstr(f->url, f->verifier->data));
        }
        assert_int_equal(begin(flows, notion, NULL, &f), AE_NONE);
        assert_null(f->verifier);
        assert_null(strstr(f->url, "code_challenge"));
}

#define DEVICE \
        "\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://x.example\""

static void test_devices(void **state) {
        static const struct {
                const char *facts;
                enum ae_code code;
                unsigned interval_sec, life_sec;
        } cases[] = {
                { "{" DEVICE ",\"expires_in\":600,\"interval\":7}", AE_NONE, 7, 600 },
                { "{" DEVICE "}", AE_NONE, 5, 1800 },
                { "{" DEVICE ",\"expires_in\":0,\"interval\":0}", AE_NONE, 1, 1 },
                { "{" DEVICE ",\"expires_in\":-5,\"interval\":-5}", AE_NONE, 1, 1 },
                { "{" DEVICE ",\"expires_in\":1e15,\"interval\":1e15}", AE_NONE, 60, 1800 },
                { "{" DEVICE ",\"expires_in\":\"x\",\"interval\":[]}", AE_NONE, 5, 1800 },
                { "{}", AE_AUTHORIZATION_FAILED, 0, 0 },
                { "{\"device_code\":\"d\",\"user_code\":\"u\"}", AE_AUTHORIZATION_FAILED, 0, 0 },
                { "{\"device_code\":7,\"user_code\":\"u\",\"verification_uri\":\"https://x\"}",
                  AE_AUTHORIZATION_FAILED, 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(json_freep) cJSON *facts = cJSON_Parse(cases[i].facts);
                _cleanup_(flows_freep) struct flows *flows = NULL;
                uint64_t before = clock_usec(CLOCK_MONOTONIC), after;
                const struct flow *f;

                assert_non_null(facts);
                assert_int_equal(flows_new(&flows), 0);
                (void)connect_begin_device(flows, &how, facts, &f, &error);
                assert_int_equal(error.code, cases[i].code);
                if (error.code != AE_NONE)
                        continue;
                after = clock_usec(CLOCK_MONOTONIC);
                assert_string_equal(f->device_code->data, "d");
                assert_int_equal(f->interval_usec, cases[i].interval_sec * USEC_PER_SEC);
                assert_in_range(f->ends_usec, before + cases[i].life_sec * USEC_PER_SEC,
                                after + cases[i].life_sec * USEC_PER_SEC);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole_scopes),
                cmocka_unit_test(test_usual_scopes),
                cmocka_unit_test(test_usual_scopes_of_all),
                cmocka_unit_test(test_no_scope_is_asked_for_in_vain),
                cmocka_unit_test(test_missing_scopes),
                cmocka_unit_test(test_apps),
                cmocka_unit_test(test_pkce),
                cmocka_unit_test(test_devices),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
