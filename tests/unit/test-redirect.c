/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/browser.h"
#include "actionctl/redirect.h"

/* clang-format off */
static void test_parameters(void **state) {
        static const struct {
                const char *url;
                int r;
                const char *value;
        } cases[] = {
                { "http://a/?x=1",             0, "1" },
                { "http://a/?x=",              0, "" },
                { "/a?b=c&x=%41%2b+%2B&d",     0, "A+ +" },
                { "/a?x=%c3%a4",               0, "\u00e4" },
                { "/a?x=1#y&x=2",              0, "1" },
                { "/a?y?x=1&x=2?x=3",          0, "2?x=3" },
                { "?&&x=1&&",                  0, "1" },
                { "?x=a=b",                    0, "a=b" },
                { "?xx=1&x=2&X=3&%78=4",       0, "2" },
                { "",                          -ENOENT, NULL },
                { "x=1",                       -ENOENT, NULL },
                { "?",                         -ENOENT, NULL },
                { "?x",                        -ENOENT, NULL },
                { "?y=x=1",                    -ENOENT, NULL },
                { "?y=1;x=1",                  -ENOENT, NULL },
                { "/x=1?#?x=1",                -ENOENT, NULL },
                { "?x=1&x=1",                  -EBADMSG, NULL },
                { "?x=1&x=",                   -EBADMSG, NULL },
                { "?x=%",                      -EBADMSG, NULL },
                { "?x=%4",                     -EBADMSG, NULL },
                { "?x=%4&1",                   -EBADMSG, NULL },
                { "?x=%g1",                    -EBADMSG, NULL },
                { "?x=%1g",                    -EBADMSG, NULL },
                { "?x=%00",                    -EBADMSG, NULL },
                { "?x=a%0d%0aSet-Cookie:%20b", -EBADMSG, NULL },
                { "?x=%7f",                    -EBADMSG, NULL },
                { "?x=a\nb",                   -EBADMSG, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *value = NULL;

                assert_int_equal(redirect_parameter(cases[i].url, "x", &value), cases[i].r);
                if (cases[i].value)
                        assert_string_equal(value, cases[i].value);
                else
                        assert_null(value);
        }
}

static void test_where_we_can_listen(void **state) {
        static const struct {
                const char *uri, *authority, *path;
                unsigned port; /* 0: nowhere */
        } cases[] = {
                { "http://127.0.0.1:8080/oauth/callback",  "127.0.0.1:8080",  "/oauth/callback", 8080 },
                { "http://localhost:1/",                   "localhost:1",     "/",               1 },
                { "http://127.0.0.1/x",                    "127.0.0.1",       "/x",              80 },
                { "http://127.0.0.1:65535/x",              "127.0.0.1:65535", "/x",              65535 },
                { .uri = "" },
                { .uri = "http://" },
                { .uri = "http:///x" },
                { .uri = "https://127.0.0.1:80/x" },
                { .uri = "HTTP://127.0.0.1:80/x" },
                { .uri = "http://127.0.0.1:80" },
                { .uri = "http://127.0.0.1:/x" },
                { .uri = "http://127.0.0.1:0/x" },
                { .uri = "http://127.0.0.1:65536/x" },
                { .uri = "http://127.0.0.1:99999999999999999999/x" },
                { .uri = "http://127.0.0.1:080/x" },
                { .uri = "http://127.0.0.1:+80/x" },
                { .uri = "http://127.0.0.1: 80/x" },
                { .uri = "http://127.0.0.1:8a/x" },
                { .uri = "http://127.0.0.1:80/x?y" },
                { .uri = "http://127.0.0.1:80/x#y" },
                { .uri = "http://127.0.0.1:80?/x" },
                { .uri = "http://127.0.0.2:80/x" },
                { .uri = "http://127.0.0.10:80/x" },
                { .uri = "http://127.0.0.1.example.com:80/x" },
                { .uri = "http://a@127.0.0.1:80/x" },
                { .uri = "http://127.0.0.1@example.com/x" },
                { .uri = "http://localhosts/x" },
                { .uri = "http://[::1]:80/x" },
                { .uri = "http://0.0.0.0:80/x" },
                { .uri = "http://example.com/x" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(redirect_done) struct redirect r = { 0 };

                if (cases[i].port == 0) {
                        assert_int_equal(redirect_parse(cases[i].uri, &r), -EADDRNOTAVAIL);
                        assert_null(r.authority);
                        continue;
                }
                assert_int_equal(redirect_parse(cases[i].uri, &r), 0);
                assert_string_equal(r.authority, cases[i].authority);
                assert_string_equal(r.path, cases[i].path);
                assert_int_equal(r.port, cases[i].port);
        }
}

static void test_whose_redirect_it_is(void **state) {
        static const struct {
                const char *target;
                int r;
        } cases[] = {
                { "/cb?state=st-ate_&code=c",             0 },
                { "/cb?code=c&x=y&state=st-ate_",         0 },
                { "/cb?error=access_denied&state=st%2date_", 0 },
                { "/cb?state=st-ate_&code=",              0 },
                { "/cb?state=st-ate&code=c",              -EKEYREJECTED },
                { "/cb?state=st-ate__&code=c",            -EKEYREJECTED },
                { "/cb?state=St-ate_&code=c",             -EKEYREJECTED },
                { "/cb?state=&code=c",                    -EKEYREJECTED },
                { "/cb?code=c",                           -EBADMSG },
                { "/cb?state=st-ate_",                    -EBADMSG },
                { "/cb?state=st-ate_&state=st-ate_&code=c", -EBADMSG },
                { "/cb?state=st-ate_&code=a&code=b",      -EBADMSG },
                { "/cb?state=st-ate_&error=a&error=b",    -EBADMSG },
                { "/cb?state=st-ate_#&code=c",            -EBADMSG },
                { "/cb/?state=st-ate_&code=c",            -EBADMSG },
                { "/cbx?state=st-ate_&code=c",            -EBADMSG },
                { "/c?state=st-ate_&code=c",              -EBADMSG },
                { "//cb?state=st-ate_&code=c",            -EBADMSG },
                { "http://127.0.0.1:80/cb?state=st-ate_&code=c", -EBADMSG },
                { "?state=st-ate_&code=c",                -EBADMSG },
                { "",                                     -EBADMSG },
        };
        const struct redirect r = { .path = (char *)"/cb" };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(redirect_check_target(&r, cases[i].target, "st-ate_"), cases[i].r);
        assert_int_equal(redirect_check("https://a.example/?state=st-ate_&code=c", "st-ate_"), 0);
}
/* clang-format on */

static void test_the_limit(void **state) {
        static const char head[] = "http://127.0.0.1/?state=s&code=";
        char url[REDIRECT_MAX + 2];

        memset(url, 'c', sizeof(url));
        memcpy(url, head, strlen(head));
        url[REDIRECT_MAX] = 0;
        assert_int_equal(redirect_check(url, "s"), 0);
        url[REDIRECT_MAX] = 'c';
        url[REDIRECT_MAX + 1] = 0;
        assert_int_equal(redirect_check(url, "s"), -EBADMSG);
}

static void test_when_a_browser_is_opened(void **state) {
        static const struct {
                struct browser_environment e;
                bool opened;
        } cases[] = {
                { { ":0", NULL, NULL }, true },
                { { NULL, "wayland-0", NULL }, true },
                { { ":0", "wayland-0", "" }, true },
                { { NULL, NULL, NULL }, false },
                { { "", "", "" }, false },
                { { ":0", NULL, "a 1 b 2" }, false },
                { { NULL, NULL, "a 1 b 2" }, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(!browser_obstacle(&cases[i].e), cases[i].opened);
}

static void test_what_a_browser_is_given(void **state) {
        static const char *const good[] = { "https://a/", "http://127.0.0.1:1/?a=%20&b=;$(x)" };
        static const char *const bad[] = {
                "",           "file:///etc/passwd", "javascript:alert(1)", "-https://a/",
                " https://a", "https://a b",        "https://a\n",         "https://a/\x7f",
                "https://\"", "https://\u00e4/",    "HTTPS://a/",          "data:,",
        };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_int_equal(browser_check_url(good[i]), 0);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(browser_check_url(bad[i]), -EINVAL);
}

static void test_the_words_of_a_command(void **state) {
        static const struct {
                const char *command, *words;
        } cases[] = {
                { "firefox", "firefox|U" },
                { "  a\t-n  %s -x ", "a|-n|U|-x" },
                { "a %s %s", "a|U|U" },
                { "a %sx --u=%s", "a|%sx|--u=%s|U" },
                { "%s", "%s|U" },
                { "", "" },
                { " \t ", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char copy[64], text[64] = "", *argv[BROWSER_MAX_WORDS + 1];
                int n = browser_words(cases[i].command, "U", copy, argv);

                assert_true(n >= 0);
                assert_null(argv[n]);
                for (int w = 0; w < n; w++)
                        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
                                 w > 0 ? "|" : "", argv[w]);
                assert_string_equal(text, cases[i].words);
        }
}

static void test_a_command_of_too_many_words(void **state) {
        char command[2 * BROWSER_MAX_WORDS + 2] = "", copy[sizeof(command)];
        char *argv[BROWSER_MAX_WORDS + 1];

        for (int i = 0; i < BROWSER_MAX_WORDS - 1; i++)
                strcat(command, "a ");
        assert_int_equal(browser_words(command, "U", copy, argv), BROWSER_MAX_WORDS);
        strcat(command, "a");
        assert_int_equal(browser_words(command, "U", copy, argv), -E2BIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parameters),
                cmocka_unit_test(test_where_we_can_listen),
                cmocka_unit_test(test_whose_redirect_it_is),
                cmocka_unit_test(test_the_limit),
                cmocka_unit_test(test_when_a_browser_is_opened),
                cmocka_unit_test(test_what_a_browser_is_given),
                cmocka_unit_test(test_the_words_of_a_command),
                cmocka_unit_test(test_a_command_of_too_many_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
