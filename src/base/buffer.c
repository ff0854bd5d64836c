/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void buffer_done(struct buffer *b) {
        free(b->data);
        *b = (struct buffer){ 0 };
}

void buffer_wipe(struct buffer *b) {
        if (b->data)
                explicit_bzero(b->data, b->capacity);
        buffer_done(b);
}

char *buffer_reserve(struct buffer *b, size_t more) {
        size_t needed, capacity;
        char *data;

        if (b->failed || more > SIZE_MAX / 2 - b->size - 1) {
                b->failed = true;
                return NULL;
        }

        needed = b->size + more + 1; /* the NUL */
        if (needed <= b->capacity)
                return b->data + b->size;

        capacity = b->capacity < 128 ? 128 : b->capacity + b->capacity / 2;
        if (capacity < needed)
                capacity = needed;

        data = realloc(b->data, capacity);
        if (!data) {
                b->failed = true;
                return NULL;
        }

        b->data = data;
        b->capacity = capacity;
        return b->data + b->size;
}

void buffer_advance(struct buffer *b, size_t written) {
        b->size += written;
        b->data[b->size] = 0;
}

void buffer_append(struct buffer *b, const void *data, size_t size) {
        char *to = buffer_reserve(b, size);

        if (!to)
                return;
        if (size > 0)
                memcpy(to, data, size);
        buffer_advance(b, size);
}

void buffer_puts(struct buffer *b, const char *text) {
        buffer_append(b, text, strlen(text));
}

void buffer_putc(struct buffer *b, char c) {
        buffer_append(b, &c, 1);
}

void buffer_printf(struct buffer *b, const char *format, ...) {
        char *to = buffer_reserve(b, 128);
        va_list ap;
        int n;

        if (!to)
                return;

        va_start(ap, format);
        n = vsnprintf(to, 128, format, ap);
        va_end(ap);

        if (n >= 128) {
                to = buffer_reserve(b, (size_t)n);
                if (!to)
                        return;
                va_start(ap, format);
                n = vsnprintf(to, (size_t)n + 1, format, ap);
                va_end(ap);
        }
        if (n < 0) {
                b->failed = true;
                return;
        }
        buffer_advance(b, (size_t)n);
}

void buffer_clear(struct buffer *b) {
        b->size = 0;
        if (b->data)
                b->data[0] = 0;
}

int buffer_error(const struct buffer *b) {
        return b->failed ? -ENOMEM : 0;
}

int buffer_take(struct buffer *b, char **ret, size_t *ret_size) {
        buffer_append(b, "", 0);
        if (b->failed) {
                buffer_done(b);
                return -ENOMEM;
        }

        if (ret_size)
                *ret_size = b->size;
        *ret = b->data;
        *b = (struct buffer){ 0 };
        return 0;
}
