/* SPDX-License-Identifier: MIT */
#include "notion/identify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "common/word.h"
#include "notion/answer.h"
#include "notion/request.h"

#define MAX_IDENTITY 256
#define MAX_ID 64

static int build(const struct adapter_input *input, struct http_request *ret,
                 struct ae_error *error) {
        return notion_get(input, "users/me", /* id= */ NULL, ret, error);
}

/* A workspace's name is free text: what could break a line is no name. */
static bool is_name(const char *text) {
        if (!text || !*text || strlen(text) > MAX_IDENTITY)
                return false;
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return false;
        return true;
}

/* As a login tells it: workspaces may share a name, and change it, so the bot's id stands behind. */
static int add_identity(const cJSON *body, cJSON *result) {
        const char *name = json_string(json_member(body, "bot"), "workspace_name");
        const char *id = json_string(body, "id");
        char identity[MAX_IDENTITY + 1];
        bool has_name = is_name(name), has_id = word_fits(id, MAX_ID);
        int n;

        if (!has_name && !has_id)
                return 0;
        n = has_name && has_id ? snprintf(identity, sizeof(identity), "%s (%s)", name, id) : -1;
        if (n < 0 || n > MAX_IDENTITY)
                snprintf(identity, sizeof(identity), "%s", has_id ? id : name);
        return cJSON_AddStringToObject(result, "identity", identity) ? 0 : -ENOMEM;
}

static int interpret(const struct adapter_input *input, const struct http_response *response,
                     struct cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL, *result = NULL;
        const char *object;
        int r;

        r = notion_answer(input, response, /* repeatable= */ true, &body, error);
        if (r < 0)
                return r;
        object = json_string(body, "object");
        if (!object || strcmp(object, "user") != 0)
                return notion_unclear(response, "a user", error);

        result = cJSON_CreateObject();
        if (!result || add_identity(body, result) < 0)
                return -ENOMEM;
        *ret_result = TAKE_PTR(result);
        return 0;
}

const struct adapter_identify notion_identify = { .build = build, .interpret = interpret };
