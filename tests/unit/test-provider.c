/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/provider-app.h"
#include "actionctl/provider-steps.h"
#include "oauth/app.h"

/* clang-format off */
static void test_googles_file(void **state) {
        static const struct {
                const char *file, *app; /* NULL: refused */
        } cases[] = {
                { "{\"installed\":{\"client_id\":\"i\",\"client_secret\":\"s\","
                  "\"redirect_uris\":[\"http://localhost\"],\"auth_uri\":\"x\"}}",
                  "{\"profile\":\"google\",\"client_id\":\"i\",\"client_secret\":\"s\"}" },
                { "{\"web\":{\"client_id\":\"\\u0069\\\"\",\"client_secret\":\"\\u0073\","
                  "\"redirect_uris\":[\"https://a/b\",\"http://127.0.0.1:1/c\",\"http://127.0.0.1:2/d\"]}}",
                  "{\"profile\":\"google\",\"client_id\":\"i\\\"\",\"client_secret\":\"s\","
                  "\"redirect_uri\":\"http://127.0.0.1:1/c\"}" },
                { "{\"web\":{\"client_id\":\"i\",\"redirect_uris\":[\"https://a/b\",\"https://c/\"]}}",
                  "{\"profile\":\"google\",\"client_id\":\"i\",\"client_auth\":\"none\","
                  "\"redirect_uri\":\"https://a/b\"}" },
                { "{\"web\":{\"client_id\":\"i\",\"client_secret\":\"\",\"redirect_uris\":[]}}",
                  "{\"profile\":\"google\",\"client_id\":\"i\",\"client_auth\":\"none\"}" },
                { "", NULL },
                { "{}", NULL },
                { "[]", NULL },
                { "{\"web\":[]}", NULL },
                { "{\"web\":{}}", NULL },
                { "{\"web\":{\"client_id\":\"\"}}", NULL },
                { "{\"web\":{\"client_id\":null}}", NULL },
                { "{\"web\":{\"Client_id\":\"i\"}}", NULL },
                { "{\"web\":{\"client_id\":\"i\",\"client_id\":\"j\"}}", NULL },
                { "{\"web\":{\"client_id\":\"i\",\"client_secret\":1}}", NULL },
                { "{\"web\":{\"client_id\":\"i\",\"redirect_uris\":[{}]}}", NULL },
                { "{\"Web\":{\"client_id\":\"i\"}}", NULL },
                { "{\"type\":\"service_account\",\"private_key\":\"k\"}", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(provider_app_done) struct provider_app app = { .profile = "google" };
                _cleanup_(buffer_done) struct buffer text = { 0 };
                const char *reason = NULL;
                int r = provider_app_read_google(cases[i].file, strlen(cases[i].file), &app, &reason);

                if (!cases[i].app) {
                        assert_int_equal(r, -EINVAL);
                        assert_non_null(reason);
                        continue;
                }
                assert_int_equal(r, 0);
                provider_app_print(&app, NULL, &text);
                assert_string_equal(text.data, cases[i].app);
        }
}
/* clang-format on */

/* What somebody said on the command line goes before the file. */
static void test_what_is_there_stays(void **state) {
        static const char file[] = "{\"web\":{\"client_id\":\"i\",\"client_secret\":\"s\","
                                   "\"redirect_uris\":[\"http://127.0.0.1:1/c\"]}}";
        _cleanup_(provider_app_done) struct provider_app app = {
                .profile = "google",
                .client_id = strdup("mine"),
                .redirect_uri = strdup("https://x/"),
        };
        const char *reason;

        assert_int_equal(provider_app_read_google(file, strlen(file), &app, &reason), 0);
        assert_string_equal(app.client_id, "mine");
        assert_string_equal(app.redirect_uri, "https://x/");
        assert_string_equal(app.client_secret->data, "s");
}

static void test_what_an_issuer_says(void **state) {
        static const char facts[] =
                        "{\"issuer\":\"https://i\",\"client_auth\":\"client_secret_post\","
                        "\"iss_required\":true}";
        _cleanup_(provider_app_done) struct provider_app app = {
                .profile = "oidc",
                .client_id = strdup("i"),
        };
        _cleanup_(buffer_done) struct buffer public = { 0 }, shown = { 0 };

        assert_int_equal(json_parse(facts, strlen(facts), &app.facts, NULL), 0);
        provider_app_print(&app, NULL, &public);
        assert_string_equal(public.data,
                            "{\"profile\":\"oidc\",\"client_id\":\"i\",\"client_auth\":\"none\","
                            "\"issuer\":\"https://i\",\"iss_required\":true}");
        provider_app_print(&app, "***", &shown);
        assert_string_equal(shown.data,
                            "{\"profile\":\"oidc\",\"client_id\":\"i\",\"client_secret\":\"***\","
                            "\"issuer\":\"https://i\",\"client_auth\":\"client_secret_post\","
                            "\"iss_required\":true}");
}

static void test_names(void **state) {
        static const char *const bad[] = { "", "A", "a-b", "a.b", "../a", "a b", "\u00e4", "a\n" };
        char name[34];

        assert_true(provider_name_is_valid("google_2"));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(provider_name_is_valid(bad[i]));
        memset(name, 'a', sizeof(name));
        name[32] = 0;
        assert_true(provider_name_is_valid(name));
        name[32] = 'a';
        name[33] = 0;
        assert_false(provider_name_is_valid(name));
}

static void assert_steps(const struct provider_kind *k, const char *redirect) {
        static const char *const scopes[] = { "scope:one", "scope:two", NULL };
        _cleanup_(buffer_done) struct buffer text = { 0 };

        provider_steps_print(k, redirect, scopes, &text);
        buffer_putc(&text, '\n');
        provider_warnings_print(k, &text);
        assert_int_equal(buffer_error(&text), 0);
        assert_int_equal(strncmp(text.data, " 1. ", 4), 0);
        assert_non_null(strstr(text.data, "\nWhat will bite:\n  - "));
        if (redirect)
                assert_non_null(strstr(text.data, redirect));
        assert_null(strstr(text.data, "(null)"));
        for (const char *line = text.data; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                assert_true(strcspn(line, "\n") <= 100);
                if (!*line)
                        break;
        }
}

/* Our words for them are the vault's. */
static void test_kinds_are_profiles(void **state) {
        const struct oauth_profile *profiles;
        char list[128] = "";
        size_t n;

        profiles = oauth_profiles(&n);
        for (size_t i = 0; i < n; i++) {
                const struct provider_kind *k = provider_kind_find(profiles[i].name);

                assert_non_null(k);
                assert_string_equal(k->title, profiles[i].title);
                /* Where every port will do none has to be entered. */
                assert_int_equal(!k->redirect, profiles[i].flags & OAUTH_REDIRECT_ANY_PORT ? 1 : 0);
                assert_int_equal(k->needs_issuer, !profiles[i].endpoints[OAUTH_TOKEN]);
                strcat(list, i > 0 ? ", " : "");
                strcat(list, profiles[i].name);
        }
        assert_string_equal(provider_kind_names(), list);
}

static void test_names_are_the_vaults(void **state) {
        static const char *const names[] = { "google_2", "", "A", "a-b", "../a", "\u00e4", "0" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(provider_name_is_valid(names[i]), oauth_name_is_valid(names[i]));
}

static void test_every_kind_has_its_steps(void **state) {
        static const char *const names[] = { "google", "notion", "oidc", "slack" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const struct provider_kind *k = provider_kind_find(names[i]);

                assert_non_null(k);
                assert_steps(k, k->redirect);
                assert_steps(k, "https://example.com/oauth/callback");
        }
        assert_null(provider_kind_find("Google"));
        assert_true(provider_kind_has_scope(provider_kind_find("google"),
                                            "https://www.googleapis.com/auth/gmail.send"));
        assert_false(provider_kind_has_scope(provider_kind_find("google"), "chat:write"));
        assert_false(provider_kind_has_scope(provider_kind_find("slack"), "chat:write"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_googles_file),
                cmocka_unit_test(test_what_is_there_stays),
                cmocka_unit_test(test_what_an_issuer_says),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_kinds_are_profiles),
                cmocka_unit_test(test_names_are_the_vaults),
                cmocka_unit_test(test_every_kind_has_its_steps),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
