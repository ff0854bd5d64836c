/* SPDX-License-Identifier: MIT */
#include "notion/due.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

enum form {
        FORM_DATE,    /* 2026-12-01 */
        FORM_LOCAL,   /* 2026-12-01T09:00:00 */
        FORM_INSTANT, /* the same with Z or an offset */
};

static const char *const names[] = {
        [FORM_DATE] = "a date",
        [FORM_LOCAL] = "a date and time without offset",
        [FORM_INSTANT] = "a date and time with offset",
};

static enum form form_of(const char *text) {
        const char *time = strpbrk(text, "Tt");

        if (!time)
                return FORM_DATE;
        return strpbrk(time, "Zz+-") ? FORM_INSTANT : FORM_LOCAL;
}

/* Both of one form. What lies before 1970 is not compared. */
static bool is_before(const char *a, const char *b, enum form form) {
        uint64_t usec_a, usec_b;

        if (form != FORM_INSTANT)
                return strcmp(a, b) < 0;
        return clock_parse_rfc3339(a, &usec_a) == 0 && clock_parse_rfc3339(b, &usec_b) == 0 &&
               usec_a < usec_b;
}

void due_check(const cJSON *due, struct ae_error *error) {
        const char *start = json_string(due, "start"), *end = json_string(due, "end");
        bool has_zone = json_string(due, "time_zone") != NULL;
        enum form form;

        if (!start)
                return;

        form = form_of(start);
        if (has_zone && form != FORM_LOCAL)
                ae_error_add(error, "/due/start",
                             "is %s; beside time_zone it is one without, such as "
                             "2026-12-01T09:00:00",
                             names[form]);
        if (!has_zone && form == FORM_LOCAL)
                ae_error_add(error, "/due/start",
                             "needs an offset such as Z, or time_zone beside it");

        if (end && form_of(end) != form)
                ae_error_add(error, "/due/end", "is %s, and start is %s", names[form_of(end)],
                             names[form]);
        else if (end && is_before(end, start, form))
                ae_error_add(error, "/due/end", "is before start");
}
