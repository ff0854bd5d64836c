/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json-number.h"
#include "base/json.h"
#include "everywhere.h"

static cJSON *parse(const char *text) {
        cJSON *json = NULL;

        if (json_parse(text, strlen(text), &json, NULL) < 0)
                fail_msg("refused: %s", text);
        return json;
}

static void append(const char *text, size_t size, void *userdata) {
        buffer_append(userdata, text, size);
}

static void assert_prints(const char *text, const char *plain, const char *canonical) {
        _cleanup_(json_freep) cJSON *json = parse(text);
        struct buffer b = { 0 };

        json_print(json, &b);
        assert_int_equal(buffer_error(&b), 0);
        assert_string_equal(b.data, plain);
        buffer_clear(&b);
        assert_int_equal(json_print_canonical(json, append, &b), 0);
        assert_string_equal(b.data, canonical);
        buffer_done(&b);
}

/* RFC 8785, appendix B, and the borders of each of Number::toString's forms. */
static void test_numbers(void **state) {
        /* clang-format off */
        static const struct { uint64_t bits; const char *text; } cases[] = {
                { 0x0000000000000000, "0" },
                { 0x8000000000000000, "0" },
                { 0x0000000000000001, "5e-324" },
                { 0x8000000000000001, "-5e-324" },
                { 0x7fefffffffffffff, "1.7976931348623157e+308" },
                { 0xffefffffffffffff, "-1.7976931348623157e+308" },
                { 0x4340000000000000, "9007199254740992" },
                { 0xc340000000000000, "-9007199254740992" },
                { 0x4430000000000000, "295147905179352830000" },
                { 0x44b52d02c7e14af5, "9.999999999999997e+22" },
                { 0x44b52d02c7e14af6, "1e+23" },
                { 0x44b52d02c7e14af7, "1.0000000000000001e+23" },
                { 0x444b1ae4d6e2ef4e, "999999999999999700000" },
                { 0x444b1ae4d6e2ef4f, "999999999999999900000" },
                { 0x444b1ae4d6e2ef50, "1e+21" },
                { 0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7" },
                { 0x3eb0c6f7a0b5ed8d, "0.000001" },
                { 0x41b3de4355555553, "333333333.3333332" },
                { 0x41b3de4355555554, "333333333.33333325" },
                { 0x41b3de4355555555, "333333333.3333333" },
                { 0x41b3de4355555556, "333333333.3333334" },
                { 0x41b3de4355555557, "333333333.33333343" },
                { 0xbecbf647612f3696, "-0.0000033333333333333333" },
                { 0x43143ff3c1cb0959, "1424953923781206.2" },
                /* not finite */
                { 0x7fffffffffffffff, "null" },
                { 0x7ff0000000000000, "null" },
                { 0xfff0000000000000, "null" },
                /* a power of two, where the nearest 16 digits do not read back */
                { 0x3d30000000000000, "5.684341886080802e-14" },
                { 0x0010000000000000, "2.2250738585072014e-308" },
                { 0x000fffffffffffff, "2.225073858507201e-308" },
                { 0x0000000000000002, "1e-323" },
                { 0x433fffffffffffff, "9007199254740991" },
                { 0x4340000000000001, "9007199254740994" },
                { 0x3fb999999999999a, "0.1" },
                { 0x3fd5555555555555, "0.3333333333333333" },
                { 0x3ff0000000000001, "1.0000000000000002" },
                { 0xc05edd2f1a9fbe77, "-123.456" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[JSON_NUMBER_SIZE];
                double value, back;
                size_t n;

                memcpy(&value, &cases[i].bits, sizeof(value));
                n = json_number_print(value, text);
                assert_string_equal(text, cases[i].text);
                assert_int_equal(n, strlen(text));

                if (!isfinite(value))
                        continue;
                back = json_number_value(text, n);
                assert_false(back < value || back > value);
        }
}

/* What reads back the same cannot be wrong; that it is the shortest, the table above shows. */
static void test_numbers_read_back(void **state) {
        uint64_t bits = 0x9e3779b97f4a7c15;

        for (int i = 0; i < 50000; i++) {
                char text[JSON_NUMBER_SIZE];
                double value, back;
                size_t n;

                bits ^= bits << 13;
                bits ^= bits >> 7;
                bits ^= bits << 17;
                memcpy(&value, &bits, sizeof(value));
                if (!isfinite(value))
                        continue;

                n = json_number_print(value, text);
                back = json_number_value(text, n);
                assert_memory_equal(&back, &value, sizeof(value));
        }
}

/* Half way between two doubles the digit that decides may stand behind hundreds of zeroes. */
static void test_number_values(void **state) {
        static const char half[] = "1.00000000000000011102230246251565404236316680908203125";
        static const struct {
                size_t n_zeroes;
                const char *tail;
                double value;
        } cases[] = {
                { 0, "", 1.0 },
                { 100, "1", 0x1.0000000000001p0 },
                { 715, "1", 0x1.0000000000001p0 },
                { 100000, "", 1.0 },
                { 100000, "1", 0x1.0000000000001p0 },
                { 100000, "1e1", 10.000000000000002 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct buffer b = { 0 };
                double value;

                buffer_puts(&b, half);
                for (size_t k = 0; k < cases[i].n_zeroes; k++)
                        buffer_putc(&b, '0');
                buffer_puts(&b, cases[i].tail);
                value = json_number_value(b.data, b.size);
                assert_memory_equal(&value, &cases[i].value, sizeof(value));
                buffer_done(&b);
        }
}

static void test_prints(void **state) {
        /* clang-format off */
        static const struct { const char *text, *plain, *canonical; } cases[] = {
                { "null", "null", "null" },
                { " [ true , false , { } , [ ] , \"\" ] ", "[true,false,{},[],\"\"]",
                  "[true,false,{},[],\"\"]" },
                { "{\"b\":1,\"a\":{\"d\":1,\"c\":2},\"\":0}", "{\"b\":1,\"a\":{\"d\":1,\"c\":2},\"\":0}",
                  "{\"\":0,\"a\":{\"c\":2,\"d\":1},\"b\":1}" },
                { "{\"ab\":1,\"a\":2,\"B\":3,\"aa\":4}", "{\"ab\":1,\"a\":2,\"B\":3,\"aa\":4}",
                  "{\"B\":3,\"a\":2,\"aa\":4,\"ab\":1}" },
                { "[1.0,-0,1E2,100e-2,0.1e1,9007199254740991]", "[1,0,100,1,1,9007199254740991]",
                  "[1,0,100,1,1,9007199254740991]" },
                /* RFC 8785 §3.2.2: what its own example makes */
                { "{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"
                  "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
                  "\"literals\":[null,true,false]}",
                  "{\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
                  "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\",\"literals\":[null,true,false]}",
                  "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
                  "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}" },
                /* RFC 8785 §3.2.3: by UTF-16, an emoji comes before U+FB33 */
                { "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
                  "{\"\xe2\x82\xac\":1,\"\\r\":2,\"\xef\xac\xb3\":3,\"1\":4,\"\xf0\x9f\x98\x80\":5,"
                  "\"\xc2\x80\":6,\"\xc3\xb6\":7}",
                  "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
                  "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}" },
                { "{\"\\ue000\":1,\"\\ud800\\udc00\":2,\"\\ud7ff\":3,\"\\udbff\\udfff\":4,\"\\uffff\":5}",
                  "{\"\xee\x80\x80\":1,\"\xf0\x90\x80\x80\":2,\"\xed\x9f\xbf\":3,"
                  "\"\xf4\x8f\xbf\xbf\":4,\"\xef\xbf\xbf\":5}",
                  "{\"\xed\x9f\xbf\":3,\"\xf0\x90\x80\x80\":2,\"\xf4\x8f\xbf\xbf\":4,"
                  "\"\xee\x80\x80\":1,\"\xef\xbf\xbf\":5}" },
                /* every escape, and what must not be one */
                { "\"\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\\u2028\\/\\\"\\\\\"",
                  "\"\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f\xe2\x80\xa8/\\\"\\\\\"",
                  "\"\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f\xe2\x80\xa8/\\\"\\\\\"" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_prints(cases[i].text, cases[i].plain, cases[i].canonical);
}

static void test_print_string(void **state) {
        struct buffer b = { 0 };

        json_print_string("", 0, &b);
        json_print_string("a\nb", 3, &b);
        json_print_string("cut here", 3, &b);
        json_print_string("\0", 1, &b);
        assert_string_equal(b.data, "\"\"\"a\\nb\"\"cut\"\"\\u0000\"");
        buffer_done(&b);
}

static void escape(unsigned char c, char ret[static 8]) {
        static const char *const letters[] = {
                ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",  ['\f'] = "\\f",
                ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
        };

        if (c < ELEMENTSOF(letters) && letters[c])
                strcpy(ret, letters[c]);
        else
                snprintf(ret, 8, c < 0x20 ? "\\u%04x" : "%c", c);
}

/* The printer looks at eight bytes at a time, and what is left. */
static void test_print_each_byte_at_each_place(void **state) {
        static const char around[] = "\xc3\xa4~ \xc2\x80[]!#\x7f'\xf0\x9f\x98\x80\x1f\x1f";
        char text[sizeof(around)], escaped[8], expected[64];
        struct buffer b = { 0 };

        for (unsigned c = 0; c < 256; c++)
                for (size_t place = 0; place < 16; place++) {
                        memcpy(text, around, sizeof(text));
                        text[place] = (char)c;
                        escape((unsigned char)c, escaped);
                        buffer_clear(&b);
                        json_print_string(text, 16, &b);
                        snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"", (int)place, around,
                                 escaped, (int)(15 - place), around + place + 1);
                        assert_string_equal(b.data, expected);
                }
        buffer_done(&b);
}

#define MAX_PIECE ((size_t)512 << 10)

static void append_piece(const char *text, size_t size, void *userdata) {
        assert_in_range(size, 1, MAX_PIECE);
        buffer_append(userdata, text, size);
}

/* A large text never stands whole: neither one string, nor many, nor what escaping makes of one. */
static void test_canonical_comes_in_pieces(void **state) {
        static const char *const strings[] = { "abcdefgh", "\\u0001", "\xc3\xa4" };
        const size_t n = (size_t)256 << 10;

        for (size_t i = 0; i < ELEMENTSOF(strings); i++) {
                _cleanup_(json_freep) cJSON *json = NULL;
                struct buffer text = { 0 }, printed = { 0 };

                buffer_puts(&text, "[\"");
                for (size_t k = 0; k < n; k++)
                        buffer_puts(&text, strings[i]);
                buffer_puts(&text, "\"");
                for (size_t k = 0; k < n / 2; k++)
                        buffer_puts(&text, ",\"a\"");
                buffer_puts(&text, "]");

                json = parse(text.data);
                assert_int_equal(json_print_canonical(json, append_piece, &printed), 0);
                assert_int_equal(printed.size, text.size);
                assert_memory_equal(printed.data, text.data, text.size);
                buffer_done(&text);
                buffer_done(&printed);
        }
}

/* A raw node is text that was made elsewhere. */
static void test_print_raw(void **state) {
        _cleanup_(json_freep) cJSON *json = cJSON_CreateObject();
        struct buffer b = { 0 };

        assert_non_null(cJSON_AddRawToObject(json, "a", "{\"b\":1}"));
        json_print(json, &b);
        assert_string_equal(b.data, "{\"a\":{\"b\":1}}");
        buffer_done(&b);
}

/* An old cJSON, without Debian's fix of 1.7.15, reads no more than 63 characters of a number. */
static void test_long_numbers_in_trees(void **state) {
        for (size_t n = 60; n < 70; n++) {
                char text[512], digits[80];
                double value;

                memset(digits, '1', n);
                digits[n] = 0;
                value = strtod(digits, NULL);
                (void)snprintf(text, sizeof(text), "{\"a\":[%s,\"%s\\\"%s\",-%s],\"b\":1}", digits,
                               digits, digits, digits);

                _cleanup_(json_freep) cJSON *json = parse(text);
                const cJSON *array = json_member(json, "a");

                assert_int_equal(cJSON_GetArraySize(array), 3);
                assert_true(fabs(array->child->valuedouble - value) <= 0);
                assert_true(fabs(array->child->next->next->valuedouble + value) <= 0);
                assert_int_equal(strlen(array->child->next->valuestring), 2 * n + 1);
                assert_non_null(json_member(json, "b"));
        }
}

static size_t n_allocated;

static void *counting_malloc(size_t size) {
        n_allocated++;
        return malloc(size);
}

static void count_allocations(void) {
        cJSON_Hooks hooks = { .malloc_fn = counting_malloc, .free_fn = free };

        n_allocated = 0;
        cJSON_InitHooks(&hooks);
}

/* cJSON takes all of these: it must not even be asked. */
static void test_refused_is_never_parsed(void **state) {
        static const char *const texts[] = { "{\"a\":1,\"a\":2}",
                                             "[01]",
                                             "[1e999]",
                                             "[\"\xc0\x80\"]",
                                             "[\"\n\"]",
                                             "[\"\xed\xa0\x80\"]",
                                             "[\"\\u0000\"]",
                                             "[1.]",
                                             "\xef\xbb\xbf{}",
                                             "{} x",
                                             "[1,]",
                                             "[\"a\",\"\xff\"]" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                struct json_fault fault = { 0 };
                cJSON *json = NULL;

                count_allocations();
                assert_int_equal(json_parse(texts[i], strlen(texts[i]), &json, &fault), -EBADMSG);
                assert_int_equal(n_allocated, 0);
                assert_non_null(fault.reason);
                assert_null(json);
                assert_int_equal(json_parse(texts[i], strlen(texts[i]), &json, NULL), -EBADMSG);
        }
        cJSON_InitHooks(NULL);
}

static int parse_and_print(void *userdata) {
        static const char text[] = "{\"a\":[1,\"x\",{}],\"b\":null}";
        _cleanup_(buffer_done) struct buffer b = { 0 };
        _cleanup_(json_freep) cJSON *json = NULL;
        int r;

        r = json_parse(text, sizeof(text) - 1, &json, NULL);
        assert_int_equal(r < 0, !json);
        if (r < 0)
                return r;
        r = json_print_canonical(json, append, &b);
        if (r < 0 || buffer_error(&b) < 0)
                return -ENOMEM;
        assert_string_equal(b.data, text);
        return 0;
}

static void test_out_of_memory(void **state) {
        assert_true(fails_everywhere(parse_and_print, NULL) >= 7);
}

static void test_accessors(void **state) {
        _cleanup_(json_freep) cJSON *json = parse("{\"to\":\"a\",\"To\":\"b\",\"n\":42,\"max\":"
                                                  "9007199254740992,\"min\":-9007199254740992,"
                                                  "\"above\":9007199254740994,\"half\":0.5,"
                                                  "\"huge\":1e300,\"l\":[1],\"z\":null}");
        int64_t n = 7;

        assert_string_equal(json_string(json, "to"), "a");
        assert_string_equal(json_string(json, "To"), "b");
        assert_null(json_string(json, "TO"));
        assert_null(json_string(json, "n"));
        assert_null(json_string(json, "z"));
        assert_non_null(json_member(json, "z"));
        assert_null(json_member(json, "N"));
        assert_null(json_member(json_member(json, "l"), "n"));
        assert_null(json_member(NULL, "n"));
        assert_null(json_string(NULL, "n"));

        assert_int_equal(json_integer(json, "above", &n), -EINVAL);
        assert_int_equal(json_integer(json, "half", &n), -EINVAL);
        assert_int_equal(json_integer(json, "huge", &n), -EINVAL);
        assert_int_equal(json_integer(json, "to", &n), -EINVAL);
        assert_int_equal(json_integer(json, "l", &n), -EINVAL);
        assert_int_equal(json_integer(json, "absent", &n), -ENOENT);
        assert_int_equal(n, 7);
        assert_int_equal(json_integer(json, "n", &n), 0);
        assert_int_equal(n, 42);
        assert_int_equal(json_integer(json, "max", &n), 0);
        assert_int_equal(n, INT64_C(1) << 53);
        assert_int_equal(json_integer(json, "min", &n), 0);
        assert_int_equal(n, -(INT64_C(1) << 53));
}

/* The slice of a whole text. */
static struct json_slice slice(const char *text) {
        struct json_envelope e;
        struct json_fault fault;

        if (json_scan(text, strlen(text), &e, &fault) < 0)
                fail_msg("refused: %s", text);
        return e.root;
}

static void test_slice_integer(void **state) {
        /* clang-format off */
        static const struct { const char *text; int64_t min, max; int r; int64_t value; } cases[] = {
                { "0",                     0, 0,                 0,       0 },
                { "-0",                    0, 0,                 0,       0 },
                { "5",                     1, 5,                 0,       5 },
                { "6",                     1, 5,                 -EINVAL, 0 },
                { "0",                     1, 5,                 -EINVAL, 0 },
                { "-5",                    -5, 5,                0,       -5 },
                { "-6",                    -5, 5,                -EINVAL, 0 },
                { " 7 ",                   0, 9,                 0,       7 },
                { "9223372036854775807",   INT64_MIN, INT64_MAX, 0,       INT64_MAX },
                { "9223372036854775808",   INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "-9223372036854775808",  INT64_MIN, INT64_MAX, 0,       INT64_MIN },
                { "-9223372036854775809",  INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "92233720368547758070",  INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "18446744073709551616",  INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "1.0",                   INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "1e0",                   INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "\"1\"",                 INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "null",                  INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "true",                  INT64_MIN, INT64_MAX, -EINVAL, 0 },
                { "[1]",                   INT64_MIN, INT64_MAX, -EINVAL, 0 },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct json_slice s = slice(cases[i].text);
                int64_t value = 0;

                assert_int_equal(json_slice_integer(&s, cases[i].min, cases[i].max, &value),
                                 cases[i].r);
                assert_int_equal(value, cases[i].value);
        }
}

static void test_slice_bool(void **state) {
        static const struct {
                const char *text;
                int r;
                bool value;
        } cases[] = { { "true", 0, true },        { "false", 0, false },
                      { "null", -EINVAL, false }, { "\"true\"", -EINVAL, false },
                      { "1", -EINVAL, false },    { "[]", -EINVAL, false } };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct json_slice s = slice(cases[i].text);
                bool value = false;

                assert_int_equal(json_slice_bool(&s, &value), cases[i].r);
                assert_int_equal(value, cases[i].value);
        }
}

static void test_slice_string(void **state) {
        /* clang-format off */
        static const struct { const char *text, *value; } cases[] = {
                { "\"\"", "" },
                { " \"plain\" ", "plain" },
                { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
                { "\"\\u0061\\u00e9\\u20AC\\ud83d\\uDE00\"", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
                { "\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\udc00\\udbff\\udfff\"",
                  "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
                { "\"a\\\\u0061\"", "a\\u0061" },
                { "\"\xc3\xa9\\n\xc3\xa9\"", "\xc3\xa9\n\xc3\xa9" },
                { "1", NULL }, { "null", NULL }, { "[\"a\"]", NULL }, { "{\"a\":\"b\"}", NULL },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct json_slice s = slice(cases[i].text);
                char *value = NULL;

                if (!cases[i].value) {
                        assert_int_equal(json_slice_string(&s, &value), -EINVAL);
                        assert_false(json_slice_equals(&s, "a"));
                        continue;
                }
                assert_int_equal(json_slice_string(&s, &value), 0);
                assert_string_equal(value, cases[i].value);
                assert_true(json_slice_equals(&s, cases[i].value));

                if (*value) { /* one character less, another, one more */
                        size_t n = strlen(value);

                        value[n - 1] ^= 1;
                        assert_false(json_slice_equals(&s, value));
                        value[n - 1] = 0;
                        assert_false(json_slice_equals(&s, value));
                } else
                        assert_false(json_slice_equals(&s, "x"));
                free(value);
        }
}

static void on_found(const char *pointer, void *userdata) {
        buffer_printf(userdata, "%s;", pointer);
}

static void test_big_integers(void **state) {
        /* clang-format off */
        static const struct { const char *text, *pointers; } cases[] = {
                { "9007199254740992", "" },
                { "-9007199254740992", "" },
                { "9007199254740993", ";" },
                { "-9007199254740993", ";" },
                { "10000000000000000", ";" },
                { "[9007199254740992,9007199254740993.0,9007199254740993e0,1e300,\"9007199254740993\"]", "" },
                { "{\"a\":9007199254740993,\"b\":1,\"c\":[0,[1,{\"d\":123456789012345678901}],9007199254740993]}",
                  "/a;/c/1/1/d;/c/2;" },
                { "[[],[[]],{},[99999999999999999],{\"a\":{}},99999999999999999]", "/3/0;/5;" },
                { "{\"\":99999999999999999,\"a/b\":[99999999999999999],\"m~n\":{\"~/\":99999999999999999}}",
                  "/;/a~1b/0;/m~0n/~0~1;" },
                { "{\"\\u00e9\\n\\/\":99999999999999999}", "/\xc3\xa9\n~1;" },
                { "{\"99999999999999999\":\"99999999999999999\",\"a\":\"\\\"99999999999999999\"}", "" },
                { "{ \"a\" : [ 99999999999999999 , 99999999999999999 ] , \"b\" : 99999999999999999 }",
                  "/a/0;/a/1;/b;" },
                { "{\"a\":[1,2],\"b\":\"a\",\"c\":99999999999999999}", "/c;" },
                { "[true,false,null,-0,99999999999999999]", "/4;" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct json_slice s = slice(cases[i].text);
                struct json_envelope e;
                struct json_fault fault;
                struct buffer b = { 0 };

                buffer_puts(&b, "");
                assert_int_equal(json_slice_big_integers(&s, on_found, &b), 0);
                assert_string_equal(b.data, cases[i].pointers);
                assert_int_equal(json_scan(s.text, s.size, &e, &fault), 0);
                assert_int_equal(e.has_big_integer, *cases[i].pointers != 0);
                buffer_done(&b);
        }
}

/* As deep as the scan lets anything stand. */
static void test_deepest(void **state) {
        _cleanup_(json_freep) cJSON *json = NULL;
        struct buffer text = { 0 }, found = { 0 };
        struct json_slice s;

        for (int i = 0; i < JSON_MAX_DEPTH; i++)
                buffer_putc(&text, '[');
        buffer_puts(&text, "99999999999999999");
        for (int i = 0; i < JSON_MAX_DEPTH; i++)
                buffer_putc(&text, ']');

        s = slice(text.data);
        assert_int_equal(json_slice_big_integers(&s, on_found, &found), 0);
        assert_int_equal(found.size, (size_t)2 * JSON_MAX_DEPTH + 1);
        assert_int_equal(json_slice_tree(&s, &json), 0);
        buffer_clear(&found);
        assert_int_equal(json_print_canonical(json, append, &found), 0);
        assert_int_equal(found.size, 2 * JSON_MAX_DEPTH + strlen("100000000000000000"));
        buffer_done(&text);
        buffer_done(&found);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_numbers_read_back),
                cmocka_unit_test(test_number_values),
                cmocka_unit_test(test_prints),
                cmocka_unit_test(test_print_string),
                cmocka_unit_test(test_print_each_byte_at_each_place),
                cmocka_unit_test(test_canonical_comes_in_pieces),
                cmocka_unit_test(test_print_raw),
                cmocka_unit_test(test_long_numbers_in_trees),
                cmocka_unit_test(test_refused_is_never_parsed),
                cmocka_unit_test(test_out_of_memory),
                cmocka_unit_test(test_accessors),
                cmocka_unit_test(test_slice_integer),
                cmocka_unit_test(test_slice_bool),
                cmocka_unit_test(test_slice_string),
                cmocka_unit_test(test_big_integers),
                cmocka_unit_test(test_deepest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
