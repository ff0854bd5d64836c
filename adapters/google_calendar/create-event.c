/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "common/uri.h"
#include "google_calendar/actions.h"
#include "google_calendar/answer.h"
#include "google_calendar/event.h"
#include "google_calendar/request.h"

#define NOT_FOUND 404
#define DUPLICATE 409
/* extendedProperties.private of the event: whose it is, beside its id. */
#define MARKER "actionId"

int create_event_check(const cJSON *payload, struct ae_error *error) {
        event_check(payload, error);
        return 0;
}

/* An action's id is of lower-case hex digits, and so it is base32hex as well. */
static void write_body(const struct adapter_input *input, struct buffer *to) {
        buffer_printf(to,
                      "{\"id\":\"%s\",\"extendedProperties\":{\"private\":{\"" MARKER "\":\"%s\"}}",
                      input->action_id, input->action_id);
        event_write(input->payload, EVENT_NEW, input->action_id, to);
        buffer_puts(to, "}");
}

int create_event_build(const struct adapter_input *input, struct http_request *ret,
                       struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        int r;

        r = calendar_put_events(input, &url, error);
        if (r < 0)
                return r;
        if (event_has_conference(input->payload))
                uri_put_parameter(&url, "conferenceDataVersion", "1");
        calendar_put_send_updates(input->payload, &url);
        write_body(input, &ret->body);
        return calendar_finish_request("POST", &url, ret, error);
}

/* Nobody else has this action's id: what has it already is most likely the event itself. */
int create_event_interpret(const struct adapter_input *input, const struct http_response *response,
                           cJSON **ret_result, struct ae_error *error) {
        if (response->status != DUPLICATE)
                return answer_written(input, response, ret_result, error);

        error->upstream_status = response->status;
        return ae_error_set(error, AE_OUTCOME_UNKNOWN,
                            "the calendar has an event with the id that this one was to have, so "
                            "it may have been created; look there before creating it again");
}

static int build_look(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        int r;

        r = calendar_put_event(input, input->action_id, &url, error);
        return r < 0 ? r : calendar_finish_request("GET", &url, ret, error);
}

static bool is_ours(const struct adapter_input *input, const cJSON *event) {
        const cJSON *properties = json_member(event, "extendedProperties");
        const char *marker = json_string(json_member(properties, "private"), MARKER);

        return marker && strcmp(marker, input->action_id) == 0;
}

/* Only Google's own word counts: a 404 of whatever else stands there is no answer. */
static int read_absence(const struct adapter_input *input, const struct http_response *response,
                        struct ae_error *error) {
        int r = answer_error(input, response, error);

        if (response->status != NOT_FOUND || strcmp(error->upstream_reason, "notFound") != 0)
                return r;
        ae_error_done(error);
        return ADAPTER_ABSENT;
}

/* An event that was deleted since is there and cancelled; an id belongs to one event for ever. */
static int interpret_look(const struct adapter_input *input, const struct http_response *response,
                          cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *event = NULL, *result = NULL;
        int r;

        if (!answer_is_success(response))
                return read_absence(input, response, error);

        event = answer_body(response);
        r = answer_read_written(event, &result);
        if (r < 0)
                return answer_unclear(response, r, error);
        if (!is_ours(input, event))
                return ADAPTER_ABSENT;
        *ret_result = TAKE_PTR(result);
        return 0;
}

const struct adapter_reconcile create_event_reconcile = { build_look, interpret_look, NULL };
