/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/client.h"
#include "ipc/peer.h"

static char folder[] = "/tmp/test-client-XXXXXX";

static int setup(void **state) {
        return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int teardown(void **state) {
        return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static int listen_at(const char *path, int backlog) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        memcpy(a.sun_path, path, strlen(path));
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        assert_int_equal(listen(fd, backlog), 0);
        return fd;
}

static void test_path_limit(void **state) {
        const size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
        char path[200] = "";
        int listening, fd;

        assert_int_equal(client_connect("", 0), -ENOENT);
        assert_int_equal(client_connect("nobody", 0), -ENOENT);
        memset(path, 'x', longest + 1);
        assert_int_equal(client_connect(path, 0), -ENAMETOOLONG);
        path[longest] = 0;
        assert_int_equal(client_connect(path, 0), -ENOENT);

        listening = listen_at(path, 1);
        fd = client_connect(path, 0);
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
        fd_close(fd);
        fd_close(listening);
        assert_int_equal(client_connect(path, 0), -ECONNREFUSED);
        unlink(path);
}

static void test_full_backlog(void **state) {
        int listening = listen_at("full", 0), fd, fds[8];
        size_t n = 0;

        while (n < ELEMENTSOF(fds) && (fd = client_connect("full", 1)) >= 0)
                fds[n++] = fd;
        assert_true(n > 0 && n < ELEMENTSOF(fds));
        assert_int_equal(fd, -EAGAIN);
        assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
        while (n > 0)
                fd_close(fds[--n]);
        fd_close(listening);
        unlink("full");
}

static int client_pair(size_t max_line, struct client **ret) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(client_new(fds[0], max_line, ret), 0);
        return fds[1];
}

static void assert_receives(struct client *c, const char *expected) {
        const char *line;
        size_t size;

        assert_int_equal(client_receive(c, &line, &size), 0);
        assert_int_equal(size, strlen(expected));
        assert_memory_equal(line, expected, size);
}

static void test_receive(void **state) {
        static const char stream[] = "one\r\n\n12345678\n123456789\ntwo\nunfinished";
        _cleanup_(client_freep) struct client *c = NULL;
        const char *line;
        size_t size;
        int fd = client_pair(8, &c);

        assert_int_equal(send(fd, stream, strlen(stream), 0), strlen(stream));
        fd_close(fd);
        assert_receives(c, "one");
        assert_receives(c, "12345678");
        assert_int_equal(client_receive(c, &line, &size), -EMSGSIZE);
        assert_receives(c, "two");
        assert_int_equal(client_receive(c, &line, &size), -EMSGSIZE);
        assert_int_equal(client_receive(c, &line, &size), -EPIPE);
        assert_int_equal(client_receive(c, &line, &size), -EPIPE);
        assert_int_equal(client_send(c, "x", 1), -EPIPE);
}

#define LARGE ((size_t)3000000)

/* Takes in a whole line, in pieces of odd sizes, and then gives it back; until the end. */
static void *echo(void *userdata) {
        static char line[LARGE + 1];
        int fd = *(int *)userdata;
        size_t n = 0;
        ssize_t r;

        while ((r = recv(fd, line + n, n + 7777 < sizeof(line) ? 7777 : sizeof(line) - n, 0)) > 0) {
                n += (size_t)r;
                if (line[n - 1] != '\n')
                        continue;
                for (size_t sent = 0; sent < n; sent += (size_t)r) {
                        r = send(fd, line + sent, n - sent, MSG_NOSIGNAL);
                        if (r <= 0)
                                return NULL;
                }
                n = 0;
        }
        return NULL;
}

/* A line that no socket buffer holds goes out in parts, and none is lost or doubled. */
static void test_large_lines(void **state) {
        static const size_t sizes[] = { 1, 65535, 65536, 65537, LARGE };
        _cleanup_(client_freep) struct client *c = NULL;
        int fd = client_pair(LARGE, &c);
        static char large[LARGE];
        pthread_t thread;

        for (size_t i = 0; i < LARGE; i++)
                large[i] = (char)('a' + i % 26);
        assert_int_equal(pthread_create(&thread, NULL, echo, &fd), 0);
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                const char *line;
                size_t size;

                assert_int_equal(client_send(c, large, sizes[i]), 0);
                assert_int_equal(client_receive(c, &line, &size), 0);
                assert_int_equal(size, sizes[i]);
                assert_memory_equal(line, large, size);
        }
        c = client_free(c);
        assert_int_equal(pthread_join(thread, NULL), 0);
        fd_close(fd);
}

static void test_peer_is_who_connected(void **state) {
        struct peer p;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(peer_read(fds[0], &p), 0);
        assert_int_equal(p.uid, getuid());
        assert_int_equal(p.gid, getgid());
        assert_int_equal(p.pid, getpid());
        assert_true(strlen(p.unit) < sizeof(p.unit));
        if (p.pid_fd >= 0)
                assert_true(fcntl(p.pid_fd, F_GETFD) & FD_CLOEXEC);
        peer_done(&p);
        assert_int_equal(p.pid_fd, -1);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

/* Who connected stays who connected; but of a pid that may be another's by now nothing is told. */
static void test_peer_that_is_gone(void **state) {
        int listening = listen_at("gone", 1), fd, status;
        struct peer p;
        pid_t child;

        child = fork();
        assert_true(child >= 0);
        if (child == 0)
                _exit(client_connect("gone", 0) < 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);

        fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(peer_read(fd, &p), 0);
        assert_int_equal(p.pid, child);
        assert_int_equal(p.uid, getuid());
        assert_string_equal(p.unit, "");
        peer_done(&p);
        fd_close(fd);
        fd_close(listening);
        unlink("gone");
}

static void test_peer_that_cannot_be_told(void **state) {
        struct peer p = { .pid = 42 };
        int fds[2];

        assert_int_equal(peer_read(-1, &p), -EBADF);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(peer_read(fds[0], &p), -ENOTSOCK);
        assert_int_equal(p.pid, 42);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_path_limit),
                cmocka_unit_test(test_full_backlog),
                cmocka_unit_test(test_receive),
                cmocka_unit_test(test_large_lines),
                cmocka_unit_test(test_peer_is_who_connected),
                cmocka_unit_test(test_peer_that_is_gone),
                cmocka_unit_test(test_peer_that_cannot_be_told),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
