/* SPDX-License-Identifier: MIT */
#include "notion/text.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/utf8.h"

#define MAX_BLOCKS 100

/* How many bytes the character has; *ret_units is how many code units. */
static size_t span_of(const char *text, size_t size, size_t *ret_units) {
        size_t span = (unsigned char)*text < 0x80 ? 1 : utf8_span(text, size);

        *ret_units = span == 4 ? 2 : 1;
        return span > 0 ? span : 1;
}

/* How many bytes from the beginning hold at most that many units. *ret_units is how many it was. */
static size_t head_size(const char *text, size_t size, size_t max_units, size_t *ret_units) {
        size_t n = 0, n_units = 0, span, units;

        for (; n < size; n += span, n_units += units) {
                span = span_of(text + n, size - n, &units);
                if (n_units + units > max_units)
                        break;
        }
        *ret_units = n_units;
        return n;
}

size_t text_units(const char *text) {
        size_t n_units;

        (void)head_size(text, strlen(text), SIZE_MAX, &n_units);
        return n_units;
}

void text_write(const char *text, size_t size, struct buffer *to) {
        size_t n, n_units;

        buffer_putc(to, '[');
        for (const char *end = text + size; text < end; text += n) {
                n = head_size(text, (size_t)(end - text), TEXT_MAX_UNITS, &n_units);
                buffer_puts(to, "{\"text\":{\"content\":");
                json_print_string(text, n, to);
                buffer_puts(to, text + n < end ? "}}," : "}}");
        }
        buffer_putc(to, ']');
}

static const char *skip_breaks(const char *text) {
        return text + strspn(text, "\r\n");
}

/* Up to the line break before a blank line, or to the end. */
static size_t paragraph_size(const char *text) {
        const char *p = text;

        while ((p = strchr(p, '\n')) != NULL) {
                if (p[1] == '\n' || (p[1] == '\r' && p[2] == '\n') || !*skip_breaks(p))
                        break;
                p++;
        }
        if (!p)
                return strlen(text);
        if (p > text && p[-1] == '\r')
                p--;
        return (size_t)(p - text);
}

void text_write_paragraphs(const char *text, struct buffer *to) {
        size_t size;

        buffer_putc(to, '[');
        text = skip_breaks(text);
        for (size_t n = 0; *text; n++) {
                size = n < MAX_BLOCKS - 1 ? paragraph_size(text) : strlen(text);
                buffer_printf(to,
                              "%s{\"object\":\"block\",\"type\":\"paragraph\",\"paragraph\":"
                              "{\"rich_text\":",
                              n > 0 ? "," : "");
                text_write(text, size, to);
                buffer_puts(to, "}}");
                text = skip_breaks(text + size);
        }
        buffer_putc(to, ']');
}
