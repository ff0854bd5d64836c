/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An event as payloads say it: what no schema can check, and the same in Google's words.
 * developers.google.com/workspace/calendar/api/v3/reference/events
 */

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

struct cJSON;

/* Adds a finding for each fault. Members of a wrong type are taken for absent. */
void event_check(const struct cJSON *payload, struct ae_error *error);

/* Whether the payload says anything of an event. */
bool event_says_anything(const struct cJSON *payload);

/* `action_id` names the conference that Google is asked for. */
enum event_use {
        EVENT_NEW,
        EVENT_PATCH, /* what gives way to a new value is written as null */
};

/* Appends the members that the payload has to an object that is open. */
void event_write(const struct cJSON *payload, enum event_use use, const char *action_id,
                 struct buffer *to);

/* Whether Google must be told to mind conferences: conferenceDataVersion=1. */
bool event_has_conference(const struct cJSON *payload);
