/* SPDX-License-Identifier: MIT */
#include "base/rfc3339.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"

/* Reads exactly n digits. Returns their value, or -1. */
static int take_digits(const char **text, int n) {
        int value = 0;

        for (; n > 0; n--, (*text)++) {
                if (!isdigit((unsigned char)**text))
                        return -1;
                value = value * 10 + (**text - '0');
        }
        return value;
}

bool rfc3339_take_char(const char **text, const char *any_of) {
        if (!**text || !strchr(any_of, **text))
                return false;
        (*text)++;
        return true;
}

static int days_in_month(int year, int month) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return days[month - 1] + (month == 2 && leap);
}

bool rfc3339_take_date(const char **text, struct rfc3339_date *ret) {
        int year, month, day;

        year = take_digits(text, 4);
        if (year < 0 || !rfc3339_take_char(text, "-"))
                return false;
        month = take_digits(text, 2);
        if (month < 1 || month > 12 || !rfc3339_take_char(text, "-"))
                return false;
        day = take_digits(text, 2);
        if (day < 1 || day > days_in_month(year, month))
                return false;

        *ret = (struct rfc3339_date){ .year = year, .month = month, .day = day };
        return true;
}

/* HH:MM, in minutes; -1 when it is none. */
static int take_minutes(const char **text) {
        int hours, minutes;

        hours = take_digits(text, 2);
        if (hours < 0 || hours > 23 || !rfc3339_take_char(text, ":"))
                return -1;
        minutes = take_digits(text, 2);
        return minutes < 0 || minutes > 59 ? -1 : hours * 60 + minutes;
}

static bool take_fraction(const char **text, uint64_t *ret_usec) {
        uint64_t unit = USEC_PER_SEC / 10;

        *ret_usec = 0;
        if (!rfc3339_take_char(text, "."))
                return true;
        if (!isdigit((unsigned char)**text))
                return false;
        for (; isdigit((unsigned char)**text); (*text)++, unit /= 10)
                *ret_usec += (uint64_t)(**text - '0') * unit;
        return true;
}

static bool take_offset(const char **text, int *ret_minutes) {
        bool west = **text == '-';
        int minutes = 0;

        if (!rfc3339_take_char(text, "Zz")) {
                if (!rfc3339_take_char(text, "+-"))
                        return false;
                minutes = take_minutes(text);
                if (minutes < 0)
                        return false;
        }
        *ret_minutes = west ? -minutes : minutes;
        return true;
}

bool rfc3339_take_time(const char **text, struct rfc3339_time *ret) {
        struct rfc3339_time t;

        t.minutes = take_minutes(text);
        if (t.minutes < 0 || !rfc3339_take_char(text, ":"))
                return false;
        t.second = take_digits(text, 2);
        if (t.second < 0 || t.second > 60)
                return false;
        if (!take_fraction(text, &t.fraction_usec) || !take_offset(text, &t.offset_minutes))
                return false;
        *ret = t;
        return true;
}
