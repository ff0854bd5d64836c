/* SPDX-License-Identifier: MIT */
#include "actionctl/action-list.h"

#include <string.h>

#include "actionctl/output.h"

const cJSON *action_list(const cJSON *response) {
        return json_member(json_member(response, "result"), "actions");
}

const char *action_text(const cJSON *action, const char *name) {
        return json_string(action, name) ?: "";
}

static int no_such_action(const struct ctl *ctl, const cJSON *actions) {
        _cleanup_(buffer_done) struct buffer list = { 0 };
        const cJSON *action;

        cJSON_ArrayForEach (action, actions)
                buffer_printf(&list, "%s%s", list.size > 0 ? ", " : "",
                              action_text(action, "action_type"));
        output_error("%s has no action '%s'; there are: %s [unsupported_action]", ctl->arguments[0],
                     ctl->arguments[1], list.data ?: "none");
        return CTL_REFUSED;
}

int action_list_find(const struct ctl *ctl, const cJSON *response, const cJSON **ret) {
        const cJSON *action;

        cJSON_ArrayForEach (action, action_list(response))
                if (strcmp(action_text(action, "action_type"), ctl->arguments[1]) == 0) {
                        *ret = action;
                        return 0;
                }
        return no_such_action(ctl, action_list(response));
}
