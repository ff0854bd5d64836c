/* SPDX-License-Identifier: MIT */
#include "common/uri.h"

#include <string.h>

/* RFC 3986 §2.3, spelt out: isalnum() follows the locale. */
static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-._~";

static void put_encoded(struct buffer *url, const char *text) {
        for (; *text; text++)
                if (strchr(unreserved, *text))
                        buffer_putc(url, *text);
                else
                        buffer_printf(url, "%%%02X", (unsigned)(unsigned char)*text);
}

bool uri_is_segment(const char *text) {
        return *text && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

void uri_put_segment(struct buffer *url, const char *text) {
        buffer_putc(url, '/');
        put_encoded(url, text);
}

void uri_put_parameter(struct buffer *url, const char *name, const char *text) {
        if (!text)
                return;
        buffer_putc(url, url->size > 0 && memchr(url->data, '?', url->size) ? '&' : '?');
        buffer_puts(url, name);
        buffer_putc(url, '=');
        put_encoded(url, text);
}
