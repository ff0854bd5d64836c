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
        while (clean.size > 0 && clean.data[clean.size - 1] == ' ')
                clean.data[--clean.size] = 0;
        return buffer_take(&clean, ret, NULL);
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
