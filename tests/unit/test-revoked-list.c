/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "actionctl/revoked-list.h"
#include "auth/revocations.h"
#include "base/clock.h"

#define DAY (UINT64_C(86400) * USEC_PER_SEC)
#define NOW (UINT64_C(1795996800) * USEC_PER_SEC) /* 2026-11-30T00:00:00Z */

static void test_edits(void **state) {
        static const struct {
                const char *before;
                const char *jti;
                uint64_t expires_at_usec;
                const char *after;
                bool added;
                size_t n_pruned;
        } cases[] = {
                { "", "a", 0, "a\n", true, 0 },
                { "", "a", NOW + DAY, "a 2026-12-01T00:00:00Z\n", true, 0 },
                { "", "a b", 0, "\"a b\"\n", true, 0 },
                { "# why\n\nb\n", "a", 0, "# why\n\nb\na\n", true, 0 },
                { "b", "a", 0, "b\na\n", true, 0 }, /* a last line without its end */
                { "  b  \r\n", "a", 0, "  b  \r\na\n", true, 0 },

                { "a\n", "a", 0, "a\n", false, 0 },
                { "a\n", "a", NOW, "a\n", false, 0 }, /* for good is longer */
                { "a 2026-12-01T00:00:00Z\n", "a", NOW, "a 2026-12-01T00:00:00Z\n", false, 0 },
                { "a 2026-12-01T00:00:00Z\n", "a", NOW + 2 * DAY, "a 2026-12-02T00:00:00Z\n", true,
                  0 },
                { "a 2026-12-01T00:00:00Z\n", "a", 0, "a\n", true, 0 },
                { "\"a\"\n", "a", 0, "\"a\"\n", false, 0 },
                { "A\n", "a", 0, "A\na\n", true, 0 },

                /* What has been over for more than a day goes, and no sooner. */
                { "b 2026-11-29T00:00:00Z\n", "a", 0, "b 2026-11-29T00:00:00Z\na\n", true, 0 },
                { "b 2026-11-28T23:59:59Z\nc\n", "a", 0, "c\na\n", true, 1 },
                { "b 1970-01-02T00:00:00Z\n# c\nd 1970-01-02T00:00:00Z\n", "a", 0, "# c\na\n", true,
                  2 },
                { "b 1970-01-02T00:00:00Z\na\n", "a", 0, "a\n", false, 1 },
                { "b\n", "a", NOW - 2 * DAY, "b\n", false, 0 }, /* it is over itself */
                { "b 9999-12-31T23:59:59Z\n", "a", 0, "b 9999-12-31T23:59:59Z\na\n", true, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct revoked_change change = { cases[i].jti, cases[i].expires_at_usec,
                                                       NOW };
                _cleanup_(buffer_done) struct buffer text = { 0 };
                struct ae_error error = { 0 };
                struct revoked_result result;

                assert_int_equal(revoked_list_edit(cases[i].before, strlen(cases[i].before),
                                                   &change, &text, &result, &error),
                                 0);
                assert_string_equal(text.data ? text.data : "", cases[i].after);
                assert_int_equal(result.added, cases[i].added);
                assert_int_equal(result.n_pruned, cases[i].n_pruned);
        }
}

/* The engine keeps its old list when this one is broken: to add to it would be of no use. */
static void test_a_broken_list_is_not_added_to(void **state) {
        const struct revoked_change change = { "a", 0, NOW };
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct ae_error error = { 0 };
        struct revoked_result result;

        assert_int_equal(revoked_list_edit("x\ny z\n", 6, &change, &text, &result, &error),
                         -EINVAL);
        assert_memory_equal(error.message, "line 2:", 7);
}

static void test_a_full_list(void **state) {
        const struct revoked_change change = { "a", 0, NOW };
        _cleanup_(buffer_done) struct buffer before = { 0 }, after = { 0 }, room = { 0 };
        struct ae_error error = { 0 };
        struct revoked_result result;

        buffer_puts(&before, "old 1970-01-02T00:00:00Z\n");
        for (int i = 0; i < REVOCATIONS_MAX - 1; i++)
                buffer_printf(&before, "jti-%d\n", i);
        assert_int_equal(revoked_list_edit(before.data, before.size, &change, &room, &result,
                                           &error),
                         0);
        buffer_puts(&before, "last\n");
        assert_int_equal(revoked_list_edit(before.data, before.size, &change, &after, &result,
                                           &error),
                         -EINVAL);
        assert_non_null(strstr(error.message, "100000"));
}

static int in_folder(void **state) {
        static char path[64];

        strcpy(path, "/tmp/test-revoked-XXXXXX");
        if (!mkdtemp(path))
                return -1;
        *state = path;
        return chdir(path);
}

static int leave_folder(void **state) {
        if (chdir("/") < 0)
                return -1;
        return rmdir(*state);
}

static int add(const char *path, const char *jti) {
        const struct revoked_change change = { jti, 0, NOW };
        struct ae_error error = { 0 };
        struct revoked_result result;
        int r = revoked_list_add(path, &change, &result, &error);

        assert_int_equal(r < 0, error.message[0] != 0);
        return r;
}

static unsigned n_files(void) {
        DIR *dir = opendir(".");
        unsigned n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        closedir(dir);
        return n - 2;
}

static size_t n_in(const char *path) {
        _cleanup_(revocations_freep) struct revocations *l = NULL;
        struct ae_error error = { 0 };

        assert_int_equal(revocations_load(path, &l, &error), 0);
        return revocations_n(l);
}

static void test_files_keep_their_mode(void **state) {
        struct stat st;

        umask(0077);
        assert_int_equal(add("list", "a"), 0);
        assert_int_equal(stat("list", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644); /* the engine is another user */
        assert_int_equal(chmod("list", 0640), 0);
        assert_int_equal(add("list", "b"), 0);
        assert_int_equal(add("./list", "b"), 0);
        assert_int_equal(stat("list", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(n_in("list"), 2);
        assert_int_equal(n_files(), 1);

        assert_int_equal(symlink("list", "link"), 0);
        assert_int_equal(add("link", "c"), -EINVAL);
        assert_int_equal(add("absent/list", "c"), -ENOENT);
        assert_int_equal(n_in("list"), 2);
        assert_int_equal(n_files(), 2);
        assert_int_equal(unlink("link"), 0);
        assert_int_equal(unlink("list"), 0);
}

/* Somebody died in the middle: what he left is no obstacle, and never the list. */
static void test_a_leftover_is_no_obstacle(void **state) {
        _cleanup_(fd_closep) int fd = open(".list.new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_int_equal(write(fd, "half a li", 9), 9);
        assert_int_equal(add("list", "a"), 0);
        assert_int_equal(n_in("list"), 1);
        assert_int_equal(n_files(), 1);
        assert_int_equal(unlink("list"), 0);
}

/* Of many who add at once nobody is lost. */
static void test_writers_do_not_lose_each_other(void **state) {
        enum { WRITERS = 8, EACH = 5 };

        for (int i = 0; i < WRITERS; i++)
                if (fork() == 0) {
                        char name[32];
                        int r = 0;

                        for (int j = 0; j < EACH; j++) {
                                const struct revoked_change change = { name, 0, NOW };
                                struct ae_error error = { 0 };
                                struct revoked_result result;

                                snprintf(name, sizeof(name), "jti-%d-%d", i, j);
                                r |= revoked_list_add("list", &change, &result, &error);
                        }
                        _exit(r != 0);
                }
        for (int i = 0; i < WRITERS; i++) {
                int status;

                assert_true(wait(&status) > 0);
                assert_int_equal(status, 0);
        }
        assert_int_equal(n_in("list"), WRITERS * EACH);
        assert_int_equal(n_files(), 1);
        assert_int_equal(unlink("list"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_edits),
                cmocka_unit_test(test_a_broken_list_is_not_added_to),
                cmocka_unit_test(test_a_full_list),
                cmocka_unit_test_setup_teardown(test_files_keep_their_mode, in_folder,
                                                leave_folder),
                cmocka_unit_test_setup_teardown(test_a_leftover_is_no_obstacle, in_folder,
                                                leave_folder),
                cmocka_unit_test_setup_teardown(test_writers_do_not_lose_each_other, in_folder,
                                                leave_folder),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
