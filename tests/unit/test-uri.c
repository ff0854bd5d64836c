/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/cleanup.h"
#include "common/uri.h"

/* Whatever an id holds, it stays one segment: no other path, no query, no fragment. */
static void test_segment(void **state) {
        static const struct {
                const char *text, *encoded;
        } cases[] = {
                { "primary", "/primary" },
                { "Az09-._~", "/Az09-._~" },
                { "ada@example.com", "/ada%40example.com" },
                { "en.usa#holiday@group.v.calendar.google.com",
                  "/en.usa%23holiday%40group.v.calendar.google.com" },
                { "../x", "/..%2Fx" },
                { "..\\x", "/..%5Cx" },
                { "a/../../b", "/a%2F..%2F..%2Fb" },
                { "%2f", "/%252f" },
                { "%2e%2e", "/%252e%252e" },
                { "a?b=c&d", "/a%3Fb%3Dc%26d" },
                { "a;b:c", "/a%3Bb%3Ac" },
                { "a b\r\n", "/a%20b%0D%0A" },
                { "\x01\x7f", "/%01%7F" },
                { "\xc3\xa4", "/%C3%A4" },
                { "...", "/..." },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer url = { 0 };

                assert_true(uri_is_segment(cases[i].text));
                uri_put_segment(&url, cases[i].text);
                assert_string_equal(url.data, cases[i].encoded);
        }
}

/* These mean another folder, however they are written. */
static void test_no_segment(void **state) {
        assert_false(uri_is_segment(""));
        assert_false(uri_is_segment("."));
        assert_false(uri_is_segment(".."));
}

static void test_parameters(void **state) {
        _cleanup_(buffer_done) struct buffer url = { 0 };

        buffer_puts(&url, "https://a.example/b");
        uri_put_parameter(&url, "none", NULL);
        assert_string_equal(url.data, "https://a.example/b");
        uri_put_parameter(&url, "q", "a&b=c?d#e");
        uri_put_parameter(&url, "empty", "");
        uri_put_parameter(&url, "timeMin", "2025-07-25T15:21:00+02:00");
        assert_string_equal(url.data, "https://a.example/b?q=a%26b%3Dc%3Fd%23e&empty="
                                      "&timeMin=2025-07-25T15%3A21%3A00%2B02%3A00");
        assert_int_equal(buffer_error(&url), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_segment),
                cmocka_unit_test(test_no_segment),
                cmocka_unit_test(test_parameters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
