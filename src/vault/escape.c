/* SPDX-License-Identifier: MIT */
#include "vault/escape.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/uri-escape.h"

static bool is_alphanumeric(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void escape_query(const char *text, struct buffer *to) {
        uri_escape(text, strlen(text), to);
}

static bool stands_as_it_is(char c, char before) {
        return is_alphanumeric(c) || strchr("-_@+", c) || (c == '.' && before != '.');
}

void escape_segment(const char *text, struct buffer *to) {
        char before = '.';

        for (; *text; before = *text++)
                if (stands_as_it_is(*text, before))
                        buffer_putc(to, *text);
                else
                        buffer_printf(to, "%%25%02X", (unsigned char)*text);
}

/* Upper case, as they are written. -1 when it is none. */
static int hex_digit(char c) {
        static const char digits[] = "0123456789ABCDEF";
        const char *at = memchr(digits, c, 16);

        return at ? (int)(at - digits) : -1;
}

int escape_undo(const char *name, size_t n, char *ret, size_t size) {
        char before = '.', *to = ret;

        for (size_t i = 0; i < n; i++, before = *to++) {
                bool is_escaped = name[i] == '%';

                if (to == ret + size - 1 || (is_escaped && n - i < 3))
                        return -EINVAL;
                if (is_escaped) {
                        int high = hex_digit(name[i + 1]), low = hex_digit(name[i + 2]);

                        if (high < 0 || low < 0)
                                return -EINVAL;
                        *to = (char)(high << 4 | low);
                        i += 2;
                } else
                        *to = name[i];
                if (!*to || stands_as_it_is(*to, before) == is_escaped)
                        return -EINVAL;
        }
        *to = 0;
        return 0;
}
