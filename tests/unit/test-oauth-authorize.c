/* SPDX-License-Identifier: MIT */
/*
 * The way through the browser: where a person is sent, and what is believed of what comes back.
 */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "oauth-fixture.h"
#include "oauth/authorize.h"

/* RFC 7636, appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static void test_challenge(void **state) {
        char challenge[OAUTH_VERIFIER_SIZE];

        oauth_challenge(VERIFIER, challenge);
        assert_string_equal(challenge, CHALLENGE);
}

static void test_never_the_same_twice(void **state) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_";
        char texts[64][OAUTH_STATE_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                (i % 2 ? oauth_new_state : oauth_new_verifier)(texts[i]);
                assert_int_equal(strlen(texts[i]), OAUTH_STATE_SIZE - 1);
                assert_int_equal(strspn(texts[i], allowed), OAUTH_STATE_SIZE - 1);
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(texts[i], texts[k]);
        }
}

static void test_urls(void **state) {
        static const char *const some[] = { "b", "https://a/x y&z", "b", "email", NULL };
        static const char *const two[] = { "chat:write", "users:read", "chat:write", NULL };
        static const char *const none[] = { NULL };
        /* clang-format off */
        const struct {
                const char *app;
                const char *const *scopes;
                const char *login_hint;
                const char *url;
        } cases[] = {
                { GOOGLE, some, "a+b@example.com",
                  "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=id"
                  "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Foauth%2Fcallback&state=st%26te"
                  "&scope=openid%20email%20b%20https%3A%2F%2Fa%2Fx%20y%26z"
                  "&code_challenge=" CHALLENGE "&code_challenge_method=S256"
                  "&access_type=offline&prompt=consent&login_hint=a%2Bb%40example.com" },
                { NOTION, none, "a@example.com",
                  "https://api.notion.com/v1/oauth/authorize?response_type=code&client_id=id"
                  "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Foauth%2Fcallback&state=st%26te"
                  "&owner=user" },
                { SLACK, two, NULL,
                  "https://slack.com/oauth/v2/authorize?response_type=code&client_id=id"
                  "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Foauth%2Fcallback&state=st%26te"
                  "&scope=chat%3Awrite%2Cusers%3Aread" },
                { SLACK_PUBLIC, two, NULL,
                  "https://slack.com/oauth/v2/authorize?response_type=code&client_id=id"
                  "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Foauth%2Fcallback&state=st%26te"
                  "&scope=chat%3Awrite%2Cusers%3Aread"
                  "&code_challenge=" CHALLENGE "&code_challenge_method=S256" },
                { OIDC, none, NULL,
                  "https://op.example/authorize?tenant=1&response_type=code&client_id=id"
                  "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Foauth%2Fcallback&state=st%26te"
                  "&scope=openid%20email%20offline_access"
                  "&code_challenge=" CHALLENGE "&code_challenge_method=S256&prompt=consent" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
                _cleanup_(buffer_done) struct buffer url = { 0 };
                const struct oauth_authorize a = {
                        .redirect_uri = "http://127.0.0.1:9/oauth/callback",
                        .state = "st&te",
                        .verifier = VERIFIER,
                        .scopes = cases[i].scopes,
                        .login_hint = cases[i].login_hint,
                };

                app_from(cases[i].app, &app);
                assert_int_equal(oauth_authorize_url(&app, &a, &url), 0);
                assert_string_equal(url.data, cases[i].url);
                assert_null(strstr(url.data, "s3cr3t"));
                assert_null(strstr(url.data, VERIFIER));
        }
}

static void test_no_endpoint(void **state) {
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        _cleanup_(buffer_done) struct buffer url = { 0 };

        app_from("{\"profile\":\"oidc\",\"client_id\":\"i\",\"token_endpoint\":\"https://a/t\"}",
                 &app);
        assert_int_equal(oauth_authorize_url(&app, &(struct oauth_authorize){ 0 }, &url),
                         -EOPNOTSUPP);
        assert_int_equal(url.size, 0);
}

static void test_redirects(void **state) {
        /* clang-format off */
        static const struct {
                const char *profile, *own, *asked;
                bool allowed;
        } cases[] = {
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1:9/cb",       true  },
                { "google", "http://127.0.0.1/cb",   "http://127.0.0.1:65000/cb",   true  },
                { "google", "http://[::1]/cb",       "http://[::1]:65000/cb",       true  },
                { "google", "http://127.0.0.1",      "http://127.0.0.1:65000",      true  },
                { "google", "http://localhost/cb",   "http://localhost/cb",         true  },
                { "google", "https://a.example/cb",  "https://a.example/cb",        true  },
                { "google", NULL,                    "http://127.0.0.1:65000/cb",   true  },
                { "notion", NULL,                    "http://[::1]:65000/cb",       true  },
                { "notion", "http://127.0.0.1:9/cb", "http://127.0.0.1:9/cb",       true  },

                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1:65000/cb",   false },
                { "google", "http://127.0.0.1:1/cb", "http://127.0.0.1:11/cb",      false },
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1/cb",         false },
                { "notion", "http://127.0.0.1/cb",   "http://127.0.0.1:9/cb",       false },
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1:9/cb/",      false },
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1:9/CB",       false },
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1:9/cb?a=b",   false },
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1:9",          false },
                { "google", "http://127.0.0.1:9/cb", "http://[::1]:9/cb",           false },
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.2:9/cb",       false },
                { "google", "http://127.0.0.1:9/cb", "http://localhost:9/cb",       false },
                { "google", "http://127.0.0.1:9/cb", "https://127.0.0.1:9/cb",      false },
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1:9@a.example/cb", false },
                { "google", "http://127.0.0.1:9/cb", "http://127.0.0.1:99999/cb",   false },
                { "google", "http://localhost:9/cb", "http://localhost:10/cb",      false },
                { "google", "https://a.example/cb",  "https://a.example:444/cb",    false },
                { "google", "https://a.example/cb",  "http://127.0.0.1:9/cb",       false },
                { "notion", "http://127.0.0.1:9/cb", "http://127.0.0.1:10/cb",      false },
                { "google", NULL,                    "http://localhost:9/cb",       false },
                { "google", NULL,                    "http://127.0.0.2:9/cb",       false },
                { "google", NULL,                    "http://a.example/cb",         false },
                { "google", NULL,                    "https://a.example/cb",        false },
                { "google", NULL,                    "http://127.0.0.1:9/cb#a",     false },
                { "google", NULL,                    "http://127.0.0.1\n:9/cb",     false },
                { "google", NULL,                    "http://127.0.0.1.a.example/", false },
                { "google", NULL,                    "",                            false },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_app_done) struct oauth_app app = { 0 };

                assert_int_equal(oauth_app_init(oauth_profile_find(cases[i].profile), &app), 0);
                app.redirect_uri = cases[i].own ? strdup(cases[i].own) : NULL;
                if (oauth_redirect_is_allowed(&app, cases[i].asked) != cases[i].allowed)
                        fail_msg("%s for %s", cases[i].asked, cases[i].own);
        }
}

#define CALLBACK "http://127.0.0.1:9/oauth/callback?"

static void test_responses(void **state) {
        /* clang-format off */
        static const struct {
                const char *url;
                int r;
                const char *code, *state, *iss, *error, *description;
        } cases[] = {
                { CALLBACK "code=c&state=s",                0, "c", "s", NULL, NULL, NULL },
                { "code=c&state=s",                         0, "c", "s", NULL, NULL, NULL },
                { "?code=c&state=s",                        0, "c", "s", NULL, NULL, NULL },
                { "/oauth/callback?code=c&state=s",         0, "c", "s", NULL, NULL, NULL },
                { "https://a.example/cb?state=s&code=c",    0, "c", "s", NULL, NULL, NULL },
                { CALLBACK "code=4%2F0Ab+c&state=%41",      0, "4/0Ab c", "A", NULL, NULL, NULL },
                { CALLBACK "code=4/0?b&state=a=b",          0, "4/0?b", "a=b", NULL, NULL, NULL },
                { CALLBACK "code=c#code=d",                 0, "c", NULL, NULL, NULL, NULL },
                { CALLBACK "code=c#_=_",                    0, "c", NULL, NULL, NULL, NULL },
                { CALLBACK "code=c&iss=https%3A%2F%2Fa",    0, "c", NULL, "https://a", NULL, NULL },
                { CALLBACK "code=c&&scope=a&scope=b&",      0, "c", NULL, NULL, NULL, NULL },
                { CALLBACK "code=c&error=",                 0, "c", NULL, NULL, NULL, NULL },
                { CALLBACK "code=c&state",                  0, "c", NULL, NULL, NULL, NULL },
                { CALLBACK "%63ode=c",                      0, "c", NULL, NULL, NULL, NULL },
                { CALLBACK "error=access_denied&state=s",   0, NULL, "s", NULL, "access_denied", NULL },
                { CALLBACK "error=e&error_description=%3Cb%3E%1b%0a",
                                                            0, NULL, NULL, NULL, "e", "<b>\x1b\n" },

                { "",                                       -EBADMSG },
                { CALLBACK,                                 -EBADMSG },
                { "http://127.0.0.1:9/oauth/callback",      -EBADMSG },
                { "http://127.0.0.1:9/code=c",              -EBADMSG },
                { "/code=c",                                -EBADMSG },
                { CALLBACK "state=s",                       -EBADMSG },
                { CALLBACK "code",                          -EBADMSG },
                { CALLBACK "code=",                         -EBADMSG },
                { CALLBACK "=c",                            -EBADMSG },
                { CALLBACK "Code=c",                        -EBADMSG },
                { CALLBACK "codes=c",                       -EBADMSG },
                { CALLBACK "#code=c",                       -EBADMSG },
                { CALLBACK "code=c&code=c",                 -EBADMSG },
                { CALLBACK "code=c&code=",                  -EBADMSG },
                { CALLBACK "code=&code=c",                  -EBADMSG },
                { CALLBACK "code=c&c%6fde=d",               -EBADMSG },
                { CALLBACK "code=c&state=s&state=t",        -EBADMSG },
                { CALLBACK "code=c&iss=a&iss=b",            -EBADMSG },
                { CALLBACK "code=c&error=e",                -EBADMSG },
                { CALLBACK "error=e&error=f",               -EBADMSG },
                { CALLBACK "code=%",                        -EBADMSG },
                { CALLBACK "code=%4",                       -EBADMSG },
                { CALLBACK "code=c%",                       -EBADMSG },
                { CALLBACK "code=%4g",                      -EBADMSG },
                { CALLBACK "code=%g4",                      -EBADMSG },
                { CALLBACK "code=%%41",                     -EBADMSG },
                { CALLBACK "%",                             -EBADMSG },
                { CALLBACK "a%/[b=c&code=c",                -EBADMSG },
                { CALLBACK "code=a%00b",                    -EBADMSG },
                { CALLBACK "code=a%0ab",                    -EBADMSG },
                { CALLBACK "code=a\nb",                     -EBADMSG },
                { CALLBACK "code=a%7f",                     -EBADMSG },
                { CALLBACK "code=%c3%a9",                   -EBADMSG },
                { CALLBACK "code=c&state=%0d%0aSet-Cookie:a", -EBADMSG },
                { CALLBACK "code=c&iss=%ff",                -EBADMSG },
                { CALLBACK "error=a%0ab",                   -EBADMSG },
                { CALLBACK "code=c&x=%",                    -EBADMSG },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_response_done) struct oauth_response r = { 0 };

                if (oauth_response_parse(cases[i].url, &r) != cases[i].r)
                        fail_msg("%s", cases[i].url);
                const struct {
                        const char *is, *expected;
                } texts[] = {
                        { r.code ? r.code->data : NULL, cases[i].code },
                        { r.state, cases[i].state },
                        { r.iss, cases[i].iss },
                        { r.error, cases[i].error },
                        { r.error_description, cases[i].description },
                };
                for (size_t k = 0; k < ELEMENTSOF(texts); k++)
                        if (!texts[k].is != !texts[k].expected ||
                            (texts[k].is && strcmp(texts[k].is, texts[k].expected) != 0))
                                fail_msg("%s: '%s'", cases[i].url, texts[k].is);
        }
}

static void test_response_limit(void **state) {
        char url[OAUTH_MAX_RESPONSE + 2] = "code=";

        memset(url + 5, 'x', sizeof(url) - 5);
        for (size_t size = OAUTH_MAX_RESPONSE + 1; size >= OAUTH_MAX_RESPONSE; size--) {
                _cleanup_(oauth_response_done) struct oauth_response r = { 0 };

                url[size] = 0;
                assert_int_equal(oauth_response_parse(url, &r),
                                 size > OAUTH_MAX_RESPONSE ? -E2BIG : 0);
        }
}

static void test_checks(void **state) {
        /* clang-format off */
        static const struct {
                const char *query, *issuer;
                bool required;
                const char *complaint; /* NULL: it may be believed */
        } cases[] = {
                { "code=c",                           "https://a", false, NULL },
                { "code=c",                           NULL,        false, NULL },
                { "code=c&iss=https://a",             "https://a", false, NULL },
                { "code=c&iss=https://a",             "https://a", true,  NULL },
                { "code=c",                           "https://a", true,  "does not say which" },
                { "code=c&iss=https://b",             "https://a", false, "from 'https://b'" },
                { "code=c&iss=https://a/",            "https://a", false, "from 'https://a/'" },
                { "code=c&iss=https://A",             "https://a", false, "from 'https://A'" },
                { "code=c&iss=https://a",             NULL,        false, "from 'https://a'" },
                { "error=access_denied",              "https://a", false, "the consent was refused" },
                { "error=access_denied",              "https://a", true,  "does not say which" },
                { "error=access_denied&iss=https://b", "https://a", false, "from 'https://b'" },
                { "error=server_error",               "https://a", false, "'server_error'" },
                { "error=e&error_description=go%1b[2J%0a", "https://a", false, "'e': 'go?[2J?'" },
                { "error=e&error_description=Bearer+x", "https://a", false, "says 'e'" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_response_done) struct oauth_response r = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };
                const struct oauth_app app = { .profile = oauth_profile_find("oidc"),
                                               .issuer = (char *)cases[i].issuer,
                                               .iss_required = cases[i].required };

                assert_int_equal(oauth_response_parse(cases[i].query, &r), 0);
                if (!cases[i].complaint) {
                        assert_int_equal(oauth_response_check(&r, &app, &error), 0);
                        continue;
                }
                assert_true(oauth_response_check(&r, &app, &error) < 0);
                assert_int_equal(error.code, AE_AUTHORIZATION_FAILED);
                if (!strstr(error.message, cases[i].complaint) || strstr(error.message, "Bearer"))
                        fail_msg("%s: %s", cases[i].query, error.message);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_challenge),      cmocka_unit_test(test_never_the_same_twice),
                cmocka_unit_test(test_urls),           cmocka_unit_test(test_no_endpoint),
                cmocka_unit_test(test_redirects),      cmocka_unit_test(test_responses),
                cmocka_unit_test(test_response_limit), cmocka_unit_test(test_checks),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
