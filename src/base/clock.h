/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Time in microseconds. Durations are measured on the monotonic clock; the real-time clock is only
 * for what people and platforms see.
 */

#include <stdint.h>
#include <time.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)

#define RFC3339_SIZE sizeof("2025-07-25T15:21:00Z")

/* The time on `clock` (CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME). */
uint64_t clock_usec(clockid_t clock);

/* What CLOCK_REALTIME, as it is set now, shows at that time of CLOCK_MONOTONIC, past or to come. */
uint64_t clock_realtime_at(uint64_t monotonic_usec);

/* Writes a real time as RFC 3339 in UTC, to the second. */
void clock_format_rfc3339(uint64_t realtime_usec, char ret[static RFC3339_SIZE]);

/*
 * Reads an RFC 3339 date-time (any offset, any fraction, leap second taken as the next second)
 * between the years 1970 and 9999. Returns 0 or -EINVAL.
 */
int clock_parse_rfc3339(const char *text, uint64_t *ret_realtime_usec);
