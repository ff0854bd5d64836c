/* SPDX-License-Identifier: MIT */
#include "smtp/reply.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* The code that the line begins with, or 0. What follows is a space, a hyphen or nothing. */
static int line_code(const struct smtp_reader *r) {
        const char *l = r->line;

        if (r->line_size < 3 || l[0] < '2' || l[0] > '5' || !is_digit(l[1]) || !is_digit(l[2]))
                return 0;
        if (r->line_size > 3 && l[3] != ' ' && l[3] != '-')
                return 0;
        return (l[0] - '0') * 100 + (l[1] - '0') * 10 + (l[2] - '0');
}

static void put(struct smtp_reader *r, char c) {
        if (r->text_size + 1 < sizeof(r->reply.text))
                r->reply.text[r->text_size++] = c ? c : '?';
        r->reply.text[r->text_size] = 0;
}

/* Returns 1 when it was the reply's last line, 0 or -EBADMSG. */
static int take_line(struct smtp_reader *r) {
        int code = line_code(r);

        if (code == 0 || (r->n_lines > 0 && code != r->reply.code))
                return -EBADMSG;
        if (r->n_lines == 0) {
                r->text_size = 0;
                r->reply.text[0] = 0;
        } else
                put(r, '\n');
        for (size_t i = 4; i < r->line_size; i++)
                put(r, r->line[i]);
        r->reply.code = code;

        if (++r->n_lines > SMTP_MAX_REPLY_LINES)
                return -EBADMSG;
        if (r->line_size > 3 && r->line[3] == '-')
                return 0;
        r->n_lines = 0;
        return 1;
}

int smtp_reader_feed(struct smtp_reader *r, const char *data, size_t size, size_t *ret_taken) {
        int result;

        for (size_t i = 0; i < size; i++) {
                if (data[i] != '\n') {
                        if (r->line_size == sizeof(r->line))
                                return -EBADMSG;
                        r->line[r->line_size++] = data[i];
                        continue;
                }
                if (r->line_size > 0 && r->line[r->line_size - 1] == '\r')
                        r->line_size--;
                result = take_line(r);
                r->line_size = 0;
                if (result != 0) {
                        *ret_taken = i + 1;
                        return result;
                }
        }
        *ret_taken = size;
        return 0;
}

size_t smtp_enhanced_code(const char *text) {
        size_t at = 1;

        if (*text != '2' && *text != '4' && *text != '5')
                return 0;
        for (unsigned part = 0; part < 2; part++) {
                size_t n = 0;

                if (text[at] != '.')
                        return 0;
                at++;
                while (n < 3 && is_digit(text[at + n]))
                        n++;
                if (n == 0)
                        return 0;
                at += n;
        }
        return text[at] && !isspace((unsigned char)text[at]) ? 0 : at;
}

void smtp_reply_quote(const struct smtp_reply *r, char *ret, size_t size) {
        char text[SMTP_REPLY_TEXT_SIZE];
        size_t n = strlen(r->text);

        for (size_t i = 0; i <= n; i++)
                text[i] = r->text[i] == '\n' ? (char)' ' : r->text[i];
        ae_error_quote(ret, size, text);
}
