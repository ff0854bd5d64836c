/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A growing byte buffer for writers. Running out of memory is remembered instead of returned, so
 * that a writer reads top to bottom and asks once, at the end, with buffer_error().
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct buffer {
        char *data; /* owned; NUL-terminated behind `size` once anything was appended */
        size_t size;
        size_t capacity;
        bool failed;
};

void buffer_done(struct buffer *b);

/*
 * The same for what holds a secret: nothing of it stays in memory. A buffer that grew has left parts
 * behind, unless the program's realloc() wipes (base/wipe-malloc.c) or all was reserved at first.
 */
void buffer_wipe(struct buffer *b);

void buffer_append(struct buffer *b, const void *data, size_t size);
void buffer_puts(struct buffer *b, const char *text);
void buffer_putc(struct buffer *b, char c);
void buffer_printf(struct buffer *b, const char *format, ...)
                __attribute__((__format__(__printf__, 2, 3)));

/*
 * Makes room for `more` bytes behind `size` and returns where they start, or NULL when memory is
 * out. The caller writes there and adds what it wrote with buffer_advance().
 */
char *buffer_reserve(struct buffer *b, size_t more);
void buffer_advance(struct buffer *b, size_t written);

/* Empties the buffer and keeps its memory. */
void buffer_clear(struct buffer *b);

/* Returns 0, or -ENOMEM if any write since buffer_done() was lost. */
int buffer_error(const struct buffer *b);

/*
 * Hands out the text and leaves an empty buffer. The caller frees *ret, which is never NULL on
 * success. Returns 0 or -ENOMEM; on failure the buffer is emptied as well.
 */
int buffer_take(struct buffer *b, char **ret, size_t *ret_size);
