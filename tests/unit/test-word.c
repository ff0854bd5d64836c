/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/cleanup.h"
#include "common/word.h"

#define MAX 12

static void test_words_and_links(void **state) {
        static const struct {
                const char *text;
                bool fits, is_link;
        } cases[] = {
                { NULL, false, false },
                { "", false, false },
                { "a", true, false },
                { "!~", true, false },
                { "a b", false, false },
                { " a", false, false },
                { "a\n", false, false },
                { "a\x7f", false, false },
                { "\xc3\xa4", false, false },
                { "123456789012", true, false },
                { "1234567890123", false, false },
                { "12345678901\n", false, false },
                { "https://", true, true },
                { "https://a.ex", true, true },
                { "https://a.exa", false, false },
                { "https://a b", false, false },
                { "HTTPS://a", true, false },
                { "http://a", true, false },
                { "https:/a", true, false },
                { "javascript:", true, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                if (word_fits(cases[i].text, MAX) != cases[i].fits ||
                    word_is_link(cases[i].text, MAX) != cases[i].is_link)
                        fail_msg("case %zu: %s", i, cases[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words_and_links),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
