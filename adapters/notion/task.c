/* SPDX-License-Identifier: MIT */
#include "notion/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "common/quote.h"
#include "notion/due.h"
#include "notion/property.h"
#include "notion/text.h"

#define PATH_SIZE 64
#define LIST_MAX 320
#define OPTION_MAX_UNITS 100
/* Leaves more than title, properties and options can take of the 500 KB that a request may hold. */
#define NOTES_MAX_BYTES 400000

#define MARKER "action_id"

struct field {
        const char *name;
        const char *usual[5]; /* tried in order; none: any name will do */
        const char *types[3]; /* likewise */
};

/* clang-format off */
static const struct field fields[] = {
        { "title",    { NULL },                                             { "title"            } },
        { "status",   { "Status", "State" },                                { "status", "select" } },
        { "due",      { "Due", "Due date", "Deadline", "Date" },            { "date"             } },
        { "assignee", { "Assignee", "Assignees", "Assigned to", "Person" }, { "people"           } },
        { "priority", { "Priority" },                                       { "select", "status" } },
        { "tags",     { "Tags", "Labels" },                                 { "multi_select"     } },
};
static const struct field marker =
        { MARKER,     { "Action ID" },                                      { "rich_text"        } };
/* clang-format on */

static void check_units(const char *text, size_t max, const char *path, struct ae_error *error) {
        size_t n = text ? text_units(text) : 0;

        if (n > max)
                ae_error_add(error, path,
                             "holds %zu characters as Notion counts them (an emoji is two), and "
                             "%zu are possible",
                             n, max);
}

static void check_option(const cJSON *value, const char *path, struct ae_error *error) {
        if (!cJSON_IsString(value))
                return;
        check_units(value->valuestring, OPTION_MAX_UNITS, path, error);
        if (strchr(value->valuestring, ','))
                ae_error_add(error, path, "holds a comma, which no option's name may");
}

static void check_tags(const cJSON *tags, struct ae_error *error) {
        char path[PATH_SIZE];
        const cJSON *tag;
        size_t n = 0;

        cJSON_ArrayForEach (tag, tags) {
                snprintf(path, sizeof(path), "/tags/%zu", n++);
                check_option(tag, path, error);
        }
}

static void check_notes(const cJSON *payload, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer printed = { 0 };
        const char *notes = json_string(payload, "notes");
        const char *format = json_string(payload, "notes_format");

        if (!notes)
                return;
        if (format && strcmp(format, "markdown") == 0)
                json_print_string(notes, strlen(notes), &printed);
        else {
                check_units(notes, TEXT_MAX_PARAGRAPHS_UNITS, "/notes", error);
                text_write_paragraphs(notes, &printed);
        }
        if (printed.size > NOTES_MAX_BYTES)
                ae_error_add(error, "/notes", "takes %zu bytes in a request, and %d are possible",
                             printed.size, NOTES_MAX_BYTES);
}

void task_check(const cJSON *payload, struct ae_error *error) {
        check_units(json_string(payload, "title"), TEXT_MAX_UNITS, "/title", error);
        check_units(json_string(payload, "status"), OPTION_MAX_UNITS, "/status", error);
        due_check(json_member(payload, "due"), error);
        check_option(json_member(payload, "priority"), "/priority", error);
        check_tags(json_member(payload, "tags"), error);
        check_notes(payload, error);
}

static bool fits(const struct field *f, const cJSON *property) {
        const char *type = json_string(property, "type");

        for (size_t i = 0; type && i < ELEMENTSOF(f->types) && f->types[i]; i++)
                if (strcmp(f->types[i], type) == 0)
                        return true;
        return false;
}

static const cJSON *find_named(const struct field *f, const cJSON *properties, const char *name) {
        const cJSON *property;

        cJSON_ArrayForEach (property, properties)
                if (fits(f, property) && (!name || strcasecmp(property->string, name) == 0))
                        return property;
        return NULL;
}

static const cJSON *find_property(const struct field *f, const cJSON *properties,
                                  const char *given) {
        const cJSON *property;

        if (!cJSON_IsObject(properties))
                return NULL;
        if (given) {
                property = json_member(properties, given);
                return fits(f, property) ? property : NULL;
        }
        if (!f->usual[0])
                return find_named(f, properties, NULL);
        for (size_t i = 0; i < ELEMENTSOF(f->usual) && f->usual[i]; i++) {
                property = find_named(f, properties, f->usual[i]);
                if (property)
                        return property;
        }
        return NULL;
}

/* Foreign names: as many as there is room for, and none that looks like a token. */
static void list_name(const char *name, const char *type, struct buffer *to) {
        if (!name || quote_may_hold_secret(name) || to->size > LIST_MAX)
                return;
        buffer_printf(to, "%s'%.80s'", to->size > 0 ? ", " : "", name);
        if (type)
                buffer_printf(to, " (%.32s)", type);
        if (to->size > LIST_MAX)
                buffer_puts(to, " and others");
}

/* Those of a fitting type come first. */
static void list_properties(const struct field *f, const cJSON *properties, struct buffer *to) {
        const cJSON *property;

        for (int fitting = 1; fitting >= 0; fitting--)
                cJSON_ArrayForEach (property, properties)
                        if (fits(f, property) == fitting)
                                list_name(property->string, json_string(property, "type"), to);
}

static int tell_missing(const struct field *f, const cJSON *properties, bool given,
                        struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer list = { 0 };
        char path[PATH_SIZE], types[PATH_SIZE];

        list_properties(f, properties, &list);
        buffer_puts(&list, list.size > 0 ? "" : "none that can be told");
        if (buffer_error(&list) < 0)
                return -ENOMEM;

        snprintf(types, sizeof(types), "%s%s%s", f->types[0], f->types[1] ? " or " : "",
                 f->types[1] ? f->types[1] : "");
        snprintf(path, sizeof(path), "%s/%s", given ? "/properties" : "", f->name);
        if (given)
                ae_error_add(error, path, "names no %s property of the data source, which has %s",
                             types, list.data);
        else
                ae_error_add(error, path,
                             "belongs to no %s property with a usual name: say which in "
                             "properties.%s; the data source has %s",
                             types, f->name, list.data);
        return 0;
}

static int check_status(const struct field *f, const cJSON *property, const cJSON *value,
                        struct ae_error *error) {
        const cJSON *options = json_member(json_member(property, "status"), "options"), *option;
        _cleanup_(buffer_done) struct buffer list = { 0 };
        char path[PATH_SIZE];

        if (!cJSON_IsString(value) || !options)
                return 0;
        cJSON_ArrayForEach (option, options) {
                const char *name = json_string(option, "name");

                if (name && strcmp(name, value->valuestring) == 0)
                        return 0;
                list_name(name, NULL, &list);
        }
        if (buffer_error(&list) < 0)
                return -ENOMEM;

        snprintf(path, sizeof(path), "/%s", f->name);
        ae_error_add(error, path, "is no option of that property; they are %s",
                     list.size > 0 ? list.data : "none");
        return 0;
}

/* One property cannot take two values. */
static bool is_taken(const cJSON *property, const cJSON *targets) {
        const cJSON *target;

        cJSON_ArrayForEach (target, targets)
                if (strcmp(json_string(target, "name"), property->string) == 0)
                        return true;
        return false;
}

static int add_target(const struct field *f, const cJSON *property, cJSON *targets) {
        cJSON *target = cJSON_AddObjectToObject(targets, f->name);

        if (!target || !cJSON_AddStringToObject(target, "name", property->string) ||
            !cJSON_AddStringToObject(target, "type", json_string(property, "type")))
                return -ENOMEM;
        return 0;
}

static int resolve_field(const struct field *f, const cJSON *payload, const cJSON *properties,
                         cJSON *targets, struct ae_error *error) {
        const char *given = json_string(json_member(payload, "properties"), f->name);
        const cJSON *property = find_property(f, properties, given);
        char path[PATH_SIZE];
        int r;

        if (!property)
                return tell_missing(f, properties, given != NULL, error);
        if (is_taken(property, targets)) {
                snprintf(path, sizeof(path), "/properties/%s", f->name);
                ae_error_add(error, path, "names a property that takes another field already");
                return 0;
        }
        r = check_status(f, property, json_member(payload, f->name), error);
        return r < 0 ? r : add_target(f, property, targets);
}

int task_resolve(const cJSON *payload, bool marked, const cJSON *properties, cJSON *targets,
                 struct ae_error *error) {
        const cJSON *property = marked ? find_property(&marker, properties, NULL) : NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                if (!json_member(payload, fields[i].name))
                        continue;
                r = resolve_field(&fields[i], payload, properties, targets, error);
                if (r < 0)
                        return r;
        }
        return property ? add_target(&marker, property, targets) : 0;
}

void task_write(const cJSON *payload, const char *action_id, const cJSON *targets,
                struct buffer *to) {
        const cJSON *target;
        const char *before = "{";

        cJSON_ArrayForEach (target, targets) {
                const char *name = json_string(target, "name");

                buffer_puts(to, before);
                json_print_string(name, strlen(name), to);
                buffer_putc(to, ':');
                if (strcmp(target->string, MARKER) == 0) {
                        buffer_puts(to, "{\"rich_text\":");
                        text_write(action_id, strlen(action_id), to);
                        buffer_putc(to, '}');
                } else
                        property_write(json_string(target, "type"),
                                       json_member(payload, target->string), to);
                before = ",";
        }
        buffer_puts(to, *before == '{' ? "{}" : "}");
}

void task_read(const cJSON *properties, const cJSON *names, struct buffer *to) {
        _cleanup_(buffer_done) struct buffer value = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                const struct field *f = &fields[i];

                buffer_clear(&value);
                property_read(find_property(f, properties, json_string(names, f->name)), &value);
                if (value.size > 0) {
                        buffer_printf(to, ",\"%s\":", f->name);
                        buffer_append(to, value.data, value.size);
                }
        }
        to->failed |= value.failed;
}
