/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "mail/address.h"
#include "mail/header.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

/* No line is over 78 columns or without CRLF, and none but the first begins a header. */
static void assert_header(const struct buffer *b) {
        const char *p = b->data, *end;

        assert_int_equal(strlen(b->data), b->size);
        assert_true(b->size > 2 && strcmp(b->data + b->size - 2, "\r\n") == 0);
        for (; *p; p = end + 2) {
                end = strstr(p, "\r\n");
                assert_non_null(end);
                assert_null(memchr(p, '\n', (size_t)(end - p)));
                assert_null(memchr(p, '\r', (size_t)(end - p)));
                assert_true(end - p <= 78);
                assert_true(p == b->data || *p == ' ');
                for (const char *c = p; c < end; c++)
                        assert_true((unsigned char)*c < 0x80);
        }
}

static void test_text(void **state) {
        static const struct {
                const char *value, *line;
        } cases[] = {
                { "", "S:\r\n" },
                { "Hello", "S: Hello\r\n" },
                { "Hello, world: 50% = half", "S: Hello, world: 50% = half\r\n" },
                { A60 " " A10 " " A10, "S: " A60 " " A10 "\r\n " A10 "\r\n" },
                { A60, "S: " A60 "\r\n" },
                { A60 "a", "S: =?utf-8?q?" A60 "a?=\r\n" },
                { A60 A10, "S: =?utf-8?q?" A60 "a?=\r\n =?utf-8?q?aaaaaaaaa?=\r\n" },
                { "H\xc3\xa9llo you", "S: =?utf-8?q?H=C3=A9llo_you?=\r\n" },
                { "\xe2\x82\xac\xe2\x82\xac", "S: =?utf-8?b?4oKs4oKs?=\r\n" },
                { "=?utf-8?q?x?=", "S: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?=\r\n" },
                { "a  b", "S: =?utf-8?q?a__b?=\r\n" },
                { " a", "S: =?utf-8?q?_a?=\r\n" },
                { "a ", "S: =?utf-8?q?a_?=\r\n" },
                { " ", "S: =?utf-8?q?_?=\r\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer b = { 0 };

                assert_int_equal(header_text(&b, "S", cases[i].value), 0);
                assert_header(&b);
                assert_string_equal(b.data, cases[i].line);
        }
}

/* A character that is cut between two encoded-words cannot be read. */
static void test_encoded_words_hold_whole_characters(void **state) {
        static const char *const characters[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

        for (size_t i = 0; i < ELEMENTSOF(characters); i++)
                for (size_t shift = 0; shift < 80; shift++) {
                        _cleanup_(buffer_done) struct buffer text = { 0 }, b = { 0 };
                        size_t octets = strlen(characters[i]);

                        for (size_t k = 0; k < shift; k++)
                                buffer_putc(&text, 'x');
                        for (size_t k = 0; k < 40; k++)
                                buffer_puts(&text, characters[i]);
                        assert_int_equal(header_text(&b, "Subject", text.data), 0);
                        assert_header(&b);

                        for (char *w = strstr(b.data, "=?"); w; w = strstr(w + 2, " =?")) {
                                size_t n = strcspn(w + 12, "?"), n_octets = 0;

                                w += *w == ' ';
                                assert_true(strcspn(w, "\r") <= 75);
                                if (w[8] == 'b')
                                        continue; /* the judge in tests/integration reads those */
                                for (size_t k = 10; k < 10 + n; k++)
                                        n_octets += w[k] == '=';
                                assert_int_equal(n_octets % octets, 0);
                        }
                }
}

static void test_mailboxes_fold(void **state) {
        struct mailbox list[] = {
                { NULL, (char *)"a@b.c" },
                { (char *)"Ada King", (char *)"ada@example.com" },
                { (char *)"Doe, \"John\" \\", (char *)"john@example.com" },
                { (char *)"J\xc3\xbcrgen", (char *)"j@example.com" },
                { (char *)"=?utf-8?q?x?=", (char *)"x@example.com" },
                { (char *)A60 A60, (char *)"long@example.com" },
        };
        _cleanup_(buffer_done) struct buffer b = { 0 };

        assert_int_equal(header_mailboxes(&b, "To", list, 0), 0);
        assert_int_equal(b.size, 0);
        assert_int_equal(header_mailboxes(&b, "To", list, ELEMENTSOF(list)), 0);
        assert_header(&b);
        assert_string_equal(
                        b.data,
                        "To: a@b.c, \"Ada King\" <ada@example.com>, \"Doe, \\\"John\\\" \\\\\"\r\n"
                        " <john@example.com>, =?utf-8?q?J=C3=BCrgen?= <j@example.com>,\r\n"
                        " =?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <x@example.com>,"
                        " =?utf-8?q?aaaaaaaaaaaaa?=\r\n"
                        " =?utf-8?q?" A60 "aaa?=\r\n"
                        " =?utf-8?q?" A10 A10 A10 A10 "aaaa?= <long@example.com>\r\n");
}

static void test_attachment_names(void **state) {
        static const struct {
                const char *filename, *line;
        } cases[] = {
                { "a.txt", "Content-Disposition: attachment; filename=\"a.txt\"\r\n" },
                { "my file.txt", "Content-Disposition: attachment; filename=\"my file.txt\"\r\n" },
                { "r\xc3\xa9sum\xc3\xa9.pdf",
                  "Content-Disposition: attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf;\r\n"
                  " filename=\"r_sum_.pdf\"\r\n" },
                { "a\"; x=\"b",
                  "Content-Disposition: attachment; filename*=utf-8''a%22%3B%20x%3D%22b;\r\n"
                  " filename=\"a_; x__b\"\r\n" },
                { "=?utf-8?q?x?=", "Content-Disposition: attachment; "
                                   "filename*=utf-8''%3D%3Futf-8%3Fq%3Fx%3F%3D;\r\n"
                                   " filename=\"__utf-8_q_x__\"\r\n" },
                { A60 ".txt", "Content-Disposition: attachment;\r\n"
                              " filename*0*=utf-8''aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;\r\n"
                              " filename*1*=aaaaaaaaaaaaaaaaaaaaaaa.txt\r\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer b = { 0 };

                assert_int_equal(header_attachment(&b, cases[i].filename), 0);
                assert_header(&b);
                assert_string_equal(b.data, cases[i].line);
        }
}

/* What the schema and the adapter have refused already is refused here again, and not written. */
static void test_injection_is_never_written(void **state) {
        static const char *const values[] = {
                "x\r\nBcc: evil@example.com",
                "x\nBcc: evil@example.com",
                "x\rBcc: y",
                "\n",
                "x\r",
                "x\tb",
                "x\x01",
                "x\x1b[31m",
                "x\x7f",
                "x\xc2\x80",
                "x\xc2\x85y",
                "x\xe2\x80\xa8y",
                "x\xe2\x80\xa9y",
                "x\xff",
                "x\xc0\x8d\xc0\x8a",
                "x\xe2\x80",
        };
        _cleanup_(buffer_done) struct buffer b = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                char *value = (char *)values[i];
                struct mailbox named[] = { { NULL, (char *)"a@b.c" }, { value, (char *)"a@b.c" } };
                struct mailbox bare[] = { { NULL, value } };

                assert_int_equal(header_text(&b, "Subject", value), -EINVAL);
                assert_int_equal(header_mailboxes(&b, "To", named, 2), -EINVAL);
                assert_int_equal(header_mailboxes(&b, "To", bare, 1), -EINVAL);
                assert_int_equal(header_attachment(&b, value), -EINVAL);
                assert_int_equal(header_token(&b, "X", value), -EINVAL);
                assert_int_equal(b.size, 0);
        }
        assert_int_equal(header_token(&b, "X", "a b"), -EINVAL);
        assert_int_equal(b.size, 0);
}

static void test_token_limit(void **state) {
        _cleanup_(buffer_done) struct buffer b = { 0 };
        char token[902] = { 0 };

        memset(token, 'a', 901);
        assert_int_equal(header_token(&b, "X", token), -EINVAL);
        assert_int_equal(b.size, 0);
        token[900] = 0;
        assert_int_equal(header_token(&b, "X", token), 0);
        assert_int_equal(b.size, 900 + strlen("X: \r\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_encoded_words_hold_whole_characters),
                cmocka_unit_test(test_mailboxes_fold),
                cmocka_unit_test(test_attachment_names),
                cmocka_unit_test(test_injection_is_never_written),
                cmocka_unit_test(test_token_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
