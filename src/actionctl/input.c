/* SPDX-License-Identifier: MIT */
#include "actionctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "actionctl/output.h"
#include "base/file.h"

#define TOKEN_MAX ((size_t)16 << 10)

static const char *file_name(const char *path) {
        return strcmp(path, "-") == 0 ? "/dev/stdin" : path;
}

/* What a person calls it: a file in quotes, or standard input. */
#define NAME_SIZE 300
static const char *named(const char *path, char *to) {
        snprintf(to, NAME_SIZE, "'%s'", path);
        return strcmp(path, "-") == 0 ? "standard input" : to;
}

static int tell(const char *path, int r, size_t max) {
        char name[NAME_SIZE];

        if (r == -EFBIG)
                output_error("%s is larger than %zu bytes", named(path, name), max);
        else
                output_error("cannot read %s: %s", named(path, name), input_reason(r));
        return CTL_USAGE;
}

const char *input_reason(int r) {
        switch (r) {
        case -EFBIG:
                return "it is too large";
        case -ENXIO:
                return "it is neither a file nor a pipe";
        default:
                return strerror(-r);
        }
}

/* `<(command)` is a pipe without a name, which ends with the command. */
static bool is_unnamed_pipe(int fd, const struct stat *st) {
        struct statfs fs;

        return S_ISFIFO(st->st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

/* Looked at before it is read, and opened so that a FIFO waits for nobody. */
static int open_file(const char *path, size_t max) {
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode) && !is_unnamed_pipe(fd, &st))
                return -ENXIO;
        if (S_ISREG(st.st_mode) && st.st_size > 0 && (size_t)st.st_size > max)
                return -EFBIG;
        if (fcntl(fd, F_SETFL, 0) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Standard input may be whatever its caller has made it. */
static int open_input(const char *path, size_t max) {
        int fd;

        if (strcmp(path, "-") != 0)
                return open_file(path, max);
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : fd;
}

int input_bytes(const char *path, size_t max, struct buffer *to) {
        _cleanup_(fd_closep) int fd = open_input(path, max);

        return fd < 0 ? fd : file_read(fd, max, to);
}

static size_t line_of(const char *text, size_t offset) {
        size_t n = 1;

        for (size_t i = 0; i < offset; i++)
                n += text[i] == '\n';
        return n;
}

static int check_object(const char *path, const char *text, size_t size) {
        char name[NAME_SIZE];
        struct json_envelope e;
        struct json_fault fault;
        int r;

        r = json_scan(text, size, &e, &fault);
        if (r == -EBADMSG && size == 0)
                output_error("%s is empty: write a JSON object, {…}", named(path, name));
        else if (r == -EBADMSG)
                output_error("%s is no JSON: %s, in line %zu", named(path, name), fault.reason,
                             line_of(text, fault.offset));
        else if (r < 0)
                return tell(path, r, 0);
        else if (e.root.type != JSON_OBJECT)
                output_error("%s holds JSON, but no object: write {…}", named(path, name));
        else
                return 0;
        return CTL_USAGE;
}

int input_json(const char *path, size_t max, struct buffer *ret) {
        int r = input_bytes(path, max, ret);

        if (r < 0)
                return tell(path, r, max);
        return check_object(path, ret->data ?: "", ret->size);
}

int input_secret_json(const char *path, size_t max, struct secret **ret) {
        _cleanup_(secret_freep) struct secret *s = NULL;
        int r;

        r = secret_read_file(file_name(path), max, &s);
        if (r < 0)
                return tell(path, r, max);
        r = check_object(path, s->data, s->size);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

/* Without the white space that editors and echo leave around it. */
static int trim_word(const char *origin, const char *what, const char *text, size_t size,
                     struct secret **ret) {
        static const char blank[] = " \t\r\n";

        for (; size > 0 && strchr(blank, text[size - 1]); size--)
                ;
        for (; size > 0 && strchr(blank, *text); size--)
                text++;
        if (size == 0 || memchr(text, 0, size)) {
                output_error("%s holds no %s", origin, what);
                return CTL_USAGE;
        }
        if (secret_new(text, size, ret) < 0)
                return tell(origin, -ENOMEM, 0);
        return 0;
}

int input_word_file(const char *path, const char *what, struct secret **ret) {
        _cleanup_(secret_freep) struct secret *s = NULL;
        int r;

        r = secret_read_file(file_name(path), TOKEN_MAX, &s);
        if (r < 0)
                return tell(path, r, TOKEN_MAX);
        return trim_word(strcmp(path, "-") == 0 ? "standard input" : path, what, s->data, s->size,
                         ret);
}

/* Where setup has put one. */
static int input_usual_token(struct secret **ret) {
        const char *home = getenv("HOME");
        char path[PATH_MAX];

        *ret = NULL;
        if (!home || *home != '/')
                return 0;
        if (snprintf(path, sizeof(path), "%s/" INPUT_TOKEN_FILE, home) >= (int)sizeof(path) ||
            access(path, F_OK) < 0)
                return 0;
        return input_word_file(path, "token", ret);
}

int input_token(const struct ctl *ctl, struct secret **ret) {
        const char *token = getenv("ACTION_ENGINE_TOKEN"),
                   *file = getenv("ACTION_ENGINE_TOKEN_FILE");

        if (ctl->token_file)
                return input_word_file(ctl->token_file, "token", ret);
        if (token && *token)
                return trim_word("ACTION_ENGINE_TOKEN", "token", token, strnlen(token, TOKEN_MAX),
                                 ret);
        if (file && *file)
                return input_word_file(file, "token", ret);
        return input_usual_token(ret);
}
