/* SPDX-License-Identifier: MIT */
#include "oauth/members.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

static bool text_is(const char *text, bool (*allowed)(unsigned char c)) {
        if (!*text)
                return false;
        for (; *text; text++)
                if (!allowed((unsigned char)*text))
                        return false;
        return true;
}

static bool is_vschar(unsigned char c) {
        return c >= 0x20 && c <= 0x7e;
}

static bool is_scope(unsigned char c) {
        return c > 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

static bool is_no_control(unsigned char c) {
        return c >= 0x20 && c != 0x7f;
}

bool text_is_vschar(const char *text) {
        return text_is(text, is_vschar);
}

bool text_is_scope(const char *text) {
        return text_is(text, is_scope);
}

bool text_is_line(const char *text) {
        return text_is(text, is_no_control);
}

static int secret_from(const struct json_slice *s, size_t max, bool (*is_valid)(const char *text),
                       struct secret **ret) {
        char *text;
        size_t size;
        int r;

        r = json_slice_string(s, &text);
        if (r < 0)
                return r;

        size = strlen(text);
        r = size <= max && is_valid(text) ? secret_new(text, size, ret) : -EINVAL;
        sodium_memzero(text, size);
        free(text);
        return r;
}

int secret_from_slice(const struct json_slice *s, size_t max, struct secret **ret) {
        return secret_from(s, max, text_is_vschar, ret);
}

static void *at(const struct member *row, void *into) {
        return (char *)into + row->offset;
}

static const void *const_at(const struct member *row, const void *from) {
        return (const char *)from + row->offset;
}

static int read_text(const struct member *row, const struct json_slice *value, void *into) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = json_slice_string(value, &text);
        if (r < 0)
                return r;
        if (strlen(text) > row->max || !row->is_valid(text))
                return -EINVAL;
        *(char **)at(row, into) = TAKE_PTR(text);
        return 0;
}

static int read_value(const struct member *row, const struct json_slice *value, void *into) {
        switch (row->type) {
        case MEMBER_TEXT:
                return read_text(row, value, into);
        case MEMBER_SECRET:
                return secret_from(value, row->max, row->is_valid, at(row, into));
        case MEMBER_BOOL:
                return json_slice_bool(value, at(row, into));
        case MEMBER_SLICE:
                *(struct json_slice *)at(row, into) = *value;
                return 0;
        }
        assert(false);
        return -EINVAL;
}

static const struct member *find(const struct members *members, const struct json_slice *key) {
        for (size_t i = 0; i < members->n; i++)
                if (json_slice_equals(key, members->rows[i].name))
                        return &members->rows[i];
        return NULL;
}

static int unknown(const struct json_slice *key, struct members_fault *ret) {
        _cleanup_(freep) char *name = NULL;
        int r;

        r = json_slice_string(key, &name);
        if (r < 0)
                return r;
        ae_error_quote(ret->name, sizeof(ret->name), name);
        return -EBADMSG;
}

int members_read(const struct members *members, const struct json_slice *object, void *into,
                 struct members_fault *ret) {
        struct json_envelope envelope;
        struct json_fault fault;
        int r;

        *ret = (struct members_fault){ 0 };
        r = json_scan(object->text, object->size, &envelope, &fault);
        if (r < 0)
                return r;
        /* Of more members not all are noted. */
        if (envelope.root.type != JSON_OBJECT || envelope.n_members == JSON_ENVELOPE_MAX)
                return -EBADMSG;

        for (size_t i = 0; i < envelope.n_members; i++) {
                const struct json_member *m = &envelope.members[i];
                const struct member *row = find(members, &m->key);

                if (!row && members->open)
                        continue;
                r = row ? read_value(row, &m->value, into) : unknown(&m->key, ret);
                if (r == -EINVAL) {
                        ret->row = row;
                        return -EBADMSG;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

void member_print_name(const char *name, struct buffer *to) {
        if (to->size > 0 && to->data[to->size - 1] != '{')
                buffer_putc(to, ',');
        json_print_string(name, strlen(name), to);
        buffer_putc(to, ':');
}

void member_print(const char *name, const char *text, struct buffer *to) {
        member_print_name(name, to);
        json_print_string(text, strlen(text), to);
}

static const char *text_of(const struct member *row, const void *from) {
        const struct secret *secret;

        switch (row->type) {
        case MEMBER_TEXT:
                return *(char *const *)const_at(row, from);
        case MEMBER_SECRET:
                secret = *(struct secret *const *)const_at(row, from);
                return secret ? secret->data : NULL;
        case MEMBER_BOOL:
        case MEMBER_SLICE:
                break;
        }
        return NULL;
}

void members_print(const struct members *members, const void *from, struct buffer *to) {
        for (size_t i = 0; i < members->n; i++) {
                const struct member *row = &members->rows[i];
                const char *text = text_of(row, from);

                if (text && *text) /* nothing that is read is empty */
                        member_print(row->name, text, to);
                if (row->type == MEMBER_BOOL && *(const bool *)const_at(row, from)) {
                        member_print_name(row->name, to);
                        buffer_puts(to, "true");
                }
        }
}

size_t members_size(const struct members *members, const void *from) {
        size_t size = 0;

        for (size_t i = 0; i < members->n; i++) {
                const char *text = text_of(&members->rows[i], from);

                /* Quotes, colon and comma; an escape takes six bytes at most. */
                size += strlen(members->rows[i].name) + 6 + (text ? 6 * strlen(text) : 4);
        }
        return size;
}
