/* SPDX-License-Identifier: MIT */
/*
 * Apps: what their JSON may say, and that it says the same again when it is printed.
 */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "oauth-fixture.h"

/* clang-format off */
static const struct {
        const char *text;
        const char *complaint; /* NULL: it is an app */
} apps[] = {
        { GOOGLE, NULL },
        { NOTION, NULL },
        { SLACK, NULL },
        { OIDC, NULL },
        { "{\"profile\":\"google\",\"client_id\":\"a b:c\"}", NULL },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"client_auth\":\"none\"}", NULL },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"iss_required\":true}", NULL },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"token_endpoint\":\"http://127.0.0.1:1/t\"}", NULL },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"token_endpoint\":\"http://[::1]:1/t\"}", NULL },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"token_endpoint\":\"http://127.0.0.1/t\"}", NULL },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"issuer\":\"http://localhost:4100\"}", NULL },
        { "{\"profile\":\"notion\",\"client_id\":\"i\",\"redirect_uri\":\"http://localhost:9/oauth/callback\"}", NULL },
        { "{\"profile\":\"notion\",\"client_id\":\"i\",\"redirect_uri\":\"https://example.com/cb?a=b\"}", NULL },

        { "[]", "must be a JSON object" },
        { "\"google\"", "must be a JSON object" },
        { "{}", "'profile' is missing" },
        { "{\"client_id\":\"i\"}", "'profile' is missing" },
        { "{\"profile\":\"gogle\",\"client_id\":\"i\"}", "no profile 'gogle'" },
        { "{\"profile\":\"Google\",\"client_id\":\"i\"}", "'profile' must be" },
        { "{\"profile\":7,\"client_id\":\"i\"}", "'profile' must be" },
        { "{\"profile\":null,\"client_id\":\"i\"}", "'profile' must be" },
        { "{\"profile\":\"google\"}", "'client_id' is missing" },
        { "{\"profile\":\"google\",\"client_id\":\"\"}", "'client_id' must be" },
        { "{\"profile\":\"google\",\"client_id\":\"i\\n\"}", "'client_id' must be" },
        { "{\"profile\":\"google\",\"client_id\":\"\\u00e9\"}", "'client_id' must be" },
        { "{\"profile\":\"google\",\"client_id\":null}", "'client_id' must be" },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"client_secret\":\"\"}", "'client_secret' must be" },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"client_secret\":[\"s\"]}", "'client_secret' must be" },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"Client_secret\":\"s\"}", "no field 'Client_secret'" },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"scopes\":\"s\"}", "no field 'scopes'" },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"client_auth\":\"private_key_jwt\"}", "'client_auth' must be" },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"iss_required\":\"true\"}", "'iss_required' must be" },
        { "{\"profile\":\"google\",\"client_id\":\"i\",\"iss_required\":1}", "'iss_required' must be" },
        { "{\"profile\":\"oidc\",\"client_id\":\"i\"}", "'token_endpoint' is missing" },
        { "{\"profile\":\"oidc\",\"client_id\":\"i\",\"issuer\":\"https://op.example\"}", "'token_endpoint' is missing" },
};

static const struct {
        const char *url;
        bool endpoint, redirect, issuer; /* where it may stand */
} urls[] = {
        { "https://op.example/token",         true,  true,  true  },
        { "https://op.example",               true,  true,  true  },
        { "https://op.example:8443/a/b",      true,  true,  true  },
        { "https://op.example/token?a=b",     true,  true,  false },
        { "http://127.0.0.1:4100/token",      true,  true,  true  },
        { "http://127.0.0.1",                 true,  true,  true  },
        { "http://[::1]/token",               true,  true,  true  },
        { "http://127.9.9.9:1/token",         true,  true,  true  },
        { "http://localhost:4100",            false, true,  true  },
        { "http://localhost/cb",              false, true,  true  },
        { "http://localhost/cb?a=b",          false, true,  false },

        { "",                                 false, false, false },
        { "op.example",                       false, false, false },
        { "//op.example/",                    false, false, false },
        { "http://op.example/token",          false, false, false },
        { "http://127.0.0.1.op.example/",     false, false, false },
        { "http://127.0.0.1@op.example/",     false, false, false },
        { "http://localhost@op.example/",     false, false, false },
        { "http://localhost:80@op.example/",  false, false, false },
        { "http://localhost.op.example/",     false, false, false },
        { "http://localhost.:80/",            false, false, false },
        { "http://0x7f.1/",                   false, false, false },
        { "http://2130706433/",               false, false, false },
        { "http://[::ffff:127.0.0.1]/",       false, false, false },
        { "http://0.0.0.0/",                  false, false, false },
        { "http://[::]/",                     false, false, false },
        { "http://[::1",                      false, false, false },
        { "http://127.0.0.1:0/",              false, false, false },
        { "http://127.0.0.1:65536/",          false, false, false },
        { "http://",                          false, false, false },
        { "https://",                         false, false, false },
        { "https://user@op.example/",         false, false, false },
        { "https://user:pw@op.example/",      false, false, false },
        { "https://op.example/#token",        false, false, false },
        { "https://op.example/a b",           false, false, false },
        { "https://op.example/\\u000aHost:",  false, false, false },
        { "https://op.example\\\\@other/",    false, false, false },
        { "https://\\u00f6p.example/",        false, false, false },
        { "ftp://op.example/",                false, false, false },
        { "file:///etc/passwd",               false, false, false },
        { "javascript:alert(1)",              false, false, false },
        { "com.example.app:/oauth",           false, false, false },
};
/* clang-format on */

static void test_apps(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(apps); i++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
                struct json_slice json = json_text(apps[i].text);
                int r = oauth_app_parse(&json, &app, &error);

                if (!apps[i].complaint) {
                        assert_int_equal(r, 0);
                        assert_non_null(app.client_id);
                        assert_non_null(app.endpoints[OAUTH_TOKEN]);
                        continue;
                }
                if (r >= 0 || !strstr(error.message, apps[i].complaint))
                        fail_msg("%s: %d %s", apps[i].text, r, error.message);
                assert_int_equal(error.code, AE_INVALID_REQUEST);
                assert_null(app.profile); /* nothing was set */
        }
}

static int parse_with(const char *field, const char *url) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        struct json_slice json;
        char text[4096];

        snprintf(text, sizeof(text), "{\"profile\":\"google\",\"client_id\":\"i\",\"%s\":\"%s\"}",
                 field, url);
        json = json_text(text);
        return oauth_app_parse(&json, &app, &error);
}

static void test_urls(void **state) {
        static const char *const endpoints[] = { "authorization_endpoint", "token_endpoint",
                                                 "revocation_endpoint",
                                                 "device_authorization_endpoint" };

        for (size_t i = 0; i < ELEMENTSOF(urls); i++) {
                for (size_t k = 0; k < ELEMENTSOF(endpoints); k++)
                        if ((parse_with(endpoints[k], urls[i].url) == 0) != urls[i].endpoint)
                                fail_msg("%s as %s", urls[i].url, endpoints[k]);
                if ((parse_with("redirect_uri", urls[i].url) == 0) != urls[i].redirect)
                        fail_msg("%s as redirect_uri", urls[i].url);
                if ((parse_with("issuer", urls[i].url) == 0) != urls[i].issuer)
                        fail_msg("%s as issuer", urls[i].url);
        }
}

/* `size` bytes in a field: the limit, and one more. */
static int parse_long(const char *field, const char *start, size_t size) {
        char value[4096];

        memset(value, 'x', sizeof(value));
        memcpy(value, start, strlen(start));
        value[size] = 0;
        return parse_with(field, value);
}

static void test_limits(void **state) {
        assert_int_equal(parse_long("client_secret", "", 1024), 0);
        assert_true(parse_long("client_secret", "", 1025) < 0);
        assert_int_equal(parse_long("token_endpoint", "https://a/", OAUTH_MAX_URL), 0);
        assert_true(parse_long("token_endpoint", "https://a/", OAUTH_MAX_URL + 1) < 0);
        assert_int_equal(parse_long("redirect_uri", "http://localhost/", OAUTH_MAX_URL - 8), 0);
        assert_true(parse_long("redirect_uri", "http://localhost/", OAUTH_MAX_URL + 1) < 0);
}

static void test_client_id_limit(void **state) {
        for (int size = OAUTH_MAX_CLIENT_ID; size <= OAUTH_MAX_CLIENT_ID + 1; size++) {
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
                struct json_slice json;
                char text[512];

                snprintf(text, sizeof(text), "{\"profile\":\"google\",\"client_id\":\"%0*d\"}",
                         size, 0);
                json = json_text(text);
                assert_int_equal(oauth_app_parse(&json, &app, &error),
                                 size == OAUTH_MAX_CLIENT_ID ? 0 : -EINVAL);
        }
}

static void assert_same_app(const struct oauth_app *a, const struct oauth_app *b) {
        _cleanup_(buffer_done) struct buffer left = { 0 }, right = { 0 };

        oauth_app_print(a, /* with_secret= */ true, &left);
        oauth_app_print(b, /* with_secret= */ true, &right);
        assert_string_equal(left.data, right.data);
        assert_ptr_equal(a->profile, b->profile);
        for (size_t i = 0; i < OAUTH_N_ENDPOINTS; i++)
                assert_int_equal(!a->endpoints[i], !b->endpoints[i]);
}

static void test_there_and_back(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(apps) && !apps[i].complaint; i++) {
                _cleanup_(oauth_app_done) struct oauth_app app = { 0 }, again = { 0 }, copy = { 0 };
                _cleanup_(buffer_done) struct buffer text = { 0 };

                app_from(apps[i].text, &app);
                oauth_app_print(&app, /* with_secret= */ true, &text);
                assert_int_equal(strlen(apps[i].text), text.size); /* what it said, and no more */
                app_from(text.data, &again);
                assert_same_app(&app, &again);
                assert_int_equal(oauth_app_copy(&app, &copy), 0);
                assert_same_app(&app, &copy);
        }
}

static void test_print_keeps_the_secret(void **state) {
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        _cleanup_(buffer_done) struct buffer text = { 0 };

        app_from(GOOGLE, &app);
        oauth_app_print(&app, /* with_secret= */ false, &text);
        assert_string_equal(text.data, "{\"profile\":\"google\",\"client_id\":\"id\"}");
}

static void test_profiles(void **state) {
        size_t n;
        const struct oauth_profile *all = oauth_profiles(&n);

        assert_int_equal(n, 4);
        for (size_t i = 0; i < n; i++) {
                _cleanup_(oauth_app_done) struct oauth_app app = { 0 };

                if (i > 0)
                        assert_true(strcmp(all[i - 1].name, all[i].name) < 0);
                assert_true(oauth_name_is_valid(all[i].name));
                assert_ptr_equal(oauth_profile_find(all[i].name), &all[i]);
                assert_int_equal(oauth_app_init(&all[i], &app), 0);
                assert_null(app.client_id);
                for (size_t k = 0; k < OAUTH_N_ENDPOINTS; k++)
                        if (all[i].endpoints[k])
                                assert_int_equal(strncmp(all[i].endpoints[k], "https://", 8), 0);
        }
        assert_null(oauth_profile_find(""));
        assert_null(oauth_profile_find("googl"));
}

static void test_names(void **state) {
        assert_true(oauth_name_is_valid("google_2"));
        assert_true(oauth_name_is_valid("abcdefghijklmnopqrstuvwxyz012345"));
        assert_false(oauth_name_is_valid("abcdefghijklmnopqrstuvwxyz0123456"));
        assert_false(oauth_name_is_valid(""));
        assert_false(oauth_name_is_valid("Google"));
        assert_false(oauth_name_is_valid("a-b"));
        assert_false(oauth_name_is_valid("../a"));
        assert_false(oauth_name_is_valid("a\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_apps),
                cmocka_unit_test(test_urls),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_client_id_limit),
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_print_keeps_the_secret),
                cmocka_unit_test(test_profiles),
                cmocka_unit_test(test_names),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
