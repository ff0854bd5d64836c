/* SPDX-License-Identifier: MIT */
#include "actionctl/wrap.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static bool begins_character(char c) {
        return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t width_of(const char *text, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < size; i++)
                n += begins_character(text[i]);
        return n;
}

size_t wrap_width(const char *text) {
        return width_of(text, strlen(text));
}

/* Where `width` columns end. */
static size_t size_of(const char *text, size_t width) {
        size_t i = 0;

        for (;; i++)
                if (!text[i] || (begins_character(text[i]) && width-- == 0))
                        return i;
}

void wrap_words(const char *text, size_t width, struct buffer *to) {
        size_t used = 0, size;

        assert(width > 0);
        for (;; text += size + 1) {
                size = strcspn(text, " ");
                if (used > 0 && used + 1 + width_of(text, size) > width) {
                        buffer_putc(to, '\n');
                        used = 0;
                } else if (used > 0) {
                        buffer_putc(to, ' ');
                        used++;
                }
                while (width_of(text, size) > width) {
                        size_t part = size_of(text, width);

                        buffer_append(to, text, part);
                        buffer_putc(to, '\n');
                        text += part;
                        size -= part;
                }
                buffer_append(to, text, size);
                used += width_of(text, size);
                if (!text[size])
                        return;
        }
}
