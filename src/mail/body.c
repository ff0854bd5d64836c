/* SPDX-License-Identifier: MIT */
#include "mail/body.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "mail/base64.h"

#define LINE_COLUMNS_7BIT 78
#define LINE_COLUMNS_QP 76

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
               !is_fragile_start(l->text, l->size) && !memmem(l->text, l->size, "=_", 2);
}

struct body_plan body_plan(const char *text) {
        size_t n = 0, n_escaped = 0, quoted_printable, base64;
        bool seven_bit = true;
        struct line l;

        while (take_line(&text, &l)) {
                size_t n_foreign = 0, n_equals = 0;

                for (size_t i = 0; i < l.size; i++) {
                        n_foreign += !is_printable(l.text[i]) && !is_blank(l.text[i]);
                        n_equals += l.text[i] == '=';
                }
                seven_bit = seven_bit && n_foreign == 0 && survives_7bit(&l);
                n += l.size + (l.ended ? 2 : 0);
                n_escaped += n_foreign + n_equals;
        }
        if (seven_bit)
                return (struct body_plan){ BODY_7BIT, n };

        quoted_printable = n + 2 * n_escaped;
        quoted_printable += quoted_printable / LINE_COLUMNS_QP * strlen("=\r\n");
        base64 = base64_wrapped_size((n + 2) / 3 * 4);
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
        size_t column = 0;

        for (size_t i = 0; i < l->size; i++) {
                bool escape = needs_escape(l, i, column == 0);

                /* The last column stays free for the '=' of a soft line break. */
                if (column + (escape ? 3 : 1) > LINE_COLUMNS_QP - 1) {
                        buffer_puts(to, "=\r\n");
                        column = 0;
                        escape = needs_escape(l, i, /* starts= */ true);
                }
                if (escape)
                        buffer_printf(to, "=%02X", (unsigned char)l->text[i]);
                else
                        buffer_putc(to, l->text[i]);
                column += escape ? 3 : 1;
        }
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
        _cleanup_(buffer_done) struct buffer lines = { 0 }, encoded = { 0 };

        write_lines(text, &lines);
        base64_encode(lines.data, lines.size, &encoded);
        base64_wrap(encoded.data, encoded.size, to);
        if (buffer_error(&lines) < 0 || buffer_error(&encoded) < 0)
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
