/* SPDX-License-Identifier: MIT */
#include "smtp/message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int smtp_message_check(const char *message, size_t size, bool *ret_ascii) {
        const char *end = message + size;
        unsigned char all = 0;

        for (const char *line = message; line < end;) {
                const char *lf = memchr(line, '\n', (size_t)(end - line));
                const char *stop = lf ? lf - 1 : end; /* the CR, or there is none */

                if (lf && (lf == line || *stop != '\r'))
                        return -EINVAL;
                if (stop - line > SMTP_MAX_LINE)
                        return -EINVAL;
                for (const char *p = line; p < stop; p++) {
                        if (*p == '\r' || *p == 0)
                                return -EINVAL;
                        all |= (unsigned char)*p;
                }
                line = lf ? lf + 1 : end;
        }
        *ret_ascii = all < 0x80;
        return 0;
}

static bool ends_in_line_end(const struct smtp_stuffing *s) {
        return s->size == 0 || s->message[s->size - 1] == '\n';
}

size_t smtp_stuffing_size(const struct smtp_stuffing *s) {
        return s->size + (ends_in_line_end(s) ? 0 : strlen("\r\n"));
}

/* A piece begins where a line begins, and ends where the next line begins with a dot. */
size_t smtp_stuffing_next(struct smtp_stuffing *s, const char **ret, bool *ret_last) {
        const char *at = s->message + s->at, *stop;
        size_t left = s->size - s->at, n;

        *ret_last = false;
        if (s->over)
                return 0;
        if (left == 0) {
                s->over = *ret_last = true;
                *ret = ends_in_line_end(s) ? ".\r\n" : "\r\n.\r\n";
                return strlen(*ret);
        }
        if (*at == '.' && !s->stuffed) {
                s->stuffed = true;
                *ret = ".";
                return 1;
        }

        s->stuffed = false;
        stop = memmem(at, left, "\r\n.", 3);
        n = stop ? (size_t)(stop - at) + 2 : left;
        s->at += n;
        *ret = at;
        return n;
}
