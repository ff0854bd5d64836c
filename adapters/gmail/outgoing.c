/* SPDX-License-Identifier: MIT */
#include "gmail/outgoing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "email/email.h"
#include "gmail/id.h"
#include "gmail/upload.h"
#include "google/answer.h"
#include "mail/address.h"
#include "mail/base64.h"

/* Of what makes a message large: up to here Google advises a single request. */
#define RAW_MAX_SIZE ((size_t)5 * 1024 * 1024)
/* A domain that never exists (RFC 6761), where the payload names none. Gmail may write its own. */
#define NO_DOMAIN "action-engine.invalid"

const struct outgoing outgoing_message = { "/gmail/v1/users/me/messages/send", false };
const struct outgoing outgoing_draft = { "/gmail/v1/users/me/drafts", true };

int outgoing_read(const struct outgoing *o, const cJSON *payload, struct email *ret,
                  struct ae_error *error) {
        int r;

        r = (o->is_draft ? email_read_draft : email_read)(payload, ret, error);
        if (r < 0)
                return ae_error_from_errno(error, r);
        if (ae_error_count(error) > 0)
                return ae_error_set(error, AE_INVALID_PAYLOAD,
                                    "the e-mail cannot be sent as it is");
        return 0;
}

/* The resource, with the message in it or without: then the message follows by itself. */
static void write_json(const struct outgoing *o, const char *thread_id,
                       const struct buffer *message, struct buffer *to) {
        /* At once, so that a large message does not grow step by step. */
        if (message)
                (void)buffer_reserve(to, message->size / 3 * 4 + 512);

        buffer_puts(to, o->is_draft ? "{\"message\":{" : "{");
        if (message) {
                buffer_puts(to, "\"raw\":\"");
                base64url_encode(message->data, message->size, to);
                buffer_puts(to, "\"");
        }
        if (thread_id) {
                buffer_puts(to, message ? ",\"threadId\":" : "\"threadId\":");
                json_print_string(thread_id, strlen(thread_id), to);
        }
        buffer_puts(to, o->is_draft ? "}}" : "}");
}

static int build_raw(const struct outgoing *o, const struct adapter_input *input,
                     const struct email *e, const struct buffer *message, struct http_request *q,
                     struct ae_error *error) {
        int r;

        q->method = "POST";
        if (asprintf(&q->url, "%s%s", input->base_url, o->path) < 0) {
                q->url = NULL;
                return ae_error_from_errno(error, -ENOMEM);
        }
        write_json(o, e->thread_id, message, &q->body);
        r = buffer_error(&q->body);
        if (r >= 0)
                r = http_request_header(q, "Content-Type", "application/json");
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

static int build_upload(const struct outgoing *o, const struct adapter_input *input,
                        const struct email *e, const struct buffer *message, struct http_request *q,
                        struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer metadata = { 0 };

        write_json(o, e->thread_id, /* message= */ NULL, &metadata);
        if (buffer_error(&metadata) < 0)
                return ae_error_from_errno(error, -ENOMEM);
        return upload_build(input, o->path, metadata.data, message, q, error);
}

int outgoing_build(const struct outgoing *o, const struct adapter_input *input, struct email *e,
                   struct http_request *ret, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer message = { 0 };
        int r;

        e->message.action_id = input->action_id;
        e->message.id_domain =
                        e->message.from.n > 0 ? mailbox_domain(e->message.from.items) : NO_DOMAIN;
        e->message.date_usec = upload_date_usec(input);
        r = mail_message_write(&e->message, &message);
        if (r < 0)
                return ae_error_from_errno(error, r);
        return (e->size <= RAW_MAX_SIZE ? build_raw : build_upload)(o, input, e, &message, ret,
                                                                    error);
}

static int add_id(cJSON *result, const char *name, const char *id) {
        return !id || cJSON_AddStringToObject(result, name, id) ? 0 : -ENOMEM;
}

static int read_result(const struct outgoing *o, const struct http_response *response,
                       cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL, *result = NULL;
        const cJSON *message;
        const char *draft_id;

        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        message = o->is_draft ? json_member(body, "message") : body;
        draft_id = o->is_draft ? gmail_id(body, "id") : NULL;
        if (!gmail_id(message, "id") || (o->is_draft && !draft_id)) {
                error->upstream_status = response->status;
                return ae_error_set(error, AE_OUTCOME_UNKNOWN,
                                    "Gmail answered %d without an id, so the e-mail may have been "
                                    "%s; look into the account before doing it again",
                                    response->status, o->is_draft ? "kept" : "sent");
        }

        result = cJSON_CreateObject();
        if (add_id(result, "draft_id", draft_id) < 0 ||
            add_id(result, "message_id", gmail_id(message, "id")) < 0 ||
            add_id(result, "thread_id", gmail_id(message, "threadId")) < 0)
                return ae_error_from_errno(error, -ENOMEM);
        *ret_result = TAKE_PTR(result);
        return 0;
}

int outgoing_interpret(const struct outgoing *o, const struct adapter_input *input,
                       const struct http_response *response, cJSON **ret_result,
                       struct ae_error *error) {
        if (upload_is_begun(input)) {
                int r = upload_interpret(input, response, error);

                if (r != 0)
                        return r;
        }
        if (response->status < 200 || response->status > 299)
                return google_error(response, "Gmail", input->now_usec, error);
        return read_result(o, response, ret_result, error);
}

int outgoing_lost(const struct adapter_input *input) {
        return upload_lost(input);
}
