/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/json.h"
#include "google_calendar/actions.h"
#include "google_calendar/answer.h"
#include "google_calendar/request.h"

#define GONE 410

int delete_event_build(const struct adapter_input *input, struct http_request *ret,
                       struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        int r;

        r = calendar_put_event(input, json_string(input->payload, "event_id"), &url, error);
        if (r < 0)
                return r;
        calendar_put_send_updates(input->payload, &url);
        return calendar_finish_request("DELETE", &url, ret, error);
}

/* The event that a first attempt deleted is gone: what was asked for is so. */
int delete_event_interpret(const struct adapter_input *input, const struct http_response *response,
                           cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *result = NULL;
        const char *event_id = json_string(input->payload, "event_id");

        if (!answer_is_success(response) && response->status != GONE)
                return answer_error(input, response, error);

        result = cJSON_CreateObject();
        if (!cJSON_AddStringToObject(result, "event_id", event_id) ||
            !cJSON_AddBoolToObject(result, "already_deleted", response->status == GONE))
                return ae_error_from_errno(error, -ENOMEM);
        *ret_result = TAKE_PTR(result);
        return 0;
}
