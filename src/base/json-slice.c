/* SPDX-License-Identifier: MIT */
/*
 * Reading what json_scan() has accepted. Nothing is checked a second time.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json-escape.h"
#include "base/json-number.h"
#include "base/json-scan.h"

const struct json_slice *json_envelope_find(const struct json_envelope *e, const char *name) {
        const struct json_slice *found = NULL;

        for (size_t i = 0; i < e->n_members; i++) {
                if (!json_slice_equals(&e->members[i].key, name))
                        continue;
                if (found)
                        return NULL;
                found = &e->members[i].value;
        }
        return found;
}

int json_slice_bool(const struct json_slice *s, bool *ret) {
        if (s->type != JSON_TRUE && s->type != JSON_FALSE)
                return -EINVAL;
        *ret = s->type == JSON_TRUE;
        return 0;
}

int json_slice_integer(const struct json_slice *s, int64_t min, int64_t max, int64_t *ret) {
        bool negative = s->type == JSON_NUMBER && s->text[0] == '-';
        int64_t value = 0;

        if (s->type != JSON_NUMBER)
                return -EINVAL;

        /* Downwards, where there is one number more. */
        for (size_t i = negative; i < s->size; i++) {
                if (s->text[i] < '0' || s->text[i] > '9' ||
                    __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_sub_overflow(value, s->text[i] - '0', &value))
                        return -EINVAL;
        }
        if (!negative && __builtin_sub_overflow(0, value, &value))
                return -EINVAL;

        if (value < min || value > max)
                return -EINVAL;
        *ret = value;
        return 0;
}

bool json_slice_equals(const struct json_slice *s, const char *text) {
        struct json_cursor c;
        int byte;

        if (s->type != JSON_STRING)
                return false;

        for (c = (struct json_cursor){ .at = s->text + 1, .end = s->text + s->size - 1 };; text++) {
                byte = json_cursor_next(&c);
                if (byte < 0 || byte != (unsigned char)*text)
                        break;
        }
        return byte < 0 && !*text;
}

int json_slice_string(const struct json_slice *s, char **ret) {
        const char *at = s->text + 1, *end = s->text + s->size - 1, *escape;
        char *text, *to;

        if (s->type != JSON_STRING)
                return -EINVAL;

        to = text = malloc(s->size - 1); /* unescaped it is never longer */
        if (!text)
                return -ENOMEM;

        while ((escape = memchr(at, '\\', (size_t)(end - at)))) {
                unsigned char bytes[4];
                unsigned n;

                to = mempcpy(to, at, (size_t)(escape - at));
                at = escape;
                n = json_unescape(&at, bytes);
                to = mempcpy(to, bytes, n);
        }
        to = mempcpy(to, at, (size_t)(end - at));
        *to = 0;
        *ret = text;
        return 0;
}

/* A walk over a slice, with the path to where it stands. */
struct walk {
        struct buffer pointer;
        size_t depth;
        struct walk_level {
                bool object;
                bool key_next;    /* in an object: the next string is a key */
                size_t index;     /* in an array */
                size_t n_pointer; /* bytes of the container's own path */
        } levels[JSON_MAX_DEPTH];
};

static struct walk_level *innermost(struct walk *w) {
        return w->depth > 0 ? &w->levels[w->depth - 1] : NULL;
}

static void add_key(struct walk *w, const char *at, const char *end) {
        struct json_cursor c = { .at = at, .end = end };
        int byte;

        buffer_putc(&w->pointer, '/');
        while ((byte = json_cursor_next(&c)) >= 0) {
                if (byte == '~' || byte == '/')
                        buffer_puts(&w->pointer, byte == '~' ? "~0" : "~1");
                else
                        buffer_putc(&w->pointer, (char)byte);
        }
}

/* The path of an element in an array is written only where somebody will need it. */
static void add_index(struct walk *w) {
        const struct walk_level *level = innermost(w);

        if (!level || level->object)
                return;
        w->pointer.size = level->n_pointer;
        buffer_printf(&w->pointer, "/%zu", level->index);
}

static const char *walk_string(struct walk *w, const char *at) {
        struct walk_level *level = innermost(w);
        const char *end = json_skip_string(at);

        if (level && level->key_next) {
                level->key_next = false;
                w->pointer.size = level->n_pointer;
                add_key(w, at + 1, end - 1);
        }
        return end;
}

static void walk_punctuation(struct walk *w, char c) {
        struct walk_level *level = innermost(w);

        switch (c) {
        case '{':
        case '[':
                add_index(w);
                w->levels[w->depth++] = (struct walk_level){
                        .object = c == '{',
                        .key_next = c == '{',
                        .n_pointer = w->pointer.size,
                };
                break;
        case '}':
        case ']':
                w->depth--;
                break;
        case ',':
                level->key_next = level->object;
                level->index++;
                break;
        }
}

int json_slice_big_integers(const struct json_slice *s,
                            void (*found)(const char *pointer, void *userdata), void *userdata) {
        const char *at = s->text, *end = s->text + s->size;
        struct walk w = { 0 };
        bool integer;
        size_t n;
        int r;

        while (at < end) {
                if (*at == '"') {
                        at = walk_string(&w, at);
                        continue;
                }

                n = json_number_span(at, (size_t)(end - at), &integer);
                if (n == 0) {
                        walk_punctuation(&w, *at++);
                        continue;
                }
                if (integer && json_integer_is_big(at, n)) {
                        add_index(&w);
                        if (buffer_error(&w.pointer) < 0)
                                break;
                        found(w.pointer.data ? w.pointer.data : "", userdata);
                }
                at += n;
        }

        r = buffer_error(&w.pointer);
        buffer_done(&w.pointer);
        return r;
}
