/* SPDX-License-Identifier: MIT */
#include "google_calendar/event.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "google_calendar/moment.h"
#include "google_calendar/recurrence.h"

#define PATH_SIZE 64

struct writer {
        struct buffer *to;
        const cJSON *payload;
        enum event_use use;
        const char *action_id;
};

/* Each line, and that together they make something recur: Google replaces the whole list. */
static bool check_recurrence(const cJSON *payload, struct ae_error *error) {
        const cJSON *lines = json_member(payload, "recurrence"), *line;
        bool recurs = false;
        char path[PATH_SIZE];
        size_t i = 0;

        cJSON_ArrayForEach (line, lines) {
                const char *text = cJSON_GetStringValue(line);
                const char *fault = text ? recurrence_fault(text) : "is not a string";

                if (fault) {
                        snprintf(path, sizeof(path), "/recurrence/%zu", i);
                        ae_error_add(error, path, "%s", fault);
                }
                recurs = recurs || (text && recurrence_adds(text));
                i++;
        }
        if (i > 0 && !recurs)
                ae_error_add(error, "/recurrence", "has no RRULE or RDATE, so nothing recurs");
        return i > 0;
}

/* Not only the hour of the day is a matter of the place, but also which days have it. */
static void check_zones(const struct moment *start, const struct moment *end, bool recurs,
                        const cJSON *payload, struct ae_error *error) {
        const struct moment *both[] = { start, end };
        bool without = false;

        for (size_t i = 0; i < ELEMENTSOF(both); i++)
                without = without || (both[i]->text && !both[i]->is_date && !both[i]->zone);
        if (recurs && without)
                ae_error_add(error, "/time_zone", "is required for an event that recurs");
        if (json_member(payload, "time_zone") && !json_member(payload, "start") &&
            !json_member(payload, "end"))
                ae_error_add(error, "/time_zone", "is of no use without start or end");
}

void event_check(const cJSON *payload, struct ae_error *error) {
        struct moment start = { 0 }, end = { 0 };
        bool recurs;

        moment_read(payload, "start", &start, error);
        moment_read(payload, "end", &end, error);
        moment_check_order(&start, &end, error);
        recurs = check_recurrence(payload, error);
        check_zones(&start, &end, recurs, payload, error);
}

bool event_has_conference(const cJSON *payload) {
        return json_member(payload, "conference");
}

/* Behind a comma, unless the object has just begun. */
static void put_name(struct buffer *to, const char *name) {
        if (to->size > 0 && to->data[to->size - 1] != '{')
                buffer_putc(to, ',');
        buffer_printf(to, "\"%s\":", name);
}

/* NULL: nothing. */
static void put_string(struct buffer *to, const char *name, const char *text) {
        if (!text)
                return;
        put_name(to, name);
        json_print_string(text, strlen(text), to);
}

/* A moment of the other kind would stay beside the new one. */
static void write_moment(const struct writer *w, const char *name, const cJSON *value) {
        _cleanup_(ae_error_done) struct ae_error ignored = { 0 };
        struct moment m = { 0 };

        moment_read(w->payload, name, &m, &ignored);
        if (!m.text)
                return;
        put_name(w->to, name);
        buffer_putc(w->to, '{');
        put_string(w->to, m.is_date ? "date" : "dateTime", m.text);
        put_string(w->to, "timeZone", m.zone);
        if (w->use == EVENT_PATCH) {
                put_name(w->to, m.is_date ? "dateTime" : "date");
                buffer_puts(w->to, "null");
        }
        buffer_putc(w->to, '}');
}

static void write_value(const struct writer *w, const char *name, const cJSON *value) {
        put_name(w->to, name);
        json_print(value, w->to);
}

static void write_attendee(struct buffer *to, const cJSON *value) {
        const char *email = cJSON_GetStringValue(value);

        buffer_puts(to, "{");
        put_string(to, "email", email ? email : json_string(value, "email"));
        put_string(to, "displayName", json_string(value, "name"));
        if (cJSON_IsTrue(json_member(value, "optional"))) {
                put_name(to, "optional");
                buffer_puts(to, "true");
        }
        buffer_puts(to, "}");
}

static void write_attendees(const struct writer *w, const char *name, const cJSON *value) {
        const cJSON *one;

        put_name(w->to, name);
        buffer_putc(w->to, '[');
        cJSON_ArrayForEach (one, value) {
                if (one != value->child)
                        buffer_putc(w->to, ',');
                write_attendee(w->to, one);
        }
        buffer_putc(w->to, ']');
}

/* An array is a list of overrides. None of an earlier list stays, whichever it is. */
static void write_reminders(const struct writer *w, const char *name, const cJSON *value) {
        bool use_default = cJSON_IsTrue(json_member(value, "use_default"));

        put_name(w->to, name);
        buffer_printf(w->to, "{\"useDefault\":%s,\"overrides\":", use_default ? "true" : "false");
        if (cJSON_IsArray(value))
                json_print(value, w->to);
        else
                buffer_puts(w->to, "[]");
        buffer_putc(w->to, '}');
}

/* The same requestId again is ignored, so the action's attempts make one conference. */
static void write_conference(const struct writer *w, const char *name, const cJSON *value) {
        if (cJSON_IsTrue(value)) {
                put_name(w->to, name);
                buffer_puts(w->to, "{\"createRequest\":{");
                put_string(w->to, "requestId", w->action_id);
                buffer_puts(w->to, ",\"conferenceSolutionKey\":{\"type\":\"hangoutsMeet\"}}}");
        } else if (w->use == EVENT_PATCH) {
                put_name(w->to, name);
                buffer_puts(w->to, "null");
        }
}

/* clang-format off */
static const struct field {
        const char *ours, *theirs;
        void (*write)(const struct writer *w, const char *name, const cJSON *value);
} fields[] = {
        { "title",       "summary",        write_value      },
        { "start",       "start",          write_moment     },
        { "end",         "end",            write_moment     },
        { "description", "description",    write_value      },
        { "location",    "location",       write_value      },
        { "attendees",   "attendees",      write_attendees  },
        { "recurrence",  "recurrence",     write_value      },
        { "reminders",   "reminders",      write_reminders  },
        { "conference",  "conferenceData", write_conference },
};
/* clang-format on */

bool event_says_anything(const cJSON *payload) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (json_member(payload, fields[i].ours))
                        return true;
        return false;
}

void event_write(const cJSON *payload, enum event_use use, const char *action_id,
                 struct buffer *to) {
        const struct writer w = { to, payload, use, action_id };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                const cJSON *value = json_member(payload, fields[i].ours);

                if (value)
                        fields[i].write(&w, fields[i].theirs, value);
        }
}
