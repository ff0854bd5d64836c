/* SPDX-License-Identifier: MIT */
#include "notion/property.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "notion/text.h"

static void write_member(const char *prefix, const char *text, const char *suffix,
                         struct buffer *to) {
        buffer_puts(to, prefix);
        json_print_string(text, strlen(text), to);
        buffer_puts(to, suffix);
}

static void write_text(const cJSON *value, struct buffer *to) {
        text_write(value->valuestring, strlen(value->valuestring), to);
}

static void write_option(const cJSON *value, struct buffer *to) {
        if (cJSON_IsString(value))
                write_member("{\"name\":", value->valuestring, "}", to);
        else
                buffer_puts(to, "null");
}

static void write_date(const cJSON *value, struct buffer *to) {
        static const char *const optional[] = { "end", "time_zone" };
        const char *start =
                        cJSON_IsString(value) ? value->valuestring : json_string(value, "start");

        if (!start) {
                buffer_puts(to, "null");
                return;
        }
        write_member("{\"start\":", start, "", to);
        for (size_t i = 0; i < ELEMENTSOF(optional); i++) {
                const char *text = json_string(value, optional[i]);

                if (!text)
                        continue;
                buffer_printf(to, ",\"%s\":", optional[i]);
                json_print_string(text, strlen(text), to);
        }
        buffer_putc(to, '}');
}

/* A string or an array of strings; null is none. */
static void write_list(const cJSON *value, const char *prefix, struct buffer *to) {
        const cJSON *item;

        buffer_putc(to, '[');
        if (cJSON_IsString(value))
                write_member(prefix, value->valuestring, "}", to);
        cJSON_ArrayForEach (item, value)
                write_member(prefix, item->valuestring, item->next ? "}," : "}", to);
        buffer_putc(to, ']');
}

static void write_options(const cJSON *value, struct buffer *to) {
        write_list(value, "{\"name\":", to);
}

static void write_people(const cJSON *value, struct buffer *to) {
        write_list(value, "{\"object\":\"user\",\"id\":", to);
}

static void read_text(const cJSON *value, struct buffer *to) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        const cJSON *item;

        cJSON_ArrayForEach (item, value) {
                const char *part = json_string(item, "plain_text");

                buffer_puts(&text, part ? part : "");
        }
        if (text.size > 0)
                json_print_string(text.data, text.size, to);
        to->failed |= text.failed;
}

static void read_option(const cJSON *value, struct buffer *to) {
        const char *name = json_string(value, "name");

        if (name)
                json_print_string(name, strlen(name), to);
}

static void read_list(const cJSON *value, const char *member, struct buffer *to) {
        const cJSON *item;
        size_t n = 0;

        cJSON_ArrayForEach (item, value) {
                const char *text = json_string(item, member);

                if (!text)
                        continue;
                buffer_putc(to, n++ > 0 ? ',' : '[');
                json_print_string(text, strlen(text), to);
        }
        if (n > 0)
                buffer_putc(to, ']');
}

static void read_options(const cJSON *value, struct buffer *to) {
        read_list(value, "name", to);
}

static void read_people(const cJSON *value, struct buffer *to) {
        read_list(value, "id", to);
}

static void read_date(const cJSON *value, struct buffer *to) {
        if (json_string(value, "start"))
                write_date(value, to);
}

/* clang-format off */
static const struct type {
        const char *name;
        void (*write)(const cJSON *value, struct buffer *to);
        void (*read)(const cJSON *value, struct buffer *to);
} types[] = {
        { "date",         write_date,    read_date    },
        { "multi_select", write_options, read_options },
        { "people",       write_people,  read_people  },
        { "rich_text",    write_text,    read_text    },
        { "select",       write_option,  read_option  },
        { "status",       write_option,  read_option  },
        { "title",        write_text,    read_text    },
};
/* clang-format on */

static const struct type *find_type(const char *name) {
        for (size_t i = 0; name && i < ELEMENTSOF(types); i++)
                if (strcmp(types[i].name, name) == 0)
                        return &types[i];
        return NULL;
}

void property_write(const char *type, const cJSON *value, struct buffer *to) {
        const struct type *t = find_type(type);

        assert(t);
        buffer_printf(to, "{\"%s\":", type);
        t->write(value, to);
        buffer_putc(to, '}');
}

void property_read(const cJSON *property, struct buffer *to) {
        const struct type *t = find_type(json_string(property, "type"));

        if (t)
                t->read(json_member(property, t->name), to);
}
