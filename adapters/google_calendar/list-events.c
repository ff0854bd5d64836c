/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "common/uri.h"
#include "google_calendar/actions.h"
#include "google_calendar/answer.h"
#include "google_calendar/request.h"

/* Returns whether it is there and readable. */
static bool read_time(const cJSON *payload, const char *name, const char *path, uint64_t *ret,
                      struct ae_error *error) {
        const char *text = json_string(payload, name);

        if (!text)
                return false;
        if (clock_parse_rfc3339(text, ret) == 0)
                return true;
        ae_error_add(error, path,
                     "is no date-time with an offset such as 2025-07-25T15:21:00Z, between the "
                     "years 1970 and 9999");
        return false;
}

int list_events_check(const cJSON *payload, struct ae_error *error) {
        uint64_t min, max;
        bool has_min, has_max;

        has_min = read_time(payload, "time_min", "/time_min", &min, error);
        has_max = read_time(payload, "time_max", "/time_max", &max, error);
        if (has_min && has_max && max <= min)
                ae_error_add(error, "/time_max", "must be later than time_min");
        return 0;
}

static void put_parameters(const cJSON *payload, struct buffer *url) {
        char max_results[sizeof("-9007199254740991")];
        int64_t n;

        uri_put_parameter(url, "timeMin", json_string(payload, "time_min"));
        uri_put_parameter(url, "timeMax", json_string(payload, "time_max"));
        uri_put_parameter(url, "q", json_string(payload, "query"));
        uri_put_parameter(url, "pageToken", json_string(payload, "page_token"));
        if (json_integer(payload, "max_results", &n) >= 0) {
                snprintf(max_results, sizeof(max_results), "%" PRId64, n);
                uri_put_parameter(url, "maxResults", max_results);
        }
        /* Google sorts by start only what it has expanded. */
        if (cJSON_IsTrue(json_member(payload, "single_events"))) {
                uri_put_parameter(url, "singleEvents", "true");
                uri_put_parameter(url, "orderBy", "startTime");
        }
}

int list_events_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        int r;

        r = calendar_put_events(input, &url, error);
        if (r < 0)
                return r;
        put_parameters(input->payload, &url);
        return calendar_finish_request("GET", &url, ret, error);
}

static int read_events(const cJSON *items, cJSON *result) {
        cJSON *events = cJSON_AddArrayToObject(result, "events"), *event;
        const cJSON *item;
        int r;

        if (!events)
                return -ENOMEM;
        if (!cJSON_IsArray(items))
                return -EBADMSG;
        cJSON_ArrayForEach (item, items) {
                r = answer_read_listed(item, &event);
                if (r < 0)
                        return r;
                if (!cJSON_AddItemToArray(events, event)) {
                        cJSON_Delete(event);
                        return -ENOMEM;
                }
        }
        return 0;
}

int list_events_interpret(const struct adapter_input *input, const struct http_response *response,
                          cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL, *result = NULL;
        const char *next;
        int r;

        if (!answer_is_success(response))
                return answer_error(input, response, error);

        body = answer_body(response);
        result = cJSON_CreateObject();
        r = read_events(json_member(body, "items"), result);
        if (r < 0)
                return answer_unclear(response, r, error);

        next = json_string(body, "nextPageToken");
        if (next && !cJSON_AddStringToObject(result, "next_page_token", next))
                return ae_error_from_errno(error, -ENOMEM);
        *ret_result = TAKE_PTR(result);
        return 0;
}
