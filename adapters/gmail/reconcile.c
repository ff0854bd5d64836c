/* SPDX-License-Identifier: MIT */
#include "gmail/reconcile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "common/http-date.h"
#include "gmail/id.h"
#include "google/answer.h"

#define MAX_LISTED 50

/* How far the clocks of Google's machines may be apart, and how long an answer may travel. */
#define SKEW_USEC (120 * USEC_PER_SEC)
/* The list is newest first, but not strictly: so many that are older than the attempt end it. */
#define ENOUGH_OLDER 5
/* 9999-12-31T23:59:59Z: RFC 3339 ends there. */
#define MAX_DATE_MSEC UINT64_C(253402300799000)

/* The notes: after the list, the ids that are still to be looked at, and how many were too old. */
#define IDS "ids"
#define OLDER "older"
#define MORE "more" /* there are sent messages beyond those listed */

/* Where it lies if it was carried out. */
struct place {
        const char *path;
        const char *list_query, *get_query;
        const char *list; /* the member of the list's answer that is one */
        bool is_draft;    /* what lies there holds the message, and in no order */
};

static const struct place sent = {
        .path = "/gmail/v1/users/me/messages",
        .list_query = "?labelIds=SENT&includeSpamTrash=true&maxResults=50",
        .get_query = "?format=metadata&metadataHeaders=X-Action-Id&metadataHeaders=Message-ID",
        .list = "messages",
};

static const struct place drafts = {
        .path = "/gmail/v1/users/me/drafts",
        .list_query = "?includeSpamTrash=true&maxResults=50",
        .get_query = "?format=metadata",
        .list = "drafts",
        .is_draft = true,
};

static int build(const struct place *p, const struct adapter_input *input, struct http_request *ret,
                 struct ae_error *error) {
        const cJSON *ids = json_member(input->notes, IDS);
        int r;

        ret->method = "GET";
        ret->repeatable = true;
        if (!ids)
                r = asprintf(&ret->url, "%s%s%s", input->base_url, p->path, p->list_query);
        else
                r = asprintf(&ret->url, "%s%s/%s%s", input->base_url, p->path,
                             cJSON_GetArrayItem(ids, 0)->valuestring, p->get_query);
        if (r < 0) {
                ret->url = NULL;
                return ae_error_from_errno(error, -ENOMEM);
        }
        return 0;
}

static int unreadable(const struct http_response *response, struct ae_error *error) {
        error->upstream_status = response->status;
        return ae_error_set(error, AE_UPSTREAM_ERROR,
                            "Gmail's answer about the sent mail cannot be understood");
}

/* What is next when no more was found: another message, or a conclusion. */
static int go_on(const struct place *p, const struct adapter_input *input, struct ae_error *error) {
        int64_t n_older = 0;

        (void)json_integer(input->notes, OLDER, &n_older);
        if (n_older >= ENOUGH_OLDER)
                return ADAPTER_ABSENT;
        if (cJSON_GetArraySize(json_member(input->notes, IDS)) > 0)
                return ADAPTER_CONTINUE;
        if (!cJSON_IsTrue(json_member(input->notes, MORE)))
                return ADAPTER_ABSENT;
        return ae_error_set(error, AE_OUTCOME_UNKNOWN,
                            "there are more than %d %s: too many to look at", MAX_LISTED,
                            p->is_draft ? "drafts" : "e-mails that were sent since");
}

/*
 * An empty list has no such member, and is believed only if it is told as a list of none: what is no
 * list must not be read as a no.
 */
static int read_list(const struct place *p, const struct adapter_input *input, const cJSON *body,
                     const struct http_response *response, struct ae_error *error) {
        const cJSON *messages = json_member(body, p->list), *message;
        const char *token = json_string(body, "nextPageToken");
        int64_t estimate;
        cJSON *ids;

        if (!cJSON_IsArray(messages) &&
            (messages || json_integer(body, "resultSizeEstimate", &estimate) < 0 || estimate != 0))
                return unreadable(response, error);

        ids = cJSON_AddArrayToObject(input->notes, IDS);
        if (!ids || !cJSON_AddBoolToObject(input->notes, MORE, token && *token))
                return ae_error_from_errno(error, -ENOMEM);
        cJSON_ArrayForEach (message, messages) {
                const char *id = json_string(message, "id");

                if (!gmail_is_id(id) || cJSON_GetArraySize(ids) == MAX_LISTED)
                        return unreadable(response, error);
                if (!cJSON_AddItemToArray(ids, cJSON_CreateString(id)))
                        return ae_error_from_errno(error, -ENOMEM);
        }
        return go_on(p, input, error);
}

/* int64 travels as a string. */
static int read_date(const cJSON *message, uint64_t *ret_usec) {
        const char *text = json_string(message, "internalDate");
        uint64_t msec;

        if (!text || !*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 15)
                return -EBADMSG;
        msec = strtoull(text, NULL, 10);
        if (msec > MAX_DATE_MSEC)
                return -EBADMSG;
        *ret_usec = msec * USEC_PER_MSEC;
        return 0;
}

/* `<action id@domain>` */
static bool is_message_id_of(const char *value, const char *action_id) {
        size_t n = strlen(action_id);

        return value[0] == '<' && strncmp(value + 1, action_id, n) == 0 && value[n + 1] == '@';
}

static bool has_marker(const cJSON *message, const char *action_id) {
        const cJSON *header;

        cJSON_ArrayForEach (header, json_member(json_member(message, "payload"), "headers")) {
                const char *name = json_string(header, "name"),
                           *value = json_string(header, "value");

                if (!name || !value)
                        continue;
                if (strcasecmp(name, "X-Action-Id") == 0 && strcmp(value, action_id) == 0)
                        return true;
                if (strcasecmp(name, "Message-ID") == 0 && is_message_id_of(value, action_id))
                        return true;
        }
        return false;
}

/* The result of a send, with the time when Gmail took it. */
static int make_result(const cJSON *message, const char *draft_id, uint64_t date_usec, cJSON **ret,
                       struct ae_error *error) {
        _cleanup_(json_freep) cJSON *result = cJSON_CreateObject();
        const char *thread_id = json_string(message, "threadId");
        char date[RFC3339_SIZE];

        clock_format_rfc3339(date_usec, date);
        if ((draft_id && !cJSON_AddStringToObject(result, "draft_id", draft_id)) ||
            !cJSON_AddStringToObject(result, "message_id", json_string(message, "id")) ||
            (gmail_is_id(thread_id) && !cJSON_AddStringToObject(result, "thread_id", thread_id)) ||
            !cJSON_AddStringToObject(result, "timestamp", date))
                return ae_error_from_errno(error, -ENOMEM);
        *ret = TAKE_PTR(result);
        return 0;
}

static int count_older(const struct adapter_input *input, struct ae_error *error) {
        int64_t n = 0;

        (void)json_integer(input->notes, OLDER, &n);
        cJSON_DeleteItemFromObjectCaseSensitive(input->notes, OLDER);
        if (!cJSON_AddNumberToObject(input->notes, OLDER, (double)(n + 1)))
                return ae_error_from_errno(error, -ENOMEM);
        return 0;
}

/*
 * By Google's clock alone: by ours, if it is ahead, whatever was sent would be older than the
 * attempt, and an e-mail that others have followed would count as never sent.
 */
static bool is_older(uint64_t date_usec, const struct adapter_input *input,
                     const struct http_response *response) {
        uint64_t now_usec;

        return http_date(response->date, &now_usec) == 0 &&
               date_usec + SKEW_USEC + input->since_attempt_usec < now_usec;
}

static int read_message(const struct place *p, const struct adapter_input *input, const cJSON *body,
                        const struct http_response *response, cJSON **ret_result,
                        struct ae_error *error) {
        const cJSON *ids = json_member(input->notes, IDS);
        const cJSON *message = p->is_draft ? json_member(body, "message") : body;
        const char *id = json_string(body, "id");
        uint64_t date_usec;
        int r;

        if (!id || strcmp(id, cJSON_GetArrayItem(ids, 0)->valuestring) != 0 ||
            !gmail_id(message, "id") || read_date(message, &date_usec) < 0)
                return unreadable(response, error);
        if (has_marker(message, input->action_id))
                return make_result(message, p->is_draft ? id : NULL, date_usec, ret_result, error);

        if (!p->is_draft && is_older(date_usec, input, response)) {
                r = count_older(input, error);
                if (r < 0)
                        return r;
        }
        cJSON_DeleteItemFromArray(cJSON_GetObjectItemCaseSensitive(input->notes, IDS), 0);
        return go_on(p, input, error);
}

static int interpret(const struct place *p, const struct adapter_input *input,
                     const struct http_response *response, cJSON **ret_result,
                     struct ae_error *error) {
        cJSON *ids = cJSON_GetObjectItemCaseSensitive(input->notes, IDS);
        _cleanup_(json_freep) cJSON *body = NULL;

        if (response->status == 404 && ids) { /* deleted since it was listed */
                cJSON_DeleteItemFromArray(ids, 0);
                return go_on(p, input, error);
        }
        if (response->status < 200 || response->status > 299)
                return google_error(response, "Gmail", input->now_usec, error);

        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        if (!ids)
                return read_list(p, input, body, response, error);
        return read_message(p, input, body, response, ret_result, error);
}

static int build_sent(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        return build(&sent, input, ret, error);
}

static int interpret_sent(const struct adapter_input *input, const struct http_response *response,
                          cJSON **ret_result, struct ae_error *error) {
        return interpret(&sent, input, response, ret_result, error);
}

static int build_drafts(const struct adapter_input *input, struct http_request *ret,
                        struct ae_error *error) {
        return build(&drafts, input, ret, error);
}

static int interpret_drafts(const struct adapter_input *input, const struct http_response *response,
                            cJSON **ret_result, struct ae_error *error) {
        return interpret(&drafts, input, response, ret_result, error);
}

/* The scope for sending reads nothing. */
static const char *const sent_scopes[] = {
        "https://mail.google.com/",
        "https://www.googleapis.com/auth/gmail.metadata",
        "https://www.googleapis.com/auth/gmail.modify",
        "https://www.googleapis.com/auth/gmail.readonly",
        NULL,
};

/* The one for drafts reads them. */
static const char *const draft_scopes[] = {
        "https://mail.google.com/",
        "https://www.googleapis.com/auth/gmail.compose",
        "https://www.googleapis.com/auth/gmail.modify",
        "https://www.googleapis.com/auth/gmail.readonly",
        NULL,
};

const struct adapter_reconcile sent_reconcile = { build_sent, interpret_sent, sent_scopes };
const struct adapter_reconcile draft_reconcile = { build_drafts, interpret_drafts, draft_scopes };
