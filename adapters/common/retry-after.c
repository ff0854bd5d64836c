/* SPDX-License-Identifier: MIT */
#include "common/retry-after.h"

#include <string.h>

#include "base/clock.h"
#include "common/http-date.h"

/* Past that, a number of seconds is absurd, and as good as an hour. */
#define MAX_DIGITS 9

static uint64_t clamp(uint64_t msec) {
        if (msec < RETRY_AFTER_MIN_MSEC)
                return RETRY_AFTER_MIN_MSEC;
        return msec < RETRY_AFTER_MAX_MSEC ? msec : RETRY_AFTER_MAX_MSEC;
}

static uint64_t read_seconds(const char *text, size_t n_digits) {
        uint64_t seconds = 0;

        if (n_digits > MAX_DIGITS)
                return RETRY_AFTER_MAX_MSEC;
        for (; n_digits > 0; n_digits--)
                seconds = seconds * 10 + (uint64_t)(*text++ - '0');
        return clamp(seconds * 1000);
}

uint64_t retry_after_msec(const char *header, uint64_t now_usec, uint64_t otherwise) {
        size_t n_digits = strspn(header, "0123456789");
        uint64_t then_usec;

        if (n_digits > 0 && !header[n_digits])
                return read_seconds(header, n_digits);

        if (http_date(header, &then_usec) < 0)
                return otherwise;
        return clamp(then_usec > now_usec ? (then_usec - now_usec) / USEC_PER_MSEC : 0);
}
