/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Lines of recurrence: RRULE, EXRULE, RDATE and EXDATE as RFC 5545 §3.3.10 and §3.8.5 have them.
 * The grammar and what belongs together are checked; which days a rule meets is the platform's.
 */

#include <stdbool.h>

/* What is wrong with the line, as the rest of a sentence; NULL when nothing is. */
const char *recurrence_fault(const char *line);

/* Whether the line makes anything recur; the others only take from what recurs. */
bool recurrence_adds(const char *line);
