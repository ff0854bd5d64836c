/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "common/uri.h"
#include "google_calendar/actions.h"
#include "google_calendar/answer.h"
#include "google_calendar/event.h"
#include "google_calendar/request.h"

int update_event_check(const cJSON *payload, struct ae_error *error) {
        event_check(payload, error);
        if (!event_says_anything(payload))
                ae_error_add(error, "", "names nothing of the event that is to change");
        return 0;
}

int update_event_build(const struct adapter_input *input, struct http_request *ret,
                       struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        int r;

        r = calendar_put_event(input, json_string(input->payload, "event_id"), &url, error);
        if (r < 0)
                return r;
        if (event_has_conference(input->payload))
                uri_put_parameter(&url, "conferenceDataVersion", "1");
        calendar_put_send_updates(input->payload, &url);

        buffer_puts(&ret->body, "{");
        event_write(input->payload, EVENT_PATCH, input->action_id, &ret->body);
        buffer_puts(&ret->body, "}");
        return calendar_finish_request("PATCH", &url, ret, error);
}

int update_event_interpret(const struct adapter_input *input, const struct http_response *response,
                           cJSON **ret_result, struct ae_error *error) {
        return answer_written(input, response, ret_result, error);
}
