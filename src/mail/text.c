/* SPDX-License-Identifier: MIT */
#include "mail/text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistr.h>

static bool is_control(ucs4_t c) {
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

int mail_text_check(const char *text, const char **ret_reason) {
        const uint8_t *p = (const uint8_t *)text;
        ucs4_t c;
        int n;

        for (; (n = u8_strmbtouc(&c, p)) > 0; p += n)
                if (is_control(c)) {
                        *ret_reason = "holds a line break or another control character";
                        return -EINVAL;
                }
        if (n < 0) {
                *ret_reason = "holds bytes that are no UTF-8";
                return -EINVAL;
        }
        return 0;
}

bool mail_text_turns_direction(const char *text) {
        const uint8_t *p = (const uint8_t *)text;
        ucs4_t c;
        int n;

        for (; (n = u8_strmbtouc(&c, p)) > 0; p += n)
                if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
                        return true;
        return false;
}

bool mail_text_is_ascii(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text >= 0x80)
                        return false;
        return true;
}

static void trim_end(struct buffer *line) {
        while (line->size > 0 && line->data[line->size - 1] == ' ')
                line->data[--line->size] = 0;
}

int mail_text_clean(const char *text, size_t max, char **ret) {
        _cleanup_(buffer_done) struct buffer clean = { 0 };
        const uint8_t *p = (const uint8_t *)text;
        ucs4_t c;
        int n;

        for (; (n = u8_strmbtouc(&c, p)) > 0 && clean.size + (size_t)n <= max; p += n)
                if (!is_control(c) && c != ' ')
                        buffer_append(&clean, p, (size_t)n);
                else if (clean.size > 0)
                        buffer_putc(&clean, ' ');
        if (n < 0)
                return -EINVAL;
        trim_end(&clean);
        return buffer_take(&clean, ret, NULL);
}

/* How many bytes end a line before a blank, at p. */
static size_t fold_size(const char *p) {
        size_t n = p[0] == '\r' && p[1] == '\n' ? 2 : p[0] == '\n' ? 1 : 0;

        return n > 0 && (p[n] == ' ' || p[n] == '\t') ? n : 0;
}

int mail_text_unfold(const char *value, char **ret, const char **ret_reason) {
        _cleanup_(buffer_done) struct buffer line = { 0 };
        int r;

        buffer_puts(&line, "");
        for (; *value; value++) {
                value += fold_size(value);
                if (*value != ' ' && *value != '\t')
                        buffer_putc(&line, *value);
                else if (line.size > 0)
                        buffer_putc(&line, ' ');
        }
        trim_end(&line);
        r = buffer_error(&line);
        if (r >= 0)
                r = mail_text_check(line.data, ret_reason);
        return r < 0 ? r : buffer_take(&line, ret, NULL);
}

void mail_text_quote(const char *text, struct buffer *to) {
        buffer_putc(to, '"');
        for (; *text; text++) {
                if (*text == '"' || *text == '\\')
                        buffer_putc(to, '\\');
                buffer_putc(to, *text);
        }
        buffer_putc(to, '"');
}
