/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The two halves of RFC 3339's date-time (§5.6) as they are written: which years, leap seconds and
 * moments somebody takes is for base/clock and the formats of schemas to say.
 */

#include <stdbool.h>
#include <stdint.h>

struct rfc3339_date {
        int year; /* 0 to 9999 */
        int month, day;
};

struct rfc3339_time {
        int minutes;            /* of the day */
        int second;             /* 0 to 60 */
        uint64_t fraction_usec; /* what is finer is cut off */
        int offset_minutes;     /* what this is ahead of UTC */
};

/* Read what stands at *text and move it behind that. False when it is none. */
bool rfc3339_take_date(const char **text, struct rfc3339_date *ret);
bool rfc3339_take_time(const char **text, struct rfc3339_time *ret);
/* One character, any of these. */
bool rfc3339_take_char(const char **text, const char *any_of);
