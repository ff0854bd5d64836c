/* SPDX-License-Identifier: MIT */
#include "notion/update-task.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "notion/answer.h"
#include "notion/page.h"
#include "notion/request.h"
#include "notion/source.h"
#include "notion/task.h"

enum step { STEP_PAGE, STEP_PROPERTIES, STEP_UPDATE };

/* Whether the payload sets anything but the trash. */
static bool sets_field(const cJSON *payload) {
        static const char *const others[] = { "in_trash", "page_id", "properties" };
        const cJSON *member;

        cJSON_ArrayForEach (member, payload) {
                bool other = false;

                for (size_t i = 0; i < ELEMENTSOF(others); i++)
                        other |= strcmp(member->string, others[i]) == 0;
                if (!other)
                        return true;
        }
        return false;
}

static enum step step_of(const struct adapter_input *input) {
        if (source_targets(input) || !sets_field(input->payload))
                return STEP_UPDATE;
        return source_id(input) ? STEP_PROPERTIES : STEP_PAGE;
}

int update_task_check(const cJSON *payload, struct ae_error *error) {
        if (!sets_field(payload) && !json_member(payload, "in_trash"))
                ae_error_add(error, "", "sets nothing: give at least one field to change");
        task_check(payload, error);
        return 0;
}

static int build_update(const struct adapter_input *input, struct http_request *ret,
                        struct ae_error *error) {
        const cJSON *in_trash = json_member(input->payload, "in_trash");
        const cJSON *targets = source_targets(input);

        buffer_putc(&ret->body, '{');
        if (targets) {
                buffer_puts(&ret->body, "\"properties\":");
                task_write(input->payload, input->action_id, targets, &ret->body);
        }
        if (in_trash)
                buffer_printf(&ret->body, "%s\"in_trash\":%s", targets ? "," : "",
                              cJSON_IsTrue(in_trash) ? "true" : "false");
        buffer_putc(&ret->body, '}');
        return notion_send(input, "PATCH", "pages", json_string(input->payload, "page_id"), NULL,
                           ret, error);
}

int update_task_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        switch (step_of(input)) {
        case STEP_PAGE:
                return notion_get(input, "pages", json_string(input->payload, "page_id"), ret,
                                  error);
        case STEP_PROPERTIES:
                return source_ask_properties(input, ret, error);
        case STEP_UPDATE:
                break;
        }
        return build_update(input, ret, error);
}

static int take_parent(const struct adapter_input *input, const struct http_response *response,
                       struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;
        const cJSON *parent;
        const char *id;
        int r;

        r = notion_answer(input, response, /* repeatable= */ true, &body, error);
        if (r < 0)
                return r;

        parent = json_member(body, "parent");
        if (!parent)
                return notion_unclear(response, "the page's parent", error);
        id = json_string(parent, "data_source_id");
        if (!notion_is_id(id)) {
                ae_error_add(error, "/page_id", "is a page of no data source, and so no task");
                return ae_error_set(error, AE_INVALID_PAYLOAD, "the page is no task");
        }
        return source_note_id(input, id, error);
}

static int take_page(const struct adapter_input *input, const struct http_response *response,
                     cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;
        int r;

        r = notion_answer(input, response, /* repeatable= */ true, &body, error);
        if (r < 0)
                return r;

        r = page_result(body, ret_result);
        if (r == -EBADMSG)
                return notion_unclear(response, "the page's id", error);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

int update_task_interpret(const struct adapter_input *input, const struct http_response *response,
                          cJSON **ret_result, struct ae_error *error) {
        switch (step_of(input)) {
        case STEP_PAGE:
                return take_parent(input, response, error);
        case STEP_PROPERTIES:
                return source_take_properties(input, response, /* marked= */ false, error);
        case STEP_UPDATE:
                break;
        }
        return take_page(input, response, ret_result, error);
}
