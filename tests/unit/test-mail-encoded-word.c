/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <sodium.h>
#include <string.h>

#include "base/buffer.h"
#include "mail/encoded-word.h"
#include "mail/header.h"

static void test_words(void **state) {
        static const struct {
                const char *text, *decoded; /* NULL: as it is */
        } cases[] = {
                { "", NULL },
                { "plain  text ?= =? ?", NULL },
                { "=?utf-8?q?a_b=C3=A4=3d?=", "a b\xc3\xa4=" },
                { "=?UTF-8?B?YcOk?=", "a\xc3\xa4" },
                { "=?UTF-8?B?YQ?=", "a" },
                { "=?iso-8859-1?Q?Gr=FC=DFe?=", "Gr\xc3\xbc\xc3\x9f"
                                                "e" },
                { "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
                { "=?utf-8*de?q?a?=", "a" },
                { "x =?utf-8?q?a?=  =?utf-8?q?b?= y", "x ab y" },
                { "=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b" },
                { "=?utf-8?q?a?==?utf-8?q?b?=", "ab" },
                { "=?utf-8?q?a?=  =?utf-8?x?b?=", "a  =?utf-8?x?b?=" },
                { "=?utf-8?q?"
                  "?=",
                  "" },
                { "=?utf-8?q?=0D=0ABcc:_x?=", "\r\nBcc: x" },
                /* What is none stays what it is. */
                { "=?utf-8?q?a", NULL },
                { "=?utf-8?q?a?", NULL },
                { "=?utf-8?q?a b?=", NULL },
                { "=?utf-8?q?=C3?=", NULL },
                { "=?utf-8?q?=C?=", NULL },
                { "=?utf-8?q?=?=", NULL },
                { "=?utf-8?q?=xy?=", NULL },
                { "=?utf-8?q?=00?=", NULL },
                { "=?utf-8?b?Y?=", NULL },
                { "=?utf-8?b?Y*Q=?=", NULL },
                { "=?utf-8?x?a?=", NULL },
                { "=?utf-8??a?=", NULL },
                { "=??q?a?=", NULL },
                { "=?no-such-charset?q?a?=", NULL },
                { "=?"
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                  "?q?a?=",
                  NULL },
                { "=?", NULL },
                { "=?=?=?=?", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *wanted = cases[i].decoded ? cases[i].decoded : cases[i].text;
                _cleanup_(buffer_done) struct buffer to = { 0 };

                encoded_words_decode(cases[i].text, &to);
                if (strcmp(to.data, wanted) != 0)
                        fail_msg("'%s' gives '%s'", cases[i].text, to.data);
        }
}

static void test_limit_of_a_word(void **state) {
        for (size_t n = 1014; n <= 1015; n++) {
                _cleanup_(buffer_done) struct buffer text = { 0 }, to = { 0 };

                buffer_puts(&text, "=?utf-8?q?");
                for (size_t i = 0; i < n; i++)
                        buffer_putc(&text, 'a');
                buffer_puts(&text, "?=");
                encoded_words_decode(text.data, &to);
                assert_int_equal(to.size, n == 1014 ? n : n + 12);
        }
}

/* What we write, we read. */
static void test_round_trip(void **state) {
        static const char *const texts[] = {
                "\xc3\xa4",
                "a =?utf-8?q?x?= b",
                "  outer  ",
                "J\xc3\xbcrgen \xf0\x9f\x98\x80 end",
                ("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e "
                 "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"),
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                _cleanup_(buffer_done) struct buffer line = { 0 }, flat = { 0 }, to = { 0 };

                assert_int_equal(header_text(&line, "S", texts[i]), 0);
                for (const char *p = line.data + 3; *p; p++)
                        if (*p != '\r' && *p != '\n')
                                buffer_putc(&flat, *p);
                encoded_words_decode(flat.data, &to);
                assert_string_equal(to.data, texts[i]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_limit_of_a_word),
                cmocka_unit_test(test_round_trip),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
