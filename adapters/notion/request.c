/* SPDX-License-Identifier: MIT */
#include "notion/request.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VERSION "2026-03-11"

/* How long a UUID is. */
#define PLAIN 32
#define DASHED 36

bool notion_is_id(const char *text) {
        size_t size = text ? strnlen(text, DASHED + 1) : 0;

        if (size != PLAIN && size != DASHED)
                return false;
        for (size_t i = 0; i < size; i++) {
                bool dash = size == DASHED && (i == 8 || i == 13 || i == 18 || i == 23);

                if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
                        return false;
        }
        return true;
}

/* What comes from outside enters a URL here and nowhere else, as an id or not at all. */
static int write_url(const struct adapter_input *input, const char *collection, const char *id,
                     const char *rest, char **ret, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        size_t size;
        int r;

        if (id && !notion_is_id(id))
                return ae_error_set(error, AE_INVALID_PAYLOAD, "'%.64s' is no id of Notion's", id);

        buffer_printf(&url, "%s/v1/%s", input->base_url, collection);
        if (id)
                buffer_printf(&url, "/%s", id);
        if (rest)
                buffer_printf(&url, "/%s", rest);
        r = buffer_take(&url, ret, &size);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

int notion_get(const struct adapter_input *input, const char *collection, const char *id,
               struct http_request *ret, struct ae_error *error) {
        int r;

        ret->method = "GET";
        ret->repeatable = true;
        r = write_url(input, collection, id, NULL, &ret->url, error);
        if (r < 0)
                return r;
        r = http_request_header(ret, "Notion-Version", VERSION);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

int notion_send(const struct adapter_input *input, const char *method, const char *collection,
                const char *id, const char *rest, struct http_request *ret,
                struct ae_error *error) {
        int r;

        ret->method = method;
        r = write_url(input, collection, id, rest, &ret->url, error);
        if (r < 0)
                return r;
        r = http_request_header(ret, "Notion-Version", VERSION);
        if (r >= 0)
                r = http_request_header(ret, "Content-Type", "application/json");
        if (r >= 0)
                r = buffer_error(&ret->body);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}
