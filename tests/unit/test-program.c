/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actionctl/program.h"

static void test_status(void **state) {
        static const struct {
                const char *const argv[4];
                int r;
                const char *said;
        } cases[] = {
                { { "true" }, 0, "" },
                { { "false" }, 1, "" },
                { { "sh", "-c", "exit 77" }, 77, "" },
                { { "sh", "-c", "kill -9 $$" }, -EINTR, "" },
                { { "sh", "-c", "printf ' a \\n\\nb\\n\\n' >&2; exit 3" }, 3, " a   b" },
                { { "no-such-program" }, -ENOENT, "" },
        };
        char said[PROGRAM_SAID_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(program_run(cases[i].argv, NULL, -1, said), cases[i].r);
                assert_string_equal(said, cases[i].said);
        }
}

/* The end says what went wrong. */
static void test_much_is_said(void **state) {
        static const char *const argv[] = {
                "sh",
                "-c",
                "i=0; while [ $i -lt 2000 ]; do echo word >&2; i=$((i+1)); done; echo end >&2",
                NULL,
        };
        char said[PROGRAM_SAID_MAX];

        assert_int_equal(program_run(argv, NULL, -1, said), 0);
        assert_true(strlen(said) > PROGRAM_SAID_MAX / 2);
        assert_string_equal(said + strlen(said) - 8, "word end");
}

static void assert_output(const char *const argv[], const struct secret *input,
                          const char *expected) {
        _cleanup_(fd_closep) int fd = memfd_create("out", MFD_CLOEXEC);
        char said[PROGRAM_SAID_MAX], text[1024];
        ssize_t n;

        assert_int_equal(program_run(argv, input, fd, said), 0);
        n = pread(fd, text, sizeof(text) - 1, 0);
        assert_true(n >= 0);
        text[n] = '\0';
        assert_string_equal(text, expected);
}

static void test_input_and_output(void **state) {
        static const char *const cat[] = { "cat", NULL };
        _cleanup_(secret_freep) struct secret *input = NULL;

        assert_int_equal(secret_new("secret\n", 7, &input), 0);
        assert_output(cat, input, "secret\n");
        assert_output(cat, NULL, "");
}

/* Neither what is open here nor what is in our environment, where a token may be. */
static void test_nothing_is_passed_on(void **state) {
        static const char *const env[] = { "env", NULL };
        static const char *const list[] = { "ls", "/proc/self/fd", NULL };
        _cleanup_(fd_closep) int fd = open("/dev/null", O_RDONLY);

        assert_true(fd >= 0);
        assert_int_equal(setenv("ACTION_ENGINE_TOKEN", "x", 1), 0);
        assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
        assert_output(env, NULL, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C.UTF-8\n");
        assert_output(list, NULL, "0\n1\n2\n3\n");
}

/* A pipe takes no more at once, and nobody reads it yet. */
static void test_too_much_input(void **state) {
        static const char *const cat[] = { "cat", NULL };
        _cleanup_(secret_freep) struct secret *input = NULL;
        char said[PROGRAM_SAID_MAX];

        assert_int_equal(secret_new(NULL, (size_t)1 << 20, &input), 0);
        assert_int_equal(program_run(cat, input, -1, said), -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_much_is_said),
                cmocka_unit_test(test_input_and_output),
                cmocka_unit_test(test_nothing_is_passed_on),
                cmocka_unit_test(test_too_much_input),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
