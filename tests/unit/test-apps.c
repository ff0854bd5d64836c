/* SPDX-License-Identifier: MIT */
/*
 * Apps that come as systemd credentials: a folder of files, of which a bad one is told by its name.
 */
#include "test.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "action/adapter.h"
#include "engine/apps.h"

static const struct adapter none = { .platform = "hooks" },
                            ours = { .platform = "mail", .provider = "google" },
                            again = { .platform = "calendar", .provider = "google" };
static const struct adapter *const list[] = { &none, &ours, &again, NULL };

static char folder[64], path[128];

static int set_up(void **state) {
        strcpy(folder, "/tmp/test-apps-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/provider-google", folder);
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
        return 0;
}

static int tear_down(void **state) {
        (void)unlink(path);
        assert_int_equal(rmdir(folder), 0);
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        return 0;
}

static void write_file(const char *text) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void test_good_ones(void **state) {
        static const char *const cases[] = {
                "{\"profile\":\"google\",\"client_id\":\"c\",\"client_secret\":\"s\"}",
                " {\"profile\":\"google\",\"client_id\":\"c\"}\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(apps_done) struct apps apps = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };

                write_file(cases[i]);
                assert_int_equal(apps_load(&apps, list, &error), 0);
                assert_int_equal(apps.n, 1);
                assert_string_equal(apps_find("google", &apps)->client_id, "c");
                /* A record that was written by others may know its platform alone. */
                assert_ptr_equal(apps_find("mail", &apps), apps_find("google", &apps));
                assert_null(apps_find("notion", &apps));
                assert_null(apps_find("hooks", &apps));
        }
}

static void test_none(void **state) {
        _cleanup_(apps_done) struct apps apps = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        assert_int_equal(apps_load(&apps, list, &error), 0);
        assert_null(apps_find("google", &apps));
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        assert_int_equal(apps_load(&apps, list, &error), 0);
}

/* It names the credential, and nothing that stands in it. */
static void test_bad_ones(void **state) {
        static const char *const cases[] = {
                "",
                "canary",
                "[]",
                "{}",
                "{\"profile\":\"google\"}",
                "{\"profile\":\"nobody\",\"client_id\":\"c\"}",
                "{\"profile\":\"google\",\"client_id\":\"c\",\"client_secret\":\"canary\",\"x\":1}",
                "{\"client_secret\":\"canary\",\"client_secret\":\"canary\"}",
                "{\"profile\":\"google\",\"client_id\":\"c\",\"client_secret\":\"canary\"",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(apps_done) struct apps apps = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };

                write_file(cases[i]);
                assert_true(apps_load(&apps, list, &error) < 0);
                assert_non_null(strstr(error.message, "provider-google"));
                assert_null(strstr(error.message, "canary"));
                assert_int_equal(apps.n, 0);
        }
}

static void test_too_large(void **state) {
        char text[8194];

        for (int size = 8192; size <= 8193; size++) {
                _cleanup_(apps_done) struct apps apps = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };

                snprintf(text, sizeof(text), "%-*s", size,
                         "{\"profile\":\"google\",\"client_id\":\"c\"}");
                write_file(text);
                assert_int_equal(apps_load(&apps, list, &error) == 0, size == 8192);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_good_ones),
                TEST(test_none),
                TEST(test_bad_ones),
                TEST(test_too_large),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
