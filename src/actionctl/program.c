/* SPDX-License-Identifier: MIT */
#include "actionctl/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PATH "/usr/sbin:/usr/bin:/sbin:/bin"

/* ---- where ---- */

static int find_program(const char *name, char ret[static PATH_MAX]) {
        static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                snprintf(ret, PATH_MAX, "%s/%s", folders[i], name);
                if (access(ret, X_OK) == 0)
                        return 0;
        }
        return -ENOENT;
}

/* ---- what goes in and comes out ---- */

/* The end of a pipe that `input` can be read from, or of nothing. */
static int open_input(const struct secret *input) {
        _cleanup_(fd_closep) int in = -1, out = -1;
        int ends[2];

        if (!input) {
                out = open("/dev/null", O_RDONLY | O_CLOEXEC);
                return out < 0 ? -errno : TAKE_FD(out);
        }
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        out = ends[0];
        in = ends[1];
        if (write(in, input->data, input->size) != (ssize_t)input->size)
                return -EMSGSIZE;
        /* Its reader is somebody else, who would not expect EAGAIN. */
        if (fcntl(out, F_SETFL, 0) < 0)
                return -errno;
        return TAKE_FD(out);
}

/* All of it, and where a pipe would block a file does not. */
static void read_said(int fd, char ret[static PROGRAM_SAID_MAX]) {
        off_t size = lseek(fd, 0, SEEK_END);
        off_t from = size > PROGRAM_SAID_MAX - 1 ? size - (PROGRAM_SAID_MAX - 1) : 0;
        ssize_t n = pread(fd, ret, PROGRAM_SAID_MAX - 1, from);

        if (n < 0)
                n = 0;
        while (n > 0 && strchr(" \n", ret[n - 1]))
                n--;
        ret[n] = '\0';
        for (char *p = ret; (p = strchr(p, '\n'));)
                *p = ' ';
}

/* ---- the run ---- */

static int add_files(posix_spawn_file_actions_t *files, int in, int out, int said) {
        int r;

        r = posix_spawn_file_actions_adddup2(files, in, 0);
        if (r == 0 && out >= 0)
                r = posix_spawn_file_actions_adddup2(files, out, 1);
        else if (r == 0)
                r = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(files, said, 2);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(files, 3);
        return -r;
}

static int spawn(const char *path, const char *const argv[], int in, int out, int said,
                 pid_t *ret) {
        static const char *const environment[] = { "PATH=" PATH, "LC_ALL=C.UTF-8", NULL };
        posix_spawn_file_actions_t files;
        int r;

        if (posix_spawn_file_actions_init(&files) != 0)
                return -ENOMEM;
        r = add_files(&files, in, out, said);
        if (r == 0)
                r = -posix_spawn(ret, path, &files, NULL, (char *const *)argv,
                                 (char *const *)environment);
        posix_spawn_file_actions_destroy(&files);
        return r;
}

int program_run(const char *const argv[], const struct secret *input, int output_fd,
                char ret_said[static PROGRAM_SAID_MAX]) {
        _cleanup_(fd_closep) int in = -1, said = -1;
        char path[PATH_MAX];
        pid_t pid = 0;
        int status, r;

        *ret_said = '\0';
        r = find_program(argv[0], path);
        if (r < 0)
                return r;
        in = open_input(input);
        if (in < 0)
                return in;
        said = memfd_create("said", MFD_CLOEXEC);
        if (said < 0)
                return -errno;
        r = spawn(path, argv, in, output_fd, said, &pid);
        if (r < 0)
                return r;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        read_said(said, ret_said);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}
