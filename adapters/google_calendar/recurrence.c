/* SPDX-License-Identifier: MIT */
#include "google_calendar/recurrence.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* A piece of the line. */
struct span {
        const char *at;
        size_t size;
};

#define MAX_DIGITS 6

enum {
        SECONDLY = 1 << 0,
        MINUTELY = 1 << 1,
        HOURLY = 1 << 2,
        DAILY = 1 << 3,
        WEEKLY = 1 << 4,
        MONTHLY = 1 << 5,
        YEARLY = 1 << 6,
        EVER = (1 << 7) - 1,
};

static const char *const frequencies[] = { "SECONDLY", "MINUTELY", "HOURLY", "DAILY",
                                           "WEEKLY",   "MONTHLY",  "YEARLY" };
static const char *const weekdays[] = { "MO", "TU", "WE", "TH", "FR", "SA", "SU" };

static bool is(struct span s, const char *word) {
        return s.size == strlen(word) && memcmp(s.at, word, s.size) == 0;
}

/* Its place in the list, or -1. */
static int find(struct span s, const char *const *words, size_t n_words) {
        for (size_t i = 0; i < n_words; i++)
                if (is(s, words[i]))
                        return (int)i;
        return -1;
}

/* Takes what stands before the next separator. Returns false behind the last piece. */
static bool cut(struct span *rest, char separator, struct span *ret) {
        const char *end;

        if (!rest->at)
                return false;
        end = memchr(rest->at, separator, rest->size);
        ret->at = rest->at;
        ret->size = end ? (size_t)(end - rest->at) : rest->size;
        rest->at = end ? end + 1 : NULL;
        rest->size = end ? rest->size - ret->size - 1 : 0;
        return true;
}

static bool take_prefix(struct span *s, const char *prefix) {
        size_t n = strlen(prefix);

        if (s->size < n || memcmp(s->at, prefix, n) != 0)
                return false;
        s->at += n;
        s->size -= n;
        return true;
}

static bool take_sign(struct span *s) {
        return take_prefix(s, "+") || take_prefix(s, "-");
}

/* Digits to the span's end, or -1. */
static long number_of(struct span s) {
        long value = 0;

        if (s.size == 0 || s.size > MAX_DIGITS)
                return -1;
        for (; s.size > 0; s.at++, s.size--) {
                if (!isdigit((unsigned char)*s.at))
                        return -1;
                value = value * 10 + (*s.at - '0');
        }
        return value;
}

static bool is_rfc3339(const char *text) {
        uint64_t usec;

        return clock_parse_rfc3339(text, &usec) == 0;
}

/* 20250725, for base/clock to judge. */
static bool is_date(struct span s) {
        char text[RFC3339_SIZE];

        if (s.size != 8)
                return false;
        snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT00:00:00Z", s.at, s.at + 4, s.at + 6);
        return is_rfc3339(text);
}

/* 20250725T152100, with a Z or without. */
static bool is_date_time(struct span s) {
        char text[RFC3339_SIZE];

        if (s.size == 16 && s.at[15] == 'Z')
                s.size--;
        if (s.size != 15 || s.at[8] != 'T')
                return false;
        snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", s.at, s.at + 4, s.at + 6,
                 s.at + 9, s.at + 11, s.at + 13);
        return is_rfc3339(text);
}

/* The name of a time zone; whether there is such a zone is the platform's to say. */
static bool is_zone(struct span s) {
        for (size_t i = 0; i < s.size; i++)
                if (!isalnum((unsigned char)s.at[i]) && !memchr("/_+-", s.at[i], 4))
                        return false;
        return s.size > 0;
}

struct part {
        const char *name;
        bool (*fits)(const struct part *p, struct span value, unsigned frequency);
        long least, most;
        bool is_signed;
        unsigned with; /* the frequencies that it goes with */
        const char *fault;
};

static bool fits_number(const struct part *p, struct span value, unsigned frequency) {
        long n;

        if (p->is_signed)
                (void)take_sign(&value);
        n = number_of(value);
        return n >= p->least && n <= p->most;
}

static bool fits_numbers(const struct part *p, struct span value, unsigned frequency) {
        struct span one;

        while (cut(&value, ',', &one))
                if (!fits_number(p, one, frequency))
                        return false;
        return true;
}

/* The n-th weekday is one of a month or a year. */
static bool fits_days(const struct part *p, struct span value, unsigned frequency) {
        struct span one, day;

        while (cut(&value, ',', &one)) {
                if (one.size < 2)
                        return false;
                day = (struct span){ one.at + one.size - 2, 2 };
                one.size -= 2;
                if (find(day, weekdays, ELEMENTSOF(weekdays)) < 0)
                        return false;
                if (one.size > 0 &&
                    (!(frequency & (MONTHLY | YEARLY)) || !fits_number(p, one, frequency)))
                        return false;
        }
        return true;
}

static bool fits_weekday(const struct part *p, struct span value, unsigned frequency) {
        return find(value, weekdays, ELEMENTSOF(weekdays)) >= 0;
}

static bool fits_known(const struct part *p, struct span value, unsigned frequency) {
        return true;
}

static bool fits_until(const struct part *p, struct span value, unsigned frequency) {
        return is_date(value) || is_date_time(value);
}

/* Shorter than a day. */
#define SUB_DAY (SECONDLY | MINUTELY | HOURLY)

enum {
        BYDAY,
        BYHOUR,
        BYMINUTE,
        BYMONTH,
        BYMONTHDAY,
        BYSECOND,
        BYWEEKNO,
        BYYEARDAY,
        N_SELECTIONS,
        BYSETPOS = N_SELECTIONS,
        COUNT,
        FREQ,
        INTERVAL,
        UNTIL,
        WKST,
        N_PARTS,
};

/* clang-format off */
static const struct part parts[N_PARTS] = {
        [BYDAY]      = { "BYDAY",      fits_days,    1, 53,     true,  EVER,             "has a BYDAY that is not such as MO,WE or, with FREQ=MONTHLY or YEARLY, 1MO or -1FR" },
        [BYHOUR]     = { "BYHOUR",     fits_numbers, 0, 23,     false, EVER,             "has a BYHOUR that is no list of numbers from 0 to 23" },
        [BYMINUTE]   = { "BYMINUTE",   fits_numbers, 0, 59,     false, EVER,             "has a BYMINUTE that is no list of numbers from 0 to 59" },
        [BYMONTH]    = { "BYMONTH",    fits_numbers, 1, 12,     false, EVER,             "has a BYMONTH that is no list of numbers from 1 to 12" },
        [BYMONTHDAY] = { "BYMONTHDAY", fits_numbers, 1, 31,     true,  EVER & ~WEEKLY,   "has a BYMONTHDAY that is no list of numbers from 1 to 31 or -31 to -1, or that is with FREQ=WEEKLY" },
        [BYSECOND]   = { "BYSECOND",   fits_numbers, 0, 60,     false, EVER,             "has a BYSECOND that is no list of numbers from 0 to 60" },
        [BYWEEKNO]   = { "BYWEEKNO",   fits_numbers, 1, 53,     true,  YEARLY,           "has a BYWEEKNO that is no list of numbers from 1 to 53 or -53 to -1, or that is not with FREQ=YEARLY" },
        [BYYEARDAY]  = { "BYYEARDAY",  fits_numbers, 1, 366,    true,  SUB_DAY | YEARLY, "has a BYYEARDAY that is no list of numbers from 1 to 366 or -366 to -1, or that is with FREQ=DAILY, WEEKLY or MONTHLY" },
        [BYSETPOS]   = { "BYSETPOS",   fits_numbers, 1, 366,    true,  EVER,             "has a BYSETPOS that is no list of numbers from 1 to 366 or -366 to -1" },
        [COUNT]      = { "COUNT",      fits_number,  1, 999999, false, EVER,             "has a COUNT that is no number from 1 to 999999" },
        [FREQ]       = { "FREQ",       fits_known,   0, 0,      false, EVER,             NULL },
        [INTERVAL]   = { "INTERVAL",   fits_number,  1, 999999, false, EVER,             "has an INTERVAL that is no number from 1 to 999999" },
        [UNTIL]      = { "UNTIL",      fits_until,   0, 0,      false, EVER,             "has an UNTIL that is not such as 20250725 or 20250725T152100Z" },
        [WKST]       = { "WKST",       fits_weekday, 0, 0,      false, EVER,             "has a WKST that is not such as MO" },
};
/* clang-format on */

static int find_part(struct span name) {
        for (int i = 0; i < N_PARTS; i++)
                if (is(name, parts[i].name))
                        return i;
        return -1;
}

/* NAME=value;NAME=value, each name once. */
static const char *read_parts(struct span rule, struct span values[static N_PARTS]) {
        struct span one, name;
        int i;

        while (cut(&rule, ';', &one)) {
                (void)cut(&one, '=', &name);
                i = find_part(name);
                if (i < 0 || !one.at)
                        return "has what is no NAME=value of a rule (RFC 5545, 3.3.10)";
                if (values[i].at)
                        return "says something twice";
                values[i] = one;
        }
        return NULL;
}

/* What no part shows by itself. */
static const char *combination_fault(const struct span values[static N_PARTS]) {
        bool selects = false;

        for (int i = 0; i < N_SELECTIONS; i++)
                selects = selects || values[i].at;
        if (values[BYSETPOS].at && !selects)
                return "has a BYSETPOS without what it selects from, such as BYDAY";
        if (values[COUNT].at && values[UNTIL].at)
                return "has both COUNT and UNTIL";
        return NULL;
}

static const char *rule_fault(struct span parameters, struct span rule) {
        struct span values[N_PARTS] = { 0 };
        const char *fault = read_parts(rule, values);
        unsigned frequency;
        int i;

        if (parameters.at)
                return "has a parameter; a rule has none";
        if (fault)
                return fault;
        i = find(values[FREQ], frequencies, ELEMENTSOF(frequencies));
        if (i < 0)
                return "needs a FREQ such as FREQ=WEEKLY";
        frequency = 1U << i;

        for (i = 0; i < N_PARTS; i++)
                if (values[i].at && (!(parts[i].with & frequency) ||
                                     !parts[i].fits(&parts[i], values[i], frequency)))
                        return parts[i].fault;
        return combination_fault(values);
}

/* VALUE=DATE and TZID=Europe/Berlin, each at most once; then the dates. */
static const char *dates_fault(struct span parameters, struct span dates) {
        struct span one, value = { 0 }, zone = { 0 };

        while (cut(&parameters, ';', &one))
                if (!value.at && take_prefix(&one, "VALUE="))
                        value = one;
                else if (!zone.at && take_prefix(&one, "TZID=") && is_zone(one))
                        zone = one;
                else
                        return "has a parameter that is no VALUE= or TZID=Area/City, or has one "
                               "twice";
        if (value.at && !is(value, "DATE") && !is(value, "DATE-TIME"))
                return "has a VALUE other than DATE and DATE-TIME";

        while (cut(&dates, ',', &one))
                if (value.at && is(value, "DATE") ? !is_date(one) : !is_date_time(one))
                        return "has what is no date-time such as 20250725T152100Z or, with "
                               "VALUE=DATE, no date such as 20250725";
        return NULL;
}

/* clang-format off */
static const struct property {
        const char *name;
        const char *(*fault)(struct span parameters, struct span value);
        bool adds;
} properties[] = {
        { "EXDATE", dates_fault, false },
        { "EXRULE", rule_fault,  false },
        { "RDATE",  dates_fault, true  },
        { "RRULE",  rule_fault,  true  },
};
/* clang-format on */

/* Splits NAME;PARAMETER;PARAMETER:value. NULL when it has no such name, or nothing behind it. */
static const struct property *read_line(const char *line, struct span *ret_parameters,
                                        struct span *ret_value) {
        struct span value = { line, strlen(line) }, parameters, name;

        (void)cut(&value, ':', &parameters);
        (void)cut(&parameters, ';', &name);
        for (size_t i = 0; value.at && i < ELEMENTSOF(properties); i++)
                if (is(name, properties[i].name)) {
                        *ret_parameters = parameters;
                        *ret_value = value;
                        return &properties[i];
                }
        return NULL;
}

const char *recurrence_fault(const char *line) {
        struct span parameters, value;
        const struct property *p = read_line(line, &parameters, &value);

        return p ? p->fault(parameters, value)
                 : "is no line that begins with RRULE:, EXRULE:, RDATE: or EXDATE:";
}

bool recurrence_adds(const char *line) {
        struct span parameters, value;
        const struct property *p = read_line(line, &parameters, &value);

        return p && p->adds;
}
