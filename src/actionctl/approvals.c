/* SPDX-License-Identifier: MIT */
/*
 * What waits for a person: seen, looked at, answered, followed.
 */
#include "actionctl/ctl.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/agent.h"
#include "actionctl/call.h"
#include "actionctl/interrupt.h"
#include "actionctl/notify.h"
#include "actionctl/output.h"

/* How often the engine is asked for what is new. */
#define WATCH_SEC 2

static const cJSON *items_of(const cJSON *response) {
        return json_member(json_member(response, "result"), "approvals");
}

static const char *text(const cJSON *item, const char *name) {
        return json_string(item, name) ?: "";
}

static void begin_list(const struct ctl *ctl, struct request *q) {
        call_begin(q, "list_approvals");
        request_string(q, "user_id", ctl->user);
}

static int print_list(const struct ctl *ctl, const cJSON *response) {
        static const struct output_column columns[] = {
                { "ID", 0, 0 },
                { "USER", 0, 0 },
                { "UNTIL", 0, 0 },
                { "WHAT", 0.5, SCOLS_FL_WRAP },
        };
        struct libscols_table *table;
        const cJSON *item;

        if (!items_of(response) || !items_of(response)->child) {
                puts("Nothing waits for you.");
                return CTL_SUCCESS;
        }
        table = output_table_new(columns, ELEMENTSOF(columns));
        cJSON_ArrayForEach (item, items_of(response)) {
                const char *cells[] = { text(item, "approval_id"), text(item, "user_id"),
                                        text(item, "expires_at"), text(item, "summary") };

                output_table_add(table, cells, ELEMENTSOF(cells));
        }
        output_table_print(table);
        return CTL_SUCCESS;
}

/* ---- following ---- */

static bool holds(const cJSON *items, const char *id) {
        const cJSON *item;

        cJSON_ArrayForEach (item, items)
                if (strcmp(text(item, "approval_id"), id) == 0)
                        return true;
        return false;
}

static void tell_new(const struct ctl *ctl, const cJSON *item) {
        _cleanup_(buffer_done) struct buffer summary = { 0 }, body = { 0 };

        if (ctl->json)
                output_json(item);
        else
                output_value(item);
        /* The first is plain text to every desktop; the second may be markup, so it is ours. */
        output_clean(text(item, "summary"), &summary);
        buffer_puts(&body, "actionctl approvals show ");
        output_clean(text(item, "approval_id"), &body);
        if (buffer_error(&summary) == 0 && buffer_error(&body) == 0)
                notify_desktop(summary.data ?: "", body.data);
}

static void tell_gone(const struct ctl *ctl, const cJSON *item) {
        if (!ctl->json)
                output_note("%s waits no more", text(item, "approval_id"));
}

static void tell_changes(const struct ctl *ctl, const cJSON *before, const cJSON *now) {
        const cJSON *item;

        cJSON_ArrayForEach (item, before)
                if (!holds(now, text(item, "approval_id")))
                        tell_gone(ctl, item);
        cJSON_ArrayForEach (item, now)
                if (!holds(before, text(item, "approval_id")))
                        tell_new(ctl, item);
}

/* Until it is interrupted, or the engine says no. Once it was there, it is waited for. */
static int watch(const struct ctl *ctl) {
        _cleanup_(json_freep) cJSON *before = NULL;
        bool is_lost = false;

        for (;; (void)sleep(WATCH_SEC)) {
                _cleanup_(request_done) struct request q = { 0 };
                cJSON *now = NULL;
                int r;

                begin_list(ctl, &q);
                r = call_ask(ctl, &q, CALL_QUICK | CALL_SILENT | (before ? CALL_TRY : 0), &now);
                if (r == CTL_UNREACHABLE && before) {
                        if (!is_lost)
                                output_note("the engine is not reached; going on when it is");
                        is_lost = true;
                        continue;
                }
                is_lost = false;
                if (r == 0 && call_failed(now))
                        r = output_failure(ctl, now);
                if (r == 0)
                        tell_changes(ctl, items_of(before), items_of(now));
                cJSON_Delete(before);
                before = now;
                if (r != 0)
                        return r;
                if (fflush(stdout) != 0)
                        return output_end(CTL_USAGE);
        }
}

int ctl_approvals_list(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        if (ctl->watch)
                return watch(ctl);
        begin_list(ctl, &q);
        return call_engine(ctl, &q, CALL_QUICK, print_list);
}

/* ---- one of them ---- */

static int print_item(const struct ctl *ctl, const cJSON *response) {
        output_value(cJSON_GetArrayItem(items_of(response), 0));
        return CTL_SUCCESS;
}

int ctl_approvals_show(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        begin_list(ctl, &q);
        request_string(&q, "approval_id", ctl->arguments[0]);
        return call_engine(ctl, &q, CALL_QUICK, print_item);
}

static int print_answered(const struct ctl *ctl, const cJSON *response) {
        printf("It is %s.\n",
               ctl->verb == CTL_APPROVALS_APPROVE ? "approved" : "denied; nothing is sent");
        return CTL_SUCCESS;
}

static int answer(const struct ctl *ctl, const char *op) {
        _cleanup_(request_done) struct request q = { 0 };
        pid_t agent;
        int r;

        call_begin(&q, op);
        request_string(&q, "user_id", ctl->user);
        request_string(&q, "approval_id", ctl->arguments[0]);
        request_true(&q, "interactive");
        agent = agent_start();
        interrupt_begin("'actionctl approvals' tells whether it waits still");
        r = call_engine(ctl, &q, 0, print_answered);
        interrupt_end();
        (void)agent_stop(agent);
        return r;
}

int ctl_approvals_approve(const struct ctl *ctl) {
        return answer(ctl, "approve");
}

int ctl_approvals_deny(const struct ctl *ctl) {
        return answer(ctl, "deny");
}
