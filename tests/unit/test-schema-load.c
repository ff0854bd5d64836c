/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
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

static void assert_judges(const struct schema *s, const char *instance, size_t n_findings) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *json = NULL;

        assert_int_equal(json_parse(instance, strlen(instance), &json, NULL), 0);
        assert_int_equal(schema_validate(s, json, &error), n_findings);
}

/* clang-format off */
static void test_what_is_not_loaded(void **state) {
        static const struct {
                const char *schema, *error;
        } cases[] = {
                { "", "is no JSON" },
                { "{\"type\":\"string\",\"type\":\"null\"}", "is no JSON" },
                { "1", "the schema: must be a schema" },
                { "[]", "the schema: must be a schema" },
                { "{\"PatternProperties\":{}}", "/PatternProperties: is not a keyword that is known here" },
                { "{\"Type\":\"string\"}", "/Type: is not a keyword" },
                { "{\"properties\":{\"a/b\":{\"items\":{\"If\":{}}}}}", "/properties/a~1b/items/If: is not a keyword" },
                { "{\"anyOf\":[true,{\"x\":1}]}", "/anyOf/1/x: is not a keyword" },
                { "{\"allOf\":[true,1]}", "/allOf/1: must be a schema" },
                { "{\"$defs\":{\"a\":{\"x\":1}}}", "/$defs/a/x: is not a keyword" },
                { "{\"type\":\"text\"}", "/type: must be the name of a type" },
                { "{\"type\":[]}", "/type: must name at least one type" },
                { "{\"type\":1}", "/type: must be the name" },
                { "{\"type\":[\"string\",\"string\"]}", "/type: must be the name" },
                { "{\"enum\":[]}", "/enum: must be an array" },
                { "{\"enum\":\"a\"}", "/enum: must be an array" },
                { "{\"minimum\":\"1\"}", "/minimum: must be a number" },
                { "{\"exclusiveMinimum\":true}", "/exclusiveMinimum: must be a number" },
                { "{\"multipleOf\":0}", "/multipleOf: must be a number above 0" },
                { "{\"multipleOf\":-2}", "/multipleOf: must be a number above 0" },
                { "{\"minLength\":-1}", "/minLength: must be a whole number, 0 or more" },
                { "{\"maxItems\":1.5}", "/maxItems: must be a whole number, 0 or more" },
                { "{\"minProperties\":\"1\"}", "/minProperties: must be a whole number" },
                { "{\"required\":\"a\"}", "/required: must be an array of names" },
                { "{\"required\":[1]}", "/required: must be an array of names" },
                { "{\"required\":[\"a\",\"b\",\"a\"]}", "/required: names 'a' twice" },
                { "{\"properties\":[]}", "/properties: must be an object of schemas" },
                { "{\"properties\":{\"a\":1}}", "/properties/a: must be a schema" },
                { "{\"additionalProperties\":1}", "/additionalProperties: must be a schema" },
                { "{\"items\":[{}]}", "/items: must be a schema" },
                { "{\"not\":null}", "/not: must be a schema" },
                { "{\"anyOf\":[]}", "/anyOf: must be an array of at least one schema" },
                { "{\"oneOf\":{}}", "/oneOf: must be an array" },
                { "{\"uniqueItems\":1}", "/uniqueItems: must be true or false" },
                { "{\"pattern\":1}", "/pattern: must be a string" },
                { "{\"format\":\"hostname\"}", "/format: is not a format that is known here" },
                { "{\"format\":1}", "/format: must be a string" },
                { "{\"title\":1}", "/title: must be a string" },
                { "{\"examples\":1}", "/examples: must be an array" },
                { "{\"deprecated\":1}", "/deprecated: must be true or false" },
                { "{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}", "/$schema: must be" },
                { "{\"pattern\":\"(\"}", "/pattern: has a '(' without its ')'" },
                { "{\"pattern\":\"(?=a)\"}", "/pattern: looks around" },
                { "{\"patternProperties\":{\"a\":1}}", "/patternProperties/a: must be a schema" },
                { "{\"patternProperties\":{\"a/\\\\1\":true}}", "/patternProperties/a~1\\1: refers back" },
                { "{\"dependentRequired\":[]}", "/dependentRequired: must be an object" },
                { "{\"dependentRequired\":{\"a\":[1]}}", "/dependentRequired/a: must be an array of names" },
                { "{\"dependentSchemas\":{\"a\":1}}", "/dependentSchemas/a: must be a schema" },
                { "{\"if\":1}", "/if: must be a schema" },
                { "{\"then\":1}", "/then: must be a schema" },
                { "{\"prefixItems\":[]}", "/prefixItems: must be an array of at least one schema" },
                { "{\"contains\":true,\"minContains\":-1}", "/minContains: must be a whole number" },
                { "{\"contentSchema\":1}", "/contentSchema: must be a schema" },
                { "{\"unevaluatedItems\":[]}", "/unevaluatedItems: must be a schema" },
                { "{\"$vocabulary\":[]}", "/$vocabulary: must be an object" },
                { "{\"$vocabulary\":{\"urn:a\":1}}", "/$vocabulary: must be an object" },
                { "{\"$id\":1}", "/$id: must be a string" },
                { "{\"$id\":\"urn:a#b\"}", "/$id: must not have a fragment" },
                { "{\"$id\":\"urn:a\",\"items\":{\"$id\":\"urn:a#\"}}", "/items/$id: is the name of another" },
                { "{\"items\":{\"$id\":\"\"}}", "/items/$id: is the name of another" },
                { "{\"$anchor\":1}", "/$anchor: must be a string" },
                { "{\"$anchor\":\"\"}", "/$anchor: must be a name" },
                { "{\"$anchor\":\"1a\"}", "/$anchor: must be a name" },
                { "{\"$dynamicAnchor\":\"a/b\"}", "/$dynamicAnchor: must be a name" },
                { "{\"$anchor\":\"a\",\"items\":{\"$dynamicAnchor\":\"a\"}}", "/items/$dynamicAnchor: is the name" },
                { "{\"items\":{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"}}",
                  "/items/$schema: may stand beside an $id" },
                { "{\"$ref\":1}", "/$ref: must be a string" },
                { "{\"$ref\":\"#a\"}", "/$ref: leads nowhere: there is no 'a' in ''" },
                { "{\"$ref\":\"#/%\"}", "/$ref: is no URI" },
                { "{\"$ref\":\"#/%00\"}", "/$ref: is no URI" },
                { "{\"$ref\":\"#/%ff\"}", "/$ref: is no URI" },
                { "{\"$ref\":\"#/title\",\"title\":\"t\"}", "/$ref: leads to what is no schema" },
                { "{\"$ref\":\"#/default\",\"default\":{\"x\":1}}", "/x: is not a keyword" },
                { "{\"$ref\":\"#/enum/01\",\"enum\":[1,true]}", "/$ref: leads nowhere" },
                { "{\"$ref\":\"#/enum/2\",\"enum\":[1,true]}", "/$ref: leads nowhere" },
                { "{\"$ref\":\"#/enum/\",\"enum\":[1,true]}", "/$ref: leads nowhere" },
                { "{\"$ref\":\"https://example.com/a\"}",
                  "/$ref: leads nowhere: there is no 'https://example.com/a'" },
                { "{\"$dynamicRef\":\"#a\"}", "/$dynamicRef: leads nowhere" },
                { "{\"$ref\":\"#\"}", "the schema: leads through $ref in a circle" },
                { "{\"if\":{\"$ref\":\"#\"}}", "the schema: leads through $ref in a circle" },
                { "{\"$defs\":1}", "/$defs: must be an object of schemas" },
                { "{\"$defs\":[1]}", "/$defs: must be an object of schemas" },
                { "{\"$ref\":\"#/$defs/a\"}", "/$ref: leads nowhere: there is no '/$defs/a' in ''" },
                { "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"ab\":true}}", "/$ref: leads nowhere" },
                { "{\"$ref\":\"#/$defs/ab\",\"$defs\":{\"a\":true}}", "/$ref: leads nowhere" },
                { "{\"$ref\":\"#/$defs/a/b\",\"$defs\":{\"a/b\":true}}", "/$ref: leads nowhere" },
                { "{\"$ref\":\"#/$defs/a~\",\"$defs\":{\"a\":true}}", "/$ref: leads nowhere" },
                { "{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}", "/$defs/a: leads through $ref in a circle" },
                { "{\"$defs\":{\"a\":{\"not\":{\"$ref\":\"#/$defs/b\"}},\"b\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"}]}}}",
                  "/$defs/a: leads through $ref in a circle" },
        };
        char error[SCHEMA_ERROR_SIZE];
        struct schema *s = NULL;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                strcpy(error, "");
                assert_int_equal(schema_new(cases[i].schema, strlen(cases[i].schema), &s, error), -EINVAL);
                if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
                        fail_msg("%s: '%s' instead of '%s'", cases[i].schema, error, cases[i].error);
                assert_null(s);
        }
}
/* clang-format on */

static void test_annotations_change_nothing(void **state) {
        static const char text[] =
                        "{\"$schema\":\"https://json-schema.org/draft/2020-12/"
                        "schema\",\"$id\":\"urn:x\","
                        "\"$comment\":\"c\",\"title\":\"t\",\"description\":\"d\",\"default\":null,"
                        "\"examples\":[1],\"contentEncoding\":\"base64\",\"contentMediaType\":"
                        "\"text/plain\","
                        "\"deprecated\":true,\"readOnly\":true,\"writeOnly\":false}";
        _cleanup_(schema_freep) struct schema *s = load(text);

        assert_judges(s, "\"!\"", 0);
        assert_string_equal(json_string(schema_json(s), "title"), "t");
}

static void test_names_of_references_are_escaped(void **state) {
        _cleanup_(schema_freep) struct schema *s = load(
                        "{\"$ref\":\"#/$defs/a~1b~0c\",\"$defs\":{\"a/b~c\":{\"type\":\"null\"}}}");

        assert_judges(s, "null", 0);
        assert_judges(s, "1", 1);
}

/* {"$ref":"#/$defs/d0"} and so on, the last of them open. */
static void print_chain(unsigned n, struct buffer *text) {
        buffer_puts(text, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
        for (unsigned i = 0; i < n; i++)
                buffer_printf(text, "\"d%u\":{\"$ref\":\"#/$defs/d%u\"},", i, i + 1);
        buffer_printf(text, "\"d%u\":true}}", n);
}

static void test_a_chain_of_references_has_an_end(void **state) {
        for (unsigned n = 30; n <= 31; n++) {
                _cleanup_(schema_freep) struct schema *s = NULL;
                _cleanup_(buffer_done) struct buffer text = { 0 };
                char error[SCHEMA_ERROR_SIZE];

                print_chain(n, &text);
                assert_int_equal(schema_new(text.data, text.size, &s, error),
                                 n == 30 ? 0 : -EINVAL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_not_loaded),
                cmocka_unit_test(test_annotations_change_nothing),
                cmocka_unit_test(test_names_of_references_are_escaped),
                cmocka_unit_test(test_a_chain_of_references_has_an_end),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
