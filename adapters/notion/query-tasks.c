/* SPDX-License-Identifier: MIT */
#include "notion/query-tasks.h"

#include <string.h>

#include "base/json.h"
#include "notion/answer.h"
#include "notion/page.h"
#include "notion/request.h"
#include "notion/source.h"
#include "notion/task.h"

#define BODY_MAX_BYTES 400000

/* clang-format off */
static const struct member {
        const char *name;   /* in the payload */
        const char *notion; /* in the body */
} members[] = {
        { "cursor",    "start_cursor" },
        { "filter",    "filter"       },
        { "page_size", "page_size"    },
        { "sorts",     "sorts"        },
};
/* clang-format on */

static void write_body(const cJSON *payload, struct buffer *to) {
        const char *before = "{";

        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                const cJSON *value = json_member(payload, members[i].name);

                if (!value)
                        continue;
                buffer_printf(to, "%s\"%s\":", before, members[i].notion);
                json_print(value, to);
                before = ",";
        }
        buffer_puts(to, *before == '{' ? "{}" : "}");
}

int query_tasks_check(const cJSON *payload, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer body = { 0 };

        source_check(payload, error);
        write_body(payload, &body);
        if (body.size > BODY_MAX_BYTES)
                ae_error_add(error, "/filter", "makes a request of %zu bytes; %d are possible",
                             body.size, BODY_MAX_BYTES);
        return buffer_error(&body);
}

int query_tasks_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        if (!source_id(input))
                return source_ask_database(input, ret, error);
        ret->repeatable = true;
        write_body(input->payload, &ret->body);
        return notion_send(input, "POST", "data_sources", source_id(input), "query", ret, error);
}

/* A wiki also holds data sources: they are no tasks. */
static bool is_page(const cJSON *item) {
        const char *object = json_string(item, "object");

        return object && strcmp(object, "page") == 0 && page_id(item);
}

static void write_task(const cJSON *page, const cJSON *names, struct buffer *to) {
        const cJSON *in_trash = json_member(page, "in_trash");
        const char *url = page_url(page);

        buffer_printf(to, "{\"page_id\":\"%s\"", page_id(page));
        if (url) {
                buffer_puts(to, ",\"url\":");
                json_print_string(url, strlen(url), to);
        }
        task_read(json_member(page, "properties"), names, to);
        if (cJSON_IsTrue(in_trash))
                buffer_puts(to, ",\"in_trash\":true");
        buffer_putc(to, '}');
}

static int make_result(const cJSON *body, const cJSON *names, cJSON **ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        const char *cursor = json_string(body, "next_cursor"), *before = "";
        const cJSON *item;
        int r;

        buffer_puts(&text, "{\"tasks\":[");
        cJSON_ArrayForEach (item, json_member(body, "results")) {
                if (!is_page(item))
                        continue;
                buffer_puts(&text, before);
                write_task(item, names, &text);
                before = ",";
        }
        buffer_printf(&text, "],\"has_more\":%s",
                      cJSON_IsTrue(json_member(body, "has_more")) ? "true" : "false");
        if (cursor) {
                buffer_puts(&text, ",\"next_cursor\":");
                json_print_string(cursor, strlen(cursor), &text);
        }
        buffer_putc(&text, '}');

        r = buffer_error(&text);
        return r < 0 ? r : json_parse(text.data, text.size, ret, /* ret_fault= */ NULL);
}

int query_tasks_interpret(const struct adapter_input *input, const struct http_response *response,
                          cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;
        int r;

        if (!source_id(input))
                return source_take_database(input, response, error);

        r = notion_answer(input, response, /* repeatable= */ true, &body, error);
        if (r < 0)
                return r;
        if (!cJSON_IsArray(json_member(body, "results")))
                return notion_unclear(response, "a list of pages", error);

        r = make_result(body, json_member(input->payload, "properties"), ret_result);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}
