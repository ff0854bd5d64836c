/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The Retry-After header (RFC 9110 §10.2.3): seconds, or a date.
 */

#include <stdint.h>

#define RETRY_AFTER_MIN_MSEC UINT64_C(1000)
#define RETRY_AFTER_MAX_MSEC UINT64_C(3600000)

/*
 * How long to wait, from a second to an hour, whatever the header asks for. `otherwise` when it is
 * empty or makes no sense. `now_usec` is CLOCK_REALTIME.
 */
uint64_t retry_after_msec(const char *header, uint64_t now_usec, uint64_t otherwise);
