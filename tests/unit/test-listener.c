/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "ipc/client.h"
#include "ipc/listener.h"

#define MANY 200

static const char path[] = "socket";
static char folder[] = "/tmp/test-listener-XXXXXX";

static sd_event *event;
static struct listener *listener;
static int accepted[MANY], n_accepted;
static int peers[MANY], n_peers;

static int group_setup(void **state) {
        return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int group_teardown(void **state) {
        return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static int listen_at(int type) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        memcpy(a.sun_path, path, sizeof(path));
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        assert_int_equal(listen(fd, MANY), 0);
        return fd;
}

static void on_accept(int fd, void *userdata) {
        assert_ptr_equal(userdata, &n_accepted);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        accepted[n_accepted++] = fd;
}

static void start(unsigned max_connections) {
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(listener_new(event, listen_at(SOCK_STREAM), max_connections, on_accept,
                                      &n_accepted, &listener),
                         0);
}

static int stop(void **state) {
        listener = listener_free(listener);
        event = sd_event_unref(event);
        while (n_accepted > 0)
                fd_close(accepted[--n_accepted]);
        while (n_peers > 0)
                fd_close(peers[--n_peers]);
        unlink(path);
        return 0;
}

static void come(int n) {
        for (; n > 0; n--) {
                peers[n_peers] = client_connect(path, 1);
                assert_true(peers[n_peers++] >= 0);
        }
}

/* Returns in how many wake-ups the loop came to rest. */
static int run_idle(void) {
        int n = 0;

        while (sd_event_run(event, 0) > 0)
                assert_true(++n < 1000);
        return n;
}

static void test_accept_in_turns(void **state) {
        start(MANY);
        come(MANY);
        assert_true(sd_event_run(event, 0) > 0);
        assert_true(n_accepted > 0 && n_accepted < MANY);
        run_idle();
        assert_int_equal(n_accepted, MANY);
}

/* One too many stays in the backlog, unharmed, and costs nothing while it waits. */
static void test_max_connections(void **state) {
        start(3);
        come(5);
        run_idle();
        assert_int_equal(n_accepted, 3);
        assert_int_equal(run_idle(), 0);

        assert_int_equal(send(peers[3], "x", 1, MSG_NOSIGNAL), 1);
        listener_connection_closed(listener);
        run_idle();
        assert_int_equal(n_accepted, 4);
        assert_int_equal(recv(accepted[3], (char[1]){ 0 }, 1, 0), 1);

        listener_connection_closed(listener);
        listener_connection_closed(listener);
        run_idle();
        assert_int_equal(n_accepted, 5);
        come(1);
        run_idle();
        assert_int_equal(n_accepted, 6);
        come(1);
        run_idle();
        assert_int_equal(n_accepted, 6);
}

static void test_stop_leaves_the_backlog(void **state) {
        start(3);
        come(1);
        run_idle();
        listener_stop(listener);
        come(2);
        assert_int_equal(run_idle(), 0);
        listener_connection_closed(listener);
        assert_int_equal(run_idle(), 0);
        assert_int_equal(n_accepted, 1);
}

/* No descriptor is free: the loop rests until the pause is over, and then accepts. */
static void test_out_of_descriptors(void **state) {
        struct rlimit before, none;
        int next, n = 0;

        start(MANY);
        come(3);
        next = dup(0);
        assert_true(next >= 0);
        fd_close(next);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = (struct rlimit){ .rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);

        assert_true(run_idle() < 5);
        assert_int_equal(n_accepted, 0);
        assert_true(sd_event_run(event, UINT64_MAX) > 0); /* over, and in vain */
        assert_true(run_idle() < 5);
        assert_int_equal(n_accepted, 0);

        none.rlim_cur++;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        while (n_accepted < 1 && n++ < 10)
                assert_true(sd_event_run(event, UINT64_MAX) > 0);
        assert_int_equal(n_accepted, 1);

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        while (n_accepted < 3 && n++ < 20)
                assert_true(sd_event_run(event, UINT64_MAX) > 0);
        assert_int_equal(n_accepted, 3);
}

/* Clients leave descriptors for what is done for them, and the limit is raised where it may be. */
static void test_affordable(void **state) {
        static const struct {
                rlim_t soft, hard;
                unsigned max;
                uint64_t others;
                int expected;
        } cases[] = {
                { 200, 200, 50, 40, 50 },       { 200, 200, 79, 40, 79 },
                { 200, 200, 80, 40, 80 },       { 200, 200, 81, 40, 80 },
                { 200, 200, UINT_MAX, 40, 80 }, { 100, 200, 81, 40, 80 },
                { 200, 200, 81, 100, 50 },      { 200, 200, 81, UINT64_MAX, 50 },
                { 200, 200, 1, 1000, 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                pid_t child = fork();
                int status;

                assert_true(child >= 0);
                if (child == 0) {
                        const struct rlimit limit = { cases[i].soft, cases[i].hard };

                        _exit(setrlimit(RLIMIT_NOFILE, &limit) < 0
                                              ? 255
                                              : (int)listener_affordable(cases[i].max,
                                                                         cases[i].others));
                }
                assert_int_equal(waitpid(child, &status, 0), child);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), cases[i].expected);
        }
}

/* Who serves them may find that there is nothing left to do it with: the others wait. */
static void test_pause(void **state) {
        uint64_t begin_usec = clock_usec(CLOCK_MONOTONIC);

        start(MANY);
        listener_pause(listener);
        come(2);
        assert_true(run_idle() < 5);
        if (n_accepted > 0) /* then it was over */
                assert_true(clock_usec(CLOCK_MONOTONIC) - begin_usec >= 100 * USEC_PER_MSEC);
        while (n_accepted < 2)
                assert_true(sd_event_run(event, UINT64_MAX) > 0);
}

/* What listener_inherited_fd() says in a process that was handed these descriptors. */
static int inherited(const int *fds, int n) {
        pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0) {
                char text[16];

                for (int i = 0; i < n; i++)
                        if (dup2(fds[i], 3 + i) < 0)
                                _exit(99);
                (void)snprintf(text, sizeof(text), "%d", getpid());
                setenv("LISTEN_PID", text, 1);
                (void)snprintf(text, sizeof(text), "%d", n);
                setenv("LISTEN_FDS", text, 1);
                status = listener_inherited_fd();
                if (getenv("LISTEN_FDS"))
                        _exit(98);
                _exit(status >= 0 ? status : -status + 100);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status) > 100 ? 100 - WEXITSTATUS(status) : WEXITSTATUS(status);
}

static int high_fd(int fd) {
        int r = fcntl(fd, F_DUPFD_CLOEXEC, 50);

        assert_true(r >= 50);
        fd_close(fd);
        return r;
}

static void test_inherited_fd(void **state) {
        int good = high_fd(listen_at(SOCK_STREAM)), other, pair[2];

        assert_int_equal(unlink(path), 0);
        other = high_fd(listen_at(SOCK_SEQPACKET));
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        pair[0] = high_fd(pair[0]);
        pair[1] = high_fd(pair[1]);

        unsetenv("LISTEN_PID");
        assert_int_equal(listener_inherited_fd(), -ENOENT);
        assert_int_equal(inherited(&good, 1), 3);
        assert_int_equal(inherited(&other, 1), -EINVAL);   /* not a stream */
        assert_int_equal(inherited(&pair[0], 1), -EINVAL); /* not listening */
        assert_int_equal(inherited((int[]){ good, good }, 2), -EINVAL);

        fd_close(good);
        fd_close(other);
        fd_close(pair[0]);
        fd_close(pair[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_accept_in_turns, stop),
                cmocka_unit_test_teardown(test_max_connections, stop),
                cmocka_unit_test_teardown(test_stop_leaves_the_backlog, stop),
                cmocka_unit_test_teardown(test_out_of_descriptors, stop),
                cmocka_unit_test_teardown(test_affordable, stop),
                cmocka_unit_test_teardown(test_pause, stop),
                cmocka_unit_test_teardown(test_inherited_fd, stop),
        };

        return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
