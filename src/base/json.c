/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/json-escape.h"
#include "base/json-number.h"

int json_slice_tree(const struct json_slice *s, cJSON **ret) {
        cJSON *json = cJSON_ParseWithLength(s->text, s->size);

        if (!json)
                return -ENOMEM;
        *ret = json;
        return 0;
}

int json_parse(const char *text, size_t size, cJSON **ret, struct json_fault *ret_fault) {
        struct json_envelope envelope;
        struct json_fault fault;
        int r;

        r = json_scan(text, size, &envelope, ret_fault ? ret_fault : &fault);
        if (r < 0)
                return r;
        return json_slice_tree(&envelope.root, ret);
}

const cJSON *json_member(const cJSON *object, const char *name) {
        return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_string(const cJSON *object, const char *name) {
        return cJSON_GetStringValue(json_member(object, name));
}

int json_integer(const cJSON *object, const char *name, int64_t *ret) {
        const cJSON *item = json_member(object, name);

        if (!item)
                return -ENOENT;
        if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= 0x1p53) ||
            fabs(item->valuedouble - trunc(item->valuedouble)) > 0)
                return -EINVAL;

        *ret = (int64_t)item->valuedouble;
        return 0;
}

/* How much of a canonical text gathers before it is handed on, about. */
#define PIECE_BYTES ((size_t)64 << 10)

struct printer {
        struct buffer *to;
        bool canonical;
        json_take_fn *take; /* NULL: all of it stays in the buffer */
        void *userdata;
};

static void hand_on(const struct printer *p, size_t least) {
        if (!p->take || p->to->size < least || p->to->failed)
                return;
        p->take(p->to->data, p->to->size, p->userdata);
        buffer_clear(p->to);
}

static void print_escape(char c, struct buffer *to) {
        static const char letters[] = "btnvfr"; /* from U+0008 on; \v is none of JSON's */

        if (c >= 0x20)
                buffer_append(to, (char[]){ '\\', c }, 2);
        else if (c >= '\b' && c <= '\r' && c != '\v')
                buffer_append(to, (char[]){ '\\', letters[c - '\b'] }, 2);
        else
                buffer_printf(to, "\\u%04x", c);
}

static void print_characters(const char *text, size_t size, struct buffer *to) {
        const char *end = text + size, *at;

        while ((at = json_skip_unescaped(text, end)) < end) {
                buffer_append(to, text, (size_t)(at - text));
                print_escape(*at, to);
                text = at + 1;
        }
        buffer_append(to, text, (size_t)(end - text));
}

void json_print_string(const char *text, size_t size, struct buffer *to) {
        buffer_putc(to, '"');
        print_characters(text, size, to);
        buffer_putc(to, '"');
}

static void print_text(const struct printer *p, const char *text) {
        size_t left = strlen(text);

        buffer_putc(p->to, '"');
        for (size_t n; left > 0; text += n, left -= n) {
                n = p->take && left > PIECE_BYTES ? PIECE_BYTES : left;
                print_characters(text, n, p->to);
                hand_on(p, PIECE_BYTES);
        }
        buffer_putc(p->to, '"');
}

/*
 * UTF-8 sorts by code point. In UTF-16 what is above U+FFFF begins with a surrogate, and so comes
 * before U+E000 to U+FFFF, whose first bytes are these two.
 */
static int utf16_rank(unsigned char c) {
        return c == 0xee || c == 0xef ? c + 0x10 : c;
}

static int compare_members(const void *left, const void *right) {
        const cJSON *const *l = left, *const *r = right;
        const unsigned char *a = (const unsigned char *)(*l)->string;
        const unsigned char *b = (const unsigned char *)(*r)->string;

        for (; *a && *a == *b; a++)
                b++;
        return utf16_rank(*a) - utf16_rank(*b);
}

/* Recursive: what json_scan() let in has at most JSON_MAX_DEPTH levels. */
static void print_value(const struct printer *p, const cJSON *json);

static void print_member(const struct printer *p, const cJSON *member) {
        print_text(p, member->string);
        buffer_putc(p->to, ':');
        print_value(p, member);
}

static void print_sorted(const struct printer *p, const cJSON *object) {
        _cleanup_(freep) const cJSON **members = NULL;
        size_t n = 0, i = 0;
        const cJSON *member;

        cJSON_ArrayForEach (member, object)
                n++;
        members = reallocarray(NULL, n + 1, sizeof(*members));
        if (!members) {
                p->to->failed = true;
                return;
        }

        cJSON_ArrayForEach (member, object)
                members[i++] = member;
        qsort(members, n, sizeof(*members), compare_members);

        for (i = 0; i < n; i++) {
                if (i > 0)
                        buffer_putc(p->to, ',');
                print_member(p, members[i]);
        }
}

static void print_elements(const struct printer *p, const cJSON *container) {
        const cJSON *element;

        cJSON_ArrayForEach (element, container) {
                if (element != container->child)
                        buffer_putc(p->to, ',');
                if (cJSON_IsObject(container))
                        print_member(p, element);
                else
                        print_value(p, element);
        }
}

static void print_value(const struct printer *p, const cJSON *json) {
        char number[JSON_NUMBER_SIZE];

        if (cJSON_IsObject(json)) {
                buffer_putc(p->to, '{');
                if (p->canonical)
                        print_sorted(p, json);
                else
                        print_elements(p, json);
                buffer_putc(p->to, '}');
        } else if (cJSON_IsArray(json)) {
                buffer_putc(p->to, '[');
                print_elements(p, json);
                buffer_putc(p->to, ']');
        } else if (cJSON_IsString(json))
                print_text(p, json->valuestring);
        else if (cJSON_IsNumber(json))
                buffer_append(p->to, number, json_number_print(json->valuedouble, number));
        else if (cJSON_IsRaw(json)) {
                assert(!p->canonical);
                buffer_puts(p->to, json->valuestring);
        } else if (cJSON_IsBool(json))
                buffer_puts(p->to, cJSON_IsTrue(json) ? "true" : "false");
        else
                buffer_puts(p->to, "null");
        hand_on(p, PIECE_BYTES);
}

void json_print(const cJSON *json, struct buffer *to) {
        const struct printer p = { .to = to };

        print_value(&p, json);
}

int json_print_canonical(const cJSON *json, json_take_fn *take, void *userdata) {
        _cleanup_(buffer_done) struct buffer piece = { 0 };
        const struct printer p = {
                .to = &piece,
                .canonical = true,
                .take = take,
                .userdata = userdata,
        };

        print_value(&p, json);
        hand_on(&p, 1);
        return buffer_error(&piece);
}

/* Writes the character at `text`, of UTF-8 that was scanned, as UTF-16. Returns its length. */
static size_t print_escaped(const unsigned char *text, struct buffer *to) {
        size_t n = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
        unsigned code = n == 1 ? text[0] : text[0] & (0x7fU >> n);

        for (size_t i = 1; i < n; i++)
                code = code << 6 | (text[i] & 0x3fU);
        if (code > 0xffff) {
                buffer_printf(to, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
                code = 0xdc00 + ((code - 0x10000) & 0x3ff);
        }
        buffer_printf(to, "\\u%04x", code);
        return n;
}

/* Outside of strings there is nothing beyond ASCII. */
void json_print_ascii(const cJSON *json, struct buffer *to) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        json_print(json, &text);
        to->failed = to->failed || text.failed;
        for (size_t i = 0, n; i < text.size; i += n) {
                unsigned char c = (unsigned char)text.data[i];

                n = 1;
                if (c < 0x7f)
                        buffer_putc(to, text.data[i]);
                else
                        n = print_escaped((const unsigned char *)text.data + i, to);
        }
}
