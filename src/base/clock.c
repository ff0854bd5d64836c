/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <assert.h>
#include <errno.h>

#include "base/rfc3339.h"

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

int clock_parse_rfc3339(const char *text, uint64_t *ret_realtime_usec) {
        struct rfc3339_date date;
        struct rfc3339_time time;
        struct tm tm;
        int64_t t;

        if (!rfc3339_take_date(&text, &date) || date.year < 1970 ||
            !rfc3339_take_char(&text, "Tt") || !rfc3339_take_time(&text, &time) || *text)
                return -EINVAL;

        tm = (struct tm){
                .tm_year = date.year - 1900,
                .tm_mon = date.month - 1,
                .tm_mday = date.day,
                .tm_min = time.minutes,
                .tm_sec = time.second,
        };
        t = timegm(&tm) - (int64_t)time.offset_minutes * 60;
        if (t < 0)
                return -EINVAL;

        *ret_realtime_usec = (uint64_t)t * USEC_PER_SEC + time.fraction_usec;
        return 0;
}
