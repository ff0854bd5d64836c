/* SPDX-License-Identifier: MIT */
#include "actionctl/fields.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"

#define MAX_DEPTH 8

struct walk {
        const cJSON *root;
        struct buffer path, type, meaning;
        unsigned n_found;
        void (*found)(const struct field *f, void *userdata);
        void *userdata;
};

const cJSON *fields_resolve(const cJSON *schema, const cJSON *node) {
        static const char prefix[] = "#/$defs/";

        for (unsigned i = 0; i < MAX_DEPTH; i++) {
                const char *ref = json_string(node, "$ref");

                if (!ref || strncmp(ref, prefix, strlen(prefix)) != 0)
                        break;
                node = json_member(json_member(schema, "$defs"), ref + strlen(prefix));
        }
        return node;
}

const cJSON *fields_alternatives(const cJSON *node) {
        return json_member(node, "anyOf") ?: json_member(node, "oneOf");
}

static void put_type(struct walk *w, const cJSON *node, unsigned depth);

/* Takes away what was written from `at` on if it is the text at `former` once more. */
static void drop_repeated(struct buffer *text, size_t former, size_t between, size_t at) {
        size_t size = between - former;

        if (buffer_error(text) < 0 || text->size - at != size ||
            memcmp(text->data + former, text->data + at, size) != 0)
                return;
        text->size = between;
        text->data[between] = 0;
}

/* "a, b" of whatever put() writes for each child, neighbours that look the same only once. */
static void put_list(struct walk *w, const cJSON *list, const char *between, unsigned depth,
                     void (*put)(struct walk *w, const cJSON *child, unsigned depth)) {
        size_t former = 0;
        const cJSON *child;

        cJSON_ArrayForEach (child, list) {
                size_t end = w->type.size, at;

                if (child != list->child)
                        buffer_puts(&w->type, between);
                at = w->type.size;
                put(w, child, depth);
                if (child != list->child)
                        drop_repeated(&w->type, former, end, at);
                if (w->type.size > end)
                        former = at;
        }
}

static void put_literal(struct walk *w, const cJSON *value, unsigned depth) {
        json_print(value, &w->type);
}

static void put_word(struct walk *w, const cJSON *value, unsigned depth) {
        buffer_puts(&w->type, cJSON_IsString(value) ? value->valuestring : "any");
}

static void put_type(struct walk *w, const cJSON *node, unsigned depth) {
        const cJSON *at = fields_resolve(w->root, node), *type = json_member(at, "type");
        const char *name = cJSON_GetStringValue(type);

        if (depth >= MAX_DEPTH)
                buffer_puts(&w->type, "…");
        else if (json_member(at, "const"))
                put_literal(w, json_member(at, "const"), depth);
        else if (json_member(at, "enum"))
                put_list(w, json_member(at, "enum"), ", ", depth, put_literal);
        else if (fields_alternatives(at))
                put_list(w, fields_alternatives(at), " or ", depth + 1, put_type);
        else if (cJSON_IsArray(type))
                put_list(w, type, " or ", depth, put_word);
        else if (name && strcmp(name, "array") == 0 && json_member(at, "items")) {
                buffer_puts(&w->type, "array of ");
                put_type(w, json_member(at, "items"), depth + 1);
        } else
                buffer_puts(&w->type, json_string(at, "format") ?: name ?: "any");
}

static void put_limits(const cJSON *node, struct buffer *to) {
        /* clang-format off */
        static const struct {
                const char *keyword, *before, *after;
                const char *after_one; /* NULL: the same */
        } limits[] = {
                { "minLength",        "at least ",      " characters", " character" },
                { "maxLength",        "at most ",       " characters", " character" },
                { "minItems",         "at least ",      " items",      " item"      },
                { "maxItems",         "at most ",       " items",      " item"      },
                { "minimum",          "",               " or more",    NULL         },
                { "maximum",          "",               " or less",    NULL         },
                { "exclusiveMinimum", "more than ",     "",            NULL         },
                { "exclusiveMaximum", "less than ",     "",            NULL         },
                { "multipleOf",       "a multiple of ", "",            NULL         },
                { "pattern",          "matches ",       "",            NULL         },
                { "default",          "default ",       "",            NULL         },
        };
        /* clang-format on */
        const char *between = to->size > 0 ? " (" : "(";

        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                const cJSON *value = json_member(node, limits[i].keyword);
                bool is_one;
                int64_t n;

                if (!value)
                        continue;
                buffer_puts(to, between);
                buffer_puts(to, limits[i].before);
                json_print_ascii(value, to); /* a pattern may name what no terminal shows */
                is_one = limits[i].after_one && json_integer(node, limits[i].keyword, &n) == 0 &&
                         n == 1;
                buffer_puts(to, is_one ? limits[i].after_one : limits[i].after);
                between = ", ";
        }
        if (between[0] == ',')
                buffer_putc(to, ')');
}

static bool is_required(const cJSON *node, const char *name) {
        const cJSON *required;

        cJSON_ArrayForEach (required, json_member(node, "required"))
                if (cJSON_IsString(required) && strcmp(required->valuestring, name) == 0)
                        return true;
        return false;
}

static void put_field(struct walk *w, const cJSON *parent, const cJSON *property) {
        const cJSON *at = fields_resolve(w->root, property);

        buffer_clear(&w->type);
        buffer_clear(&w->meaning);
        buffer_puts(&w->meaning,
                    json_string(property, "description") ?: json_string(at, "description") ?: "");
        put_limits(at, &w->meaning);
        put_type(w, property, 0);
        if (buffer_error(&w->path) < 0 || buffer_error(&w->type) < 0 ||
            buffer_error(&w->meaning) < 0 || w->n_found >= FIELDS_MAX)
                return;

        w->n_found++;
        w->found(&(struct field){ .path = w->path.data,
                                  .type = w->type.data,
                                  .required = is_required(parent, property->string),
                                  .meaning = w->meaning.data },
                 w->userdata);
}

/* Takes the path back to what it was. */
static void shorten_path(struct walk *w, size_t size) {
        if (buffer_error(&w->path) == 0 && w->path.data) {
                w->path.size = size;
                w->path.data[size] = 0;
        }
}

static void walk_node(struct walk *w, const cJSON *node, unsigned depth) {
        const cJSON *at = fields_resolve(w->root, node), *child;
        size_t size = w->path.size;

        if (!at || depth >= MAX_DEPTH || w->n_found >= FIELDS_MAX)
                return;

        cJSON_ArrayForEach (child, json_member(at, "properties")) {
                if (!child->string)
                        break; /* an array */
                buffer_puts(&w->path, size > 0 ? "." : "");
                buffer_puts(&w->path, child->string);
                put_field(w, at, child);
                walk_node(w, child, depth + 1);
                shorten_path(w, size);
        }
        if (json_member(at, "items")) {
                buffer_puts(&w->path, "[]");
                walk_node(w, json_member(at, "items"), depth + 1);
                shorten_path(w, size);
        }
        cJSON_ArrayForEach (child, fields_alternatives(at))
                walk_node(w, child, depth + 1);
        cJSON_ArrayForEach (child, json_member(at, "allOf"))
                walk_node(w, child, depth + 1);
}

int fields_walk(const cJSON *schema, void (*found)(const struct field *f, void *userdata),
                void *userdata) {
        struct walk w = { .root = schema, .found = found, .userdata = userdata };
        int r;

        walk_node(&w, schema, 0);
        r = buffer_error(&w.path) < 0 ? -ENOMEM : 0;
        buffer_done(&w.path);
        buffer_done(&w.type);
        buffer_done(&w.meaning);
        return r;
}
