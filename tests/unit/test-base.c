/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/daemon.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/poller.h"
#include "base/quote.h"
#include "base/secret.h"
#include "base/uri-escape.h"

static void test_buffer_grows_and_stays_terminated(void **state) {
        struct buffer b = { 0 };
        _cleanup_(freep) char *text = NULL;
        size_t size;

        for (int i = 0; i < 1000; i++)
                buffer_printf(&b, "%d,", i);
        buffer_printf(&b, "%0300d", 7); /* longer than a first guess */
        assert_int_equal(buffer_error(&b), 0);
        assert_int_equal(b.data[b.size], 0);
        assert_int_equal(buffer_take(&b, &text, &size), 0);
        assert_int_equal(strlen(text), size);
        assert_memory_equal(text, "0,1,2,", 6);
        assert_string_equal(text + size - 4, "0007");
        assert_null(b.data);
}

/* A writer may go on after memory ran out, and hears of it in the end. */
static void test_buffer_remembers_failure(void **state) {
        struct buffer b = { 0 };

        buffer_puts(&b, "x");
        assert_null(buffer_reserve(&b, SIZE_MAX / 2));
        buffer_puts(&b, "y");
        assert_int_equal(b.size, 1);
        assert_int_equal(buffer_error(&b), -ENOMEM);
        buffer_done(&b);
}

static void test_every_code_has_a_row(void **state) {
        for (enum ae_code code = AE_NONE + 1; code < AE_CODE_MAX; code++) {
                assert_non_null(ae_code_name(code));
                assert_true(ae_code_errno(code) < 0);
                assert_int_equal(ae_code_from_name(ae_code_name(code)), code);
        }
        assert_int_equal(ae_code_from_name("no_such_code"), AE_NONE);
        assert_int_equal(ae_code_from_name("none"), AE_NONE);
}

static void test_error_text_is_one_clean_line(void **state) {
        _cleanup_(ae_error_done) struct ae_error e = { 0 };
        char long_text[2000];

        assert_int_equal(ae_error_set(&e, AE_FORBIDDEN, "no '%s'", "a\r\nb\x7f\x1b[31m"), -EPERM);
        assert_string_equal(e.message, "no 'a??b??[31m'");

        /* Cut between characters, never inside one. */
        memset(long_text, 'a', sizeof(long_text));
        for (size_t i = 1; i + 1 < sizeof(long_text); i += 2)
                memcpy(long_text + i, "\xc3\xa9", 2);
        long_text[sizeof(long_text) - 1] = 0;
        (void)ae_error_set(&e, AE_INTERNAL, "%s", long_text);
        assert_int_equal(strlen(e.message) % 2, 1);
        assert_true(strlen(e.message) > AE_MESSAGE_SIZE - 4);

        /* A precision counts bytes: the response must be UTF-8 all the same. */
        (void)ae_error_set(&e, AE_UNKNOWN_OP, "no '%.2s', no '%.3s'", "a\xc3\xa9", "a\xc3\xa9");
        assert_string_equal(e.message, "no 'a?', no 'a\xc3\xa9'");
        (void)ae_error_set(&e, AE_INTERNAL, "%s", "\xff\xc3|\xe2\x82|\xed\xa0\x80|\xc0\xaf\xa9");
        assert_string_equal(e.message, "??|??|???|???");
}

static void test_error_findings_are_bounded(void **state) {
        _cleanup_(ae_error_done) struct ae_error e = { 0 };

        assert_int_equal(ae_error_count(&e), 0);
        for (int i = 0; i < 1000; i++)
                ae_error_add(&e, "/to", "is %d", i);
        assert_int_equal(ae_error_count(&e), 100);
}

static void test_uuid7_rises_and_has_its_shape(void **state) {
        char last[UUID_SIZE] = "", id[UUID_SIZE];

        for (int i = 0; i < 20000; i++) {
                id_uuid7(id);
                assert_int_equal(strlen(id), UUID_SIZE - 1);
                assert_int_equal(id[14], '7');
                assert_int_equal(strspn(id, "0123456789abcdef-"), UUID_SIZE - 1);
                assert_non_null(strchr("89ab", id[19]));
                assert_true(strcmp(last, id) < 0);
                memcpy(last, id, sizeof(last));
        }
}

static void test_rfc3339(void **state) {
        static const struct {
                const char *text;
                int64_t seconds; /* -1: refused */
        } cases[] = {
                { "1970-01-01T00:00:00Z", 0 },
                { "2025-07-25T15:21:00Z", 1753456860 },
                { "2025-07-25T17:21:00+02:00", 1753456860 },
                { "2025-07-25t15:21:00.999z", 1753456860 },
                { "2024-02-29T00:00:00Z", 1709164800 },
                { "2016-12-31T23:59:60Z", 1483228800 },
                { "9999-12-31T23:59:59Z", 253402300799 },
                { "2023-02-29T00:00:00Z", -1 },
                { "2100-02-29T00:00:00Z", -1 },
                { "2025-13-01T00:00:00Z", -1 },
                { "2025-07-25 15:21:00Z", -1 },
                { "2025-07-25T24:00:00Z", -1 },
                { "2025-07-25T15:21:00", -1 },
                { "2025-07-25T15:21:00.Z", -1 },
                { "2025-07-25T15:21:001Z", -1 },
                { "2025-07-25T15:21:00.0000000000000000000000001Z", 1753456860 },
                { "2025-07-25T15:21:00+2:00", -1 },
                { "2025-07-25T15:21:00Zx", -1 },
                { "1969-12-31T23:59:59Z", -1 },
                { "1970-01-01T00:00:00+01:00", -1 },
                { "", -1 },
                { "2025", -1 },
        };
        char text[RFC3339_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t usec = 0;
                int r = clock_parse_rfc3339(cases[i].text, &usec);

                if (cases[i].seconds < 0)
                        assert_int_equal(r, -EINVAL);
                else {
                        assert_int_equal(r, 0);
                        assert_int_equal(usec / USEC_PER_SEC, cases[i].seconds);
                }
        }
        clock_format_rfc3339(UINT64_C(1753456860) * USEC_PER_SEC, text);
        assert_string_equal(text, "2025-07-25T15:21:00Z");
}

/* A pipe hands over less than was asked for, and has no size to look at before. */
static void test_file_limit(void **state) {
        _cleanup_(freep) char *sent = calloc(1, 50001);

        assert_non_null(sent);
        for (size_t max = 50000; max <= 50002; max++) {
                _cleanup_(buffer_done) struct buffer got = { 0 };
                int ends[2];

                buffer_puts(&got, "before");
                assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
                assert_int_equal(write(ends[1], sent, 50001), 50001);
                fd_close(ends[1]);
                assert_int_equal(file_read(ends[0], max, &got), max == 50000 ? -EFBIG : 0);
                if (max > 50000)
                        assert_int_equal(got.size, strlen("before") + 50001);
                fd_close(ends[0]);
        }
}

static void test_file_failures(void **state) {
        _cleanup_(buffer_done) struct buffer got = { 0 };
        _cleanup_(fd_closep) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

        assert_int_equal(file_read(-1, 1, &got), -EBADF);
        assert_true(full >= 0);
        assert_int_equal(file_read(full, 1, &got), -EBADF);
        assert_int_equal(file_write(full, "a", 1), -ENOSPC);
}

static void test_daemon_options(void **state) {
        static const struct daemon_program program = { "d", "Does it.", "d(8)" };
        static const struct {
                const char *words[3];
                int r;
                const char *config;
                bool check;
        } cases[] = {
                { { NULL }, 0, NULL, false },
                { { "--config", "c" }, 0, "c", false },
                { { "--check-config", "--config=c" }, 0, "c", true },
                { { "--version" }, 1, NULL, false },
                { { "--config=c", "--help" }, 1, "c", false },
                { { "--config" }, -EINVAL, NULL, false },
                { { "--unknown" }, -EINVAL, NULL, false },
                { { "--config=c", "word" }, -EINVAL, "c", false },
                { { "" }, -EINVAL, NULL, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *argv[] = { (char *)"d", (char *)cases[i].words[0], (char *)cases[i].words[1],
                                 NULL };
                int argc = 1 + !!cases[i].words[0] + !!cases[i].words[1];
                struct daemon_options options;

                optind = 0; /* begins anew */
                assert_int_equal(daemon_options_parse(&program, argc, argv, &options), cases[i].r);
                assert_int_equal(options.check_config, cases[i].check);
                if (cases[i].config)
                        assert_string_equal(options.config, cases[i].config);
                else
                        assert_null(options.config);
        }
}

static void assert_content(const char *path, const char *text, mode_t mode) {
        _cleanup_(secret_freep) struct secret *found = NULL;
        struct stat st;

        assert_int_equal(secret_read_file(path, 100, &found), 0);
        assert_string_equal(found->data, text);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, mode);
}

/* What is there is kept or replaced as a whole, and nothing else stays behind. */
static void test_file_make(void **state) {
        char folder[] = "/tmp/test-file-XXXXXX", path[64], longest[PATH_MAX + 1];
        int fd;

        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/a", folder);
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(file_make(AT_FDCWD, path, 0600, false, "one", 3), 0);
        assert_content(path, "one", 0600);
        assert_int_equal(file_make(fd, "a", 0600, false, "two", 3), -EEXIST);
        assert_content(path, "one", 0600);
        assert_int_equal(file_make(fd, "a", 0644, true, "three", 5), 0);
        assert_content(path, "three", 0644);
        assert_int_equal(file_make(fd, "b", 0600, true, "", 0), 0);
        assert_int_equal(file_make(fd, ".", 0600, false, "x", 1), -EEXIST);
        assert_int_equal(file_make(fd, "a/b", 0600, false, "x", 1), -ENOTDIR);
        assert_int_equal(file_make(fd, "none/b", 0600, true, "x", 1), -ENOENT);
        memset(longest, 'x', PATH_MAX);
        longest[PATH_MAX] = 0;
        assert_int_equal(file_make(fd, longest, 0600, true, "x", 1), -ENAMETOOLONG);
        fd_close(fd);

        assert_int_equal(unlink(path), 0);
        path[strlen(path) - 1] = 'b';
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

static void test_secret_file_limit(void **state) {
        _cleanup_(secret_freep) struct secret *s = NULL;
        char path[] = "/tmp/test-secret-XXXXXX";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, "12345678", 8), 8);
        assert_int_equal(secret_read_file(path, 7, &s), -EFBIG);
        assert_int_equal(secret_read_file(path, 8, &s), 0);
        assert_int_equal(s->size, 8);
        assert_string_equal(s->data, "12345678");
        fd_close(fd);
        unlink(path);
        s = secret_free(s);
        assert_int_equal(secret_read_file(path, 8, &s), -ENOENT);
}

/* What comes and goes leaves nothing behind, and running out of slots is not the end. */
static void test_secrets_are_wiped_and_many(void **state) {
        struct secret *secrets[600];
        const char *where;

        for (size_t i = 0; i < ELEMENTSOF(secrets); i++) {
                assert_int_equal(secret_new("canary", 6, &secrets[i]), 0);
                assert_int_equal((uintptr_t)secrets[i] % _Alignof(max_align_t), 0);
        }
        where = secrets[0]->data;
        for (size_t i = 0; i < ELEMENTSOF(secrets); i++) {
                assert_string_equal(secrets[i]->data, "canary");
                secrets[i] = secret_free(secrets[i]);
        }
        assert_memory_not_equal(where, "canary", 6); /* its slot is still mapped */

        for (size_t size = 2000; size < 2100; size++) {
                assert_int_equal(secret_new(NULL, size, &secrets[0]), 0);
                for (size_t i = 0; i <= size; i++)
                        assert_int_equal(secrets[0]->data[i], 0);
                secrets[0] = secret_free(secrets[0]);
        }
}

struct pair {
        struct poll_watch watch;
        struct pair *other;
        int n_called;
};

static void on_pair(struct poll_watch *w, uint32_t revents) {
        struct pair *p = (struct pair *)w;

        p->n_called++;
        poller_remove(&p->other->watch);
        poller_remove(w);
}

/* Two watches are ready at once and the first removes the other: the other must stay silent. */
static void test_poller_forgets_what_it_already_fetched(void **state) {
        _cleanup_(poller_freep) struct poller *poller = NULL;
        sd_event *event = NULL;
        struct pair a = { 0 }, b = { 0 };
        int fds[2];

        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(poller_new(event, &poller), 0);
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], "x", 1), 1);
        a.other = &b;
        b.other = &a;
        assert_int_equal(poller_add(poller, &a.watch, fds[0], EPOLLIN, on_pair), 0);
        assert_int_equal(poller_add(poller, &b.watch, fds[1], EPOLLOUT, on_pair), 0);
        assert_true(sd_event_run(event, 0) > 0);
        assert_int_equal(a.n_called + b.n_called, 1);
        assert_int_equal(sd_event_run(event, 0), 0);

        poller = poller_free(poller);
        sd_event_unref(event);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

/* All but the unreserved characters, whatever the byte is. */
static void test_uri_escape(void **state) {
        static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-._~";

        for (int c = 0; c <= 0xff; c++) {
                _cleanup_(buffer_done) struct buffer is = { 0 }, expected = { 0 };

                if (c && strchr(kept, c))
                        buffer_putc(&expected, (char)c);
                else
                        buffer_printf(&expected, "%%%02X", (unsigned)c);
                uri_escape((const char[]){ (char)c, 'x' }, 1, &is);
                assert_string_equal(is.data, expected.data);
        }
}

static void test_what_may_hold_a_secret(void **state) {
        static const char *const may[] = {
                "Bearer",
                "got ya29.x",
                "NTN_1",
                "0123456789abcdef0123456789abcdef",
                "a 0123456789abcdef0123456789abcde=",
                "secret_1",
        };
        static const char *const may_not[] = {
                "",
                "Bad Request",
                "0123456789abcdef0123456789abcde",
                "01234567-89ab-7def-8123-456789abcdef",
                "a.b.c",
        };

        for (size_t i = 0; i < ELEMENTSOF(may); i++)
                assert_true(quote_may_hold_secret(may[i]));
        for (size_t i = 0; i < ELEMENTSOF(may_not); i++)
                assert_false(quote_may_hold_secret(may_not[i]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_buffer_grows_and_stays_terminated),
                cmocka_unit_test(test_buffer_remembers_failure),
                cmocka_unit_test(test_every_code_has_a_row),
                cmocka_unit_test(test_error_text_is_one_clean_line),
                cmocka_unit_test(test_error_findings_are_bounded),
                cmocka_unit_test(test_uuid7_rises_and_has_its_shape),
                cmocka_unit_test(test_rfc3339),
                cmocka_unit_test(test_file_limit),
                cmocka_unit_test(test_file_failures),
                cmocka_unit_test(test_daemon_options),
                cmocka_unit_test(test_file_make),
                cmocka_unit_test(test_secret_file_limit),
                cmocka_unit_test(test_secrets_are_wiped_and_many),
                cmocka_unit_test(test_poller_forgets_what_it_already_fetched),
                cmocka_unit_test(test_uri_escape),
                cmocka_unit_test(test_what_may_hold_a_secret),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
