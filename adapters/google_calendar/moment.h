/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * When an event starts and ends, as payloads say it: a date or a date-time, plain or in an object.
 * developers.google.com/workspace/calendar/api/v3/reference/events
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct cJSON;

/* All borrowed from the payload. */
struct moment {
        const char *text; /* NULL: it is not there, or not readable */
        const char *zone; /* NULL: none is named */
        bool is_date;
        bool has_offset;
        uint64_t usec; /* since 1970: in UTC with an offset, else on the clock of its place */
};

/*
 * Reads the payload's member `name`; one without a time zone of its own takes the payload's
 * `time_zone`. Adds a finding for each fault. One that is absent is no fault.
 */
void moment_read(const struct cJSON *payload, const char *name, struct moment *ret,
                 struct ae_error *error);

/*
 * Adds a finding where the end does not follow the start or is of another kind. Nothing is said of
 * times in different zones: the platform knows those.
 */
void moment_check_order(const struct moment *start, const struct moment *end,
                        struct ae_error *error);
