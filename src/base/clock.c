/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

uint64_t clock_usec(clockid_t clock) {
        struct timespec ts;
        int r;

        r = clock_gettime(clock, &ts);
        assert(r == 0);
        (void)r;
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_realtime_at(uint64_t monotonic_usec) {
        return clock_usec(CLOCK_REALTIME) + monotonic_usec - clock_usec(CLOCK_MONOTONIC);
}

void clock_format_rfc3339(uint64_t realtime_usec, char ret[static RFC3339_SIZE]) {
        time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(ret, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                ret[0] = 0; /* beyond the year 9999 */
}

/* Reads exactly n digits. Returns their value or -1, and moves *text past them. */
static int take_digits(const char **text, int n) {
        int value = 0;

        for (; n > 0; n--, (*text)++) {
                if (!isdigit((unsigned char)**text))
                        return -1;
                value = value * 10 + (**text - '0');
        }
        return value;
}

static bool take_char(const char **text, const char *any_of) {
        for (; *any_of; any_of++)
                if (**text == *any_of) {
                        (*text)++;
                        return true;
                }
        return false;
}

static bool is_leap_year(int year) {
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        return days[month - 1] + (month == 2 && is_leap_year(year));
}

/* Offset from UTC in seconds, or INT32_MIN. */
static int32_t take_offset(const char **text) {
        int hours, minutes, sign;

        if (take_char(text, "Zz"))
                return 0;

        sign = **text == '-' ? -1 : 1;
        if (!take_char(text, "+-"))
                return INT32_MIN;
        hours = take_digits(text, 2);
        if (hours < 0 || hours > 23 || !take_char(text, ":"))
                return INT32_MIN;
        minutes = take_digits(text, 2);
        if (minutes < 0 || minutes > 59)
                return INT32_MIN;
        return sign * (hours * 3600 + minutes * 60);
}

int clock_parse_rfc3339(const char *text, uint64_t *ret_realtime_usec) {
        int year, month, day, hour, minute, second;
        uint64_t fraction_usec = 0;
        int32_t offset;
        struct tm tm;
        int64_t t;

        year = take_digits(&text, 4);
        if (year < 1970 || !take_char(&text, "-"))
                return -EINVAL;
        month = take_digits(&text, 2);
        if (month < 1 || month > 12 || !take_char(&text, "-"))
                return -EINVAL;
        day = take_digits(&text, 2);
        if (day < 1 || day > days_in_month(year, month) || !take_char(&text, "Tt"))
                return -EINVAL;
        hour = take_digits(&text, 2);
        if (hour < 0 || hour > 23 || !take_char(&text, ":"))
                return -EINVAL;
        minute = take_digits(&text, 2);
        if (minute < 0 || minute > 59 || !take_char(&text, ":"))
                return -EINVAL;
        second = take_digits(&text, 2);
        if (second < 0 || second > 60)
                return -EINVAL;

        if (take_char(&text, ".")) {
                uint64_t unit = USEC_PER_SEC / 10;

                if (!isdigit((unsigned char)*text))
                        return -EINVAL;
                for (; isdigit((unsigned char)*text); text++, unit /= 10)
                        fraction_usec += (uint64_t)(*text - '0') * unit;
        }

        offset = take_offset(&text);
        if (offset == INT32_MIN || *text)
                return -EINVAL;

        tm = (struct tm){
                .tm_year = year - 1900,
                .tm_mon = month - 1,
                .tm_mday = day,
                .tm_hour = hour,
                .tm_min = minute,
                .tm_sec = second,
        };
        t = timegm(&tm) - offset;
        if (t < 0)
                return -EINVAL;

        *ret_realtime_usec = (uint64_t)t * USEC_PER_SEC + fraction_usec;
        return 0;
}
