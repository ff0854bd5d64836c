/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "mail/address-list.h"
#include "mail/address.h"
#include "mail/text.h"

/* What mailbox_write() makes of all of them, joined by '|'; or the fault. */
static void read_all(const char *text, size_t max, struct buffer *to) {
        struct mailbox *list = NULL;
        const char *reason = "";
        size_t n = 0;
        int r;

        r = mailbox_list_parse(text, max, &list, &n, &reason);
        buffer_puts(to, r == -E2BIG ? "E2BIG" : r == -EINVAL ? reason : "");
        for (size_t i = 0; i < n; i++) {
                buffer_puts(to, i > 0 ? "|" : "");
                mailbox_write(&list[i], to);
        }
        mailbox_list_free(list, n);
}

static void test_lists(void **state) {
        static const struct {
                const char *text, *read;
        } cases[] = {
                { "a@b.c", "a@b.c" },
                { "a@b.c, d@e.f,g@h.i", "a@b.c|d@e.f|g@h.i" },
                { "Ada <a@b.c>, \"Doe, John\" <d@e.f>", "\"Ada\" <a@b.c>|\"Doe, John\" <d@e.f>" },
                { "Doe, John <d@e.f>, a@b.c", "\"Doe, John\" <d@e.f>|a@b.c" },
                { "J\xc3\xbcrgen <a@b.c>", "\"J\xc3\xbcrgen\" <a@b.c>" },
                { "", "" },
                { " , ,, ", "" },
                { ",a@b.c,,d@e.f,", "a@b.c|d@e.f" },
                { "undisclosed-recipients:;", "" },
                { "Team: a@b.c, Ada <d@e.f>;, g@h.i", "a@b.c|\"Ada\" <d@e.f>|g@h.i" },
                { "Team: a@b.c; Other:d@e.f;", "a@b.c|d@e.f" },
                { "undisclosed-recipients:", "" },
                { "a@b.c, Nobody: ,", "a@b.c" },
                /* Folded; what begins like a header is text of this one. */
                { "a@b.c,\r\n d@e.f,\n\tg@h.i", "a@b.c|d@e.f|g@h.i" },
                { "Ada\r\n Lovelace <a@b.c>", "\"Ada Lovelace\" <a@b.c>" },
                { "\"Ada\r\n\tLovelace\" <a@b.c>", "\"Ada Lovelace\" <a@b.c>" },
                { "\r\n a@b.c\r\n ", "a@b.c" },
                { "a@b.c (Ada, of old)", "a@b.c" },
                { "(x (y) \\) z) a@b.c, (, q@r.s) d@e.f", "a@b.c|d@e.f" },
                { "\"a, (b) <c>; d: \\\" e\" <a@b.c>", "\"a, (b) <c>; d: \\\" e\" <a@b.c>" },
                { "\"x@y.z\" <a@b.c>", "\"x@y.z\" <a@b.c>" },
                { "\"a@b\"@c.d", "\"a@b\"@c.d" },
                { "Ada < a@b.c >", "\"Ada\" <a@b.c>" },
                /* A name that cannot be sent costs the name. */
                { "x@y.z <a@b.c>", "a@b.c" },
                { "a\\b <a@b.c>", "a@b.c" },
                /* And what has no address, or two, is nobody. */
                { "Ada", "has no '@': it is no address" },
                { "a@b.c, Ada", "has no '@': it is no address" },
                { "Ada; a@b.c", "has no '@': it is no address" },
                { "A <a@b.c> <d@e.f>",
                  "holds more than one address; give an array with one address in each string" },
                { "<@x,@y:a@b.c>", "has nothing before its '@'" },
                { "a@b@c",
                  "holds more than one address; give an array with one address in each string" },
                { "<a@b.c", "has a '<' without its '>'" },
                { "<a@b.c, d@e.f", "has a '<' without its '>'" },
                { "\"Ada <a@b.c>", "has a quote that is not closed" },
                { "(a@b.c", "" },
                { "a@[127.0.0.1]", "has an address literal for its domain" },
                { "Team: a@b.c", "has a group that is not closed" },
                { "Team: a@b.c, d@e.f", "has a group that is not closed" },
                { "a@b.c, Team; d@e.f: g@h.i;", "has no '@': it is no address" },
                { "Ada\r\n Bcc: d@e.f, <a@b.c>", "has a group that is not closed" },
                { "\"", "has a quote that is not closed" },
                { "\"\\", "has a quote that is not closed" },
                { "(\\", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer read = { 0 };

                buffer_puts(&read, "");
                read_all(cases[i].text, 100, &read);
                if (strcmp(read.data, cases[i].read) != 0)
                        fail_msg("'%s' gives: %s", cases[i].text, read.data);
        }
}

/* Wherever a line ends in it, nobody is read who stands behind that, and nobody before it. */
static void test_line_ends(void **state) {
        static const char *const ends[] = { "\r\n",    "\n",        "\r",           "\v",
                                            "\f",      "\xc2\x85",  "\xe2\x80\xa8", "\xe2\x80\xa9",
                                            "\r\r\n ", "\r\n\r\n ", "\r\nBcc: ",    "\nBcc: ",
                                            "\r ",     "\n\xc2\xa0" };
        static const char *const around[][2] = {
                { "a@b.c", "d@e.f" },
                { "a@b.c,", "d@e.f" },
                { "Ada", ", <a@b.c>" },
                { "Ada", "<a@b.c>" },
                { "Ada (", ") <a@b.c>" },
                { "\"Ada", "\" <a@b.c>" },
                { "Team", "x: a@b.c, d@e.f;" },
                { "<a", "@b.c>" },
                { "a@b.c", "" },
                { "", "a@b.c" },
        };

        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                for (size_t j = 0; j < ELEMENTSOF(around); j++) {
                        _cleanup_(buffer_done) struct buffer text = { 0 }, read = { 0 };

                        buffer_printf(&text, "%s%s%s", around[j][0], ends[i], around[j][1]);
                        read_all(text.data, 100, &read);
                        if (strcmp(read.data, "holds a line break or another control character") !=
                            0)
                                fail_msg("'%s' gives: %s", text.data, read.data);
                }
}

static void test_limit_of_number(void **state) {
        for (size_t n = 3; n <= 4; n++) {
                _cleanup_(buffer_done) struct buffer text = { 0 }, read = { 0 };

                for (size_t i = 0; i < n; i++)
                        buffer_puts(&text, "a@b.c, ");
                read_all(text.data, 3, &read);
                assert_string_equal(read.data, n == 3 ? "a@b.c|a@b.c|a@b.c" : "E2BIG");
        }
}

static void test_unfolded_text(void **state) {
        static const struct {
                const char *text, *unfolded; /* NULL: -EINVAL */
        } cases[] = {
                { "", "" },
                { " \t a \t ", "a" },
                { "a\r\n b\n\tc", "a b c" },
                { "a\r\n \r\n b", "a  b" },
                { "\r\n a\r\n ", "a" },
                { "a\r\n", NULL },
                { "a\r\nb", NULL },
                { "a\r\n\r\n b", NULL },
                { "a\r b", NULL },
                { "a\x01", NULL },
                { "\xff", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *text = NULL;
                const char *reason;

                if (mail_text_unfold(cases[i].text, &text, &reason) !=
                    (cases[i].unfolded ? 0 : -EINVAL))
                        fail_msg("case %zu: %s", i, text);
                if (text)
                        assert_string_equal(text, cases[i].unfolded);
        }
}

static void test_clean_text(void **state) {
        static const struct {
                const char *text;
                size_t max;
                const char *clean; /* NULL: -EINVAL */
        } cases[] = {
                { "", 9, "" },
                { " \t a\r\nb\x01 c \n", 99, "a  b  c" },
                { "a\xc2\x85"
                  "b\xe2\x80\xa8"
                  "c",
                  99, "a b c" },
                { "abcdef", 3, "abc" },
                { "ab\xc3\xa4", 3, "ab" },
                { "ab\xc3\xa4", 4, "ab\xc3\xa4" },
                { "ab cd", 3, "ab" },
                { "\xff", 9, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *clean = NULL;

                assert_int_equal(mail_text_clean(cases[i].text, cases[i].max, &clean),
                                 cases[i].clean ? 0 : -EINVAL);
                if (cases[i].clean)
                        assert_string_equal(clean, cases[i].clean);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lists),           cmocka_unit_test(test_line_ends),
                cmocka_unit_test(test_limit_of_number), cmocka_unit_test(test_unfolded_text),
                cmocka_unit_test(test_clean_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
