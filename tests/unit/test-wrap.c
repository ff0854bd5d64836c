/* SPDX-License-Identifier: MIT */
#include "actionctl/wrap.h"

#include "test.h"

static void test_lines(void **state) {
        static const struct {
                const char *text;
                size_t width;
                const char *lines;
        } cases[] = {
                { "", 1, "" },
                { "a", 1, "a" },
                { "one two three", 13, "one two three" },
                { "one two three", 12, "one two\nthree" },
                { "one two three", 7, "one two\nthree" },
                { "one two three", 6, "one\ntwo\nthree" },
                { "one two three", 5, "one\ntwo\nthree" },
                { "one two three", 3, "one\ntwo\nthr\nee" },
                { "a abcdef b", 3, "a\nabc\ndef\nb" },
                { "a abcd b", 3, "a\nabc\nd b" },
                { "a  b", 9, "a  b" },
                { "a ", 9, "a " },
                { "\xc3\xa4\xc3\xb6 \xc3\xbc", 4, "\xc3\xa4\xc3\xb6 \xc3\xbc" },
                { "\xc3\xa4\xc3\xb6\xc3\xbc", 2, "\xc3\xa4\xc3\xb6\n\xc3\xbc" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer lines = { 0 };

                buffer_puts(&lines, "");
                wrap_words(cases[i].text, cases[i].width, &lines);
                assert_string_equal(lines.data, cases[i].lines);
        }
}

static void test_width(void **state) {
        assert_int_equal(wrap_width(""), 0);
        assert_int_equal(wrap_width("a\xc3\xa4\xe2\x82\xac"), 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_width),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
