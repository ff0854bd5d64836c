/* SPDX-License-Identifier: MIT */
#include "actionctl/request.h"

#include <inttypes.h>
#include <string.h>

/* Room for any secret from the start: a buffer that moves leaves a copy behind. */
#define FIRST_RESERVE ((size_t)80 << 10)

static void begin_member(struct request *q, const char *name) {
        buffer_printf(&q->line, ",\"%s\":", name);
        buffer_printf(&q->shown, ",\"%s\":", name);
}

/* What was just written to the line from `from` on may be shown. */
static void show(struct request *q, size_t from) {
        if (buffer_error(&q->line) == 0)
                buffer_append(&q->shown, q->line.data + from, q->line.size - from);
}

void request_begin(struct request *q, const char *id, const char *op) {
        *q = (struct request){ 0 };
        (void)buffer_reserve(&q->line, FIRST_RESERVE);
        buffer_printf(&q->line, "{\"id\":\"%s\",\"op\":\"%s\"", id, op);
        show(q, 0);
}

void request_string(struct request *q, const char *name, const char *value) {
        size_t from;

        if (!value)
                return;
        begin_member(q, name);
        from = q->line.size;
        json_print_string(value, strlen(value), &q->line);
        show(q, from);
}

void request_integer(struct request *q, const char *name, int64_t value) {
        begin_member(q, name);
        buffer_printf(&q->line, "%" PRId64, value);
        buffer_printf(&q->shown, "%" PRId64, value);
}

void request_true(struct request *q, const char *name) {
        begin_member(q, name);
        buffer_puts(&q->line, "true");
        buffer_puts(&q->shown, "true");
}

void request_json(struct request *q, const char *name, const cJSON *value) {
        size_t from;

        begin_member(q, name);
        from = q->line.size;
        json_print(value, &q->line);
        show(q, from);
}

/* In valid JSON a raw line break is white space, since strings hold none. */
static void append_on_one_line(struct buffer *to, const char *text, size_t size) {
        char *at = buffer_reserve(to, size);

        if (!at)
                return;
        for (size_t i = 0; i < size; i++)
                at[i] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
        buffer_advance(to, size);
}

void request_text(struct request *q, const char *name, const char *text, size_t size) {
        begin_member(q, name);
        append_on_one_line(&q->line, text, size);
        append_on_one_line(&q->shown, text, size);
}

void request_secret_text(struct request *q, const char *name, const char *text, size_t size) {
        begin_member(q, name);
        append_on_one_line(&q->line, text, size);
        buffer_puts(&q->shown, "\"***\"");
}

void request_secret_string(struct request *q, const char *name, const char *value, size_t size) {
        begin_member(q, name);
        json_print_string(value, size, &q->line);
        buffer_puts(&q->shown, "\"***\"");
}

int request_end(struct request *q) {
        buffer_putc(&q->line, '}');
        buffer_putc(&q->shown, '}');
        return buffer_error(&q->line) < 0 ? buffer_error(&q->line) : buffer_error(&q->shown);
}

void request_done(struct request *q) {
        buffer_wipe(&q->line);
        buffer_done(&q->shown);
}
