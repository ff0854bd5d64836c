/* SPDX-License-Identifier: MIT */
#include "google_calendar/answer.h"

#include <errno.h>

#include "base/json.h"
#include "common/word.h"
#include "google/answer.h"

#define SERVICE "Google Calendar"
#define MAX_ID 1024
#define MAX_LINK 2048

cJSON *answer_body(const struct http_response *response) {
        cJSON *body = NULL;

        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        return body;
}

bool answer_is_success(const struct http_response *response) {
        return response->status >= 200 && response->status <= 299;
}

int answer_error(const struct adapter_input *input, const struct http_response *response,
                 struct ae_error *error) {
        return google_error(response, SERVICE, input->now_usec, error);
}

int answer_unclear(const struct http_response *response, int r, struct ae_error *error) {
        if (r != -EBADMSG)
                return ae_error_from_errno(error, r);
        error->upstream_status = response->status;
        return ae_error_set(error, AE_UPSTREAM_ERROR,
                            SERVICE " answered %d with something else than it documents",
                            response->status);
}

static bool is_id(const char *text) {
        return word_fits(text, MAX_ID);
}

static bool is_link(const char *text) {
        return word_is_link(text, MAX_LINK);
}

static bool is_text(const char *text) {
        return true;
}

struct field {
        const char *theirs, *ours;
        bool (*fits)(const char *text);
};

/* Leaves out what is absent or does not fit. */
static int copy_fields(const struct field *fields, size_t n, const cJSON *from, cJSON *to) {
        for (size_t i = 0; i < n; i++) {
                const char *text = json_string(from, fields[i].theirs);

                if (text && fields[i].fits(text) &&
                    !cJSON_AddStringToObject(to, fields[i].ours, text))
                        return -ENOMEM;
        }
        return 0;
}

/* clang-format off */
static const struct field common_fields[] = {
        { "id",       "event_id",  is_id   },
        { "status",   "status",    is_id   },
        { "htmlLink", "html_link", is_link },
};
static const struct field written_fields[] = {
        { "hangoutLink", "meet_link", is_link },
};
static const struct field listed_fields[] = {
        { "summary",  "title",    is_text },
        { "location", "location", is_text },
};
static const struct field attendee_fields[] = {
        { "email",          "email",           is_text },
        { "displayName",    "name",            is_text },
        { "responseStatus", "response_status", is_id   },
};
/* clang-format on */

static int read_common(const cJSON *event, cJSON **ret) {
        _cleanup_(json_freep) cJSON *result = cJSON_CreateObject();
        int r;

        if (!result)
                return -ENOMEM;
        r = copy_fields(common_fields, ELEMENTSOF(common_fields), event, result);
        if (r < 0)
                return r;
        if (!json_member(result, "event_id"))
                return -EBADMSG;
        *ret = TAKE_PTR(result);
        return 0;
}

int answer_read_written(const cJSON *event, cJSON **ret) {
        _cleanup_(json_freep) cJSON *result = NULL;
        int r;

        r = read_common(event, &result);
        if (r >= 0)
                r = copy_fields(written_fields, ELEMENTSOF(written_fields), event, result);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(result);
        return 0;
}

/* In the form that create_event takes as well: a date or a date-time. */
static int copy_moment(const cJSON *event, const char *name, cJSON *to) {
        const cJSON *moment = json_member(event, name);
        const char *text = json_string(moment, "dateTime");

        if (!text)
                text = json_string(moment, "date");
        if (text && !cJSON_AddStringToObject(to, name, text))
                return -ENOMEM;
        return 0;
}

static int copy_attendees(const cJSON *event, cJSON *to) {
        const cJSON *from = json_member(event, "attendees"), *one;
        cJSON *list, *attendee;

        if (!cJSON_IsArray(from) || !from->child)
                return 0;
        list = cJSON_AddArrayToObject(to, "attendees");
        if (!list)
                return -ENOMEM;

        cJSON_ArrayForEach (one, from) {
                attendee = cJSON_CreateObject();
                if (!attendee || !cJSON_AddItemToArray(list, attendee)) {
                        cJSON_Delete(attendee);
                        return -ENOMEM;
                }
                if (copy_fields(attendee_fields, ELEMENTSOF(attendee_fields), one, attendee) < 0)
                        return -ENOMEM;
                if (cJSON_IsTrue(json_member(one, "optional")) &&
                    !cJSON_AddTrueToObject(attendee, "optional"))
                        return -ENOMEM;
        }
        return 0;
}

int answer_read_listed(const cJSON *event, cJSON **ret) {
        _cleanup_(json_freep) cJSON *result = NULL;
        int r;

        r = read_common(event, &result);
        if (r >= 0)
                r = copy_fields(listed_fields, ELEMENTSOF(listed_fields), event, result);
        if (r >= 0)
                r = copy_moment(event, "start", result);
        if (r >= 0)
                r = copy_moment(event, "end", result);
        if (r >= 0)
                r = copy_attendees(event, result);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(result);
        return 0;
}

int answer_written(const struct adapter_input *input, const struct http_response *response,
                   cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;
        int r;

        if (!answer_is_success(response))
                return answer_error(input, response, error);
        body = answer_body(response);
        r = answer_read_written(body, ret_result);
        return r < 0 ? answer_unclear(response, r, error) : 0;
}
