/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ipc/peer.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* What the kernel says instead of giving a pidfd; 0: what it will. */
static int pid_fd_error;

int getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
        if (pid_fd_error > 0 && level == SOL_SOCKET && name == SO_PEERPIDFD) {
                errno = pid_fd_error;
                return -1;
        }
        return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
}

#define BEHIND " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"

/* A process chooses its own name, and must not choose its start time by it. */
static void test_start_time_of_proc_stat(void **state) {
        static const struct {
                const char *stat;
                int r;
                uint64_t start_time;
        } cases[] = {
                { "42 (cat)" BEHIND " 4711 20 21\n", 0, 4711 },
                { "42 (cat)" BEHIND " 4711\n", 0, 4711 },
                { "42 (a) S 1 (b c)" BEHIND " 4711 20\n", 0, 4711 },
                { "42 ()))" BEHIND " 18446744073709551615 20\n", 0, UINT64_MAX },
                { "42 (cat)" BEHIND " 18446744073709551616 20\n", -EINVAL, 0 },
                { "42 (cat)" BEHIND " 0 20\n", -EINVAL, 0 },
                { "42 (cat)" BEHIND " -1 20\n", -EINVAL, 0 },
                { "42 (cat)" BEHIND " 47x 20\n", -EINVAL, 0 },
                { "42 (cat)" BEHIND " 4711", -EINVAL, 0 }, /* cut: there may be more digits */
                { "42 (cat)" BEHIND, -EINVAL, 0 },
                { "42 (cat)" BEHIND " ", -EINVAL, 0 },
                { "42 (cat) S 1\n", -EINVAL, 0 },
                { "42 cat" BEHIND " 4711 20\n", -EINVAL, 0 },
                { "", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t start_time = 0;

                assert_int_equal(peer_parse_start_time(cases[i].stat, &start_time), cases[i].r);
                assert_int_equal(start_time, cases[i].start_time);
        }
}

/* A child of ours with one end of a pair, whose credentials that end has. */
static pid_t start_child(int *ret_fd) {
        int pair[2];
        pid_t pid;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        pause();
        }
        close(pair[1]);
        *ret_fd = pair[0];
        return pid;
}

static void test_who_is_there(void **state) {
        _cleanup_(fd_closep) int fd = -1;
        struct peer peer, other;
        pid_t pid = start_child(&fd);

        assert_int_equal(peer_read(fd, &peer), 0);
        assert_int_equal(peer.pid, getpid()); /* who made the pair */
        assert_int_equal(peer.uid, getuid());
        assert_true(peer.start_time > 0);
        assert_true(peer_is_there(&peer));

        /* The same number, and another process. */
        other = peer;
        other.start_time++;
        assert_false(peer_is_there(&other));
        other.start_time = 0;
        assert_false(peer_is_there(&other));
        other = peer;
        other.pid = 0;
        assert_false(peer_is_there(&other));

        /* One that has ended. */
        other = peer;
        other.pid = pid;
        other.pid_fd = -1;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_false(peer_is_there(&other));
        peer_done(&peer);
}

/*
 * A kernel without pidfds leaves the start time alone to tell. One that has them, and none for this
 * process, says that it is gone: whoever has its pid by now is not to be taken for it. And what is
 * our own want is no statement about the peer.
 */
static void test_no_pid_fd(void **state) {
        static const struct {
                int error, r;
                bool there;
        } cases[] = {
                { ENOPROTOOPT, 0, true },   { ESRCH, 0, false },        { EINVAL, 0, false },
                { ENODATA, 0, false },      { EMFILE, -EMFILE, false }, { ENFILE, -ENFILE, false },
                { ENOMEM, -ENOMEM, false },
        };
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct peer peer = { .pid = 42 };

                pid_fd_error = cases[i].error;
                assert_int_equal(peer_read(pair[0], &peer), cases[i].r);
                if (cases[i].r < 0) {
                        assert_int_equal(peer.pid, 42);
                        continue;
                }
                assert_int_equal(peer.pid, getpid());
                assert_int_equal(peer.pid_fd, -1);
                assert_int_equal(peer.start_time > 0, cases[i].there);
                assert_int_equal(peer_is_there(&peer), cases[i].there);
                if (!cases[i].there)
                        assert_string_equal(peer.unit, "");
        }
        pid_fd_error = 0;
        close(pair[0]);
        close(pair[1]);
}

/* Nobody loses a part of what is known of him because a descriptor is lacking. */
static void test_out_of_descriptors(void **state) {
        struct rlimit before, few;
        struct peer peer;
        int pair[2], next, r = -EMFILE;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        next = dup(pair[0]);
        assert_true(next >= 0);
        close(next);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        few = before;
        for (int n = 0; r == -EMFILE && n < 5; n++) {
                few.rlim_cur = (rlim_t)(next + n);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
                r = peer_read(pair[0], &peer);
                assert_true(n > 0 || r == -EMFILE);
        }
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

        assert_int_equal(r, 0);
        assert_true(peer_is_there(&peer));
        peer_done(&peer);
        close(pair[0]);
        close(pair[1]);
}

static void test_who_is_somebody(void **state) {
        static const struct {
                uid_t uid;
                bool somebody;
        } cases[] = {
                { 0, true },          { 1000, true },       { 65533, true },
                { 65534, false },     { 65535, true },      { 2147483647, true },
                { 2147483648, true }, { 3000000000, true }, { 4294967294, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(peer_is_somebody(&(struct peer){ .uid = cases[i].uid }),
                                 cases[i].somebody);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_start_time_of_proc_stat),
                cmocka_unit_test(test_who_is_there),
                cmocka_unit_test(test_no_pid_fd),
                cmocka_unit_test(test_out_of_descriptors),
                cmocka_unit_test(test_who_is_somebody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
