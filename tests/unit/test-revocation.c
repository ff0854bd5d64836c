/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/revocation.h"
#include "auth/revocations.h"
#include "base/clock.h"

#define J32 "0123456789abcdef0123456789abcdef"
#define J128 J32 J32 J32 J32
#define TIME "2026-11-30T00:00:00Z"
#define TIME_SEC UINT64_C(1795996800)

static void test_lines(void **state) {
        static const struct {
                const char *line;
                int r;
                const char *jti; /* NULL: none */
                uint64_t seconds;
        } cases[] = {
                { "", 0, NULL, 0 },
                { " \t\r", 0, NULL, 0 },
                { "#", 0, NULL, 0 },
                { "  # a b c", 0, NULL, 0 },
                { "a", 0, "a", 0 },
                { "  a\t", 0, "a", 0 },
                { "a\r", 0, "a", 0 },
                { "a#", 0, "a#", 0 },
                { "a " TIME, 0, "a", TIME_SEC },
                { "a\t \t" TIME " ", 0, "a", TIME_SEC },
                { "a 2026-11-30T01:00:00+01:00", 0, "a", TIME_SEC },
                { TIME, 0, TIME, 0 },
                { TIME " " TIME, 0, TIME, TIME_SEC },
                { "\"a\"", 0, "a", 0 },
                { "\"a b\" " TIME, 0, "a b", TIME_SEC },
                { "\"a b " TIME "\"", 0, "a b " TIME, 0 },
                { "\"#\"", 0, "#", 0 },
                { "\"\\\"\\\\\\u00e9\"", 0, "\"\\\xc3\xa9", 0 },
                { "\xc3\xa9", 0, "\xc3\xa9", 0 },
                { J128, 0, J128, 0 },

                { J128 "x", -EINVAL, NULL, 0 },
                { "a b", -EINVAL, NULL, 0 },
                { "a b " TIME, -EINVAL, NULL, 0 },
                { "a " TIME " x", -EINVAL, NULL, 0 },
                { "a # comment", -EINVAL, NULL, 0 },
                { "a 1795996800", -EINVAL, NULL, 0 },
                { "a 2026-11-30", -EINVAL, NULL, 0 },
                { "a 2026-13-30T00:00:00Z", -EINVAL, NULL, 0 },
                { "a 2026-11-30T00:00:00.0000000000000000000000Z", -EINVAL, NULL, 0 },
                { "\"", -EINVAL, NULL, 0 },
                { "\"\"", -EINVAL, NULL, 0 },
                { "\"a", -EINVAL, NULL, 0 },
                { "\"a\"b", -EINVAL, NULL, 0 },
                { "\"a\\", -EINVAL, NULL, 0 },
                { "\"a\\\"", -EINVAL, NULL, 0 },
                { "\"\\u0000\"", -EINVAL, NULL, 0 },
                { "\"\\n\"", -EINVAL, NULL, 0 },
                { "\"" J128 "x\"", -EINVAL, NULL, 0 },
                { "a\x01", -EINVAL, NULL, 0 },
                { "\x7f", -EINVAL, NULL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(revocation_done) struct revocation v = { 0 };
                const char *reason = NULL;
                int r;

                r = revocation_read(cases[i].line, strlen(cases[i].line), &v, &reason);
                if (r != cases[i].r)
                        fail_msg("'%s': %d", cases[i].line, r);
                assert_int_equal(reason != NULL, r < 0);
                assert_int_equal(v.jti != NULL, cases[i].jti != NULL);
                if (v.jti)
                        assert_string_equal(v.jti, cases[i].jti);
                assert_int_equal(v.expires_at_usec, cases[i].seconds * USEC_PER_SEC);
        }
}

static void test_a_nul_hides_nothing(void **state) {
        static const char *const lines[] = { "a\0b", "\0ab", "ab\0", "a \0b", "\"\0\"" };
        struct revocation v;
        const char *reason;

        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_int_equal(revocation_read(lines[i], 3, &v, &reason), -EINVAL);
}

static void test_what_is_written_reads_back(void **state) {
        static const char *const ids[] = { "a",    "a b",      "#", "\"", "\\",
                                           "a\"b", "\xc3\xa9", " ", TIME, ("a " TIME) };

        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                for (uint64_t sec = 0; sec <= TIME_SEC; sec += TIME_SEC) {
                        _cleanup_(buffer_done) struct buffer line = { 0 };
                        _cleanup_(revocation_done) struct revocation v = { 0 };
                        const char *reason;

                        revocation_write(ids[i], sec * USEC_PER_SEC, &line);
                        assert_int_equal(line.data[line.size - 1], '\n');
                        assert_null(memchr(line.data, '\n', line.size - 1));
                        assert_int_equal(revocation_read(line.data, line.size - 1, &v, &reason), 0);
                        assert_string_equal(v.jti, ids[i]);
                        assert_int_equal(v.expires_at_usec, sec * USEC_PER_SEC);
                }
}

static int parse(const char *text, size_t size, struct revocations **ret, const char *sentence) {
        struct ae_error error = { 0 };
        int r = revocations_parse(text, size, ret, &error);

        if (r < 0 && !strstr(error.message, sentence))
                fail_msg("'%s' has no '%s'", error.message, sentence);
        return r;
}

static void test_lists(void **state) {
        static const char text[] = "# two\nb\n\na " TIME "\n\"c d\"\nb\nlast";
        _cleanup_(revocations_freep) struct revocations *l = NULL, *empty = NULL, *bad = NULL;
        static const char *const in[] = { "a", "b", "c d", "last" };
        static const char *const out[] = { "", "A", "c", "d", "# two", "la", "lastx", TIME };

        assert_int_equal(parse(text, strlen(text), &l, ""), 0);
        assert_int_equal(revocations_n(l), 5);
        for (size_t i = 0; i < ELEMENTSOF(in); i++)
                assert_true(revocations_have(l, in[i]));
        for (size_t i = 0; i < ELEMENTSOF(out); i++)
                assert_false(revocations_have(l, out[i]));
        assert_false(revocations_have(l, NULL));

        assert_int_equal(parse("", 0, &empty, ""), 0);
        assert_int_equal(revocations_n(empty), 0);
        assert_false(revocations_have(empty, "a"));

        assert_int_equal(parse("a\n# x\nb c\nd\n", 12, &bad, "line 3:"), -EINVAL);
        assert_null(bad);
}

static void test_number_is_bounded(void **state) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(revocations_freep) struct revocations *l = NULL, *more = NULL;
        char name[32];

        for (int i = 0; i < REVOCATIONS_MAX; i++)
                buffer_printf(&text, "jti-%d\n", i);
        assert_int_equal(parse(text.data, text.size, &l, ""), 0);
        assert_int_equal(revocations_n(l), REVOCATIONS_MAX);
        for (int i = 0; i < REVOCATIONS_MAX; i += 99) {
                snprintf(name, sizeof(name), "jti-%d", i);
                assert_true(revocations_have(l, name));
        }
        assert_false(revocations_have(l, "jti-100000"));

        buffer_puts(&text, "# a comment is none\n");
        assert_int_equal(parse(text.data, text.size, &more, ""), 0);
        buffer_puts(&text, "one-more\n");
        assert_int_equal(parse(text.data, text.size, &more, "line 100002: "), -EINVAL);
}

static int in_folder(void **state) {
        static char path[64];

        strcpy(path, "/tmp/test-revocation-XXXXXX");
        if (!mkdtemp(path))
                return -1;
        *state = path;
        return chdir(path);
}

static int leave_folder(void **state) {
        static const char *const names[] = { "list", "link", "fifo" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                (void)unlink(names[i]);
        if (chdir("/") < 0)
                return -1;
        return rmdir(*state);
}

static int load(const char *path, const char *sentence) {
        _cleanup_(revocations_freep) struct revocations *l = NULL;
        struct ae_error error = { 0 };
        int r = revocations_load(path, &l, &error);

        if (r < 0) {
                assert_non_null(strstr(error.message, path));
                if (!strstr(error.message, sentence))
                        fail_msg("'%s' has no '%s'", error.message, sentence);
        }
        return r;
}

static void test_files(void **state) {
        int fd = open("list", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(load("list", ""), 0);
        assert_int_equal(fchmod(fd, 0666), 0);
        assert_int_equal(load("list", "0644"), -EINVAL);
        assert_int_equal(fchmod(fd, 0664), 0);
        assert_int_equal(load("list", ""), 0);
        assert_int_equal(symlink("list", "link"), 0);
        assert_int_equal(load("link", "symbolic link"), -EINVAL);
        assert_int_equal(mkfifo("fifo", 0644), 0);
        assert_int_equal(load("fifo", "regular"), -EINVAL);
        assert_int_equal(load("absent", "No such file"), -ENOENT);
        assert_int_equal(load("/tmp", "regular"), -EINVAL);

        /* The last byte that is allowed, and one more. */
        assert_int_equal(write(fd, "#", 1), 1);
        assert_int_equal(ftruncate(fd, (off_t)REVOCATIONS_TEXT_MAX + 1), 0);
        assert_int_equal(load("list", "larger"), -EINVAL);
        assert_int_equal(ftruncate(fd, (off_t)REVOCATIONS_TEXT_MAX), 0);
        assert_int_equal(load("list", ""), 0);
        close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_a_nul_hides_nothing),
                cmocka_unit_test(test_what_is_written_reads_back),
                cmocka_unit_test(test_lists),
                cmocka_unit_test(test_number_is_bounded),
                cmocka_unit_test_setup_teardown(test_files, in_folder, leave_folder),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
