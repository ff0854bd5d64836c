/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/example.h"
#include "actionctl/field-kind.h"
#include "actionctl/fields.h"
#include "actionctl/options.h"
#include "actionctl/payload-args.h"
#include "actionctl/payload-key.h"
#include "actionctl/request.h"

#define MAX_ARGUMENTS 4

static size_t count(const char *const *arguments) {
        size_t n = 0;

        while (n < MAX_ARGUMENTS && arguments[n])
                n++;
        return n;
}

/* A file that holds its own name, and the key that it is for. */
static int load(const char *file, const struct payload_key *key, void *userdata, cJSON **ret,
                char error[static PAYLOAD_ERROR_SIZE]) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        if (strcmp(file, "none") == 0) {
                snprintf(error, PAYLOAD_ERROR_SIZE, "cannot read 'none'");
                return -EINVAL;
        }
        for (size_t i = 0; i < key->n; i++)
                if (key->parts[i].name)
                        buffer_printf(&text, "/%s", key->parts[i].name);
                else
                        buffer_printf(&text, "/%d", key->parts[i].index);
        buffer_printf(&text, " %s", file);
        *ret = cJSON_CreateString(text.data);
        return *ret ? 0 : -ENOMEM;
}

static int make(const char *const *arguments, cJSON **ret, char *error) {
        return payload_from_arguments((char *const *)arguments, count(arguments), load, NULL, ret,
                                      error);
}

/* clang-format off */
static void test_arguments_make_a_payload(void **state) {
        static const struct {
                const char *arguments[MAX_ARGUMENTS];
                const char *payload;
        } cases[] = {
                { { NULL }, "{}" },
                { { "a=b" }, "{\"a\":\"b\"}" },
                { { "a=" }, "{\"a\":\"\"}" },
                { { "a=1" }, "{\"a\":\"1\"}" },
                { { "a=null" }, "{\"a\":\"null\"}" },
                { { "a=b=c:=d" }, "{\"a\":\"b=c:=d\"}" },
                { { "a:b=c" }, "{\"a:b\":\"c\"}" },
                { { "a b=c" }, "{\"a b\":\"c\"}" },
                { { "a=x\ny\"z\\" }, "{\"a\":\"x\\ny\\\"z\\\\\"}" },
                { { "\u00e4=\u00f6" }, "{\"\u00e4\":\"\u00f6\"}" },
                { { "a:=1" }, "{\"a\":1}" },
                { { "a:= [1, {\"b\": null}] " }, "{\"a\":[1,{\"b\":null}]}" },
                { { "a:=\"b\"" }, "{\"a\":\"b\"}" },
                { { "b=1", "a=2" }, "{\"b\":\"1\",\"a\":\"2\"}" },
                { { "a=1", "b=2", "a=3" }, "{\"a\":[\"1\",\"3\"],\"b\":\"2\"}" },
                { { "a=1", "a:=2", "a=3" }, "{\"a\":[\"1\",2,\"3\"]}" },
                { { "a:=[1]", "a:=[2]" }, "{\"a\":[[1],[2]]}" },
                { { "a:=[]", "a=1" }, "{\"a\":[[],\"1\"]}" },
                { { "a=1", "A=2" }, "{\"a\":\"1\",\"A\":\"2\"}" },
                { { "a=1", "ab=2" }, "{\"a\":\"1\",\"ab\":\"2\"}" },
                { { "a:=0.1", "b:=9007199254740991" }, "{\"a\":0.1,\"b\":9007199254740991}" },
                /* Members and elements. */
                { { "a.b=1" }, "{\"a\":{\"b\":\"1\"}}" },
                { { "a.b.c=1", "a.b.d:=2", "a.e=3" }, "{\"a\":{\"b\":{\"c\":\"1\",\"d\":2},\"e\":\"3\"}}" },
                { { "a[0]=1", "a[1]=2" }, "{\"a\":[\"1\",\"2\"]}" },
                { { "a[]=1", "a[]=2" }, "{\"a\":[\"1\",\"2\"]}" },
                { { "a[0].b=1", "a[0].c=2", "a[1].b=3" }, "{\"a\":[{\"b\":\"1\",\"c\":\"2\"},{\"b\":\"3\"}]}" },
                { { "a[].b=1", "a[].b=2" }, "{\"a\":[{\"b\":\"1\"},{\"b\":\"2\"}]}" },
                { { "a[0][0]=1", "a[0][1]=2" }, "{\"a\":[[\"1\",\"2\"]]}" },
                { { "a.b=1", "a.b=2" }, "{\"a\":{\"b\":[\"1\",\"2\"]}}" },
                { { "a:={}", "a.b=1" }, "{\"a\":{\"b\":\"1\"}}" },
                { { "a:=[1]", "a[1]=2" }, "{\"a\":[1,\"2\"]}" },
                { { "a\\.b=1", "c\\[0]=2", "d\\\\=3", "e\\f=4" },
                  "{\"a.b\":\"1\",\"c[0]\":\"2\",\"d\\\\\":\"3\",\"e\\\\f\":\"4\"}" },
                { { "a]=1" }, "{\"a]\":\"1\"}" },
                { { "a.1=x" }, "{\"a\":{\"1\":\"x\"}}" },
                { { "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p=1" },
                  "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":{\"j\":{\"k\":{\"l\":{\"m\":{\"n\":{\"o\":{\"p\":\"1\"}}}}}}}}}}}}}}}}" },
                /* Files. */
                { { "a=@f" }, "{\"a\":\"/a f\"}" },
                { { "a[0].b=@-" }, "{\"a\":[{\"b\":\"/a/0/b -\"}]}" },
                { { "a[]=@x", "a[]=@y" }, "{\"a\":[\"/a/-1 x\",\"/a/-1 y\"]}" },
                { { "a=@@f" }, "{\"a\":\"@f\"}" },
                { { "a=@@" }, "{\"a\":\"@\"}" },
                { { "a=@@@f" }, "{\"a\":\"@@f\"}" },
                { { "a=x@f" }, "{\"a\":\"x@f\"}" },
                { { "a:=\"@f\"" }, "{\"a\":\"@f\"}" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer text = { 0 };
                _cleanup_(json_freep) cJSON *payload = NULL;
                char error[PAYLOAD_ERROR_SIZE] = "";

                if (make(cases[i].arguments, &payload, error) != 0)
                        fail_msg("%s: %s", cases[i].payload, error);
                json_print(payload, &text);
                assert_string_equal(text.data, cases[i].payload);
        }
}

static void test_arguments_that_make_no_payload(void **state) {
        static const struct {
                const char *arguments[MAX_ARGUMENTS];
                const char *error;
        } cases[] = {
                { { "a" }, "'a' is no field" },
                { { "" }, "'' is no field" },
                { { "=b" }, "'=b' is no field" },
                { { ":=1" }, "':=1' is no field" },
                { { "a=1", "b" }, "'b' is no field" },
                { { "a:=" }, "the value of 'a' is no JSON" },
                { { "a:=b" }, "the value of 'a' is no JSON" },
                { { "a:={" }, "the value of 'a' is no JSON" },
                { { "a:=1,\"b\":2" }, "the value of 'a' is no JSON" },
                { { "a:={\"b\":1,\"b\":2}" }, "the value of 'a' is no JSON" },
                { { "a=1", "a:=x" }, "the value of 'a' is no JSON" },
                { { "a=\xff" }, "the value of 'a' is no valid text" },
                { { "a=\xed\xa0\x80" }, "the value of 'a' is no valid text" },
                { { "\xff=a" }, "the name of a field is no valid text" },
                { { "a.=1" }, "'a.' is no name" },
                { { ".a=1" }, "'.a' is no name" },
                { { "a..b=1" }, "'a..b' is no name" },
                { { "[0]=1" }, "'[0]' is no name" },
                { { "a[=1" }, "'a[' is no name" },
                { { "a[x]=1" }, "'a[x]' is no name" },
                { { "a[-1]=1" }, "'a[-1]' is no name" },
                { { "a[0=1" }, "'a[0' is no name" },
                { { "a[0]b=1" }, "'a[0]b' is no name" },
                { { "a[1000]=1" }, "'a[1000]' is no name" },
                { { "a[99999999999999999999]=1" }, "'a[99999999999999999999]' is no name" },
                { { "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1" }, "'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q' is no name" },
                { { "a[1]=1" }, "[1] comes before [0]" },
                { { "a[0]=1", "a[2]=2" }, "[2] comes before [1]" },
                { { "a[0]=1", "a.b=2" }, "'b' is no part of what it was before" },
                { { "a.b=1", "a[0]=2" }, "'[0]' is no part of what it was before" },
                { { "a=1", "a.b=2" }, "'b' is no part of what it was before" },
                { { "a.b=1", "a=2" }, "'a' was given before" },
                { { "a[0]=1", "a=2" }, "'a' was given before" },
                { { "a:=[1]", "a[0]=2" }, "'[0]' was given before" },
                { { "a=@none" }, "cannot read 'none'" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char error[PAYLOAD_ERROR_SIZE] = "";
                cJSON *payload = NULL;

                assert_int_equal(make(cases[i].arguments, &payload, error), -EINVAL);
                if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
                        fail_msg("'%s' instead of '%s'", error, cases[i].error);
                assert_null(payload);
        }
}

static void test_limit_of_arguments(void **state) {
        for (size_t n = PAYLOAD_MAX_ARGUMENTS; n <= PAYLOAD_MAX_ARGUMENTS + 1; n++) {
                _cleanup_(freep) char **arguments = calloc(n, sizeof(*arguments));
                _cleanup_(json_freep) cJSON *payload = NULL;
                char error[PAYLOAD_ERROR_SIZE];

                for (size_t i = 0; i < n; i++)
                        arguments[i] = (char *)"a=1";
                assert_int_equal(payload_from_arguments(arguments, n, load, NULL, &payload, error),
                                 n == PAYLOAD_MAX_ARGUMENTS ? 0 : -EINVAL);
        }
}

static void test_what_a_field_wants_of_a_file(void **state) {
        static const char schema[] =
                "{\"$ref\":\"#/$defs/all\",\"$defs\":{\"all\":{\"properties\":{\"body\":{\"type\":\"string\"},"
                "\"files\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/file\"}}]},"
                "\"one\":{\"oneOf\":[{\"type\":\"string\"},{\"$ref\":\"#/$defs/file\"}]},"
                "\"circle\":{\"$ref\":\"#/$defs/circle\"}}},"
                "\"circle\":{\"anyOf\":[{\"$ref\":\"#/$defs/circle\"},{\"$ref\":\"#/$defs/circle\"}],\"items\":"
                "{\"$ref\":\"#/$defs/circle\"}},"
                "\"file\":{\"allOf\":[{\"properties\":{\"filename\":{},\"content_base64\":"
                "{\"type\":\"string\",\"contentEncoding\":\"base64\"}}}]}}}";
        static const struct {
                const char *key;
                enum field_kind kind;
        } cases[] = {
                { "body", FIELD_TEXT },
                { "none", FIELD_TEXT },
                { "body.x", FIELD_TEXT },
                { "body[0]", FIELD_TEXT },
                { "files", FIELD_TEXT },
                { "files[0]", FIELD_FILE },
                { "files[]", FIELD_FILE },
                { "files[7].content_base64", FIELD_BASE64 },
                { "files[0].filename", FIELD_TEXT },
                { "one", FIELD_FILE },
                { "circle", FIELD_TEXT },
                { "circle[0][1][2]", FIELD_TEXT },
        };
        _cleanup_(json_freep) cJSON *json = NULL;

        assert_int_equal(json_parse(schema, strlen(schema), &json, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(payload_key_done) struct payload_key key = { 0 };
                char error[PAYLOAD_ERROR_SIZE];

                assert_int_equal(payload_key_parse(cases[i].key, strlen(cases[i].key), &key, error), 0);
                if (field_kind(json, &key) != cases[i].kind)
                        fail_msg("%s: %d", cases[i].key, (int)field_kind(json, &key));
                assert_int_equal(field_kind(NULL, &key), FIELD_TEXT);
        }
}

static void test_content_types(void **state) {
        static const char *const cases[][2] = {
                { "a.txt", "text/plain; charset=utf-8" },
                { "a.b.PDF", "application/pdf" },
                { ".png", "image/png" },
                { "pdf", "application/octet-stream" },
                { "a.", "application/octet-stream" },
                { "a.pdf.exe", "application/octet-stream" },
                { "", "application/octet-stream" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_string_equal(field_content_type(cases[i][0]), cases[i][1]);
}

/* What is shown as an example makes the payload it was made of, but for a shell's quotes. */
static void test_an_example_as_arguments(void **state) {
        static const char *const cases[][2] = {
                { "{}", "" },
                { "{\"to\":\"a@b.c\",\"n\":1}", " to=a@b.c n:=1" },
                { "{\"subject\":\"Hello!\",\"body\":\"It's\"}", " 'subject=Hello!' 'body=It'\\''s'" },
                { "{\"a.b\":\"@x\",\"c\":[1,{\"d\":null}]}", " 'a\\.b=@@x' 'c:=[1,{\"d\":null}]'" },
                { "{\"a\":\"$(x)`y`\\n\"}", " 'a=$(x)`y`\n'" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buffer_done) struct buffer text = { 0 };
                _cleanup_(json_freep) cJSON *payload = NULL;

                assert_int_equal(json_parse(cases[i][0], strlen(cases[i][0]), &payload, NULL), 0);
                buffer_puts(&text, "");
                example_put_arguments(payload, &text);
                assert_string_equal(text.data, cases[i][1]);
        }
}

static void test_durations(void **state) {
        static const struct {
                const char *text;
                uint64_t msec; /* 0: refused */
        } cases[] = {
                { "1", 1000 }, { "90s", 90000 }, { "2.5", 2500 }, { "0.001", 1 }, { "15m", 900000 },
                { "1h", 3600000 }, { "1.5h", 5400000 }, { "1d", 86400000 },
                { "86400", 86400000 }, { "86401", 0 }, { "1.1d", 0 },
                { "", 0 }, { "0", 0 }, { "0.0001", 0 }, { "-1", 0 }, { "+1", 0 }, { " 1", 0 }, { "1 ", 0 },
                { "1w", 0 }, { "1hh", 0 }, { "1h1", 0 }, { "h", 0 }, { "1e3", 0 }, { "0x10", 0 }, { "inf", 0 },
                { "nan", 0 }, { "1.2.3", 0 }, { "99999999999999999999999999", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t msec = 0;
                int r = options_parse_duration(cases[i].text, 86400000, &msec);

                if (r != (cases[i].msec > 0 ? 0 : -EINVAL) || msec != cases[i].msec)
                        fail_msg("'%s' is %d, %llu", cases[i].text, r, (unsigned long long)msec);
        }
}

static void test_options_belong_to_verbs(void **state) {
        static const struct {
                unsigned verb;
                const char *arguments[MAX_ARGUMENTS];
                const char *error; /* NULL: none */
        } cases[] = {
                { CTL_PING, { NULL }, NULL },
                { CTL_PING, { "--json", "-v" }, NULL },
                { CTL_PING, { "--ttl", "1h" }, "'verb' has no option --ttl" },
                { CTL_PING, { "--uid", "0" }, "'verb' has no option --uid" },
                { CTL_PING, { "--users=a" }, "'verb' has no option --users" },
                { CTL_PERFORM, { "--deadline=2", "--dry-run" }, NULL },
                { CTL_PERFORM, { "--credential=-" }, "'verb' has no option --credential" },
                { CTL_AUTH_TOKEN, { NULL }, "'verb' needs --credential FILE|-" },
                { CTL_AUTH_TOKEN, { "--credential", "-" }, NULL },
                { CTL_TOKEN_KEYGEN, { "--kid=a", "--private=b" }, "'verb' needs --public FILE" },
                { CTL_TOKEN_CREATE, { "--key=a", "--user=b", "--uid=4294967294" }, NULL },
        };
        char error[OPTIONS_ERROR_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *argv[MAX_ARGUMENTS + 2] = { (char *)"actionctl" };
                int argc = 1 + (int)count(cases[i].arguments), first, r;
                _cleanup_(options_done) struct ctl ctl = { 0 };

                memcpy(argv + 1, cases[i].arguments, sizeof(cases[i].arguments));
                optind = 0;
                assert_int_equal(options_read(argc, argv, &ctl, &first, error), 0);
                assert_int_equal(first, argc);
                ctl.verb = cases[i].verb;
                r = options_check(&ctl, "verb", error);
                assert_int_equal(r, cases[i].error ? -EINVAL : 0);
                if (cases[i].error)
                        assert_string_equal(error, cases[i].error);
        }
}

static void test_options_that_are_none(void **state) {
        static const struct {
                const char *arguments[MAX_ARGUMENTS];
                const char *error;
        } cases[] = {
                { { "--nothing" }, "there is no option '--nothing'" },
                { { "-x" }, "there is no option '-x'" },
                { { "--user" }, "'--user' needs a value" },
                { { "--uid=-1" }, "--uid takes the number of a user, not '-1'" },
                { { "--uid=4294967295" }, "--uid takes the number of a user, not '4294967295'" },
                { { "--uid=1x" }, "--uid takes the number of a user, not '1x'" },
                { { "--uid=99999999999999999999" }, "--uid takes the number of a user, not '99999999999999999999'" },
                { { "--deadline=86401" }, "--deadline takes a time of up to a day, such as 2.5, 90s or 15m, not '86401'" },
                { { "--ttl=367d" }, "--ttl takes a time of up to 366 days, such as 90s, 15m, 12h or 30d, not '367d'" },
                { { "--socket=" }, "--socket takes PATH, not ''" },
                { { "--scope=" }, "--scope takes SCOPE, not ''" },
                { { "--json=1" }, "there is no option '--json=1'" },
        };
        char error[OPTIONS_ERROR_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *argv[MAX_ARGUMENTS + 2] = { (char *)"actionctl" };
                _cleanup_(options_done) struct ctl ctl = { 0 };
                int first;

                memcpy(argv + 1, cases[i].arguments, sizeof(cases[i].arguments));
                optind = 0;
                assert_int_equal(options_read(1 + (int)count(cases[i].arguments), argv, &ctl, &first, error), -EINVAL);
                assert_string_equal(error, cases[i].error);
        }
}

/* A line is one line, and what is shown of it holds no secret. */
static void test_a_request_and_what_is_shown_of_it(void **state) {
        _cleanup_(request_done) struct request q = { 0 };

        request_begin(&q, "1", "op");
        request_string(&q, "a", "x\ny");
        request_string(&q, "none", NULL);
        request_integer(&q, "b", -7);
        request_true(&q, "c");
        request_text(&q, "d", "{\r\n\"e\": 1.50\n}", 14);
        request_secret_text(&q, "f", "{\n\"g\":\"hidden\"}", 15);
        request_secret_string(&q, "h", "hid\"den", 7);
        assert_int_equal(request_end(&q), 0);
        assert_string_equal(q.line.data,
                "{\"id\":\"1\",\"op\":\"op\",\"a\":\"x\\ny\",\"b\":-7,\"c\":true,\"d\":{  \"e\": 1.50 },"
                "\"f\":{ \"g\":\"hidden\"},\"h\":\"hid\\\"den\"}");
        assert_string_equal(q.shown.data,
                "{\"id\":\"1\",\"op\":\"op\",\"a\":\"x\\ny\",\"b\":-7,\"c\":true,\"d\":{  \"e\": 1.50 },"
                "\"f\":\"***\",\"h\":\"***\"}");
}
/* clang-format on */

static void add_field(const struct field *f, void *userdata) {
        buffer_printf(userdata, "%s | %s | %s | %s\n", f->path, f->type, f->required ? "!" : "",
                      f->meaning);
}

static void walk(const char *schema, struct buffer *ret) {
        _cleanup_(json_freep) cJSON *json = NULL;

        assert_int_equal(json_parse(schema, strlen(schema), &json, NULL), 0);
        buffer_puts(ret, "");
        assert_int_equal(fields_walk(json, add_field, ret), 0);
}

static void test_fields_of_a_schema(void **state) {
        static const char schema[] =
                        "{\"type\":\"object\",\"required\":[\"to\",\"files\"],\"properties\":{"
                        "\"to\":{\"anyOf\":[{\"type\":\"string\",\"format\":\"email\"},{\"$ref\":"
                        "\"#/$defs/list\"}],"
                        "\"description\":\"Whom it is for\"},"
                        "\"subject\":{\"type\":\"string\",\"maxLength\":998,\"minLength\":1},"
                        "\"kind\":{\"enum\":[\"a\",1],\"description\":\"Which\",\"default\":\"a\"},"
                        "\"when\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\"},"
                        "{\"type\":\"object\",\"minItems\":1}]},"
                        "\"flag\":{\"type\":[\"boolean\",\"null\"]},\"const\":{\"const\":3},"
                        "\"any\":true,"
                        "\"files\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":"
                        "[\"name\"],"
                        "\"properties\":{\"name\":{\"type\":\"string\"}}}}},"
                        "\"$defs\":{\"list\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}"
                        "}";
        _cleanup_(buffer_done) struct buffer rows = { 0 };

        walk(schema, &rows);
        assert_string_equal(rows.data,
                            "to | email or array of string | ! | Whom it is for\n"
                            "subject | string |  | (at least 1 character, at most 998 characters)\n"
                            "kind | \"a\", 1 |  | Which (default \"a\")\n"
                            "when | string or object |  | \n"
                            "flag | boolean or null |  | \n"
                            "const | 3 |  | \n"
                            "any | any |  | \n"
                            "files | array of object | ! | \n"
                            "files[].name | string | ! | \n");
}

/* The schema is somebody else's: it may lead in a circle, or be of any other shape. */
static void test_fields_of_a_strange_schema(void **state) {
        static const char *const schemas[] = {
                "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}",
                "{\"anyOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/"
                "$defs/"
                "a\"},{\"$ref\":\"#/$defs/a\"}]}}}",
                "{\"properties\":[1,2],\"anyOf\":3,\"required\":\"x\",\"items\":[{}]}",
                "{\"properties\":{\"a\":null},\"type\":{\"b\":[]}}",
                "[]",
                "null",
        };
        static const char circle[] =
                        "{\"$ref\":\"#/$defs/"
                        "a\",\"$defs\":{\"a\":{\"properties\":{\"x\":{\"$ref\":\"#/$defs/a\"},"
                        "\"y\":{\"$ref\":\"#/$defs/a\"},\"z\":{\"$ref\":\"#/$defs/a\"}}}}}";
        _cleanup_(buffer_done) struct buffer rows = { 0 };
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(schemas); i++)
                walk(schemas[i], &rows);
        buffer_clear(&rows);
        walk(circle, &rows);
        for (const char *p = rows.data; *p; p++)
                n += *p == '\n';
        assert_int_equal(n, FIELDS_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arguments_make_a_payload),
                cmocka_unit_test(test_arguments_that_make_no_payload),
                cmocka_unit_test(test_limit_of_arguments),
                cmocka_unit_test(test_what_a_field_wants_of_a_file),
                cmocka_unit_test(test_content_types),
                cmocka_unit_test(test_an_example_as_arguments),
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_options_belong_to_verbs),
                cmocka_unit_test(test_options_that_are_none),
                cmocka_unit_test(test_a_request_and_what_is_shown_of_it),
                cmocka_unit_test(test_fields_of_a_schema),
                cmocka_unit_test(test_fields_of_a_strange_schema),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
