/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Where an action's request goes: /calendar/v3/calendars/{calendarId}/events[/{eventId}].
 */

#include "action/adapter.h"
#include "base/buffer.h"

/*
 * Append the address of the payload's calendar's events, or of one of them. Return 0, or a negative
 * errno with `error` filled when an id is none, NULL among them.
 */
int calendar_put_events(const struct adapter_input *input, struct buffer *url,
                        struct ae_error *error);
int calendar_put_event(const struct adapter_input *input, const char *event_id, struct buffer *url,
                       struct ae_error *error);

/* Who is told of a change: the payload's `send_updates`, as a parameter. */
void calendar_put_send_updates(const struct cJSON *payload, struct buffer *url);

/*
 * Makes the request whole, with the Content-Type where it has a body. `url` is emptied. Returns 0,
 * or a negative errno with `error` filled, also for what was lost in either buffer.
 */
int calendar_finish_request(const char *method, struct buffer *url, struct http_request *ret,
                            struct ae_error *error);
