/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ipc/trusted.h"

static char top[] = "/tmp/test-trusted-XXXXXX";
/* With it, a path is longer than a socket's address. */
#define LONG "a-folder-with-a-name-that-is-longer-than-what-would-be-left-of-a-socket-address"
static int listening = -1;

static int setup(void **state) {
        struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "socket" };

        if (!mkdtemp(top) || chdir(top) < 0 || mkdir("folder", 0755) < 0 || chdir("folder") < 0 ||
            mkdir(LONG, 0755) < 0)
                return -1;
        listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return bind(listening, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listening, 64) < 0;
}

static int teardown(void **state) {
        char command[64];

        fd_close(listening);
        snprintf(command, sizeof(command), "rm -r %s", top);
        return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

/* 0 for a connection that was made. The path is one below `top`. */
static int try(const char *below) {
        char path[512];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", top, below);
        fd = trusted_connect(path, 1);
        if (fd < 0)
                return fd;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        fd_close(fd);
        return 0;
}

static void test_paths(void **state) {
        static const struct {
                const char *path;
                int r;
        } cases[] = {
                { "folder/socket", 0 },
                { "//folder///socket", 0 },
                { "./folder/../folder/socket", 0 },
                { "folder/file", -ENOTSOCK },
                { "folder", -ENOTSOCK },
                { "folder/file/socket", -ENOTDIR },
                { "folder/socket/socket", -ENOTDIR },
                { "folder/none", -ENOENT },
                { "none/socket", -ENOENT },
                { "folder/link", -ELOOP },
                { "link/socket", -ELOOP },
                { "folder/" LONG LONG LONG LONG "/socket", -ENAMETOOLONG },
                { "folder/deaf", -ECONNREFUSED },
        };
        static const char *const relative[] = { "socket", "./socket", "../folder/socket", "" };
        struct sockaddr_un deaf = { .sun_family = AF_UNIX, .sun_path = "deaf" };
        int fd = open("file", O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        fd_close(fd);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&deaf, sizeof(deaf)), 0);
        assert_int_equal(symlink("socket", "link"), 0);
        assert_int_equal(symlink("folder", "../link"), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(try(cases[i].path), cases[i].r);
        for (size_t i = 0; i < ELEMENTSOF(relative); i++)
                assert_int_equal(trusted_connect(relative[i], 1), -EINVAL);
        fd_close(fd);
}

/* A path for which there is no room in an address is connected to all the same. */
static void test_long_path(void **state) {
        assert_int_equal(rename("socket", LONG "/socket"), 0);
        assert_int_equal(try("folder/" LONG "/socket"), 0);
        assert_int_equal(rename(LONG "/socket", "socket"), 0);
}

static void test_modes(void **state) {
        static const struct {
                mode_t mode;
                int r;
        } cases[] = {
                { 0700, 0 },      { 0755, 0 },  { 0711, 0 },  { 0775, -EPERM },  { 0757, -EPERM },
                { 0777, -EPERM }, { 01777, 0 }, { 01775, 0 }, { 02775, -EPERM }, { 0720, -EPERM },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                /* Be it the one that the socket is in, or one above. */
                assert_int_equal(chmod(".", cases[i].mode), 0);
                assert_int_equal(try("folder/socket"), cases[i].r);
                assert_int_equal(chmod(".", 0755), 0);
                assert_int_equal(chmod("..", cases[i].mode), 0);
                assert_int_equal(try("folder/socket"), cases[i].r);
                assert_int_equal(chmod("..", 0700), 0);
        }
        assert_int_equal(chmod("socket", 0777), 0);
        assert_int_equal(try("folder/socket"), 0);
}

static void test_owners(void **state) {
        static const char *const paths[] = { "socket", ".", ".." };

        if (geteuid() != 0)
                skip();
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                assert_int_equal(chown(paths[i], 4711, 0), 0);
                assert_int_equal(try("folder/socket"), -EPERM);
                assert_int_equal(chown(paths[i], 0, 4711), 0);
                assert_int_equal(try("folder/socket"), 0);
        }

        /* What is root's is fine for others too; so is their own. */
        assert_int_equal(chmod("..", 0755), 0);
        assert_int_equal(seteuid(4711), 0);
        assert_int_equal(try("folder/socket"), 0);
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(chown("socket", 4711, 0), 0);
        assert_int_equal(seteuid(4711), 0);
        assert_int_equal(try("folder/socket"), 0);
        assert_int_equal(seteuid(0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_long_path),
                cmocka_unit_test(test_modes),
                cmocka_unit_test(test_owners),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
