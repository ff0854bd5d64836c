/* SPDX-License-Identifier: MIT */
/*
 * The official test suite of JSON Schema (json-schema-org/JSON-Schema-Test-Suite), if there is a
 * copy: JSON_SCHEMA_TEST_SUITE names the folder that holds tests/draft2020-12. A group whose schema
 * is refused at load is counted and left out; what is loaded must judge as the suite does.
 */
#include "test.h"

#include <glob.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "action/schema.h"
#include "base/buffer.h"
#include "base/json.h"

#define SKIPPED 77 /* to meson */

/* clang-format off */
static const char *const patterns[] = {
        "[!f]*.json", /* all but format.json, which wants `format` to have no effect */
        "optional/format/date.json",
        "optional/format/date-time.json",
        "optional/format/email.json",
        "optional/format/uri.json",
        "optional/format/uuid.json",
};
/* clang-format on */

static size_t n_groups, n_loaded, n_tests, n_wrong;

/* No text that reaches the engine holds U+0000; U+0001 serves the tests as well. */
static cJSON *read_file(const char *path) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        FILE *f = fopen(path, "re");
        cJSON *json = NULL;
        size_t n;

        assert_non_null(f);
        do {
                char *to = buffer_reserve(&text, 65536);

                assert_non_null(to);
                n = fread(to, 1, 65536, f);
                buffer_advance(&text, n);
        } while (n > 0);
        fclose(f);
        for (char *nul = text.data; (nul = strstr(nul, "\\u0000"));)
                nul[5] = '1';
        if (json_parse(text.data, text.size, &json, NULL) < 0)
                fail_msg("%s is no JSON", path);
        return json;
}

static void add_bound(cJSON *schema, const char *keyword, const char *bound) {
        if (json_member(schema, keyword) && !json_member(schema, bound))
                cJSON_AddNumberToObject(schema, bound, 1024);
}

/* The bounds that we insist on and the suite does without; nothing in it reaches them. */
static void add_bounds(cJSON *schema) {
        if (cJSON_IsObject(schema)) {
                add_bound(schema, "uniqueItems", "maxItems");
                add_bound(schema, "pattern", "maxLength");
        }
        for (cJSON *child = schema->child; child; child = child->next)
                add_bounds(child);
}

static void run_group(const char *path, cJSON *group) {
        cJSON *json = cJSON_GetObjectItemCaseSensitive(group, "schema");
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(schema_freep) struct schema *s = NULL;
        char error[SCHEMA_ERROR_SIZE];
        const cJSON *test;

        n_groups++;
        add_bounds(json);
        json_print(json, &text);
        if (schema_new(text.data, text.size, &s, error) < 0)
                return;

        n_loaded++;
        cJSON_ArrayForEach (test, json_member(group, "tests")) {
                _cleanup_(ae_error_done) struct ae_error findings = { 0 };
                size_t n = schema_validate(s, json_member(test, "data"), &findings);

                n_tests++;
                if ((n == 0) == cJSON_IsTrue(json_member(test, "valid")))
                        continue;
                n_wrong++;
                print_error("%s: %s: %s\n", path, json_string(group, "description"),
                            json_string(test, "description"));
        }
}

static void test_judges_as_the_suite_does(void **state) {
        const char *root = *state;

        for (size_t i = 0; i < ELEMENTSOF(patterns); i++) {
                char pattern[4096];
                glob_t files;

                snprintf(pattern, sizeof(pattern), "%s/tests/draft2020-12/%s", root, patterns[i]);
                if (glob(pattern, 0, NULL, &files) != 0)
                        fail_msg("there is no %s", pattern);
                for (size_t k = 0; k < files.gl_pathc; k++) {
                        _cleanup_(json_freep) cJSON *groups = read_file(files.gl_pathv[k]);

                        for (cJSON *group = groups->child; group; group = group->next)
                                run_group(files.gl_pathv[k], group);
                }
                globfree(&files);
        }
        print_message("%zu of %zu schemas loaded, %zu tests, %zu wrong\n", n_loaded, n_groups,
                      n_tests, n_wrong);
        assert_int_equal(n_wrong, 0);
        assert_in_range(n_tests, 500, SIZE_MAX);
}

int main(void) {
        struct CMUnitTest tests[] = {
                cmocka_unit_test(test_judges_as_the_suite_does),
        };

        tests[0].initial_state = getenv("JSON_SCHEMA_TEST_SUITE");
        if (!tests[0].initial_state) {
                printf("SKIP: JSON_SCHEMA_TEST_SUITE does not name a copy of the test suite\n");
                return SKIPPED;
        }
        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
