/* SPDX-License-Identifier: MIT */
#include "ipc/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* A buffer up to this size is not worth shrinking while something is left in it. */
#define KEEP_BYTES ((size_t)64 << 10)

/*
 *      data          start - taken     start        start + scanned       end      capacity
 *       | wiped           | lent         | no LF here     | unknown        |  free    |
 */
struct frame {
        size_t max_line;
        char *data;
        size_t capacity;
        size_t start, end;
        size_t scanned;
        size_t taken;
        uint64_t number;
        bool dropping; /* until the next LF: the rest of a line that was refused */
};

int frame_new(size_t max_line, struct frame **ret) {
        struct frame *f;

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;

        f->max_line = max_line;
        *ret = f;
        return 0;
}

/* Moves what is pending into memory of its own size. Never fails for 0 bytes. */
static int frame_resize(struct frame *f, size_t capacity) {
        size_t pending = frame_pending(f);
        char *data = NULL;

        if (capacity > 0) {
                data = malloc(capacity);
                if (!data)
                        return -ENOMEM;
        }
        if (data && pending > 0) {
                memcpy(data, f->data + f->start, pending);
                explicit_bzero(f->data + f->start, pending);
        }
        free(f->data);

        f->data = data;
        f->capacity = capacity;
        f->start = 0;
        f->end = pending;
        return 0;
}

void frame_clear(struct frame *f) {
        f->start -= f->taken;
        if (f->data)
                explicit_bzero(f->data + f->start, frame_pending(f));
        f->start = f->end = f->taken = f->scanned = 0;
        (void)frame_resize(f, 0);
}

struct frame *frame_free(struct frame *f) {
        if (!f)
                return NULL;
        frame_clear(f);
        free(f);
        return NULL;
}

void frame_forget(struct frame *f) {
        size_t pending = frame_pending(f);

        if (f->taken > 0)
                explicit_bzero(f->data + f->start - f->taken, f->taken);
        f->taken = 0;

        if (pending == 0 || (f->capacity > KEEP_BYTES && pending < f->capacity / 4))
                (void)frame_resize(f, pending);
}

/* Grows by at least what is pending, so that a byte is moved twice at most, however it is fed. */
static int frame_make_room(struct frame *f, size_t n) {
        size_t pending = frame_pending(f), spare = 0;

        if (n <= f->capacity - f->end)
                return 0;
        if (pending < f->max_line)
                spare = pending < f->max_line - pending ? pending : f->max_line - pending;
        return frame_resize(f, pending + n + spare);
}

int frame_feed(struct frame *f, const char *data, size_t n) {
        int r;

        frame_forget(f);
        if (n == 0)
                return 0;

        if (f->dropping) {
                const char *lf = memchr(data, '\n', n);

                if (!lf)
                        return 0;
                f->dropping = false;
                n -= (size_t)(lf + 1 - data);
                data = lf + 1;
        }

        r = frame_make_room(f, n);
        if (r < 0)
                return r;
        if (n > 0)
                memcpy(f->data + f->end, data, n);
        f->end += n;
        return 0;
}

/* Takes `size` bytes off the front; they stay readable until frame_forget(). */
static void frame_take(struct frame *f, size_t size) {
        f->start += size;
        f->taken = size;
        f->scanned = 0;
        f->number++;
}

int frame_next(struct frame *f, const char **ret, size_t *ret_size) {
        frame_forget(f);

        while (frame_pending(f) > 0) {
                const char *line = f->data + f->start;
                size_t pending = frame_pending(f), size;
                const char *lf;

                lf = memchr(line + f->scanned, '\n', pending - f->scanned);
                size = lf ? (size_t)(lf - line) : pending;
                if (size > 0 && line[size - 1] == '\r') /* without LF: it may still come */
                        size--;

                if (size > f->max_line) {
                        f->dropping = !lf;
                        frame_take(f, lf ? (size_t)(lf + 1 - line) : pending);
                        return -EMSGSIZE;
                }
                if (!lf) {
                        f->scanned = pending;
                        return 0;
                }

                frame_take(f, (size_t)(lf + 1 - line));
                if (size > 0) {
                        *ret = line;
                        *ret_size = size;
                        return 1;
                }
        }

        frame_forget(f); /* empty lines only: nothing to wipe, but memory to give back */
        return 0;
}

void frame_refuse(struct frame *f) {
        f->dropping = true;
        frame_take(f, frame_pending(f));
        frame_forget(f);
}

uint64_t frame_number(const struct frame *f) {
        return f->number;
}

size_t frame_pending(const struct frame *f) {
        return f->end - f->start;
}
