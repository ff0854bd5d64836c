/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "action/schema-regex.h"
#include "base/buffer.h"

#define REFUSED (-1)

static int search(const char *pattern, const char *text, size_t *budget) {
        _cleanup_(regex_freep) struct regex *re = NULL;
        const char *reason = NULL;
        int r;

        r = regex_new(pattern, &re, &reason);
        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                assert_non_null(reason);
                assert_null(re);
                return REFUSED;
        }
        return regex_search(re, text, strlen(text), budget);
}

/* clang-format off */
static void test_ecma_262(void **state) {
        static const struct {
                const char *pattern, *text;
                int result;
        } cases[] = {
                { "", "", 1 }, { "", "a", 1 }, { "a", "", 0 }, { "a", "bab", 1 },
                { "^a", "ba", 0 }, { "a$", "ab", 0 }, { "^$", "", 1 }, { "^$", "a", 0 },
                { "^a$", "a\n", 0 }, { "a^b", "ab", 0 }, { "$^", "", 1 }, { "^^a$$", "a", 1 },

                { "^(a|bc)$", "bc", 1 }, { "^(a|bc)$", "b", 0 }, { "^(a|b|c|d)$", "d", 1 },
                { "^(a|b|c|d)$", "e", 0 }, { "^(?:a|)$", "", 1 }, { "|a", "b", 1 }, { "^()$", "", 1 },
                { "a|b$", "xb", 1 }, { "^a|b", "xb", 1 }, { "^a|b", "xa", 0 },
                { "^(?<year>[0-9]{4})$", "2025", 1 }, { "^((a|b)c|d(e|f))+$", "acdfbc", 1 },

                { "^a*$", "", 1 }, { "^a*$", "aab", 0 }, { "^a+$", "", 0 }, { "^a+$", "aaa", 1 },
                { "^a?b$", "ab", 1 }, { "^a?b$", "aab", 0 }, { "^a*?b+?c??$", "aabb", 1 },
                { "^a{2}$", "aa", 1 }, { "^a{2}$", "aaa", 0 }, { "^a{2}$", "a", 0 },
                { "^a{2,}$", "a", 0 }, { "^a{2,}$", "aaaaa", 1 }, { "^a{0,}$", "", 1 },
                { "^a{1,3}$", "", 0 }, { "^a{1,3}$", "aaa", 1 }, { "^a{1,3}$", "aaaa", 0 },
                { "^a{0,2}$", "", 1 }, { "^a{0,2}$", "aa", 1 }, { "^a{0,2}$", "aaa", 0 },
                { "^a{0}b$", "b", 1 }, { "^a{0}b$", "ab", 0 }, { "^(ab|c{2}){2,3}$", "abccab", 1 },
                { "^(ab|c{2}){2,3}$", "abc", 0 }, { "^(ab|c{0,2}){2,3}$", "abcc", 1 },
                { "^(a{1,2}){2}$", "aaaa", 1 }, { "^(a{1,2}){2}$", "aaaaa", 0 },
                { "^(a*)*$", "aaa", 1 }, { "^(a*)+b$", "aaa", 0 }, { "^(a|b*)*c$", "abbac", 1 },
                { "^(){3,}a$", "a", 1 }, { "^(a?){3}$", "aaaa", 0 },

                { ".", "\n", 0 }, { ".", "\r", 0 }, { ".", "\u2028", 0 }, { "^.$", "\u00e4", 1 },
                { "^.$", "\U0001f600", 1 }, { "^\U0001f600{2}$", "\U0001f600\U0001f600", 1 },
                { "[a-c]", "b", 1 }, { "[a-c]", "d", 0 }, { "[^a-c]", "b", 0 }, { "[^a-c]", "d", 1 },
                { "[]", "a", 0 }, { "[^]", "\n", 1 }, { "^[a-]$", "-", 1 }, { "^[-a]$", "-", 1 },
                { "[\\]\\-\\\\]", "-", 1 }, { "[\\]\\-\\\\]", "a", 0 }, { "[a^]", "^", 1 },
                { "^[\\d.x]+$", "1.x", 1 }, { "[\\b]", "\b", 1 }, { "^[^\u00e4]$", "\u00e4", 0 },
                { "^[\u00e0-\u00ff]$", "\u00f6", 1 }, { "^[\u00e0-\u00ff]$", "o", 0 },
                { "^[\\u{1F600}-\\u{1F64F}]$", "\U0001f601", 1 }, { "[a-c-]", "-", 1 },
                { "[a-cb-x]", "w", 1 }, { "[x-za-c]", "b", 1 }, { "[^\\D]", "1", 1 }, { "[^\\D]", "a", 0 },
                { "[[:alpha:]]", "a]", REFUSED },

                { "^\\d+$", "0189", 1 }, { "\\d", "\u0661", 0 }, { "\\D", "1", 0 }, { "\\D", "\u0661", 1 },
                { "^\\w+$", "aZ_9", 1 }, { "\\w", "\u00e4", 0 }, { "\\W", "\u00e4", 1 }, { "\\W", "a", 0 },
                { "^\\s+$", " \t\n\v\f\r\u00a0\u1680\u2003\u2029\u202f\u205f\u3000\ufeff", 1 },
                { "\\s", "\u200b", 0 }, { "\\S", "\u00a0", 0 }, { "\\S", "\u200b", 1 }, { "\\S", "\x01", 1 },
                { "\\bfoo\\b", "a foo", 1 }, { "\\bfoo\\b", "afoo", 0 }, { "\\Bfoo", "afoo", 1 },
                { "\\Bfoo", "foo", 0 }, { "^\\b", "", 0 }, { "^\\B", "", 1 },
                { "^\\t\\n\\v\\f\\r$", "\t\n\v\f\r", 1 }, { "\\x41", "A", 1 }, { "\\u0041", "A", 1 },
                { "\\u{41}", "A", 1 }, { "^\\uD83D\\uDE00$", "\U0001f600", 1 }, { "\\cA", "\x01", 1 },
                { "\\cj", "\n", 1 }, { "\\0", "0", 0 }, { "\\.\\[\\$\\/\\-\\@", ".[$/-@", 1 },

                { "^\\p{Letter}+$", "\u00e4\u03c0x", 1 }, { "\\p{Letter}", "1\u0661", 0 },
                { "\\P{Letter}", "a", 0 }, { "^\\p{L}\\p{Nd}$", "a\u0967", 1 }, { "^\\p{Lu}$", "a", 0 },
                { "^\\p{Lowercase_Letter}$", "a", 1 }, { "^\\p{gc=Lu}$", "\u00c4", 1 },
                { "^\\p{General_Category=Decimal_Number}$", "\u0661", 1 }, { "^[\\p{L}\\d]+$", "\u00e41", 1 },
                { "^[^\\p{L}]$", "a", 0 }, { "^[^\\P{L}]$", "a", 1 }, { "\\p{Script=Greek}", "\u03c0", 1 },
                { "\\p{Script=Greek}", "p", 0 }, { "\\p{Alphabetic}", "\u00e4", 1 }, { "\\p{ASCII}", "\u00e4", 0 },
                { "\\P{ASCII}", "\u00e4", 1 }, { "\\p{Any}", "\u00e4", 1 }, { "\\P{Any}", "\u00e4", 0 },

                { "(", "", REFUSED }, { "(a", "", REFUSED }, { "a)", "", REFUSED }, { "[a", "", REFUSED },
                { "[", "", REFUSED }, { "[\\", "", REFUSED }, { "]", "", REFUSED }, { "}", "", REFUSED },
                { "*a", "", REFUSED }, { "a**", "", REFUSED }, { "a{2}{3}", "", REFUSED },
                { "^*", "", REFUSED }, { "\\b+", "", REFUSED }, { "(*a)", "", REFUSED },
                { "a{", "", REFUSED }, { "a{,2}", "", REFUSED }, { "a{2", "", REFUSED },
                { "a{x}", "", REFUSED }, { "a{3,2}", "", REFUSED }, { "a{2,x}", "", REFUSED },
                { "[c-a]", "", REFUSED }, { "[a-\\d]", "", REFUSED }, { "[\\d-z]", "", REFUSED },
                { "\\", "", REFUSED }, { "\\a", "", REFUSED }, { "\\x4", "", REFUSED },
                { "\\u004", "", REFUSED }, { "\\u{}", "", REFUSED }, { "\\u{110000}", "", REFUSED },
                { "\\u{41", "", REFUSED }, { "\\uD83D\\u0041", "", REFUSED }, { "\\c1", "", REFUSED },
                { "\\c", "", REFUSED }, { "\\01", "", REFUSED }, { "[\\B]", "", REFUSED },
                { "\\p", "", REFUSED }, { "\\pL", "", REFUSED }, { "\\p{L", "", REFUSED },
                { "\\p{}", "", REFUSED }, { "\\p{Lettre}", "", REFUSED }, { "\\p{Script=}", "", REFUSED },
                { "\\p{gc=Greek}", "", REFUSED }, { "(a)\\1", "", REFUSED }, { "\\k<a>", "", REFUSED },
                { "(?=a)", "", REFUSED }, { "(?!a)", "", REFUSED }, { "(?<=a)", "", REFUSED },
                { "(?<!a)", "", REFUSED }, { "(?i:a)", "", REFUSED }, { "(?<a", "", REFUSED },
                { "(?<>a)", "", REFUSED }, { "(?", "", REFUSED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t budget = 10000;
                int r = search(cases[i].pattern, cases[i].text, &budget);

                if (r != cases[i].result)
                        fail_msg("/%s/ gives %d for '%s'", cases[i].pattern, r, cases[i].text);
        }
}
/* clang-format on */

/* What is no UTF-8 is characters too, and none of them is taken for another's part. */
static void test_broken_text(void **state) {
        static const char *const texts[] = { "\x80", "\xc3", "\xf0\x9f\x98", "\xed\xa0\x80" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                size_t budget = 1000;

                assert_int_equal(search("^\\ufffd+$", texts[i], &budget), 1);
        }
}

static void repeat(struct buffer *to, const char *text, size_t n) {
        buffer_clear(to);
        while (n-- > 0)
                buffer_puts(to, text);
}

static void test_limits(void **state) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        size_t budget = 10000000;

        repeat(&text, "a", REGEX_MAX_PROGRAM - 1);
        assert_int_equal(search(text.data, "b", &budget), 0);
        repeat(&text, "a", REGEX_MAX_PROGRAM);
        assert_int_equal(search(text.data, "b", &budget), REFUSED);
        repeat(&text, "()", REGEX_MAX_PATTERN / 2);
        assert_int_equal(search(text.data, "b", &budget), 1);
        buffer_putc(&text, 'b');
        assert_int_equal(search(text.data, "b", &budget), REFUSED);

        assert_int_equal(search("a{16383}", "b", &budget), 0);
        assert_int_equal(search("a{16384}", "b", &budget), REFUSED);
        assert_int_equal(search("^a{0,8191}", "b", &budget), 1);
        assert_int_equal(search("a{0,8192}", "b", &budget), REFUSED);
        assert_int_equal(search("a{99999999999999999999999}", "b", &budget), REFUSED);
        assert_int_equal(search("(a{200}){200}", "b", &budget), REFUSED);
        assert_int_equal(search("((a{0,9}){0,99}){0,99}", "b", &budget), REFUSED);

        for (size_t n = REGEX_MAX_DEPTH; n <= REGEX_MAX_DEPTH + 1; n++) {
                repeat(&text, "(", n);
                for (size_t i = 0; i < n; i++)
                        buffer_putc(&text, ')');
                assert_int_equal(search(text.data, "", &budget), n > REGEX_MAX_DEPTH ? REFUSED : 1);
        }
}

/* Where backtracking takes 2^n steps, and where a program needs memory from the heap. */
static void test_the_time_is_linear(void **state) {
        static const char *const patterns[] = { "^(a|a)*$", "^(a*)*$",   "^(a+)+$",
                                                "(x+x+)+y", "^(a|aa)+$", "^a{0,1000}$" };
        _cleanup_(buffer_done) struct buffer text = { 0 };
        size_t spent[2];

        for (size_t i = 0; i < ELEMENTSOF(patterns); i++) {
                for (size_t k = 0; k < 2; k++) {
                        size_t budget = 100000000;

                        repeat(&text, "a", k == 0 ? 1000 : 2000);
                        buffer_putc(&text, 'b');
                        assert_int_equal(search(patterns[i], text.data, &budget), 0);
                        spent[k] = 100000000 - budget;
                }
                assert_in_range(spent[1], spent[0], 2 * spent[0] + 100);
        }
}

static void test_a_budget_is_kept(void **state) {
        size_t budget = 1000, needed;

        assert_int_equal(search("^a+$", "aaaaaaaaaaaaaaa", &budget), 1);
        needed = 1000 - budget;

        budget = needed;
        assert_int_equal(search("^a+$", "aaaaaaaaaaaaaaa", &budget), 1);
        assert_int_equal(budget, 0);
        budget = needed - 1;
        assert_int_equal(search("^a+$", "aaaaaaaaaaaaaaa", &budget), -ETIME);
        assert_int_equal(budget, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ecma_262),         cmocka_unit_test(test_broken_text),
                cmocka_unit_test(test_limits),           cmocka_unit_test(test_the_time_is_linear),
                cmocka_unit_test(test_a_budget_is_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
