/* SPDX-License-Identifier: MIT */
/*
 * The official test suite of JSON Schema (json-schema-org/JSON-Schema-Test-Suite), if there is a
 * copy: JSON_SCHEMA_TEST_SUITE names the folder that holds tests/draft2020-12 and remotes. What is
 * required must be judged as the suite does, all of it.
 */
#include "test.h"

#include <errno.h>
#include <glob.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "action/schema.h"
#include "base/buffer.h"
#include "base/json.h"

#define SKIPPED 77 /* to meson */

/* Where the suite's remotes/ are said to be. */
#define REMOTES "http://localhost:1234/"

struct suite {
        const char *root;
        struct buffer remote; /* what the resolver has lent */
        size_t n_groups, n_refused, n_tests, n_wrong;
};

/* Returns 0 or -ENOENT. */
static int read_file(const char *path, struct buffer *ret) {
        FILE *f = fopen(path, "re");
        size_t n;

        if (!f)
                return -ENOENT;
        buffer_clear(ret);
        do {
                char *to = buffer_reserve(ret, 65536);

                assert_non_null(to);
                n = fread(to, 1, 65536, f);
                buffer_advance(ret, n);
        } while (n > 0);
        fclose(f);
        return 0;
}

static int resolve(const char *uri, void *userdata, const char **ret_text, size_t *ret_size) {
        struct suite *suite = userdata;
        char path[4096];
        int r;

        if (strncmp(uri, REMOTES, strlen(REMOTES)) != 0)
                return -ENOENT;
        snprintf(path, sizeof(path), "%s/remotes/%s", suite->root, uri + strlen(REMOTES));
        r = read_file(path, &suite->remote);
        if (r < 0)
                return r;
        *ret_text = suite->remote.data;
        *ret_size = suite->remote.size;
        return 0;
}

/* No text that reaches the engine holds U+0000; U+0001 serves the tests as well. */
static cJSON *read_groups(const char *path) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        cJSON *json = NULL;

        if (read_file(path, &text) < 0)
                fail_msg("there is no %s", path);
        for (char *nul = text.data; (nul = strstr(nul, "\\u0000"));)
                nul[5] = '1';
        if (json_parse(text.data, text.size, &json, NULL) < 0)
                fail_msg("%s is no JSON", path);
        return json;
}

/* Wanted a schema whose pattern is no expression to be valid; an older copy still has it. */
static const char withdrawn[] = "is not an ECMA 262 control escape";

static void run_group(struct suite *suite, const char *path, const cJSON *group, unsigned flags) {
        const struct schema_options options = {
                .flags = flags,
                .resolve = resolve,
                .userdata = suite,
        };
        const char *title = json_string(group, "description");
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(schema_freep) struct schema *s = NULL;
        char error[SCHEMA_ERROR_SIZE] = "";
        const cJSON *test;

        if (strstr(title, withdrawn))
                return;
        suite->n_groups++;
        json_print(json_member(group, "schema"), &text);
        if (schema_new_with(text.data, text.size, &options, &s, error) < 0) {
                suite->n_refused++;
                print_error("%s: %s: not loaded: %s\n", path, title, error);
        }

        cJSON_ArrayForEach (test, json_member(group, "tests")) {
                _cleanup_(ae_error_done) struct ae_error findings = { 0 };

                suite->n_tests++;
                if (s && (schema_validate(s, json_member(test, "data"), &findings) == 0) ==
                                         cJSON_IsTrue(json_member(test, "valid")))
                        continue;
                suite->n_wrong++;
                print_error("%s: %s: %s\n", path, title, json_string(test, "description"));
        }
}

static void run_files(struct suite *suite, const char *name, unsigned flags) {
        char pattern[4096];
        glob_t files;

        snprintf(pattern, sizeof(pattern), "%s/tests/draft2020-12/%s", suite->root, name);
        if (glob(pattern, 0, NULL, &files) != 0) {
                print_message("%s: not in this copy of the suite\n", name);
                return;
        }
        for (size_t i = 0; i < files.gl_pathc; i++) {
                _cleanup_(json_freep) cJSON *groups = read_groups(files.gl_pathv[i]);
                const cJSON *group;

                cJSON_ArrayForEach (group, groups)
                        run_group(suite, files.gl_pathv[i], group, flags);
        }
        globfree(&files);
        buffer_done(&suite->remote);
        print_message("%s: %zu schemas, %zu refused; %zu tests, %zu wrong\n", name, suite->n_groups,
                      suite->n_refused, suite->n_tests, suite->n_wrong);
}

static void test_what_is_required(void **state) {
        struct suite suite = { .root = *state };

        run_files(&suite, "*.json", 0);
        assert_int_equal(suite.n_wrong, 0);
        assert_in_range(suite.n_tests, 1000, SIZE_MAX);
}

/* Of what is optional: the formats that we assert, and the rest that we claim. */
static void test_what_is_optional(void **state) {
        static const char *const names[] = {
                "optional/anchor.json",
                "optional/bignum.json",
                "optional/dynamicRef.json",
                "optional/ecmascript-regex.json",
                "optional/float-overflow.json",
                "optional/format-assertion.json",
                "optional/format/date.json",
                "optional/format/date-time.json",
                "optional/format/email.json",
                "optional/format/ipv4.json",
                "optional/format/ipv6.json",
                "optional/format/time.json",
                "optional/format/unknown.json",
                "optional/format/uri.json",
                "optional/format/uuid.json",
                "optional/id.json",
                "optional/no-schema.json",
                "optional/non-bmp-regex.json",
                "optional/refOfUnknownKeyword.json",
                "optional/unknownKeyword.json",
        };
        size_t n_wrong = 0;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct suite suite = { .root = *state };

                run_files(&suite, names[i],
                          strncmp(names[i], "optional/format/", 16) == 0 ? SCHEMA_ASSERT_FORMAT
                                                                         : 0);
                n_wrong += suite.n_wrong;
        }
        assert_int_equal(n_wrong, 0);
}

int main(void) {
        struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_required),
                cmocka_unit_test(test_what_is_optional),
        };

        for (size_t i = 0; i < ELEMENTSOF(tests); i++)
                tests[i].initial_state = getenv("JSON_SCHEMA_TEST_SUITE");
        if (!tests[0].initial_state) {
                printf("SKIP: JSON_SCHEMA_TEST_SUITE does not name a copy of the test suite\n");
                return SKIPPED;
        }
        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
