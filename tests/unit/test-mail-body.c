/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "mail/base64.h"
#include "mail/body.h"

#define A10 "aaaaaaaaaa"
#define A70 A10 A10 A10 A10 A10 A10 A10

static void test_texts(void **state) {
        static const struct {
                const char *text;
                enum body_encoding encoding;
                const char *written;
        } cases[] = {
                { "", BODY_7BIT, "" },
                { "a", BODY_7BIT, "a" },
                { "a\nb\rc\r\nd\n\re", BODY_7BIT, "a\r\nb\r\nc\r\nd\r\n\r\ne" },
                { "\n", BODY_7BIT, "\r\n" },
                { "a\tb = c", BODY_7BIT, "a\tb = c" },
                { A70 "aaaaaaaa", BODY_7BIT, A70 "aaaaaaaa" },
                { A70 "aaaaaaaaa", BODY_QUOTED_PRINTABLE, A70 "aaaaa=\r\naaaa" },
                { ".", BODY_QUOTED_PRINTABLE, "=2E" },
                { "a\n.\nb", BODY_QUOTED_PRINTABLE, "a\r\n=2E\r\nb" },
                { "..a", BODY_QUOTED_PRINTABLE, "=2E.a" },
                { "a.b", BODY_7BIT, "a.b" },
                { "From me\nfrom me", BODY_QUOTED_PRINTABLE, "=46rom me\r\nfrom me" },
                { "a \nb\t", BODY_QUOTED_PRINTABLE, "a=20\r\nb=09" },
                { "a=_b", BODY_QUOTED_PRINTABLE, "a=3D_b" },
                { "--=_mixed_0", BODY_QUOTED_PRINTABLE, "--=3D_mixed_0" },
                { "50\xe2\x82\xac for the lot", BODY_QUOTED_PRINTABLE, "50=E2=82=AC for the lot" },
                { "a\x1b[31m and much more than that", BODY_QUOTED_PRINTABLE,
                  "a=1B[31m and much more than that" },
                { A70 "aaaa\xc3\xa9"
                      "b",
                  BODY_QUOTED_PRINTABLE, A70 "aaaa=\r\n=C3=A9b" },
                { A70 "aaaaa.aa.", BODY_QUOTED_PRINTABLE, A70 "aaaaa=\r\n=2Eaa." },
                { "\xe2\x82\xac\xe2\x82\xac\n", BODY_BASE64, "4oKs4oKsDQo=" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer b = { 0 };
                struct body_plan plan = body_plan(cases[i].text);

                buffer_puts(&b, "");
                body_write(cases[i].text, plan.encoding, &b);
                assert_int_equal(buffer_error(&b), 0);
                assert_string_equal(b.data, cases[i].written);
                assert_int_equal(plan.encoding, cases[i].encoding);
                assert_true(plan.size + 5 >= b.size && plan.size <= b.size + 5);
        }
}

/* Whatever the text, nothing on the way gets to cut or mistake a line. */
static void test_lines_are_short_and_harmless(void **state) {
        static const char *const pieces[] = {
                "a", ".", "From ", " ", "=_", "\xc3\xa9", "\t", "\r"
        };

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++)
                for (size_t n = 1; n <= 2000; n = n < 90 ? n + 1 : n * 2) {
                        _cleanup_(buffer_done) struct buffer text = { 0 }, b = { 0 };
                        const char *end;

                        for (size_t k = 0; k < n; k++)
                                buffer_puts(&text, pieces[i]);
                        body_write(text.data, body_plan(text.data).encoding, &b);
                        assert_int_equal(buffer_error(&b), 0);
                        assert_null(strstr(b.data, "=_"));
                        for (const char *p = b.data;; p = end + 2) {
                                end = strstr(p, "\r\n");
                                assert_true((end ? (size_t)(end - p) : strlen(p)) <= 78);
                                assert_true(*p != '.' && strncmp(p, "From ", 5) != 0);
                                if (!end)
                                        break;
                                assert_true(end == p || (end[-1] != ' ' && end[-1] != '\t'));
                        }
                }
}

/* Many bytes are counted at a time: what stands where such blocks meet counts once, and as it is. */
static void test_plan_counts_everywhere(void **state) {
        static const struct {
                const char *piece;
                enum body_encoding encoding;
        } cases[] = {
                { "\n", BODY_7BIT },
                { "\r", BODY_7BIT },
                { "\r\n", BODY_7BIT },
                { "\n\r", BODY_7BIT },
                { "=", BODY_7BIT },
                { "=_", BODY_QUOTED_PRINTABLE },
                { "\ta", BODY_7BIT },
                { "\x1f", BODY_QUOTED_PRINTABLE },
                { "\x7f", BODY_QUOTED_PRINTABLE },
                { "\xc2\x80", BODY_QUOTED_PRINTABLE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t place = 0; place < 1000; place++) {
                        _cleanup_(buffer_done) struct buffer text = { 0 }, b = { 0 };
                        struct body_plan plan;

                        for (size_t k = 0; k <= 1000; k++)
                                buffer_puts(&text, k == place     ? cases[i].piece
                                                   : k % 32 == 31 ? "\n"
                                                                  : "a");
                        plan = body_plan(text.data);
                        assert_int_equal(plan.encoding, cases[i].encoding);
                        body_write(text.data, plan.encoding, &b);
                        if (plan.encoding == BODY_7BIT)
                                assert_int_equal(plan.size, b.size);
                        assert_in_range(plan.size, b.size, b.size + 50);
                }
}

/* RFC 4648 §10, and how they leave. */
static void test_base64(void **state) {
        static const struct {
                const char *bytes, *base64, *base64url;
        } cases[] = {
                { "", "", "" },
                { "f", "Zg==", "Zg" },
                { "fo", "Zm8=", "Zm8" },
                { "foo", "Zm9v", "Zm9v" },
                { "foob", "Zm9vYg==", "Zm9vYg" },
                { "fooba", "Zm9vYmE=", "Zm9vYmE" },
                { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
                { "\xff\xef\xfe", "/+/+", "_-_-" },
        };
        const char *reason;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer a = { 0 }, b = { 0 };

                base64_encode(cases[i].bytes, strlen(cases[i].bytes), &a);
                base64url_encode(cases[i].bytes, strlen(cases[i].bytes), &b);
                assert_string_equal(a.data, cases[i].base64);
                assert_string_equal(b.data, cases[i].base64url);
                assert_int_equal(base64_check(a.data, a.size, &reason), 0);
        }
}

static void test_base64_is_strict(void **state) {
        static const char *const refused[] = {
                "Z",
                "Zg",
                "Zm8",
                "Zg=",
                "Zg===",
                "Z===",
                "====",
                "=",
                "==",
                "Zg==Zg==",
                "Z=g=",
                "Zm9v\n",
                "Zm9v\r\n",
                " Zm9v",
                "Zm 9",
                "Zm9v====",
                "Zm9_",
                "Zm9-",
                "Zh==",
                "Zm9=",
                "Zm9\xc3",
                "Zm9,",
                "/etc/passwd",
                "data:;base64,Zm9v",
                "Zm9v\r\n--=_mixed\r\n",
        };
        const char *reason;

        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                if (base64_check(refused[i], strlen(refused[i]), &reason) != -EINVAL)
                        fail_msg("'%s' was taken", refused[i]);
        assert_int_equal(base64_check("Zg\0=", 4, &reason), -EINVAL);
}

static void test_base64_looks_at_every_digit(void **state) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789+/";
        const char *reason;
        char text[200];

        memset(text, 'A', sizeof(text));
        for (size_t place = 0; place < sizeof(text) - 2; place++) {
                for (int c = 0; c < 256; c++) {
                        text[place] = (char)c;
                        assert_int_equal(base64_check(text, sizeof(text), &reason),
                                         c > 0 && strchr(digits, c) ? 0 : -EINVAL);
                }
                text[place] = 'A';
        }
}

static void test_base64_lines(void **state) {
        char text[4 * 76];

        memset(text, 'A', sizeof(text));
        for (size_t size = 0; size <= sizeof(text); size += 4) {
                _cleanup_(buffer_done) struct buffer b = { 0 };
                const char *p;
                size_t n = 0, line;

                buffer_puts(&b, "");
                base64_wrap(text, size, &b);
                assert_int_equal(b.size, base64_wrapped_size(size));
                for (p = b.data; *p; p += line + (p[line] ? 2 : 0)) {
                        line = strcspn(p, "\r");
                        assert_true(line > 0 && line <= 76);
                        assert_true(!p[line] || (line == 76 && p[line + 1] == '\n' && p[line + 2]));
                        n += line;
                }
                assert_int_equal(n, size);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_lines_are_short_and_harmless),
                cmocka_unit_test(test_plan_counts_everywhere),
                cmocka_unit_test(test_base64),
                cmocka_unit_test(test_base64_is_strict),
                cmocka_unit_test(test_base64_looks_at_every_digit),
                cmocka_unit_test(test_base64_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
