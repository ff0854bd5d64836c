/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "action/schema-uri.h"
#include "action/schema.h"
#include "base/buffer.h"
#include "base/json.h"

/* clang-format off */
/* Those of RFC 3986, section 5.4, and what schemas add to them. */
static void test_references_are_resolved(void **state) {
#define RFC "http://a/b/c/d;p?q"
        static const struct {
                const char *base, *reference, *uri;
        } cases[] = {
                { RFC, "g:h", "g:h" }, { RFC, "g", "http://a/b/c/g" }, { RFC, "./g", "http://a/b/c/g" },
                { RFC, "g/", "http://a/b/c/g/" }, { RFC, "/g", "http://a/g" }, { RFC, "//g", "http://g" },
                { RFC, "?y", "http://a/b/c/d;p?y" }, { RFC, "g?y", "http://a/b/c/g?y" },
                { RFC, "#s", RFC }, { RFC, "g#s", "http://a/b/c/g" }, { RFC, "g?y#s", "http://a/b/c/g?y" },
                { RFC, ";x", "http://a/b/c/;x" }, { RFC, "g;x?y#s", "http://a/b/c/g;x?y" }, { RFC, "", RFC },
                { RFC, ".", "http://a/b/c/" }, { RFC, "./", "http://a/b/c/" }, { RFC, "..", "http://a/b/" },
                { RFC, "../", "http://a/b/" }, { RFC, "../g", "http://a/b/g" }, { RFC, "../..", "http://a/" },
                { RFC, "../../", "http://a/" }, { RFC, "../../g", "http://a/g" },
                { RFC, "../../../g", "http://a/g" }, { RFC, "../../../../g", "http://a/g" },
                { RFC, "/./g", "http://a/g" }, { RFC, "/../g", "http://a/g" }, { RFC, "g.", "http://a/b/c/g." },
                { RFC, ".g", "http://a/b/c/.g" }, { RFC, "g..", "http://a/b/c/g.." },
                { RFC, "..g", "http://a/b/c/..g" }, { RFC, "...", "http://a/b/c/..." },
                { RFC, "./../g", "http://a/b/g" }, { RFC, "./g/.", "http://a/b/c/g/" },
                { RFC, "g/./h", "http://a/b/c/g/h" }, { RFC, "g/../h", "http://a/b/c/h" },
                { RFC, "g;x=1/./y", "http://a/b/c/g;x=1/y" }, { RFC, "g;x=1/../y", "http://a/b/c/y" },
                { RFC, "g?y/./x", "http://a/b/c/g?y/./x" }, { RFC, "g?y/../x", "http://a/b/c/g?y/../x" },
                { RFC, "g#s/../x", "http://a/b/c/g" }, { RFC, "http:g", "http:g" },
                { "http://a", "b", "http://a/b" }, { "http://a?q", "b", "http://a/b" },
                { "http://a/b/", "c", "http://a/b/c" }, { "http://a/b", "//c/../d", "http://c/d" },
                { "http://a/b#c", "#d", "http://a/b" }, { "http://a/b?", "#d", "http://a/b?" },
                { "urn:a:b", "#c", "urn:a:b" }, { "urn:a:b", "c", "urn:c" }, { "urn:a?q", "", "urn:a?q" },
                { "file:///a/b", "c", "file:///a/c" }, { "", "", "" }, { "", "a/b", "a/b" },
                { "", "#a", "" }, { "a/b", "c", "a/c" }, { "a", "./b", "b" }, { "a", "../b", "b" },
                { "a", "/b", "/b" }, { "", ".", "" }, { "", ":", ":" }, { "", "?", "?" },
        };
#undef RFC

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *uri = NULL;

                assert_int_equal(schema_uri_resolve(cases[i].base, cases[i].reference, &uri), 0);
                if (strcmp(uri, cases[i].uri) != 0)
                        fail_msg("'%s' at '%s' is '%s'", cases[i].reference, cases[i].base, uri);
        }
}

static void test_fragments_are_decoded(void **state) {
        static const struct {
                const char *reference, *fragment;
        } cases[] = {
                { "", "" }, { "a", "" }, { "a#", "" }, { "#a", "a" }, { "a?b#/c/d", "/c/d" },
                { "#%25%2f%41", "%/A" }, { "#%c3%A4", "\u00e4" }, { "#a#b", "a#b" }, { "%41#b", "b" },
                { "#%", NULL }, { "#%4", NULL }, { "#%4g", NULL }, { "#%00", NULL }, { "#%c3", NULL },
                { "#%ed%a0%80", NULL }, { "#a%ff", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *fragment = NULL;
                int r = schema_uri_fragment(cases[i].reference, &fragment);

                assert_int_equal(r, cases[i].fragment ? 0 : -EINVAL);
                if (cases[i].fragment)
                        assert_string_equal(fragment, cases[i].fragment);
        }
}

/* ---- documents ---- */

static const struct {
        const char *uri, *text;
} documents[] = {
        { "https://example.com/s/text", "{\"type\":\"string\",\"$defs\":{\"n\":{\"$anchor\":\"null\",\"type\":\"null\"},"
                                        "\"t\":{\"$ref\":\"text\"}}}" },
        { "https://example.com/s/moved", "{\"$id\":\"https://example.org/real\",\"items\":{\"$ref\":\"sub/item\"}}" },
        { "https://example.org/sub/item", "{\"minimum\":3}" },
        { "https://example.com/s/round", "{\"properties\":{\"a\":{\"$ref\":\"root\"}}}" },
        { "https://example.com/s/yes", "true" },
        { "https://example.com/s/broken", "{" },
        { "https://example.com/s/wrong", "{\"items\":{\"type\":1}}" },
        { "https://example.com/s/number", "1" },
        { "https://example.com/s/lost", "{\"items\":{\"$ref\":\"nowhere\"}}" },
        { "https://example.com/few", "{\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/core\":true,"
                                     "\"https://json-schema.org/draft/2020-12/vocab/applicator\":true,"
                                     "\"https://example.com/unknown\":false}}" },
        { "https://example.com/unreadable", "{\"$vocabulary\":{\"https://example.com/unknown\":true}}" },
        { "https://example.com/asserting", "{\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/"
                                           "format-assertion\":true}}" },
};
/* clang-format on */

static int resolve(const char *uri, void *userdata, const char **ret_text, size_t *ret_size) {
        unsigned *n_calls = userdata;

        if (n_calls)
                ++*n_calls;
        if (strcmp(uri, "https://example.com/s/fails") == 0)
                return -EIO;
        for (size_t i = 0; i < ELEMENTSOF(documents); i++)
                if (strcmp(documents[i].uri, uri) == 0) {
                        *ret_text = documents[i].text;
                        *ret_size = strlen(documents[i].text);
                        return 0;
                }
        return -ENOENT;
}

static int load(const char *text, unsigned flags, unsigned *n_calls, struct schema **ret,
                char error[static SCHEMA_ERROR_SIZE]) {
        const struct schema_options options = {
                .flags = flags,
                .uri = "https://example.com/s/root",
                .resolve = resolve,
                .userdata = n_calls,
        };

        strcpy(error, "");
        return schema_new_with(text, strlen(text), &options, ret, error);
}

static size_t judge(const struct schema *s, const char *instance) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *json = NULL;

        assert_int_equal(json_parse(instance, strlen(instance), &json, NULL), 0);
        return schema_validate(s, json, &error);
}

/* clang-format off */
static void test_what_references_lead_to(void **state) {
        static const struct {
                const char *schema, *fits, *differs; /* NULL: nothing */
        } cases[] = {
                { "{\"$ref\":\"text\"}", "\"\"", "1" },
                { "{\"$ref\":\"/s/text#\"}", "\"\"", "1" },
                { "{\"$ref\":\"text#/$defs/n\"}", "null", "1" },
                { "{\"$ref\":\"text#null\"}", "null", "1" },
                { "{\"$ref\":\"text#/$defs/t\"}", "\"\"", "null" },
                { "{\"$dynamicRef\":\"text#null\"}", "null", "1" },
                { "{\"$ref\":\"moved\"}", "[3]", "[2]" },
                { "{\"$ref\":\"moved\",\"allOf\":[{\"$ref\":\"https://example.org/real#/items\"}]}", "3", "2" },
                { "{\"type\":\"object\",\"allOf\":[{\"$ref\":\"round\"}]}", "{\"a\":{\"a\":{}}}", "{\"a\":{\"a\":1}}" },
                { "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", "[[[]]]", "[[1]]" },
                { "{\"type\":\"array\",\"items\":{\"$ref\":\"root\"}}", "[[[]]]", "[[1]]" },
                { "{\"$ref\":\"yes\"}", "1", NULL },
                { "{\"$ref\":\"#/properties/a~1b\",\"properties\":{\"a/b\":{\"const\":1}}}", "1", "2" },
                { "{\"$ref\":\"#/allOf/1\",\"allOf\":[true,{\"const\":1}]}", "1", "2" },
                { "{\"$ref\":\"#/x/y/0\",\"x\":{\"y\":[{\"const\":1}]}}", "1", "2" },
                { "{\"$ref\":\"#/x\",\"x\":{\"$ref\":\"#/x/y\",\"y\":{\"const\":1}}}", "1", "2" },
                { "{\"const\":{\"$ref\":\"nowhere\",\"$id\":\"#x\"}}", "{\"$ref\":\"nowhere\",\"$id\":\"#x\"}", "1" },
                { "{\"properties\":{\"$ref\":{\"const\":1}}}", "{\"$ref\":1}", "{\"$ref\":2}" },
                { "{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}",
                  "{\"items\":{\"type\":\"null\"},\"$defs\":{\"a\":false}}", "{\"$defs\":{\"a\":{\"items\":{\"type\":1}}}}" },
                { "{\"$schema\":\"https://example.com/few\",\"minimum\":3,\"items\":{\"minimum\":4},\"not\":false}", "[1]",
                  NULL },
                { "{\"$schema\":\"https://example.com/asserting\",\"format\":\"email\"}", "\"a@b.c\"", "\"a\"" },
                { "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema#\",\"format\":\"email\"}", "\"a\"", NULL },
                { "{\"anyOf\":[],\"x\":1}", NULL, NULL },
                { "{\"unknown\":1,\"format\":\"unknown\",\"then\":{\"items\":1}}", NULL, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(schema_freep) struct schema *s = NULL;
                char error[SCHEMA_ERROR_SIZE];
                int r = load(cases[i].schema, 0, NULL, &s, error);

                if (r != (cases[i].fits ? 0 : -EINVAL))
                        fail_msg("%s: %d, %s", cases[i].schema, r, error);
                if (cases[i].fits && judge(s, cases[i].fits) != 0)
                        fail_msg("%s refuses %s", cases[i].schema, cases[i].fits);
                if (cases[i].differs && judge(s, cases[i].differs) == 0)
                        fail_msg("%s accepts %s", cases[i].schema, cases[i].differs);
        }
}

/* Where it is wrong is said, in whatever document that is. */
static void test_what_references_do_not_lead_to(void **state) {
        static const struct {
                const char *schema;
                int r;
                const char *error;
        } cases[] = {
                { "{\"items\":{\"$ref\":\"nowhere\"}}", -EINVAL,
                  "/items/$ref: leads nowhere: there is no 'https://example.com/s/nowhere'" },
                { "{\"$ref\":\"text#/a\"}", -EINVAL,
                  "/$ref: leads nowhere: there is no '/a' in 'https://example.com/s/text'" },
                { "{\"$ref\":\"text#a\"}", -EINVAL, "/$ref: leads nowhere: there is no 'a' in" },
                { "{\"$ref\":\"broken\"}", -EINVAL, "https://example.com/s/broken: is no JSON" },
                { "{\"$ref\":\"wrong\"}", -EINVAL, "https://example.com/s/wrong#/items/type: must be" },
                { "{\"$ref\":\"number\"}", -EINVAL, "https://example.com/s/number#: must be a schema" },
                { "{\"$ref\":\"lost\"}", -EINVAL, "https://example.com/s/lost#/items/$ref: leads nowhere" },
                { "{\"$ref\":\"fails\"}", -EIO, "" },
                { "{\"$schema\":\"https://example.com/missing\"}", -EINVAL, "/$schema: must be" },
                { "{\"$schema\":\"https://example.com/unreadable\"}", -EINVAL,
                  "/$schema: needs the vocabulary 'https://example.com/unknown'" },
                { "{\"$ref\":\"root\"}", -EINVAL, "the schema: leads through $ref in a circle" },
                { "{\"$ref\":\"moved\",\"items\":{\"$id\":\"https://example.org/real\"}}", -EINVAL,
                  "https://example.com/s/moved#/$id: is the name of another schema as well" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(schema_freep) struct schema *s = NULL;
                char error[SCHEMA_ERROR_SIZE];

                assert_int_equal(load(cases[i].schema, 0, NULL, &s, error), cases[i].r);
                if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
                        fail_msg("%s: '%s'", cases[i].schema, error);
        }
}
/* clang-format on */

/* A keyword of a vocabulary that a dialect has not is not known there. */
static void test_strictness(void **state) {
        static const char *const schemas[] = {
                "{\"unknown\":1}",
                "{\"format\":\"hostname\"}",
                "{\"$schema\":\"https://example.com/few\",\"minimum\":3}",
                "{\"enum\":[]}",
                "{\"required\":[\"a\",\"a\"]}",
        };

        for (size_t i = 0; i < ELEMENTSOF(schemas); i++) {
                _cleanup_(schema_freep) struct schema *s = NULL;
                char error[SCHEMA_ERROR_SIZE];

                assert_int_equal(load(schemas[i], SCHEMA_STRICT | SCHEMA_ASSERT_FORMAT, NULL, &s,
                                      error),
                                 -EINVAL);
                assert_int_equal(load(schemas[i], SCHEMA_ASSERT_FORMAT, NULL, &s, error), 0);
        }
}

/* The metaschemas name formats that nobody here knows, and can still be referred to. */
static void test_strictness_ends_at_the_metaschemas(void **state) {
        static const char text[] = "{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}";
        _cleanup_(schema_freep) struct schema *s = NULL;
        char error[SCHEMA_ERROR_SIZE];

        assert_int_equal(schema_new(text, strlen(text), &s, error), 0);
        assert_int_equal(judge(s, "{\"pattern\":\"a\",\"x\":1}"), 0);
        assert_int_equal(judge(s, "{\"properties\":{\"a\":{\"pattern\":1}}}"), 1);
}

static void test_a_document_is_asked_for_once(void **state) {
        _cleanup_(schema_freep) struct schema *s = NULL;
        char error[SCHEMA_ERROR_SIZE];
        unsigned n_calls = 0;

        assert_int_equal(load("{\"items\":{\"$ref\":\"text\"},\"not\":{\"$ref\":\"text#null\"},"
                              "\"allOf\":[{\"$ref\":\"root#/items\"}]}",
                              0, &n_calls, &s, error),
                         0);
        assert_int_equal(n_calls, 1);
}

struct chain {
        struct buffer text;
        unsigned n_left;
};

/* Every document leads to the next one. */
static int resolve_next(const char *uri, void *userdata, const char **ret_text, size_t *ret_size) {
        struct chain *chain = userdata;

        buffer_clear(&chain->text);
        if (--chain->n_left > 0)
                buffer_printf(&chain->text, "{\"items\":{\"$ref\":\"%sx\"}}", uri);
        else
                buffer_puts(&chain->text, "true");
        *ret_text = chain->text.data;
        *ret_size = chain->text.size;
        return 0;
}

static void print_names(struct buffer *text, const char *keyword, unsigned n) {
        buffer_clear(text);
        buffer_puts(text, "{\"allOf\":[true");
        for (unsigned i = 0; i < n; i++)
                buffer_printf(text, ",{\"%s\":\"a%u\"}", keyword, i);
        buffer_puts(text, "]}");
}

static void test_names_are_bounded(void **state) {
        static const struct schema_options none = { 0 };
        static const struct {
                const char *keyword;
                unsigned n;
        } cases[] = {
                { "$id", SCHEMA_MAX_RESOURCES - 1 }, /* and the root */
                { "$anchor", SCHEMA_MAX_ANCHORS },
        };
        _cleanup_(buffer_done) struct buffer text = { 0 };
        char error[SCHEMA_ERROR_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (unsigned more = 0; more < 2; more++) {
                        _cleanup_(schema_freep) struct schema *s = NULL;

                        print_names(&text, cases[i].keyword, cases[i].n + more);
                        assert_int_equal(schema_new_with(text.data, text.size, &none, &s, error),
                                         more ? -EINVAL : 0);
                        if (more)
                                assert_non_null(strstr(error, "is one name too many"));
                }
}

static void test_patterns_are_bounded(void **state) {
        static const struct schema_options none = { 0 };
        _cleanup_(buffer_done) struct buffer text = { 0 };
        char error[SCHEMA_ERROR_SIZE];

        for (unsigned more = 0; more < 2; more++) {
                _cleanup_(schema_freep) struct schema *s = NULL;

                buffer_clear(&text);
                buffer_puts(&text, "{\"allOf\":[true");
                for (size_t i = 0; i < SCHEMA_MAX_INSTRUCTIONS / 16384 + more; i++)
                        buffer_puts(&text, ",{\"pattern\":\"a{16383}\"}");
                buffer_puts(&text, "]}");
                assert_int_equal(schema_new_with(text.data, text.size, &none, &s, error),
                                 more ? -EINVAL : 0);
                if (more)
                        assert_non_null(strstr(error, "is one pattern too many"));
        }
}

/* Each reference walks past all that stands before what it leads to. */
static void test_the_search_is_bounded(void **state) {
        static const struct schema_options none = { 0 };
        _cleanup_(buffer_done) struct buffer text = { 0 };
        char error[SCHEMA_ERROR_SIZE];

        for (unsigned n = 8000; n <= 12000; n += 4000) {
                _cleanup_(schema_freep) struct schema *s = NULL;

                buffer_clear(&text);
                buffer_puts(&text, "{\"allOf\":[true");
                for (unsigned i = 1; i <= n; i++)
                        buffer_printf(&text, ",{\"items\":{\"$ref\":\"#/allOf/%u\"}}", i);
                buffer_puts(&text, "]}");
                assert_int_equal(schema_new_with(text.data, text.size, &none, &s, error),
                                 n > 8000 ? -EINVAL : 0);
                if (n > 8000)
                        assert_non_null(strstr(error, "is one reference too many"));
        }
}

static void test_documents_are_bounded(void **state) {
        static const char text[] = "{\"$ref\":\"urn:x\"}";

        for (unsigned more = 0; more < 2; more++) {
                struct chain chain = { .n_left = SCHEMA_MAX_DOCUMENTS - 1 + more };
                struct schema_options options = { .resolve = resolve_next, .userdata = &chain };
                _cleanup_(schema_freep) struct schema *s = NULL;
                char error[SCHEMA_ERROR_SIZE];

                assert_int_equal(schema_new_with(text, strlen(text), &options, &s, error),
                                 more ? -EINVAL : 0);
                if (more)
                        assert_non_null(strstr(error, "is one document too many"));
                buffer_done(&chain.text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_references_are_resolved),
                cmocka_unit_test(test_fragments_are_decoded),
                cmocka_unit_test(test_what_references_lead_to),
                cmocka_unit_test(test_what_references_do_not_lead_to),
                cmocka_unit_test(test_strictness),
                cmocka_unit_test(test_strictness_ends_at_the_metaschemas),
                cmocka_unit_test(test_a_document_is_asked_for_once),
                cmocka_unit_test(test_names_are_bounded),
                cmocka_unit_test(test_patterns_are_bounded),
                cmocka_unit_test(test_the_search_is_bounded),
                cmocka_unit_test(test_documents_are_bounded),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
