/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json-scan.h"
#include "base/json.h"

/* A text of known size, since some hold a NUL. */
#define T(text) \
        { text, sizeof(text) - 1 }

struct text {
        const char *text;
        size_t size;
};

/* A copy with nothing behind it, so that a sanitizer sees a read past the end. */
static int scan(const char *text, size_t size, struct json_envelope *e, struct json_fault *fault) {
        char *copy = malloc(size ? size : 1);
        int r;

        assert_non_null(copy);
        memcpy(copy, text, size);
        r = json_scan(copy, size, e, fault);
        free(copy);
        return r;
}

static int scan_text(const char *text, size_t size) {
        struct json_fault fault = { 0 };
        struct json_envelope e;
        int r = scan(text, size, &e, &fault);

        assert_true(r == 0 || r == -EBADMSG);
        assert_int_equal(!fault.reason, r == 0);
        assert_true(fault.offset <= size);
        return r;
}

/* clang-format off */
static const struct text accepted[] = {
        /* one value, of each type, with all the white space there is */
        T("0"), T("-0"), T("null"), T("true"), T("false"), T("\"\""), T("[]"), T("{}"),
        T(" \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n} \t\r\n"),
        T("[[],{},[[]],[{}],\"\",0,null]"), T("{\"\":0}"), T("{\"a\":{\"a\":{\"a\":1}}}"),
        T("[{\"a\":1},{\"a\":1}]"), T("{\"a\":{\"b\":1},\"b\":2}"),
        /* numbers */
        T("[1,-1,10,0.5,-0.5,0.0,-0.0,1e1,1E1,1e+1,1e-1,0e0,0e9999,0.0e-9999,1.25e010]"),
        T("[1.7976931348623157e308,-1.7976931348623157E+308,1.7976931348623158e308]"),
        T("[0.00017976931348623157e312,179769313486231570000e288]"),
        T("[5e-324,2e-324,1e-999,-1e-999,1e-99999999999999999999999999,0e99999999999999999999]"),
        T("[9007199254740993,123456789012345678901234567890]"),
        /* strings: escapes, pairs, the borders of UTF-8 */
        T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uabCD\\uFfFf\""), T("\"\\u0001\\u001f\\u007f\""),
        T("\"\\ud800\\udc00\\uDBFF\\uDFFF\""), T("\"\\\\u0000\""), T("\"\\ud7ff\\ue000\""),
        T("\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
        T("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), T("\"\xef\xbb\xbf\""), T("\" \""), T("\"'/\""),
        T("\"1234567\xc3\xa9\""), T("\"12345678\xc3\xa9""12345678\\n\""),
        /* keys that differ, however little */
        T("{\"a\":1,\"A\":2,\"\":3,\"a \":4,\"\xc3\xa9\":5,\"e\xcc\x81\":6,\"aa\":7}"),
        T("{\"\\u0061\":1,\"\\u0062\":2,\"\\\\u0061\":3}"),
};

static const struct text refused[] = {
        /* nothing, half, too much */
        T(""), T(" "), T("\n"), T("{"), T("["), T("\""), T("\"a"), T("\"\\"), T("\"\\\""), T("}"),
        T("]"), T(","), T(":"), T("{]"), T("[}"), T("[1"), T("[1,"), T("{\"a\""), T("{\"a\":"),
        T("{\"a\":1"), T("{\"a\":1,"), T("[[]"), T("1 2"), T("{}{}"), T("{} x"), T("[]]"), T("{}}"),
        T("\"\"\"\""), T("1,"), T("{},"), T("null null"), T("{}\0"), T("{}\0\0"), T("\0"), T("1\0"),
        /* commas and colons */
        T("[,]"), T("[1,]"), T("[,1]"), T("[1,,2]"), T("[1 2]"), T("[1:2]"), T("[1;2]"),
        T("{,}"), T("{\"a\":1,}"), T("{,\"a\":1}"), T("{\"a\":1,,\"b\":2}"), T("{\"a\" 1}"),
        T("{\"a\":1 \"b\":2}"), T("{\"a\"::1}"), T("{\"a\":}"), T("{:1}"), T("{\"a\",1}"),
        T("{\"a\":1:2}"), T("{1:1}"), T("{null:1}"), T("{a:1}"), T("{'a':1}"), T("{\"a\"}"),
        T("{[]:1}"), T("{\"a\":1]"), T("[\"a\":1]"), T("{1}"),
        /* words */
        T("nul"), T("nulls"), T("Null"), T("NULL"), T("True"), T("tru"), T("falsy"), T("nan"),
        T("NaN"), T("Infinity"), T("-Infinity"), T("undefined"), T("[true false]"), T("truefalse"),
        /* numbers */
        T("-"), T("+1"), T("--1"), T("01"), T("-01"), T("00"), T("-00"), T(".5"), T("-.5"), T("1."),
        T("-1."), T("1.e1"), T("1e"), T("1e+"), T("1e-"), T("1e1.5"), T("1e1e1"), T("1.5.5"), T("1 .5"),
        T("0x10"), T("1_000"), T("1,000"), T("1a"), T("1e+-1"), T("- 1"), T("0e"), T("0.e1"), T("1f"),
        T("\xef\xbc\x91"), T("[1-]"), T("[-]"), T("[.1]"), T("[1.]"), T("[0123]"), T("[1e]"),
        T("1e999"), T("-1e999"), T("1e309"), T("1.7976931348623159e308"), T("1797693134862316e293"),
        T("-1.797693134862316e+308"), T("0.0001e313"), T("1e99999999999999999999999999"),
        T("[1E+400]"), T("{\"a\":1e999}"),
        /* white space that is none */
        T("\f{}"), T("\v{}"), T("{\f}"), T("[\v]"), T("\xc2\xa0{}"), T("{}\xe2\x80\xa8"), T("\xe2\x81\xa0[]"),
        /* comments */
        T("{}//"), T("{}#"), T("/**/{}"), T("[1/**/]"), T("#\n{}"),
        /* a byte order mark, and other encodings */
        T("\xef\xbb\xbf{}"), T("\xef\xbb\xbf"), T("\xef\xbb"), T("{\0}\0"), T("\xff\xfe{\0}\0"),
        T("\xfe\xff\0{\0}"), T("[\xef\xbb\xbf]"),
        /* strings: raw controls, NUL, escapes */
        T("\"\n\""), T("\"\r\""), T("\"\t\""), T("\"\x01\""), T("\"\x1f\""), T("\"a\0b\""), T("\"\0\""),
        T("\"12345678\n\""), T("\"1234567\0""12345678\""), T("\"\\u0000\""), T("\"a\\u0000b\""),
        T("{\"a\\u0000\":1}"), T("{\"a\0\":1}"), T("\"\\x41\""), T("\"\\0\""), T("\"\\'\""), T("\"\\a\""),
        T("\"\\v\""), T("\"\\U0041\""), T("\"\\u\""), T("\"\\u1\""), T("\"\\u12\""), T("\"\\u123\""),
        T("\"\\u123g\""), T("\"\\u-123\""), T("\"\\u 123\""), T("\"\\u00G0\""), T("\"\\\n\""), T("\"\\\0\""),
        T("\"\\u123"), T("\"\\u1234"), T("'a'"), T("\"\\\xc3\xa9\""), T("`a`"), T("\\u0061"), T("[\"\\\"]"),
        T("\"\\ ud800\""),
        /* surrogates: alone, half, the wrong way round, encoded */
        T("\"\\ud800\""), T("\"\\udbff\""), T("\"\\udc00\""), T("\"\\udfff\""), T("\"\\udc00\\ud800\""),
        T("\"\\ud800\\ud800\""), T("\"\\ud800a\""), T("\"\\ud800\\n\""), T("\"\\ud800\\u0041\""),
        T("\"\\ud800\\udc0\""), T("\"\\ud800\\\""), T("\"\\ud800\\u\""), T("\"\\ud800"), T("\"\\ud800\\ue000\""),
        T("\"\\ud800\\udbff\""), T("\"\xed\xa0\x80\""), T("\"\xed\xbf\xbf\""),
        T("\"\xed\xa0\x80\xed\xb0\x80\""), T("\"\\ud800\xed\xb0\x80\""),
        /* UTF-8: overlong, too high, cut, stray */
        T("\"\xc0\x80\""), T("\"\xc0\xaf\""), T("\"\xc1\xbf\""), T("\"\xe0\x80\xaf\""), T("\"\xe0\x9f\xbf\""),
        T("\"\xf0\x80\x80\xaf\""), T("\"\xf0\x8f\xbf\xbf\""), T("\"\xf4\x90\x80\x80\""), T("\"\xf5\x80\x80\x80\""),
        T("\"\xf8\x88\x80\x80\x80\""), T("\"\xfc\x84\x80\x80\x80\x80\""), T("\"\xfe\""), T("\"\xff\""),
        T("\"\x80\""), T("\"\xbf\""), T("\"\xc3\""), T("\"\xc3\xc3\""), T("\"\xe2\x82\""), T("\"\xe2\""),
        T("\"\xe2\x82\"\""), T("\"\xf0\x9f\x98\""), T("\"\xf0\x9f\""), T("\"\xf0\""), T("\"\xf0\x9f\x98\x61\""),
        T("\"\xe2\x28\xa1\""), T("\"\xe2\x82\x28\""), T("\"\xc3"), T("\"\xe2\x82"), T("\"\xf0\x9f\x98"),
        T("\xc3\xa9"), T("[\xc3\xa9]"), T("{\"\xff\":1}"), T("\"\xc3\xa9\xa9\""), T("\"\xe9\""),
        /* keys that stand twice: at each level, at either end, however written */
        T("{\"a\":1,\"a\":1}"), T("{\"a\":1,\"a\":2}"), T("{\"\":1,\"\":2}"), T("{\"op\":\"x\",\"op\":\"y\"}"),
        T("{\"token\":\"x\",\"id\":1,\"token\":\"y\"}"), T("{\"a\":{\"b\":1,\"b\":1}}"), T("[{\"a\":1,\"a\":1}]"),
        T("[[[{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}]]]"), T("{\"a\":1,\"b\":{\"c\":{}},\"a\":2}"),
        T("{\"a\":1,\"\\u0061\":2}"), T("{\"\\u0061\":1,\"a\":2}"), T("{\"\\u0061\":1,\"\\u0061\":2}"),
        T("{\"\\n\":1,\"\\u000a\":2}"), T("{\"\\/\":1,\"/\":2}"), T("{\"\\\\\":1,\"\\u005C\":2}"),
        T("{\"\xc3\xa9\":1,\"\\u00e9\":2}"), T("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}"),
        T("{\"\xe2\x82\xac\":1,\"\\u20AC\":2}"), T("{\"\\\"\":1,\"\\u0022\":2}"),
        T("{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"1\":0}"),
        T("{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"\\u0039\":0}"),
};
/* clang-format on */

static void test_accepts(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(accepted); i++) {
                _cleanup_(json_freep) cJSON *json = NULL;

                if (scan_text(accepted[i].text, accepted[i].size) != 0)
                        fail_msg("refused: %s", accepted[i].text);
                assert_int_equal(json_parse(accepted[i].text, accepted[i].size, &json, NULL), 0);
                assert_non_null(json);
        }
}

static void test_refuses(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                if (scan_text(refused[i].text, refused[i].size) != -EBADMSG)
                        fail_msg("accepted: %s", refused[i].text);
}

static void test_says_what_and_where(void **state) {
        /* clang-format off */
        static const struct { struct text text; const char *reason; size_t offset; } cases[] = {
                { T(""),                      "it ends too early",                            0  },
                { T("[1, 2"),                 "it ends too early",                            5  },
                { T("{\"a"),                  "it ends too early",                            3  },
                { T("\xef\xbb\xbf{}"),        "a byte order mark",                            0  },
                { T("[1 2]"),                 "a comma or the closing bracket was expected",  3  },
                { T("{a:1}"),                 "a key was expected",                           1  },
                { T("{\"a\",1}"),             "a colon was expected",                         4  },
                { T("[1,]"),                  "an unexpected character",                      3  },
                { T("[nul]"),                 "an unexpected character",                      1  },
                { T("{}\0"),                  "more than one value",                          2  },
                { T("[01]"),                  "not a number as JSON writes it",               1  },
                { T("[1x]"),                  "not a number as JSON writes it",               2  },
                { T("[0,1e999]"),             "a number outside the double range",            3  },
                { T("\"ab\n\""),              "a raw control character in a string",          3  },
                { T("\"ab\\x\""),             "no such escape in a string",                   3  },
                { T("\"ab\\u0000\""),         "U+0000 in a string",                           3  },
                { T("\"\\ud800\""),           "a lone surrogate in a string",                 1  },
                { T("\"\xc3\xa9\xff\""),      "invalid UTF-8",                                3  },
                { T("{\"a\":1,\"b\":{\"a\":1,\"a\":2}}"), "a key that stands twice in its object", 19 },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct json_envelope e;
                struct json_fault fault;

                assert_int_equal(scan(cases[i].text.text, cases[i].text.size, &e, &fault),
                                 -EBADMSG);
                assert_string_equal(fault.reason, cases[i].reason);
                assert_int_equal(fault.offset, cases[i].offset);
        }
}

/* Told by the size alone: not a byte is read. */
static void test_size_limit(void **state) {
        struct json_envelope e;
        struct json_fault fault;

        assert_int_equal(json_scan("1", (size_t)INT32_MAX + 1, &e, &fault), -EBADMSG);
        assert_string_equal(fault.reason, "longer than 2 GiB");
}

/* A line that was cut off must never pass for another. */
static void test_refuses_every_beginning(void **state) {
        static const char whole[] = "{\"a\":[1,-2.5e3,\"x\\u20ac\\ud83d\\ude00\\n\xe2\x82\xac\"],"
                                    "\"b\":{\"c\":null,\"d\":true,\"e\":false}}";

        assert_int_equal(scan_text(whole, sizeof(whole) - 1), 0);
        for (size_t size = 0; size < sizeof(whole) - 1; size++)
                assert_int_equal(scan_text(whole, size), -EBADMSG);
}

/* What stands in the way of the eight-byte steps, at each place in them. */
static void test_finds_bad_bytes_at_each_place(void **state) {
        static const unsigned char bad[] = { 0, 1, 0x1f, '\n', 0x80, 0xc0, 0xed, 0xff, '\\' };
        char text[48];

        for (size_t at = 1; at < sizeof(text) - 1; at++) {
                memset(text, 'a', sizeof(text));
                text[0] = text[sizeof(text) - 1] = '"';
                assert_int_equal(scan_text(text, sizeof(text)), 0);
                for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                        text[at] = (char)bad[i];
                        assert_int_equal(scan_text(text, sizeof(text)), -EBADMSG);
                }
                text[at] = '"';
                if (at < sizeof(text) - 1)
                        assert_int_equal(scan_text(text, sizeof(text)), -EBADMSG);
        }
}

/* By comparing with all there is: each code point, in UTF-8 and as an escape. */
static void test_each_code_point(void **state) {
        for (unsigned code = 0; code <= 0x110000; code++) {
                bool surrogate = code >= 0xd800 && code < 0xe000;
                unsigned char text[8] = "\"";
                struct json_fault fault;
                struct json_envelope e;
                size_t n = 1;
                int r;

                if (code >= 0x10000) {
                        text[n++] = (unsigned char)(0xf0 | code >> 18);
                        text[n++] = (unsigned char)(0x80 | (code >> 12 & 0x3f));
                } else if (code >= 0x800)
                        text[n++] = (unsigned char)(0xe0 | code >> 12);
                if (code >= 0x800)
                        text[n++] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
                else if (code >= 0x80)
                        text[n++] = (unsigned char)(0xc0 | code >> 6);
                text[n++] = (unsigned char)(code >= 0x80 ? 0x80 | (code & 0x3f) : code);
                text[n++] = '"';

                r = json_scan((char *)text, n, &e, &fault);
                assert_int_equal(r == 0, code >= 0x20 && code != '"' && code != '\\' &&
                                                         !surrogate && code <= 0x10ffff);
        }
}

/* n brackets, and half of them closing. */
static char *nested(size_t n, char open, size_t *ret_size) {
        struct buffer b = { 0 };
        char *text;

        for (size_t i = 0; i < n; i++)
                buffer_puts(&b, open == '{' && i > 0 ? "\"a\":{" : open == '{' ? "{" : "[");
        for (size_t i = 0; i < n; i++)
                buffer_putc(&b, open == '{' ? '}' : ']');
        assert_int_equal(buffer_take(&b, &text, ret_size), 0);
        return text;
}

static void test_depth(void **state) {
        static const struct {
                size_t depth;
                int r;
        } cases[] = { { 1, 0 }, { 63, 0 }, { 64, 0 }, { 65, -EBADMSG }, { 1000000, -EBADMSG } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (const char *open = "[{"; *open; open++) {
                        size_t size;
                        char *text = nested(cases[i].depth, *open, &size);

                        assert_int_equal(scan_text(text, size), cases[i].r);
                        assert_int_equal(scan_text(text, size / 2), -EBADMSG);
                        free(text);
                }
}

/* Depth is where one stands, not how many brackets there were. */
static void test_depth_is_given_back(void **state) {
        struct buffer b = { 0 };

        buffer_puts(&b, "[0");
        for (int i = 0; i < 1000; i++)
                buffer_puts(&b, ",[[{\"a\":[]},{}]]");
        buffer_putc(&b, ']');
        assert_int_equal(scan_text(b.data, b.size), 0);
        buffer_done(&b);
}

/* "head", n times "body", "tail". */
static void repeat(struct buffer *b, const char *head, const char *body, size_t n,
                   const char *tail) {
        buffer_puts(b, head);
        for (size_t i = 0; i < n; i++)
                buffer_puts(b, body);
        buffer_puts(b, tail);
        assert_int_equal(buffer_error(b), 0);
}

static void test_long_numbers(void **state) {
        static const struct {
                const char *head, *digit, *tail;
                int r;
                double value; /* where it is accepted */
        } cases[] = {
                { "1", "0", "", -EBADMSG, 0 },
                { "-", "9", "", -EBADMSG, 0 },
                { "1", "0", "e-99999", 0, 10 },
                { "", "1", "e-100000", 0, 0.1111111111111111 },
                { "", "9", "e-99691", -EBADMSG, 0 },
                { "", "9", "e-99692", 0, 1e308 },
                { "0.", "0", "1", 0, 0 },
                { "0.", "0", "1e100001", 0, 1 },
                { "0.", "0", "1e100310", -EBADMSG, 0 },
                { "0.", "0", "1e100309", 0, 1e308 },
                { "0.", "3", "", 0, 0.3333333333333333 },
                { "1e-", "9", "", 0, 0 },
                { "1e+", "9", "", -EBADMSG, 0 },
                { "1e", "0", "", 0, 1 },
                { "1e-", "0", "5", 0, 1e-5 },
                { "0e", "9", "", 0, 0 },
                { "1.7976931348623158", "0", "e308", 0, 1.7976931348623157e308 },
                { "1.7976931348623158", "9", "e308", -EBADMSG, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer b = { 0 };
                _cleanup_(json_freep) cJSON *json = NULL;

                repeat(&b, cases[i].head, cases[i].digit, 100000, cases[i].tail);
                if (scan_text(b.data, b.size) != cases[i].r)
                        fail_msg("%s%s…%s", cases[i].head, cases[i].digit, cases[i].tail);
                if (cases[i].r < 0)
                        continue;
                assert_int_equal(json_parse(b.data, b.size, &json, NULL), 0);
                assert_true(cJSON_IsNumber(json));
                assert_true(fabs(json->valuedouble - cases[i].value) <= cases[i].value * 1e-15);
        }
}

/* Half way between the largest double and 2^1024, and from there on, is out of range. */
#define BELOW_HALF_WAY \
        "17976931348623158079372897140530341507993413271003782693617377898044496829276475" \
        "09466490179775872070963302864166928879109465555478519404026306574886715058206819" \
        "08902000708383676273854845817711531764475730270069855571366959622842914819860834" \
        "93647529271907416844436551070434271155969950809304288017790417449779"

static void test_the_edge_of_the_range(void **state) {
        /* clang-format off */
        static const struct { const char *text; int r; } cases[] = {
                { BELOW_HALF_WAY "1", 0 },
                { BELOW_HALF_WAY "2", -EBADMSG },
                { BELOW_HALF_WAY "1.999999999999999999999999", 0 },
                { BELOW_HALF_WAY "2.0", -EBADMSG },
                { "-" BELOW_HALF_WAY "2", -EBADMSG },
                { "0." BELOW_HALF_WAY "1e309", 0 },
                { "0." BELOW_HALF_WAY "2e309", -EBADMSG },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(scan_text(cases[i].text, strlen(cases[i].text)), cases[i].r);
}

static void add_keys(struct buffer *b, const char *prefix, size_t n) {
        for (size_t i = 0; i < n; i++)
                buffer_printf(b, "%s\"%s%zu\":0", i > 0 ? "," : "", prefix, i);
}

/* The last key repeats key `twice`; the counts lie around the places where the method changes. */
static void test_many_keys(void **state) {
        static const size_t counts[] = { 2, 7, 8, 9, 47, 48, 49, 50, 256, 1000, 200000 };

        for (size_t i = 0; i < ELEMENTSOF(counts); i++) {
                size_t n = counts[i], twice[] = { 0, 1, n / 2, n - 1 };
                struct buffer b = { 0 };
                size_t size;

                buffer_putc(&b, '{');
                add_keys(&b, "key", n);
                size = b.size;
                buffer_putc(&b, '}');
                assert_int_equal(buffer_error(&b), 0);
                assert_int_equal(scan_text(b.data, b.size), 0);

                for (size_t k = 0; k < ELEMENTSOF(twice); k++) {
                        struct json_envelope e;
                        struct json_fault fault;

                        b.size = size;
                        buffer_printf(&b, ",\"\\u006bey%zu\":0}", twice[k]);
                        assert_int_equal(json_scan(b.data, b.size, &e, &fault), -EBADMSG);
                        assert_int_equal(fault.offset, size + 2); /* the later one */
                }
                buffer_done(&b);
        }
}

/* All keys alike but for their end, and all the same: what a bad sort or hash would choke on. */
static void test_hostile_keys(void **state) {
        char prefix[1001];
        struct buffer b = { 0 };

        memset(prefix, 'x', sizeof(prefix) - 1);
        prefix[sizeof(prefix) - 1] = 0;
        buffer_putc(&b, '{');
        add_keys(&b, prefix, 10000);
        buffer_putc(&b, '}');
        assert_int_equal(scan_text(b.data, b.size), 0);

        buffer_clear(&b);
        repeat(&b, "{\"a\":0", ",\"a\":0", JSON_MAX_VALUES - 2, "}");
        assert_int_equal(scan_text(b.data, b.size), -EBADMSG);

        buffer_clear(&b);
        repeat(&b, "[{}", ",{\"a\":0}", JSON_MAX_VALUES / 2 - 1, "]");
        assert_int_equal(scan_text(b.data, b.size), 0);
        buffer_done(&b);
}

/* A tree takes far more memory than the text it is made of, so that values are counted. */
static void test_many_values(void **state) {
        static const struct {
                const char *head, *value, *tail;
                size_t n_others, n_each; /* values */
        } cases[] = {
                { "[0", ",0", "]", 2, 1 },
                { "[[]", ",{}", "]", 2, 1 },
                { "[[[\"\"", ",null", "]]]", 4, 1 },
                { "[0", ",[true]", "]", 2, 2 },
                { "[0", ",{\"a\":{}}", ",0]", 3, 2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t n = (JSON_MAX_VALUES - cases[i].n_others) / cases[i].n_each;
                struct buffer b = { 0 };

                repeat(&b, cases[i].head, cases[i].value, n, cases[i].tail);
                assert_int_equal(scan_text(b.data, b.size), 0);
                buffer_clear(&b);
                repeat(&b, cases[i].head, cases[i].value, n + 1, cases[i].tail);
                assert_int_equal(scan_text(b.data, b.size), -EBADMSG);
                buffer_done(&b);
        }
}

/* Open objects share one array of keys: an inner one must neither see nor lose an outer one's. */
static void test_keys_of_nested_objects(void **state) {
        struct buffer b = { 0 };
        size_t size;

        buffer_putc(&b, '{');
        add_keys(&b, "outer", 100);
        buffer_puts(&b, ",\"in\":{");
        add_keys(&b, "outer", 200);
        buffer_puts(&b, "},");
        add_keys(&b, "later", 100);
        size = b.size;
        buffer_putc(&b, '}');
        assert_int_equal(scan_text(b.data, b.size), 0);

        b.size = size;
        buffer_puts(&b, ",\"outer7\":0}");
        assert_int_equal(scan_text(b.data, b.size), -EBADMSG);
        buffer_done(&b);
}

static void assert_found(const struct json_envelope *e, const char *name, const char *text) {
        const struct json_slice *s = json_envelope_find(e, name);

        if (!text) {
                assert_null(s);
                return;
        }
        assert_non_null(s);
        assert_int_equal(s->size, strlen(text));
        assert_memory_equal(s->text, text, s->size);
}

static void test_envelope(void **state) {
        static const char text[] =
                        " { \"id\" : \"7\" ,\"pay\\u006coad\":{\"id\":1,\"b\":[2]}, \"n\":-12,"
                        "\"t\":true,\"f\":false,\"z\":null,\"l\":[{\"id\":2}] } ";
        static const enum json_type types[] = { JSON_STRING, JSON_OBJECT, JSON_NUMBER, JSON_TRUE,
                                                JSON_FALSE,  JSON_NULL,   JSON_ARRAY };
        struct json_envelope e;
        struct json_fault fault;

        assert_int_equal(json_scan(text, sizeof(text) - 1, &e, &fault), 0);
        assert_int_equal(e.root.type, JSON_OBJECT);
        assert_ptr_equal(e.root.text, text + 1);
        assert_int_equal(e.root.size, sizeof(text) - 1 - 2);
        assert_false(e.has_big_integer);
        assert_int_equal(e.n_members, ELEMENTSOF(types));
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                assert_int_equal(e.members[i].value.type, types[i]);

        assert_found(&e, "id", "\"7\"");
        assert_found(&e, "payload", "{\"id\":1,\"b\":[2]}");
        assert_found(&e, "n", "-12");
        assert_found(&e, "l", "[{\"id\":2}]");
        assert_found(&e, "b", NULL);
        assert_found(&e, "ID", NULL);
        assert_found(&e, "i", NULL);
        assert_found(&e, "idx", NULL);
        assert_found(&e, "", NULL);
}

/* An error should carry the id of the line, so what was read whole before the fault is kept. */
static void test_envelope_of_refused_lines(void **state) {
        /* clang-format off */
        static const struct { const char *text, *id; size_t n_members; } cases[] = {
                { "{\"id\":\"7\",\"a\":[1,}",              "\"7\"", 1 },
                { "{\"id\":\"7\"",                         "\"7\"", 1 },
                { "{\"id\":\"7\" \"a\"",                   "\"7\"", 1 },
                { "{\"id\":7,\"a\":1e999}",                "7",     1 },
                { "{\"id\":7,\"a\":{\"b\":1,\"b\":1}}",    "7",     1 },
                { "{\"id\":7,\"a\":1,\"a\":2}",            "7",     3 },
                { "{\"id\":7,\"\\u0069d\":7}",             NULL,    2 },
                { "{\"id\":7}x",                           "7",     1 },
                { "{\"id\":7",                             NULL,    0 }, /* 7, or 75? */
                { "{\"id\":7x}",                           NULL,    0 },
                { "{\"id\":7 x}",                          "7",     1 },
                { "{\"id\":\"7",                           NULL,    0 },
                { "{\"id\":[1,2",                          NULL,    0 },
                { "{\"id\":{\"a\":1,\"a\":2}}",            NULL,    0 },
                { "{\"id\"",                               NULL,    0 },
                { "[{\"id\":7,}]",                         NULL,    0 },
                { "[\"id\",7",                             NULL,    0 },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct json_envelope e;
                struct json_fault fault;

                assert_int_equal(json_scan(cases[i].text, strlen(cases[i].text), &e, &fault),
                                 -EBADMSG);
                assert_found(&e, "id", cases[i].id);
                assert_int_equal(e.n_members, cases[i].n_members);
                assert_found(&e, "a", NULL); /* never whole, or not alone */
        }
}

static void test_envelope_is_bounded(void **state) {
        for (size_t n = JSON_ENVELOPE_MAX - 1; n <= JSON_ENVELOPE_MAX + 1; n++) {
                struct buffer b = { 0 };
                struct json_envelope e;
                struct json_fault fault;

                buffer_putc(&b, '{');
                add_keys(&b, "k", n);
                buffer_putc(&b, '}');
                assert_int_equal(json_scan(b.data, b.size, &e, &fault), 0);
                assert_int_equal(e.n_members, n < JSON_ENVELOPE_MAX ? n : JSON_ENVELOPE_MAX);
                buffer_done(&b);
        }
}

static void test_roots_without_members(void **state) {
        static const char *const texts[] = { "[{\"id\":1}]", "7", "\"id\"", "{}", " null " };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                struct json_envelope e;
                struct json_fault fault;

                assert_int_equal(json_scan(texts[i], strlen(texts[i]), &e, &fault), 0);
                assert_int_equal(e.n_members, 0);
                assert_null(json_envelope_find(&e, "id"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accepts),
                cmocka_unit_test(test_refuses),
                cmocka_unit_test(test_says_what_and_where),
                cmocka_unit_test(test_size_limit),
                cmocka_unit_test(test_refuses_every_beginning),
                cmocka_unit_test(test_finds_bad_bytes_at_each_place),
                cmocka_unit_test(test_each_code_point),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_depth_is_given_back),
                cmocka_unit_test(test_long_numbers),
                cmocka_unit_test(test_the_edge_of_the_range),
                cmocka_unit_test(test_many_keys),
                cmocka_unit_test(test_hostile_keys),
                cmocka_unit_test(test_keys_of_nested_objects),
                cmocka_unit_test(test_many_values),
                cmocka_unit_test(test_envelope),
                cmocka_unit_test(test_envelope_of_refused_lines),
                cmocka_unit_test(test_envelope_is_bounded),
                cmocka_unit_test(test_roots_without_members),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
