/* SPDX-License-Identifier: MIT */
#include "gmail/send-email.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "common/word.h"
#include "email/email.h"
#include "google/answer.h"
#include "mail/address.h"
#include "mail/base64.h"

#define SEND_PATH "/gmail/v1/users/me/messages/send"
#define UPLOAD_PATH "/upload" SEND_PATH "?uploadType="
/* Of what makes a message large. Above it, a third more for base64url is felt. */
#define RAW_MAX_SIZE ((size_t)5 * 1024 * 1024)
/* A domain that never exists (RFC 6761), where the payload names none. Gmail may write its own. */
#define NO_DOMAIN "action-engine.invalid"
#define MAX_ID 256

int send_email_check(const cJSON *payload, struct ae_error *error) {
        _cleanup_(email_done) struct email e = { 0 };

        return email_read(payload, &e, error);
}

static void write_json(const struct buffer *message, const char *thread_id, struct buffer *to) {
        /* At once, so that a large message does not grow step by step. */
        (void)buffer_reserve(to, message->size / 3 * 4 + 512);

        buffer_puts(to, "{\"raw\":\"");
        base64url_encode(message->data, message->size, to);
        buffer_puts(to, "\"");
        if (thread_id) {
                buffer_puts(to, ",\"threadId\":");
                json_print_string(thread_id, strlen(thread_id), to);
        }
        buffer_puts(to, "}");
}

static int build_raw(const struct email *e, struct http_request *q) {
        _cleanup_(buffer_done) struct buffer message = { 0 };
        int r;

        r = mail_message_write(&e->message, &message);
        if (r < 0)
                return r;
        write_json(&message, e->thread_id, &q->body);
        return http_request_header(q, "Content-Type", "application/json");
}

static int build_media(const struct email *e, struct http_request *q) {
        int r;

        r = mail_message_write(&e->message, &q->body);
        return r < 0 ? r : http_request_header(q, "Content-Type", "message/rfc822");
}

/* The boundary is of the same make as the message's own: see mail/message.c. */
static int build_related(const struct email *e, struct http_request *q) {
        const char *id = e->message.action_id;
        char content_type[128];
        int r;

        buffer_printf(&q->body, "--=_related_%s\r\n", id);
        buffer_puts(&q->body, "Content-Type: application/json; charset=UTF-8\r\n\r\n"
                              "{\"threadId\":");
        json_print_string(e->thread_id, strlen(e->thread_id), &q->body);
        buffer_printf(&q->body, "}\r\n--=_related_%s\r\n", id);
        buffer_puts(&q->body, "Content-Type: message/rfc822\r\n\r\n");
        r = mail_message_write(&e->message, &q->body);
        if (r < 0)
                return r;
        buffer_printf(&q->body, "\r\n--=_related_%s--\r\n", id);

        snprintf(content_type, sizeof(content_type), "multipart/related; boundary=\"=_related_%s\"",
                 id);
        return http_request_header(q, "Content-Type", content_type);
}

struct way {
        const char *path;
        int (*build)(const struct email *e, struct http_request *q);
};

static const struct way raw = { SEND_PATH, build_raw };
static const struct way media = { UPLOAD_PATH "media", build_media };
static const struct way related = { UPLOAD_PATH "multipart", build_related };

static const struct way *choose_way(const struct email *e) {
        if (e->size <= RAW_MAX_SIZE)
                return &raw;
        return e->thread_id ? &related : &media;
}

int send_email_build(const struct adapter_input *input, struct http_request *ret,
                     struct ae_error *error) {
        _cleanup_(email_done) struct email e = { 0 };
        const struct way *way;
        int r;

        r = email_read(input->payload, &e, error);
        if (r < 0)
                return ae_error_from_errno(error, r);
        if (ae_error_count(error) > 0)
                return ae_error_set(error, AE_INVALID_PAYLOAD,
                                    "the e-mail cannot be sent as it is");

        e.message.action_id = input->action_id;
        e.message.id_domain =
                        e.message.from.n > 0 ? mailbox_domain(e.message.from.items) : NO_DOMAIN;
        e.message.date_usec = input->now_usec;

        way = choose_way(&e);
        ret->method = "POST";
        if (asprintf(&ret->url, "%s%s", input->base_url, way->path) < 0) {
                ret->url = NULL;
                return ae_error_from_errno(error, -ENOMEM);
        }
        r = way->build(&e, ret);
        if (r >= 0)
                r = buffer_error(&ret->body);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

static const char *read_id(const cJSON *body, const char *name) {
        const char *id = json_string(body, name);

        return word_fits(id, MAX_ID) ? id : NULL;
}

int send_email_interpret(const struct adapter_input *input, const struct http_response *response,
                         cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL, *result = NULL;
        const char *id, *thread_id;

        if (response->status < 200 || response->status > 299)
                return google_error(response, "Gmail", input->now_usec, error);

        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        id = read_id(body, "id");
        if (!id) {
                error->upstream_status = response->status;
                return ae_error_set(error, AE_OUTCOME_UNKNOWN,
                                    "Gmail answered %d without a message's id, so the e-mail may "
                                    "have been sent; look into the account's sent mail before "
                                    "sending it again",
                                    response->status);
        }

        thread_id = read_id(body, "threadId");
        result = cJSON_CreateObject();
        if (!cJSON_AddStringToObject(result, "message_id", id) ||
            (thread_id && !cJSON_AddStringToObject(result, "thread_id", thread_id)))
                return ae_error_from_errno(error, -ENOMEM);
        *ret_result = TAKE_PTR(result);
        return 0;
}
