/* SPDX-License-Identifier: MIT */
#include "actionctl/prompt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"

enum {
        INTERRUPT = 3,
        END = 4,
        BACKSPACE = 8,
        ERASE_LINE = 21,
        DELETE = 127,
};

bool prompt_possible(void) {
        return isatty(STDIN_FILENO);
}

const char *prompt_reason(int r) {
        switch (r) {
        case -ENODATA:
        case -EPIPE:
                return "nothing was entered";
        case -EFBIG:
                return "it is too long";
        case -ETIME:
                return "the time is over";
        case -EINTR:
                return "it was interrupted";
        default:
                return strerror(-r);
        }
}

static void ask(const char *question) {
        if (!prompt_possible())
                return;
        fputs(question, stderr);
        fflush(stderr);
}

/* Returns 1, 0 at the end, -ETIME or -errno. */
static int read_byte(uint64_t until_usec, char *ret) {
        for (;;) {
                struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
                uint64_t now_usec = clock_usec(CLOCK_BOOTTIME);
                ssize_t n;

                if (now_usec >= until_usec)
                        return -ETIME;
                if (poll(&p, 1, 1000) == 0)
                        continue;
                n = read(STDIN_FILENO, ret, 1);
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                return n < 0 ? -errno : (int)n;
        }
}

static int trim(const struct secret *line, size_t size, struct secret **ret) {
        const char *at = line->data;

        for (; size > 0 && strchr(" \t\r", at[size - 1]); size--)
                ;
        for (; size > 0 && strchr(" \t", *at); size--)
                at++;
        if (size == 0)
                return -ENODATA;
        if (memchr(at, 0, size))
                return -EBADMSG;
        return secret_new(at, size, ret);
}

/* What a terminal would do with the keys, had it been left to it. Returns 0 or -EINTR. */
static int edit(char c, size_t *size) {
        if (c == INTERRUPT)
                return -EINTR;
        if (c == ERASE_LINE)
                *size = 0;
        else if (*size > 0)
                (*size)--;
        return 0;
}

static int read_line(size_t max, uint64_t until_usec, bool raw, struct secret **ret) {
        _cleanup_(secret_freep) struct secret *line = NULL;
        size_t size = 0;
        char c;
        int r;

        r = secret_new(NULL, max, &line);
        if (r < 0)
                return r;
        for (;;) {
                r = read_byte(until_usec, &c);
                if (r < 0)
                        return r;
                if (r == 0 && size == 0)
                        return -EPIPE;
                if (r == 0 || c == '\n' || (raw && (c == END || c == '\r')))
                        return trim(line, size, ret);
                if (raw && (c == INTERRUPT || c == ERASE_LINE || c == BACKSPACE || c == DELETE)) {
                        r = edit(c, &size);
                        if (r < 0)
                                return r;
                } else if (size >= max)
                        return -EFBIG;
                else
                        line->data[size++] = c;
        }
}

int prompt_line(const char *question, size_t max, uint64_t until_usec, struct secret **ret) {
        ask(question);
        return read_line(max, until_usec, /* raw= */ false, ret);
}

/* Signals by keys are off as well: one would end us with the terminal still silent. */
int prompt_secret(const char *question, size_t max, struct secret **ret) {
        struct termios before, silent;
        int r;

        if (!prompt_possible())
                return read_line(max, UINT64_MAX, /* raw= */ false, ret);
        if (tcgetattr(STDIN_FILENO, &before) < 0)
                return -errno;
        silent = before;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
                return -errno;
        ask(question); /* only now: what is typed early would be shown, and lost */
        r = read_line(max, UINT64_MAX, /* raw= */ true, ret);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
        return r;
}
