/* SPDX-License-Identifier: MIT */
#include "common/uri.h"

#include <string.h>

#include "base/uri-escape.h"

bool uri_is_segment(const char *text) {
        return *text && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

void uri_put_segment(struct buffer *url, const char *text) {
        buffer_putc(url, '/');
        uri_escape(text, strlen(text), url);
}

void uri_put_parameter(struct buffer *url, const char *name, const char *text) {
        if (!text)
                return;
        buffer_putc(url, url->size > 0 && memchr(url->data, '?', url->size) ? '&' : '?');
        buffer_puts(url, name);
        buffer_putc(url, '=');
        uri_escape(text, strlen(text), url);
}
