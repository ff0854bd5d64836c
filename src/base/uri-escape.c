/* SPDX-License-Identifier: MIT */
#include "base/uri-escape.h"

#include <string.h>

/* RFC 3986 §2.3, spelt out: isalnum() follows the locale. */
static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-._~";

void uri_escape(const char *text, size_t size, struct buffer *to) {
        static const char digits[] = "0123456789ABCDEF";

        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char)text[i];

                if (c && strchr(unreserved, c))
                        buffer_putc(to, text[i]);
                else
                        buffer_append(to, (char[]){ '%', digits[c >> 4], digits[c & 0xf] }, 3);
        }
}
