/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What Google Calendar can do: the functions of struct adapter_action.
 * developers.google.com/workspace/calendar/api/v3/reference/events
 */

#include "action/adapter.h"

/*
 * create_event: events.insert with an id that is the action's, so that what became of it is one
 * events.get away.
 */
int create_event_check(const struct cJSON *payload, struct ae_error *error);
int create_event_build(const struct adapter_input *input, struct http_request *ret,
                       struct ae_error *error);
int create_event_interpret(const struct adapter_input *input, const struct http_response *response,
                           struct cJSON **ret_result, struct ae_error *error);
extern const struct adapter_reconcile create_event_reconcile;

/* update_event: events.patch. */
int update_event_check(const struct cJSON *payload, struct ae_error *error);
int update_event_build(const struct adapter_input *input, struct http_request *ret,
                       struct ae_error *error);
int update_event_interpret(const struct adapter_input *input, const struct http_response *response,
                           struct cJSON **ret_result, struct ae_error *error);

/* delete_event: events.delete. */
int delete_event_build(const struct adapter_input *input, struct http_request *ret,
                       struct ae_error *error);
int delete_event_interpret(const struct adapter_input *input, const struct http_response *response,
                           struct cJSON **ret_result, struct ae_error *error);

/* list_events: events.list, a page at a time. */
int list_events_check(const struct cJSON *payload, struct ae_error *error);
int list_events_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error);
int list_events_interpret(const struct adapter_input *input, const struct http_response *response,
                          struct cJSON **ret_result, struct ae_error *error);

/* explain.c */
int create_event_explain(const struct cJSON *payload, struct adapter_explanation *ret);
int delete_event_explain(const struct cJSON *payload, struct adapter_explanation *ret);
int list_events_explain(const struct cJSON *payload, struct adapter_explanation *ret);
int update_event_explain(const struct cJSON *payload, struct adapter_explanation *ret);
