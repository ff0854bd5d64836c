/* SPDX-License-Identifier: MIT */
#include "google_calendar/request.h"

#include <string.h>

#include "base/json.h"
#include "common/uri.h"

/* clang-format off */
static const struct {
        const char *ours, *theirs;
} send_updates[] = {
        { "all",           "all"          },
        { "external_only", "externalOnly" },
        { "none",          "none"         },
};
/* clang-format on */

static int put_id(const char *name, const char *id, struct buffer *url, struct ae_error *error) {
        if (!id || !uri_is_segment(id))
                return ae_error_set(error, AE_INVALID_PAYLOAD, "%s is no id of Google Calendar's",
                                    name);
        uri_put_segment(url, id);
        return 0;
}

int calendar_put_events(const struct adapter_input *input, struct buffer *url,
                        struct ae_error *error) {
        const char *calendar_id = json_string(input->payload, "calendar_id");
        int r;

        buffer_puts(url, input->base_url);
        buffer_puts(url, "/calendar/v3/calendars");
        r = put_id("calendar_id", calendar_id ? calendar_id : "primary", url, error);
        if (r < 0)
                return r;
        buffer_puts(url, "/events");
        return 0;
}

int calendar_put_event(const struct adapter_input *input, const char *event_id, struct buffer *url,
                       struct ae_error *error) {
        int r;

        r = calendar_put_events(input, url, error);
        return r < 0 ? r : put_id("event_id", event_id, url, error);
}

void calendar_put_send_updates(const cJSON *payload, struct buffer *url) {
        const char *whom = json_string(payload, "send_updates");

        for (size_t i = 0; whom && i < ELEMENTSOF(send_updates); i++)
                if (strcmp(whom, send_updates[i].ours) == 0)
                        uri_put_parameter(url, "sendUpdates", send_updates[i].theirs);
}

int calendar_finish_request(const char *method, struct buffer *url, struct http_request *ret,
                            struct ae_error *error) {
        int r;

        ret->method = method;
        r = buffer_take(url, &ret->url, /* ret_size= */ NULL);
        if (r >= 0 && ret->body.size > 0)
                r = http_request_header(ret, "Content-Type", "application/json");
        if (r >= 0)
                r = buffer_error(&ret->body);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}
