/* SPDX-License-Identifier: MIT */
#include "mail/body.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "mail/base64.h"

#define LINE_COLUMNS_7BIT 78
#define LINE_COLUMNS_QP 76

#define BLOCK_SIZE ((size_t)UINT8_MAX - UINT8_MAX % 32)

struct line {
        const char *text;
        size_t size;
        bool ended; /* a line end follows */
};

/* Takes the next line off *text; CRLF, LF and CR end one. False when nothing is left. */
static bool take_line(const char **text, struct line *ret) {
        const char *p = *text;

        if (!*p)
                return false;
        ret->text = p;
        ret->size = strcspn(p, "\r\n");
        p += ret->size;
        ret->ended = *p;
        p += *p == '\r';
        p += *p == '\n';
        *text = p;
        return true;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static bool is_printable(char c) {
        return c > ' ' && c < 0x7f;
}

/* What some relay or mailbox format would take for something else at the start of a line. */
static bool is_fragile_start(const char *text, size_t size) {
        return *text == '.' || (size >= 5 && memcmp(text, "From ", 5) == 0);
}

static bool survives_7bit(const struct line *l) {
        if (l->size == 0)
                return true;
        return l->size <= LINE_COLUMNS_7BIT && !is_blank(l->text[l->size - 1]) &&
               !is_fragile_start(l->text, l->size);
}

static bool all_survive_7bit(const char *text) {
        struct line l;

        while (take_line(&text, &l))
                if (!survives_7bit(&l))
                        return false;
        return true;
}

struct census {
        size_t n_cr, n_lf, n_crlf, n_tabs, n_equals;
        size_t n_unprintable; /* with CR, LF and tabs; a space is printable */
};

/* As many as a byte can count, and without a branch: the compiler makes vectors of it. */
static void count_block(const char text[static BLOCK_SIZE + 1], struct census *to) {
        uint8_t n_cr = 0, n_lf = 0, n_crlf = 0, n_tabs = 0, n_equals = 0, n_unprintable = 0;

        for (size_t i = 0; i < BLOCK_SIZE; i++) {
                n_cr += text[i] == '\r';
                n_lf += text[i] == '\n';
                n_crlf += (text[i] == '\r') & (text[i + 1] == '\n');
                n_tabs += text[i] == '\t';
                n_equals += text[i] == '=';
                n_unprintable += (uint8_t)(text[i] - ' ') >= 0x7f - ' ';
        }
        to->n_cr += n_cr;
        to->n_lf += n_lf;
        to->n_crlf += n_crlf;
        to->n_tabs += n_tabs;
        to->n_equals += n_equals;
        to->n_unprintable += n_unprintable;
}

static struct census count(const char *text, size_t size) {
        char rest[BLOCK_SIZE + 1];
        struct census c = { 0 };

        for (; size >= BLOCK_SIZE; text += BLOCK_SIZE, size -= BLOCK_SIZE)
                count_block(text, &c);
        memset(rest, ' ', sizeof(rest));
        memcpy(rest, text, size);
        count_block(rest, &c);
        return c;
}

struct body_plan body_plan(const char *text) {
        size_t size = strlen(text), n_foreign, quoted_printable, base64;
        const struct census c = count(text, size);

        size += c.n_cr + c.n_lf - 2 * c.n_crlf; /* all line ends as CRLF */
        n_foreign = c.n_unprintable - c.n_tabs - c.n_cr - c.n_lf;
        if (n_foreign == 0 && (c.n_equals == 0 || !strstr(text, "=_")) && all_survive_7bit(text))
                return (struct body_plan){ BODY_7BIT, size };

        quoted_printable = size + 2 * (n_foreign + c.n_equals);
        quoted_printable += quoted_printable / LINE_COLUMNS_QP * strlen("=\r\n");
        base64 = base64_wrapped_size((size + 2) / 3 * 4);
        if (quoted_printable <= base64)
                return (struct body_plan){ BODY_QUOTED_PRINTABLE, quoted_printable };
        return (struct body_plan){ BODY_BASE64, base64 };
}

const char *body_encoding_name(enum body_encoding encoding) {
        switch (encoding) {
        case BODY_7BIT:
                return "7bit";
        case BODY_QUOTED_PRINTABLE:
                return "quoted-printable";
        case BODY_BASE64:
                return "base64";
        }
        return NULL;
}

static void write_lines(const char *text, struct buffer *to) {
        struct line l;

        while (take_line(&text, &l)) {
                buffer_append(to, l.text, l.size);
                if (l.ended)
                        buffer_puts(to, "\r\n");
        }
}

static bool needs_escape(const struct line *l, size_t i, bool starts) {
        char c = l->text[i];

        if (is_blank(c))
                return i + 1 == l->size;
        return !is_printable(c) || c == '=' ||
               (starts && is_fragile_start(l->text + i, l->size - i));
}

static void write_quoted_printable_line(const struct line *l, struct buffer *to) {
        static const char digits[] = "0123456789ABCDEF", soft_break[] = "=\r\n";
        char out[LINE_COLUMNS_QP + sizeof(soft_break)];
        size_t n = 0;

        for (size_t i = 0; i < l->size; i++) {
                bool escape = needs_escape(l, i, n == 0);

                /* The last column stays free for the '=' of a soft line break. */
                if (n + (escape ? 3 : 1) > LINE_COLUMNS_QP - 1) {
                        memcpy(out + n, soft_break, strlen(soft_break));
                        buffer_append(to, out, n + strlen(soft_break));
                        n = 0;
                        escape = needs_escape(l, i, /* starts= */ true);
                }
                if (escape) {
                        out[n++] = '=';
                        out[n++] = digits[(unsigned char)l->text[i] >> 4];
                        out[n++] = digits[l->text[i] & 0x0f];
                } else
                        out[n++] = l->text[i];
        }
        buffer_append(to, out, n);
}

static void write_quoted_printable(const char *text, struct buffer *to) {
        struct line l;

        while (take_line(&text, &l)) {
                write_quoted_printable_line(&l, to);
                if (l.ended)
                        buffer_puts(to, "\r\n");
        }
}

static void write_base64(const char *text, struct buffer *to) {
        _cleanup_(buffer_done) struct buffer lines = { 0 };

        write_lines(text, &lines);
        for (size_t at = 0, n; at < lines.size; at += n) {
                n = lines.size - at;
                if (n > BASE64_LINE / 4 * 3)
                        n = BASE64_LINE / 4 * 3;
                if (at > 0)
                        buffer_puts(to, "\r\n");
                base64_encode(lines.data + at, n, to);
        }
        if (buffer_error(&lines) < 0)
                to->failed = true;
}

void body_write(const char *text, enum body_encoding encoding, struct buffer *to) {
        switch (encoding) {
        case BODY_7BIT:
                write_lines(text, to);
                break;
        case BODY_QUOTED_PRINTABLE:
                write_quoted_printable(text, to);
                break;
        case BODY_BASE64:
                write_base64(text, to);
                break;
        }
}
