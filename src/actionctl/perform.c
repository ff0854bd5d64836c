/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "action/schema.h"
#include "actionctl/action-list.h"
#include "actionctl/agent.h"
#include "actionctl/call.h"
#include "actionctl/input.h"
#include "actionctl/interrupt.h"
#include "actionctl/output.h"
#include "actionctl/payload-args.h"
#include "actionctl/payload-file.h"

/* What is known of the action, from the first that has to know it. */
struct knowledge {
        const struct ctl *ctl;
        cJSON *response;
        const cJSON *schema; /* of its payload */
        int code;            /* an exit code: it cannot be had, and why has been told */
};

static void knowledge_done(struct knowledge *k) {
        cJSON_Delete(k->response);
}

/* Asks the engine, once. Returns 0 or an exit code. */
static int learn(struct knowledge *k) {
        _cleanup_(request_done) struct request q = { 0 };
        const cJSON *action;

        if (k->response || k->code != 0)
                return k->code;
        call_begin(&q, "list_actions");
        request_string(&q, "platform", k->ctl->arguments[0]);
        k->code = call_ask(k->ctl, &q, CALL_QUICK | CALL_SILENT, &k->response);
        if (k->code == 0 && call_failed(k->response)) {
                if (k->ctl->json)
                        output_json(k->response);
                k->code = output_failure(k->ctl, k->response);
        }
        if (k->code == 0)
                k->code = action_list_find(k->ctl, k->response, &action);
        if (k->code == 0)
                k->schema = json_member(action, "payload_schema");
        return k->code;
}

static int load(const char *file, const struct payload_key *key, void *userdata, cJSON **ret,
                char error[static PAYLOAD_ERROR_SIZE]) {
        struct knowledge *k = userdata;

        if (learn(k) != 0)
                return -ECANCELED;
        return payload_file_load(file, field_kind(k->schema, key), ret, error);
}

/* Shows all that is wrong with it. Returns 0 or an exit code. */
static int validate(struct knowledge *k, const cJSON *payload) {
        static const struct schema_options options = { .flags = SCHEMA_ASSERT_FORMAT };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(schema_freep) struct schema *schema = NULL;
        _cleanup_(buffer_done) struct buffer text = { 0 };
        char reason[SCHEMA_ERROR_SIZE] = "out of memory";
        int r;

        r = learn(k);
        if (r != 0)
                return r;
        if (!k->schema)
                return 0;
        json_print(k->schema, &text);
        if (buffer_error(&text) < 0 ||
            schema_new_with(text.data, text.size, &options, &schema, reason) < 0) {
                output_note("the engine's schema cannot be read, so only the engine looks at the "
                            "payload: %s",
                            reason);
                return 0;
        }
        if (schema_validate(schema, payload, &error) == 0)
                return 0;
        return output_findings(k->ctl->arguments[0], k->ctl->arguments[1], error.errors);
}

/* As it stands in the file: its numbers are not rewritten. */
static int add_file(struct knowledge *k, const char *path, struct request *q) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(json_freep) cJSON *payload = NULL;
        int r;

        r = input_json(path, CALL_MAX_LINE, &text);
        if (r != 0)
                return r;
        if (!k->ctl->no_validate) {
                if (json_parse(text.data, text.size, &payload, /* ret_fault= */ NULL) < 0)
                        return output_usage("out of memory");
                r = validate(k, payload);
                if (r != 0)
                        return r;
        }
        request_text(q, "payload", text.data, text.size);
        return 0;
}

static int add_fields(struct knowledge *k, char *const *fields, size_t n, struct request *q) {
        _cleanup_(json_freep) cJSON *payload = NULL;
        char error[PAYLOAD_ERROR_SIZE] = "out of memory";
        int r;

        r = payload_from_arguments(fields, n, load, k, &payload, error);
        if (k->code != 0)
                return k->code;
        if (r < 0)
                return output_usage("%s", error);
        r = k->ctl->no_validate ? 0 : validate(k, payload);
        if (r != 0)
                return r;
        request_json(q, "payload", payload);
        return 0;
}

/* Returns 0 or an exit code. */
static int add_payload(const struct ctl *ctl, struct request *q) {
        _cleanup_(knowledge_done) struct knowledge k = { .ctl = ctl };
        char *const *fields = ctl->arguments + 2;
        size_t n = ctl->n_arguments - 2;

        if (ctl->payload && n > 0)
                return output_usage("the payload comes from --payload or from fields, not both");
        if (ctl->payload)
                return add_file(&k, ctl->payload, q);
        if (n == 1 && strcmp(fields[0], "-") == 0)
                return add_file(&k, "-", q);
        return add_fields(&k, fields, n, q);
}

static int print_result(const struct ctl *ctl, const cJSON *response) {
        if (cJSON_IsTrue(json_member(response, "replayed")))
                output_note("this is the recorded answer to the same request; nothing was sent");
        if (cJSON_IsTrue(json_member(response, "reconciled")))
                output_note("the platform gave no clear answer, and says now that it was done");
        output_value(json_member(response, "result"));
        return CTL_SUCCESS;
}

/* What the engine is asked of an action. Returns 0 or an exit code. */
static int make_request(const struct ctl *ctl, bool dry_run, struct request *q) {
        call_begin(q, "perform_action");
        request_string(q, "platform", ctl->arguments[0]);
        request_string(q, "action_type", ctl->arguments[1]);
        request_string(q, "user_id", ctl->user);
        request_string(q, "account", ctl->account);
        if (ctl->deadline_msec > 0)
                request_integer(q, "deadline_ms", (int64_t)ctl->deadline_msec);
        if (dry_run)
                request_true(q, "dry_run");
        return add_payload(ctl, q);
}

int ctl_perform(const struct ctl *ctl) {
        _cleanup_(agent_stopp) pid_t agent = 0;
        _cleanup_(request_done) struct request q = { 0 };
        int r;

        r = make_request(ctl, ctl->dry_run, &q);
        if (r != 0)
                return r;
        if (ctl->ask)
                request_true(&q, "interactive");
        if (ctl->dry_run)
                return call_engine(ctl, &q, 0, print_result);
        if (ctl->ask)
                agent = agent_start();
        interrupt_begin("what has not left for the platform is withdrawn; what has goes on, and "
                        "the "
                        "engine's journal tells what became of it");
        r = call_engine(ctl, &q, CALL_ACTS, print_result);
        interrupt_end();
        return r;
}

/* All of a dry run that concerns policy. */
static int print_explanation(const struct ctl *ctl, const cJSON *response) {
        static const char *const names[] = { "decision", "decided_by", "summary", "facts",
                                             "digest" };
        const cJSON *result = json_member(response, "result");
        _cleanup_(json_freep) cJSON *shown = cJSON_CreateObject();

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const cJSON *value = json_member(result, names[i]);

                if (value)
                        cJSON_AddItemToObject(shown, names[i], cJSON_Duplicate(value, true));
        }
        output_value(shown);
        return CTL_SUCCESS;
}

int ctl_policy_explain(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };
        int r;

        r = make_request(ctl, /* dry_run= */ true, &q);
        return r != 0 ? r : call_engine(ctl, &q, 0, print_explanation);
}
