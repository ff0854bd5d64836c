/* SPDX-License-Identifier: MIT */
#include "notion/create-task.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "notion/answer.h"
#include "notion/page.h"
#include "notion/request.h"
#include "notion/source.h"
#include "notion/task.h"
#include "notion/text.h"

int create_task_check(const cJSON *payload, struct ae_error *error) {
        source_check(payload, error);
        task_check(payload, error);
        return 0;
}

static void write_notes(const cJSON *payload, struct buffer *to) {
        const char *notes = json_string(payload, "notes");
        const char *format = json_string(payload, "notes_format");

        if (!notes)
                return;
        if (format && strcmp(format, "markdown") == 0) {
                buffer_puts(to, ",\"markdown\":");
                json_print_string(notes, strlen(notes), to);
        } else {
                buffer_puts(to, ",\"children\":");
                text_write_paragraphs(notes, to);
        }
}

int create_task_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        const char *source = source_id(input);

        if (!source)
                return source_ask_database(input, ret, error);
        if (!source_targets(input))
                return source_ask_properties(input, ret, error);

        buffer_puts(&ret->body, "{\"parent\":{\"type\":\"data_source_id\",\"data_source_id\":");
        json_print_string(source, strlen(source), &ret->body);
        buffer_puts(&ret->body, "},\"properties\":");
        task_write(input->payload, input->action_id, source_targets(input), &ret->body);
        write_notes(input->payload, &ret->body);
        buffer_putc(&ret->body, '}');
        return notion_send(input, "POST", "pages", NULL, NULL, ret, error);
}

static int take_page(const struct adapter_input *input, const struct http_response *response,
                     cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;
        int r;

        r = notion_answer(input, response, /* repeatable= */ false, &body, error);
        if (r < 0)
                return r;

        r = page_result(body, ret_result);
        if (r == -EBADMSG) {
                error->upstream_status = response->status;
                return ae_error_set(error, AE_OUTCOME_UNKNOWN,
                                    "Notion answered %d without a page's id, so the task may have "
                                    "been created; look there before creating it again",
                                    response->status);
        }
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

int create_task_interpret(const struct adapter_input *input, const struct http_response *response,
                          cJSON **ret_result, struct ae_error *error) {
        if (!source_id(input))
                return source_take_database(input, response, error);
        if (!source_targets(input))
                return source_take_properties(input, response, /* marked= */ true, error);
        return take_page(input, response, ret_result, error);
}
