/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A date as headers have it (RFC 9110 §5.6.7).
 */

#include <stdint.h>

/* *ret_usec counts from 1970. Returns 0; -EBADMSG for what is empty, or no date. */
int http_date(const char *header, uint64_t *ret_usec);
