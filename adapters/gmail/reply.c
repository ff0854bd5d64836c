/* SPDX-License-Identifier: MIT */
#include "gmail/reply.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "common/uri.h"
#include "common/word.h"
#include "gmail/answered.h"
#include "email/email.h"
#include "gmail/outgoing.h"
#include "google/answer.h"

#define USER_PATH "/gmail/v1/users/me"
#define GET_QUERY "?format=metadata" ANSWERED_HEADERS
#define MAX_ADDRESS 320

/* The notes. */
#define SELF "self"     /* the account's address */
#define ANSWER "answer" /* see answered_read() */

enum step { STEP_PROFILE, STEP_MESSAGE, STEP_SEND };

static bool is_to_all(const struct adapter_input *input) {
        return cJSON_IsTrue(json_member(input->payload, "reply_all"));
}

static enum step step_of(const struct adapter_input *input) {
        if (is_to_all(input) && !json_member(input->notes, SELF))
                return STEP_PROFILE;
        return json_member(input->notes, ANSWER) ? STEP_SEND : STEP_MESSAGE;
}

/* The payload's own part of the e-mail, which says nothing of recipients and threads. */
int reply_check(const cJSON *payload, struct ae_error *error) {
        _cleanup_(email_done) struct email e = { 0 };

        return email_read_draft(payload, &e, error);
}

static int build_get(const struct adapter_input *input, enum step step, struct http_request *ret,
                     struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        int r;

        buffer_printf(&url, "%s" USER_PATH, input->base_url);
        if (step == STEP_PROFILE)
                buffer_puts(&url, "/profile");
        else {
                buffer_puts(&url, "/messages");
                uri_put_segment(&url, json_string(input->payload, "message_id"));
                buffer_puts(&url, GET_QUERY);
        }
        ret->method = "GET";
        ret->repeatable = true;
        r = buffer_take(&url, &ret->url, NULL);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

/* A payload of send_email; its members are borrowed. */
static int make_payload(const struct adapter_input *input, cJSON *payload) {
        static const char *const names[] = { "body", "html", "attachments" };
        cJSON *member;

        cJSON_ArrayForEach (member, json_member(input->notes, ANSWER))
                if (strcmp(member->string, "references") != 0 &&
                    !cJSON_AddItemReferenceToObject(payload, member->string, member))
                        return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                member = cJSON_GetObjectItemCaseSensitive(input->payload, names[i]);
                if (member && !cJSON_AddItemReferenceToObject(payload, names[i], member))
                        return -ENOMEM;
        }
        return 0;
}

static size_t read_references(const struct adapter_input *input,
                              const char *ret[static ANSWERED_MAX_REFERENCES]) {
        const cJSON *list = json_member(json_member(input->notes, ANSWER), "references"), *id;
        size_t n = 0;

        cJSON_ArrayForEach (id, list)
                ret[n++] = id->valuestring;
        return n;
}

static int build_send(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        const char *references[ANSWERED_MAX_REFERENCES];
        _cleanup_(json_freep) cJSON *payload = cJSON_CreateObject();
        _cleanup_(email_done) struct email e = { 0 };
        int r;

        r = make_payload(input, payload);
        if (r < 0)
                return ae_error_from_errno(error, r);
        r = outgoing_read(&outgoing_message, payload, &e, error);
        if (r < 0)
                return r;
        e.message.references = references;
        e.message.n_references = read_references(input, references);
        return outgoing_build(&outgoing_message, input, &e, ret, error);
}

int reply_build(const struct adapter_input *input, struct http_request *ret,
                struct ae_error *error) {
        enum step step = step_of(input);

        return step == STEP_SEND ? build_send(input, ret, error)
                                 : build_get(input, step, ret, error);
}

static int take_profile(const struct adapter_input *input, const cJSON *profile) {
        const char *self = json_string(profile, "emailAddress");

        if (!word_fits(self, MAX_ADDRESS))
                return -EBADMSG;
        return cJSON_AddStringToObject(input->notes, SELF, self) ? 0 : -ENOMEM;
}

static int take_message(const struct adapter_input *input, const cJSON *message,
                        struct ae_error *error) {
        const char *id = json_string(message, "id");
        cJSON *answer;
        int r;

        if (!id || strcmp(id, json_string(input->payload, "message_id")) != 0)
                return -EBADMSG;
        r = answered_read(message, is_to_all(input), json_string(input->notes, SELF), &answer,
                          error);
        if (r < 0)
                return r;
        return cJSON_AddItemToObject(input->notes, ANSWER, answer) ? 0 : -ENOMEM;
}

static int take_get(const struct adapter_input *input, enum step step,
                    const struct http_response *response, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;
        int r;

        if (response->status < 200 || response->status > 299)
                return google_error(response, "Gmail", input->now_usec, error);
        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        r = step == STEP_PROFILE ? take_profile(input, body) : take_message(input, body, error);
        if (r == -EBADMSG) {
                error->upstream_status = response->status;
                return ae_error_set(error, AE_UPSTREAM_ERROR,
                                    "Gmail's answer about the %s cannot be understood",
                                    step == STEP_PROFILE ? "account" : "message");
        }
        return r < 0 ? ae_error_from_errno(error, r) : ADAPTER_CONTINUE;
}

int reply_interpret(const struct adapter_input *input, const struct http_response *response,
                    cJSON **ret_result, struct ae_error *error) {
        enum step step = step_of(input);

        if (step != STEP_SEND)
                return take_get(input, step, response, error);
        return outgoing_interpret(&outgoing_message, input, response, ret_result, error);
}
