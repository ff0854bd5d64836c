/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/call.h"
#include "actionctl/fields.h"
#include "actionctl/output.h"

static const cJSON *listed(const cJSON *response) {
        return json_member(json_member(response, "result"), "actions");
}

static const char *text(const cJSON *object, const char *name) {
        return json_string(object, name) ?: "";
}

static int print_actions(const struct ctl *ctl, const cJSON *response) {
        static const struct output_column columns[] = {
                { "PLATFORM", 0, 0 },
                { "ACTION", 0, 0 },
                { "REPEATING IT", 0, 0 },
                { "TITLE", 0.5, SCOLS_FL_WRAP },
        };
        struct libscols_table *table = output_table_new(columns, ELEMENTSOF(columns));
        const cJSON *action;

        cJSON_ArrayForEach (action, listed(response)) {
                const char *cells[] = { text(action, "platform"), text(action, "action_type"),
                                        text(action, "idempotency"), text(action, "title") };

                output_table_add(table, cells, ELEMENTSOF(cells));
        }
        output_table_print(table);
        return CTL_SUCCESS;
}

static void add_field(const struct field *f, void *userdata) {
        const char *cells[] = { f->path, f->type, f->required ? "yes" : "", f->meaning };

        output_table_add(userdata, cells, ELEMENTSOF(cells));
}

static void print_paragraph(const char *words) {
        _cleanup_(buffer_done) struct buffer clean = { 0 };

        output_clean(words, &clean);
        if (clean.size > 0)
                printf("%s\n\n", clean.data);
}

static void print_fields(const cJSON *schema) {
        static const struct output_column columns[] = {
                { "FIELD", 0, 0 },
                { "TYPE", 0.2, SCOLS_FL_WRAP },
                { "REQUIRED", 0, 0 },
                { "MEANING", 0.5, SCOLS_FL_WRAP },
        };
        struct libscols_table *table = output_table_new(columns, ELEMENTSOF(columns));

        (void)fields_walk(schema, add_field, table);
        output_table_print(table);
}

static int no_such_action(const struct ctl *ctl, const cJSON *actions) {
        _cleanup_(buffer_done) struct buffer list = { 0 };
        const cJSON *action;

        cJSON_ArrayForEach (action, actions)
                buffer_printf(&list, "%s%s", list.size > 0 ? ", " : "",
                              text(action, "action_type"));
        output_error("%s has no action '%s'; there are: %s [unsupported_action]", ctl->arguments[0],
                     ctl->arguments[1], list.data ?: "none");
        return CTL_REFUSED;
}

static int print_action(const struct ctl *ctl, const cJSON *response) {
        const cJSON *action;

        cJSON_ArrayForEach (action, listed(response))
                if (strcmp(text(action, "action_type"), ctl->arguments[1]) == 0) {
                        print_paragraph(text(action, "title"));
                        print_paragraph(text(action, "description"));
                        print_fields(json_member(action, "payload_schema"));
                        return CTL_SUCCESS;
                }
        return no_such_action(ctl, listed(response));
}

int ctl_actions(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        call_begin(&q, "list_actions");
        request_string(&q, "platform", ctl->n_arguments > 0 ? ctl->arguments[0] : NULL);
        return call_engine(ctl, &q, CALL_QUICK,
                           ctl->n_arguments > 1 ? print_action : print_actions);
}
