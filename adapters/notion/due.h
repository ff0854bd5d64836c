/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * When a task is due, as a payload says it: a date, a date and time, or an object of `start`, `end`
 * and `time_zone`. The schema has looked at the form of each.
 */

struct ae_error;
struct cJSON;

/* Adds a finding for each fault below /due. */
void due_check(const struct cJSON *due, struct ae_error *error);
