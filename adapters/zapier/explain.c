/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "common/explain.h"
#include "zapier/trigger-zap.h"

/* Names of members in the sentence, and characters of each. */
#define MAX_NAMES 5
#define MAX_NAME 40

int trigger_zap_explain(const cJSON *payload, struct adapter_explanation *ret) {
        const cJSON *data = json_member(payload, "data"), *member;
        size_t n = 0, n_more;

        buffer_puts(&ret->summary, "Trigger a Zap with ");
        cJSON_ArrayForEach (member, data) {
                if (n < MAX_NAMES) {
                        buffer_puts(&ret->summary, n > 0 ? ", " : "");
                        explain_quote(&ret->summary, member->string, MAX_NAME);
                }
                n++;
        }
        n_more = n > MAX_NAMES ? n - MAX_NAMES : 0;
        if (n == 0)
                buffer_puts(&ret->summary, "no data");
        else if (n_more > 0)
                buffer_printf(&ret->summary, " and %zu more", n_more);
        return explain_end(ret);
}
