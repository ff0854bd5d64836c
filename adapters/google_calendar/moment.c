/* SPDX-License-Identifier: MIT */
#include "google_calendar/moment.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define PATH_SIZE 32
#define DATE_LENGTH (sizeof("2025-07-25") - 1)
#define LONGEST_LENGTH (sizeof("2025-07-25T15:21:00.123456789+02:00") - 1)

#define YEARS "between the years 1970 and 9999"

/* What RFC 3339 has at the end of a date-time: Z, +02:00, -02:00. */
static bool ends_in_offset(const char *text, size_t size) {
        return text[size - 1] == 'Z' || (size > 6 && strchr("+-", text[size - 6]));
}

/* A date is read as its first moment, a time without an offset as if it were in UTC. */
static const char *read_text(const char *text, struct moment *m) {
        char whole[LONGEST_LENGTH + sizeof("T00:00:00Z")];
        size_t size = strlen(text);

        if (size < DATE_LENGTH || size > LONGEST_LENGTH)
                return "is neither a date nor a date-time";

        m->is_date = size == DATE_LENGTH;
        m->has_offset = !m->is_date && ends_in_offset(text, size);
        snprintf(whole, sizeof(whole), "%s%s", text,
                 m->is_date      ? "T00:00:00Z"
                 : m->has_offset ? ""
                                 : "Z");
        if (clock_parse_rfc3339(whole, &m->usec) < 0)
                return m->is_date ? "is no date such as 2025-07-25, " YEARS
                                  : "is no date-time such as 2025-07-25T15:21:00+02:00, " YEARS;
        m->text = text;
        return NULL;
}

void moment_read(const cJSON *payload, const char *name, struct moment *ret,
                 struct ae_error *error) {
        const cJSON *value = json_member(payload, name);
        const char *kind = json_string(value, "date") ? "date" : "date_time";
        const char *text = json_string(payload, name), *fault;
        char path[PATH_SIZE];

        snprintf(path, sizeof(path), "/%s", name);
        if (cJSON_IsObject(value)) {
                text = json_string(value, kind);
                snprintf(path, sizeof(path), "/%s/%s", name, kind);
        }
        if (!value)
                return;

        fault = text ? read_text(text, ret) : "is neither a date nor a date-time";
        if (fault) {
                ae_error_add(error, path, "%s", fault);
                return;
        }
        if (ret->is_date)
                return;

        ret->zone = json_string(value, "time_zone");
        if (!ret->zone)
                ret->zone = json_string(payload, "time_zone");
        if (!ret->has_offset && !ret->zone)
                ae_error_add(error, path,
                             "needs an offset such as Z or +02:00, or a time_zone beside it");
}

static bool are_comparable(const struct moment *a, const struct moment *b) {
        if (a->is_date || (a->has_offset && b->has_offset))
                return true;
        return !a->has_offset && !b->has_offset && a->zone && b->zone &&
               strcmp(a->zone, b->zone) == 0;
}

void moment_check_order(const struct moment *start, const struct moment *end,
                        struct ae_error *error) {
        if (!start->text || !end->text)
                return;
        if (start->is_date != end->is_date)
                ae_error_add(error, "/end", "must be a %s, as start is",
                             start->is_date ? "date" : "date-time");
        else if (are_comparable(start, end) && end->usec <= start->usec)
                ae_error_add(error, "/end", "must be later than start%s",
                             end->is_date ? ": it is the first day after the event" : "");
}
