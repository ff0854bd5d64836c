/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "common/explain.h"
#include "gmail/reply.h"

#define MAX_ID 128

int reply_explain(const cJSON *payload, struct adapter_explanation *ret) {
        bool all = cJSON_IsTrue(json_member(payload, "reply_all"));
        int n = cJSON_GetArraySize(json_member(payload, "attachments"));
        const char *id = json_string(payload, "message_id");

        buffer_puts(&ret->summary, "Answer the e-mail ");
        explain_quote(&ret->summary, id, MAX_ID);
        buffer_puts(&ret->summary, all ? ", to everybody who got it" : ", to its sender");
        if (n > 0)
                buffer_printf(&ret->summary, ", with %d attachment%s", n, n > 1 ? "s" : "");
        buffer_puts(explain_fact(ret, "message_id"), id);
        buffer_puts(explain_fact(ret, "reply_all"), all ? "yes" : "no");
        return explain_end(ret);
}
