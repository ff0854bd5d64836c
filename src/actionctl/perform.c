/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <string.h>

#include "actionctl/call.h"
#include "actionctl/input.h"
#include "actionctl/output.h"
#include "actionctl/payload-args.h"

static int add_file(const char *path, struct request *q) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        int r;

        r = input_json(path, CALL_MAX_LINE, &text);
        if (r != 0)
                return r;
        request_text(q, "payload", text.data, text.size);
        return 0;
}

static int add_fields(char *const *fields, size_t n, struct request *q) {
        _cleanup_(json_freep) cJSON *payload = NULL;
        char error[PAYLOAD_ERROR_SIZE] = "out of memory";

        if (payload_from_arguments(fields, n, &payload, error) < 0)
                return output_usage("%s", error);
        request_json(q, "payload", payload);
        return 0;
}

/* Returns 0 or an exit code. */
static int add_payload(const struct ctl *ctl, struct request *q) {
        char *const *fields = ctl->arguments + 2;
        size_t n = ctl->n_arguments - 2;

        if (ctl->payload && n > 0)
                return output_usage("the payload comes from --payload or from fields, not both");
        if (ctl->payload)
                return add_file(ctl->payload, q);
        if (n == 1 && strcmp(fields[0], "-") == 0)
                return add_file("-", q);
        return add_fields(fields, n, q);
}

static int print_result(const struct ctl *ctl, const cJSON *response) {
        if (cJSON_IsTrue(json_member(response, "replayed")))
                output_note("this is the recorded answer to the same request; nothing was sent");
        if (cJSON_IsTrue(json_member(response, "reconciled")))
                output_note("the platform gave no clear answer, and says now that it was done");
        output_value(json_member(response, "result"));
        return CTL_SUCCESS;
}

int ctl_perform(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };
        int r;

        call_begin(&q, "perform_action");
        request_string(&q, "platform", ctl->arguments[0]);
        request_string(&q, "action_type", ctl->arguments[1]);
        request_string(&q, "user_id", ctl->user);
        request_string(&q, "account", ctl->account);
        if (ctl->deadline_msec > 0)
                request_integer(&q, "deadline_ms", (int64_t)ctl->deadline_msec);
        if (ctl->dry_run)
                request_true(&q, "dry_run");
        r = add_payload(ctl, &q);
        if (r != 0)
                return r;
        return call_engine(ctl, &q, ctl->dry_run ? 0 : CALL_ACTS, print_result);
}
