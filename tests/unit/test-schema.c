/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "action/schema.h"
#include "base/buffer.h"
#include "base/json.h"

static struct schema *load(const char *text) {
        char error[SCHEMA_ERROR_SIZE] = "";
        struct schema *s = NULL;
        int r;

        r = schema_new(text, strlen(text), &s, error);
        if (r < 0)
                fail_msg("%s: %s", text, error);
        return s;
}

static cJSON *parse(const char *text) {
        cJSON *json = NULL;

        if (json_parse(text, strlen(text), &json, NULL) < 0)
                fail_msg("%s is no JSON", text);
        return json;
}

/* All findings of an instance, as "PATH message\n" each. */
static void judge_tree(const struct schema *s, const cJSON *instance, struct buffer *ret) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        const cJSON *finding;
        size_t n;

        buffer_clear(ret);
        buffer_puts(ret, "");
        n = schema_validate(s, instance, &error);
        assert_int_equal(n, ae_error_count(&error));
        cJSON_ArrayForEach (finding, error.errors)
                buffer_printf(ret, "%s %s\n", json_string(finding, "path"),
                              json_string(finding, "message"));
}

static void judge(const char *schema, const char *instance, struct buffer *ret) {
        _cleanup_(schema_freep) struct schema *s = load(schema);
        _cleanup_(json_freep) cJSON *json = parse(instance);

        judge_tree(s, json, ret);
}

struct judgement {
        const char *schema, *instance, *findings;
};

static void assert_judgements(const struct judgement *cases, size_t n) {
        _cleanup_(buffer_done) struct buffer findings = { 0 };

        for (size_t i = 0; i < n; i++) {
                judge(cases[i].schema, cases[i].instance, &findings);
                if (strcmp(findings.data, cases[i].findings) != 0)
                        fail_msg("%s\nagainst %s\ngives '%s'\ninstead of '%s'", cases[i].schema,
                                 cases[i].instance, findings.data, cases[i].findings);
        }
}

/* clang-format off */
static void test_one_keyword_at_a_time(void **state) {
        static const struct judgement cases[] = {
                { "true", "1", "" },
                { "{}", "null", "" },
                { "false", "1", " is not allowed here\n" },

                { "{\"type\":\"string\"}", "\"\"", "" },
                { "{\"type\":\"string\"}", "1", " must be a string\n" },
                { "{\"type\":\"boolean\"}", "0", " must be true or false\n" },
                { "{\"type\":\"null\"}", "false", " must be null\n" },
                { "{\"type\":\"object\"}", "[]", " must be an object\n" },
                { "{\"type\":\"integer\"}", "1.0", "" },
                { "{\"type\":\"integer\"}", "-1e3", "" },
                { "{\"type\":\"integer\"}", "1.5", " must be a whole number\n" },
                { "{\"type\":\"number\"}", "1.5", "" },
                { "{\"type\":\"number\"}", "\"1\"", " must be a number\n" },
                { "{\"type\":[\"string\",\"array\"]}", "[]", "" },
                { "{\"type\":[\"string\",\"array\"]}", "{}", " must be a string or an array\n" },
                { "{\"type\":[\"null\",\"string\",\"integer\"]}", "{}",
                  " must be a string, a whole number or null\n" },

                { "{\"enum\":[\"a\",1,null]}", "1.0", "" },
                { "{\"enum\":[\"a\",1,null]}", "\"A\"", " must be one of \"a\", 1, null\n" },
                { "{\"const\":{\"a\":[1,{}],\"b\":2}}", "{\"b\":2.0,\"a\":[1,{}]}", "" },
                { "{\"const\":{\"a\":1}}", "{\"a\":1,\"b\":1}", " must be {\"a\":1}\n" },
                { "{\"const\":{\"a\":1,\"b\":1}}", "{\"a\":1}", " must be {\"a\":1,\"b\":1}\n" },
                { "{\"const\":[1,2]}", "[1]", " must be [1,2]\n" },
                { "{\"const\":[1]}", "[1,2]", " must be [1]\n" },
                { "{\"const\":true}", "false", " must be true\n" },
                { "{\"const\":0}", "-0.0", "" },
                { "{\"const\":false}", "0", " must be false\n" },

                { "{\"minimum\":3}", "3", "" },
                { "{\"minimum\":3}", "2.9", " must be at least 3\n" },
                { "{\"minimum\":3}", "\"2\"", "" },
                { "{\"maximum\":-1.5}", "-1.4", " must be at most -1.5\n" },
                { "{\"exclusiveMinimum\":0}", "0", " must be more than 0\n" },
                { "{\"exclusiveMaximum\":10}", "10", " must be less than 10\n" },
                { "{\"exclusiveMaximum\":10}", "9.999", "" },
                { "{\"multipleOf\":0.01}", "19.99", "" },
                { "{\"multipleOf\":0.01}", "19.995", " must be a multiple of 0.01\n" },
                { "{\"multipleOf\":2}", "9007199254740991", " must be a multiple of 2\n" },
                { "{\"multipleOf\":1e-300}", "1e300", " must be a multiple of 1e-300\n" },

                { "{\"minLength\":1}", "\"\"", " must not be empty\n" },
                { "{\"minLength\":2}", "\"\\u00e4\"", " must be at least 2 characters long\n" },
                { "{\"maxLength\":1}", "\"\\ud83d\\ude00\"", "" },
                { "{\"maxLength\":1}", "\"ab\"", " must be at most 1 character long\n" },
                { "{\"maxLength\":0}", "\"a\"", " must be at most 0 character long\n" },
                { "{\"maxLength\":998}", "[1]", "" },

                { "{\"minItems\":1}", "[]", " must have at least 1 item\n" },
                { "{\"maxItems\":2}", "[1,2,3]", " must have at most 2 items\n" },
                { "{\"maxItems\":2}", "[1,2]", "" },
                { "{\"items\":{\"type\":\"string\"}}", "[\"a\",1,\"b\",null]",
                  "/1 must be a string\n/3 must be a string\n" },
                { "{\"uniqueItems\":true,\"maxItems\":9}", "[1,\"1\",[1],{\"a\":1},true,null,0,false]", "" },
                { "{\"uniqueItems\":true,\"maxItems\":9}", "[{},[],\"\",\"a\",[\"a\"],[[\"a\"]],[[],\"a\"]]", "" },
                { "{\"uniqueItems\":true,\"maxItems\":9}", "[1,2,1.0,2]", "/2 repeats item 0\n/3 repeats item 1\n" },
                { "{\"uniqueItems\":true,\"maxItems\":9}", "[{\"a\":1,\"b\":[2]},{\"b\":[2],\"a\":1}]",
                  "/1 repeats item 0\n" },
                { "{\"uniqueItems\":true,\"maxItems\":9}", "[{\"a\":1,\"b\":2},{\"b\":1,\"a\":2}]", "" },
                { "{\"uniqueItems\":true,\"maxItems\":9}", "[0,-0.0]", "/1 repeats item 0\n" },
                { "{\"uniqueItems\":true,\"maxItems\":1}", "[1,1]", " must have at most 1 item\n" },
                { "{\"uniqueItems\":false}", "[1,1]", "" },
                { "{\"prefixItems\":[{\"type\":\"null\"},{\"minimum\":3}]}", "[1,2,null]",
                  "/0 must be null\n/1 must be at least 3\n" },
                { "{\"prefixItems\":[{\"type\":\"null\"},{\"minimum\":3}]}", "[null]", "" },
                { "{\"items\":false,\"prefixItems\":[true]}", "[1,2,3]",
                  "/1 is not allowed here\n/2 is not allowed here\n" },
                { "{\"contains\":{\"type\":\"null\"}}", "[1,null]", "" },
                { "{\"contains\":{\"type\":\"null\"}}", "[]",
                  " must have at least 1 item of the form that is asked for\n" },
                { "{\"contains\":{\"title\":\"nothing\",\"type\":\"null\"},\"minContains\":2}", "[null]",
                  " must have at least 2 items such as this: nothing\n" },
                { "{\"contains\":{\"type\":\"null\"},\"minContains\":0}", "[]", "" },
                { "{\"contains\":true,\"maxContains\":1}", "[1,2]",
                  " must have at most 1 item of the form that is asked for\n" },
                { "{\"minContains\":2}", "[]", "" },
                { "{\"unevaluatedItems\":false,\"prefixItems\":[true],\"contains\":{\"const\":3}}",
                  "[1,2,3]", "/1 is not allowed here\n" },
                { "{\"unevaluatedItems\":{\"type\":\"null\"},\"anyOf\":[{\"prefixItems\":[{\"const\":2}]},true]}",
                  "[1]", "/0 must be null\n" },
                { "{\"unevaluatedItems\":false,\"anyOf\":[true,{\"items\":{\"const\":2}}]}", "[2,2]", "" },

                { "{\"required\":[\"to\"]}", "{}", "/to is required\n" },
                { "{\"required\":[\"to\"]}", "{\"To\":1}", "/to is required\n" },
                { "{\"required\":[\"to\"]}", "{\"to\":null}", "" },
                { "{\"required\":[\"a/b~c\"]}", "{}", "/a~1b~0c is required\n" },
                { "{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{\"a\":1,\"b\":1}", "/a must be null\n" },
                { "{\"properties\":{\"a\":false}}", "{\"a\":1}", "/a is not allowed here\n" },
                { "{\"properties\":{\"a\":true,\"b\":{}},\"additionalProperties\":false}", "{\"A\":1}",
                  "/A is not a field of this object; there are: a, b\n" },
                { "{\"additionalProperties\":false}", "{\"\":1}",
                  "/ is not a field of this object, which must be empty\n" },
                { "{\"properties\":{\"a\":true},\"additionalProperties\":{\"type\":\"string\"}}",
                  "{\"a\":1,\"b\":\"\",\"c\":1}", "/c must be a string\n" },
                { "{\"patternProperties\":{\"^x-\":{\"type\":\"null\"},\"y$\":{\"minimum\":2}}}",
                  "{\"x-y\":1,\"x-\":null,\"xy\":3}", "/x-y must be null\n/x-y must be at least 2\n" },
                { "{\"patternProperties\":{\"^x-\":true},\"properties\":{\"a\":true},\"additionalProperties\":false}",
                  "{\"x-y\":1,\"a\":1,\"b\":1}",
                  "/b is not a field of this object; there are: a, what matches ^x-\n" },
                { "{\"dependentRequired\":{\"a\":[\"b\",\"c\"],\"d\":[\"e\"]}}", "{\"a\":1,\"c\":1}",
                  "/b is required beside 'a'\n" },
                { "{\"dependentSchemas\":{\"a\":{\"required\":[\"b\"]},\"c\":false}}", "{\"a\":1}",
                  "/b is required\n" },
                { "{\"unevaluatedProperties\":false,\"allOf\":[{\"properties\":{\"a\":true}},"
                  "{\"patternProperties\":{\"^x\":true}}],\"$ref\":\"#/$defs/b\",\"$defs\":{\"b\":{\"properties\":{\"b\":true}}}}",
                  "{\"a\":1,\"xy\":1,\"b\":1,\"c\":1}", "/c is not a field that this object may have\n" },
                { "{\"unevaluatedProperties\":{\"type\":\"null\"},\"if\":{\"properties\":{\"a\":{\"const\":1}}},"
                  "\"then\":{\"properties\":{\"b\":true}},\"else\":{\"properties\":{\"c\":true}}}",
                  "{\"a\":2,\"b\":3,\"c\":3}", "/a must be null\n/b must be null\n" },
                { "{\"unevaluatedProperties\":false,\"not\":{\"not\":{\"properties\":{\"a\":true}}}}",
                  "{\"a\":1}", "/a is not a field that this object may have\n" },
                { "{\"properties\":{\"a\":{\"properties\":{\"b\":true}}},\"unevaluatedProperties\":false}",
                  "{\"a\":{\"b\":1},\"b\":1}", "/b is not a field that this object may have\n" },
                { "{\"allOf\":[{\"properties\":{\"a\":true}},{\"unevaluatedProperties\":false}]}",
                  "{\"a\":1}", "/a is not a field that this object may have\n" },

                { "{\"minProperties\":1}", "{}", " must have at least 1 field\n" },
                { "{\"maxProperties\":1}", "{\"a\":1,\"b\":1}", " must have at most 1 field\n" },
                { "{\"propertyNames\":{\"maxLength\":2}}", "{\"ab\":1,\"abc\":1}",
                  "/abc has a name that is not allowed here\n" },

                { "{\"allOf\":[{\"minimum\":3},{\"maximum\":1}]}", "2",
                  " must be at least 3\n must be at most 1\n" },
                { "{\"not\":{\"type\":\"string\"}}", "\"\"", " has a form that is not allowed here\n" },
                { "{\"not\":{\"title\":\"a word\",\"type\":\"string\"}}", "\"\"", " must not be this: a word\n" },
                { "{\"not\":false}", "\"\"", "" },
                { "{\"oneOf\":[{\"minimum\":3},{\"maximum\":5}]}", "4",
                  " has several of the forms of which it must have one\n" },
                { "{\"oneOf\":[{\"minimum\":3},{\"maximum\":5}]}", "6", "" },
                { "{\"if\":{\"type\":\"string\"},\"then\":{\"minLength\":1},\"else\":{\"minimum\":1}}", "\"\"",
                  " must not be empty\n" },
                { "{\"if\":{\"type\":\"string\"},\"then\":{\"minLength\":1},\"else\":{\"minimum\":1}}", "0",
                  " must be at least 1\n" },
                { "{\"if\":false,\"then\":false}", "0", "" },
                { "{\"then\":false,\"else\":false}", "0", "" },
                { "{\"$dynamicRef\":\"#a\",\"$defs\":{\"a\":{\"$dynamicAnchor\":\"a\",\"type\":\"null\"}}}", "0",
                  " must be null\n" },
        };

        assert_judgements(cases, ELEMENTSOF(cases));
}

#define LIST "{\"anyOf\":[{\"type\":\"string\",\"minLength\":1}," \
             "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1}]}"
#define FORMS(a, b) "{\"anyOf\":[{" a "\"type\":\"object\",\"required\":[\"a\"]},{" b \
                    "\"type\":\"object\",\"required\":[\"b\"]}]}"

/* One readable finding, or those of the alternative that was meant. */
static void test_alternatives_explain_themselves(void **state) {
        static const struct judgement cases[] = {
                { LIST, "\"a\"", "" },
                { LIST, "[\"a\"]", "" },
                { LIST, "1", " must be a string or an array\n" },
                { LIST, "\"\"", " must not be empty\n" },
                { LIST, "[\"a\",1]", "/1 must be a string\n" },
                { LIST, "[]", " must have at least 1 item\n" },
                { FORMS("", ""), "{\"b\":1}", "" },
                { FORMS("", ""), "{}", " has none of the forms that are allowed here\n" },
                { FORMS("\"title\":\"an a\",", "\"title\":\"a b\","), "{}", " is none of these: an a; a b\n" },
                { FORMS("\"title\":\"an a\",", ""), "{}", " has none of the forms that are allowed here\n" },
                { "{\"anyOf\":[false,false]}", "{}", " has none of the forms that are allowed here\n" },
                { "{\"anyOf\":[{\"const\":\"x\"},{\"enum\":[1,2]}]}", "3", " must be one of 1, 2\n" },
                { "{\"anyOf\":[{\"$ref\":\"#/$defs/s\"},{\"allOf\":[{\"type\":\"null\"}]}],"
                  "\"$defs\":{\"s\":{\"type\":\"string\"}}}", "1", " must be a string or null\n" },
                { "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}", "1.5",
                  " must be a string or a whole number\n" },
        };

        assert_judgements(cases, ELEMENTSOF(cases));
}

#define MAIL "{\"type\":\"object\",\"required\":[\"to\",\"subject\"],\"additionalProperties\":false,\"properties\":{" \
             "\"to\":{\"$ref\":\"#/$defs/list\"},\"subject\":{\"type\":\"string\",\"maxLength\":10}," \
             "\"parts\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/part\"}}},\"$defs\":{" \
             "\"list\":{\"type\":\"array\",\"items\":{\"format\":\"email\"}}," \
             "\"part\":{\"type\":\"object\",\"properties\":{\"size\":{\"minimum\":0}," \
             "\"parts\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/part\"}}}}}}"

static void test_everything_is_told(void **state) {
        static const struct judgement cases[] = {
                { MAIL, "{\"to\":[\"a@b.c\"],\"subject\":\"x\"}", "" },
                { MAIL, "{\"to\":[\"a@b.c\",\"a\",2],\"subject\":\"01234567890\",\"bcc\":1}",
                  "/subject must be at most 10 characters long\n"
                  "/to/1 must be one e-mail address such as user@example.com\n"
                  "/bcc is not a field of this object; there are: to, subject, parts\n" },
                { MAIL, "{\"to\":{},\"parts\":[{\"parts\":[{},{\"size\":-1}]},{\"parts\":1}]}",
                  "/subject is required\n/to must be an array\n"
                  "/parts/0/parts/1/size must be at least 0\n/parts/1/parts must be an array\n" },
        };
        _cleanup_(buffer_done) struct buffer findings = { 0 };

        judge(cases[0].schema, cases[0].instance, &findings);
        assert_string_equal(findings.data, cases[0].findings);

        /* Whatever order the keywords of a schema stand in, every line is there, once. */
        for (size_t i = 1; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *expected = strdup(cases[i].findings);
                size_t size = 0;

                judge(cases[i].schema, cases[i].instance, &findings);
                for (char *line = strtok(expected, "\n"); line; line = strtok(NULL, "\n")) {
                        assert_non_null(strstr(findings.data, line));
                        size += strlen(line) + 1;
                }
                assert_int_equal(findings.size, size);
        }
}

static void test_formats(void **state) {
        static const struct {
                const char *format, *text;
                bool valid;
        } cases[] = {
                { "email", "user@example.com", true },
                { "email", "a.b+c@x-y.example", true },
                { "email", "\\\"a b\\\"@example.com", true },
                { "email", "a@[127.0.0.1]", true },
                { "email", "a@[IPv6:::1]", true },
                { "email", "", false },
                { "email", "a", false },
                { "email", "@b", false },
                { "email", "a@", false },
                { "email", "a@b@c", false },
                { "email", "a@b.", false },
                { "email", "a@-b.c", false },
                { "email", "a@b-.c", false },
                { "email", "a@b c", false },
                { "email", "a@[127.0.0.300]", false },
                { "email", "a@[", false },
                { "email", "a@[]", false },
                { "email", "a@b\\n", false },
                { "email", "a@b\\r\\nBcc: c@d", false },
                { "email", "A <a@b.c>", false },
                { "email", "a@b, c@d", false },
                { "email", "\\\"a@b", false },
                { "email", "\\\"a\\\\", false },
                { "email", "ä@b", false },
                { "email", "0123456789012345678901234567890123456789012345678901234567890123@b", true },
                { "email", "01234567890123456789012345678901234567890123456789012345678901234@b", false },
                { "date", "2024-02-29", true },
                { "date", "0000-01-01", true },
                { "date", "2023-02-29", false },
                { "date", "2023-00-01", false },
                { "date", "2023-1-01", false },
                { "date", "2023-01-01 ", false },
                { "date", "", false },
                { "date-time", "1963-06-19T08:30:06.283185Z", true },
                { "date-time", "1998-12-31T15:59:60.1-08:00", true },
                { "date-time", "1998-12-31T22:59:60Z", false },
                { "date-time", "1998-12-31T23:59:61Z", false },
                { "date-time", "1963-06-19T08:30:06", false },
                { "date-time", "1963-06-19T08:30:06.Z", false },
                { "date-time", "1963-06-19T08:30:061Z", false },
                { "date-time", "1963-06-19T08:30:06+1:00", false },
                { "date-time", "1963-06-19T08:30:06+24:00", false },
                { "date-time", "1963-06-19 08:30:06Z", false },
                { "date-time", "1963-06-19T08:30:06Zx", false },
                { "uri", "https://example.com/a?b#c", true },
                { "uri", "mailto:a@b.c", true },
                { "uri", "http://[::1]:80/", true },
                { "uri", "http://u:p@h:80", true },
                { "uri", "urn:", true },
                { "uri", "/a", false },
                { "uri", "//a/b", false },
                { "uri", "", false },
                { "uri", "1a:b", false },
                { "uri", "a", false },
                { "uri", "http://a b", false },
                { "uri", "http://a/%4", false },
                { "uri", "http://a:b/", false },
                { "uri", "http://[::1", false },
                { "uri", "http://[v1.x]/", false },
                { "uri", "http://a/ä", false },
                { "uri", "http://a/#b#c", false },
                { "uri", "http://a\\n", false },
                { "uuid", "2eb8aa08-AA98-11ea-B4Aa-73B441D16380", true },
                { "uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d1638", false },
                { "uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d163800", false },
                { "uuid", "2eb8aa08aa98-11ea-b4aa-73b441d16380-", false },
                { "uuid", "", false },
        };
        _cleanup_(buffer_done) struct buffer findings = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char schema[64], instance[128];

                snprintf(schema, sizeof(schema), "{\"format\":\"%s\"}", cases[i].format);
                snprintf(instance, sizeof(instance), "\"%s\"", cases[i].text);
                judge(schema, instance, &findings);
                if (cases[i].valid != (findings.size == 0))
                        fail_msg("%s %s: %s", cases[i].format, instance, findings.data);
        }
}

static void test_patterns(void **state) {
        static const struct judgement cases[] = {
                { "{\"pattern\":\"^\\\\p{L}+$\"}", "\"\u00e4x\"", "" },
                { "{\"pattern\":\"^a$\"}", "\"b\"", " must match ^a$\n" },
                { "{\"pattern\":\"^a$\"}", "1", "" },
                { "{\"pattern\":\"^a$\"}", "\"a\\n\"",
                  " must not hold a line break or another control character\n" },
                { "{\"pattern\":\"^a\",\"maxLength\":2}", "\"ba\"", " must match ^a\n" },
                { "{\"pattern\":\"^a\",\"maxLength\":2}", "\"bab\"", " must be at most 2 characters long\n" },
                { "{\"pattern\":\"^.{0,1000}$\"}", "\"\u00e4\"", "" },
        };

        assert_judgements(cases, ELEMENTSOF(cases));
}

/* clang-format on */

static cJSON *nest(unsigned levels) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        cJSON *json;

        for (unsigned i = 0; i < levels; i++)
                buffer_putc(&text, '[');
        for (unsigned i = 0; i < levels; i++)
                buffer_putc(&text, ']');
        json = cJSON_Parse(text.data);
        assert_non_null(json);
        return json;
}

#define NESTED "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"items\":{\"$ref\":\"#/$defs/a\"}}}}"

static void test_an_instance_has_64_levels(void **state) {
        _cleanup_(schema_freep) struct schema *s = load(NESTED);
        _cleanup_(buffer_done) struct buffer findings = { 0 };
        _cleanup_(json_freep) cJSON *fits = nest(64), *deep = nest(65);

        judge_tree(s, fits, &findings);
        assert_string_equal(findings.data, "");
        judge_tree(s, deep, &findings);
        assert_non_null(strstr(findings.data, "/0/0 is nested deeper than 64 levels\n"));
}

/* Two alternatives at each of 60 levels would be asked 2^60 times. */
static void test_alternatives_of_alternatives_have_an_end(void **state) {
        static const char text[] =
                        "{\"$ref\":\"#/$defs/"
                        "a\",\"$defs\":{\"a\":{\"type\":\"array\",\"minItems\":1,\"anyOf\":["
                        "{\"items\":{\"$ref\":\"#/$defs/a\"}},{\"items\":{\"$ref\":\"#/$defs/"
                        "a\"}}]}}}";
        _cleanup_(schema_freep) struct schema *s = load(text);
        _cleanup_(buffer_done) struct buffer findings = { 0 };
        _cleanup_(json_freep) cJSON *deep = nest(60);

        judge_tree(s, deep, &findings);
        assert_non_null(strstr(findings.data, " is too intricate to be checked\n"));
}

/* A thousand faults are a hundred findings, and an end of the work. */
static void test_findings_are_bounded(void **state) {
        _cleanup_(schema_freep) struct schema *s = load("{\"items\":{\"type\":\"string\"}}");
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *json = cJSON_CreateArray();

        for (int i = 0; i < 1000; i++)
                cJSON_AddItemToArray(json, cJSON_CreateNull());
        assert_int_equal(schema_validate(s, json, &error), 100);
        assert_int_equal(ae_error_count(&error), 100);

        /* Whatever room is left for findings, the answer is no. */
        assert_true(schema_validate(s, json, &error) > 0);
        assert_int_equal(ae_error_count(&error), 100);
}

static void test_a_long_path_is_cut(void **state) {
        _cleanup_(schema_freep) struct schema *s = load("{\"additionalProperties\":false}");
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *json = cJSON_CreateObject();
        char name[3001];
        const char *path;

        for (size_t i = 0; i < sizeof(name) - 1; i += 2)
                memcpy(name + i, "\xc3\xa4", 2);
        name[sizeof(name) - 1] = 0;
        cJSON_AddNullToObject(json, name);
        assert_int_equal(schema_validate(s, json, &error), 1);
        path = json_string(error.errors->child, "path");
        assert_in_range(strlen(path), 1015, 1023);
        assert_string_equal(path + strlen(path) - strlen("ä…"), "ä…");
}

static void test_a_large_set(void **state) {
        _cleanup_(schema_freep) struct schema *s = load("{\"uniqueItems\":true}");
        _cleanup_(buffer_done) struct buffer findings = { 0 };
        _cleanup_(json_freep) cJSON *json = cJSON_CreateArray();

        for (int i = 0; i < 20000; i++)
                cJSON_AddItemToArray(json, cJSON_CreateNumber(i));
        judge_tree(s, json, &findings);
        assert_string_equal(findings.data, "");
        cJSON_AddItemToArray(json, cJSON_CreateNumber(7));
        cJSON_AddItemToArray(json, cJSON_CreateNumber(3));
        cJSON_AddItemToArray(json, cJSON_CreateNumber(7));
        judge_tree(s, json, &findings);
        assert_string_equal(
                        findings.data,
                        "/20000 repeats item 7\n/20001 repeats item 3\n/20002 repeats item 7\n");
}

/* What a pattern or a large instance costs is of the same account. */
static void test_all_work_has_an_end(void **state) {
        static const char *const schemas[] = {
                "{\"items\":{\"not\":{\"pattern\":\"(a|b|ab)*c.{0,2000}d\"}}}",
                "{\"allOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/a\"}],\"$defs\":{"
                "\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"$ref\":\"#/$defs/b\"}]},"
                "\"b\":{\"allOf\":[{\"$ref\":\"#/$defs/c\"},{\"$ref\":\"#/$defs/c\"}]},"
                "\"c\":{\"items\":{\"not\":{\"enum\":[1,2,3,4,5,6,7,8,\"x\"]}}}}}",
        };
        _cleanup_(json_freep) cJSON *json = cJSON_CreateArray();
        _cleanup_(buffer_done) struct buffer findings = { 0 }, text = { 0 };

        for (int i = 0; i < 20000; i++)
                buffer_putc(&text, i % 3 == 0 ? 'c' : 'a');
        for (int i = 0; i < 50000; i++)
                cJSON_AddItemToArray(json, cJSON_CreateStringReference(i < 90 ? text.data : ""));
        for (size_t i = 0; i < ELEMENTSOF(schemas); i++) {
                _cleanup_(schema_freep) struct schema *s = load(schemas[i]);

                judge_tree(s, json, &findings);
                assert_non_null(strstr(findings.data, " is too intricate to be checked\n"));
        }
}

/* Only while an instance is judged is it known where a $dynamicRef leads: here, in a circle. */
static void test_a_circle_of_dynamic_references_has_an_end(void **state) {
        static const struct judgement cases[] = {
                { "{\"$dynamicAnchor\":\"x\",\"allOf\":[{\"$dynamicRef\":\"#x\"}]}", "1",
                  " is too intricate to be checked\n" },
                { "{\"$id\":\"urn:a\",\"$dynamicAnchor\":\"x\",\"$ref\":\"urn:b\",\"$defs\":{"
                  "\"b\":{\"$id\":\"urn:b\",\"$dynamicRef\":\"#x\","
                  "\"$defs\":{\"c\":{\"$dynamicAnchor\":\"x\"}}}}}",
                  "1", " is too intricate to be checked\n" },
        };

        assert_judgements(cases, ELEMENTSOF(cases));
}

/* clang-format off */
#define LEAF(anchor) "{\"$id\":\"urn:a\",\"$ref\":\"urn:b\",\"$defs\":{\"o\":{\"" anchor "\":\"x\",\"const\":1}," \
                     "\"b\":{\"$id\":\"urn:b\",\"items\":{\"$dynamicRef\":\"#x\"}," \
                     "\"$defs\":{\"i\":{\"$dynamicAnchor\":\"x\",\"const\":2}}}}}"

/* The outermost of those who have the anchor, if it is a dynamic one. */
static void test_dynamic_references(void **state) {
        static const struct judgement cases[] = {
                { LEAF("$dynamicAnchor"), "[1,2]", "/1 must be 1\n" },
                { LEAF("$anchor"), "[1,2]", "/0 must be 2\n" },
        };

        assert_judgements(cases, ELEMENTSOF(cases));
}

/* What one schema has looked at, and where another can see that. */
static void test_what_is_unevaluated(void **state) {
        static const struct judgement cases[] = {
                { "{\"allOf\":[{\"unevaluatedProperties\":true}],\"unevaluatedProperties\":false}", "{\"a\":1}", "" },
                { "{\"allOf\":[{\"properties\":{\"a\":true},\"unevaluatedProperties\":{\"const\":1}}],"
                  "\"unevaluatedProperties\":false}", "{\"a\":1,\"b\":1}", "" },
                { "{\"additionalProperties\":true,\"unevaluatedProperties\":false}", "{\"a\":1}", "" },
                { "{\"properties\":{\"a\":{\"items\":true}},\"unevaluatedProperties\":false}",
                  "{\"a\":[1],\"b\":1}", "/b is not a field that this object may have\n" },
                { "{\"contains\":{\"unevaluatedProperties\":true},\"unevaluatedItems\":false}", "[{\"a\":1}]", "" },
                { "{\"contains\":{\"items\":{\"const\":1}},\"unevaluatedItems\":false}", "[[1],[2]]",
                  "/1 is not allowed here\n" },
                { "{\"propertyNames\":{\"maxLength\":1},\"unevaluatedProperties\":false}", "{\"a\":1}",
                  "/a is not a field that this object may have\n" },
                { "{\"dependentSchemas\":{\"a\":{\"properties\":{\"a\":true}}},\"unevaluatedProperties\":false}",
                  "{\"a\":1}", "" },
                { "{\"oneOf\":[{\"required\":[\"z\"],\"properties\":{\"a\":true}},{\"properties\":{\"b\":true}}],"
                  "\"unevaluatedProperties\":false}", "{\"a\":1,\"b\":1}",
                  "/a is not a field that this object may have\n" },
                { "{\"if\":{\"properties\":{\"a\":true}},\"unevaluatedProperties\":false}", "{\"a\":1}", "" },
        };

        assert_judgements(cases, ELEMENTSOF(cases));
}
/* clang-format on */

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_keyword_at_a_time),
                cmocka_unit_test(test_alternatives_explain_themselves),
                cmocka_unit_test(test_everything_is_told),
                cmocka_unit_test(test_formats),
                cmocka_unit_test(test_patterns),
                cmocka_unit_test(test_an_instance_has_64_levels),
                cmocka_unit_test(test_alternatives_of_alternatives_have_an_end),
                cmocka_unit_test(test_findings_are_bounded),
                cmocka_unit_test(test_a_long_path_is_cut),
                cmocka_unit_test(test_a_large_set),
                cmocka_unit_test(test_all_work_has_an_end),
                cmocka_unit_test(test_dynamic_references),
                cmocka_unit_test(test_what_is_unevaluated),
                cmocka_unit_test(test_a_circle_of_dynamic_references_has_an_end),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
