/* SPDX-License-Identifier: MIT */
/*
 * The request as a caller builds it, before libcurl has anything to do with it.
 */
#include "http/http.h"

#include <errno.h>
#include <string.h>

#include "http/client.h"
#include "smtp/envelope.h"

#define MAX_HEADER_BYTES 8192

void http_request_done(struct http_request *q) {
        if (q->url && q->secret_url)
                explicit_bzero(q->url, strlen(q->url));
        free(q->url);
        for (size_t i = 0; i < q->n_headers; i++) {
                if (q->headers[i].secret)
                        explicit_bzero(q->headers[i].value, strlen(q->headers[i].value));
                free(q->headers[i].value);
        }
        buffer_done(&q->body);
        smtp_envelope_free(q->mail);
        *q = (struct http_request){ 0 };
}

bool http_is_field_text(const char *text, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
                        return false;
        return true;
}

int http_request_header(struct http_request *q, const char *name, const char *value) {
        char *copy;

        if (q->n_headers == HTTP_MAX_HEADERS ||
            strnlen(value, MAX_HEADER_BYTES + 1) > MAX_HEADER_BYTES)
                return -E2BIG;
        if (!http_is_field_text(value, strlen(value)))
                return -EINVAL;

        copy = strdup(value);
        if (!copy)
                return -ENOMEM;

        q->headers[q->n_headers++] = (struct http_header){ .name = name, .value = copy };
        return 0;
}

int http_request_secret_header(struct http_request *q, const char *name,
                               const struct secret *value) {
        int r;

        /* A NUL would end it early, and what is sent be another credential. */
        if (strlen(value->data) != value->size)
                return -EINVAL;
        r = http_request_header(q, name, value->data);
        if (r >= 0)
                q->headers[q->n_headers - 1].secret = true;
        return r;
}
