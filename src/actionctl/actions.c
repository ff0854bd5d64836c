/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/action-list.h"
#include "actionctl/call.h"
#include "actionctl/example.h"
#include "actionctl/fields.h"
#include "actionctl/output.h"

static int print_actions(const struct ctl *ctl, const cJSON *response) {
        static const struct output_column columns[] = {
                { "PLATFORM", 0, 0 },
                { "ACTION", 0, 0 },
                { "REPEATING IT", 0, 0 },
                { "TITLE", 0.5, SCOLS_FL_WRAP },
        };
        struct libscols_table *table = output_table_new(columns, ELEMENTSOF(columns));
        const cJSON *action;

        cJSON_ArrayForEach (action, action_list(response)) {
                const char *cells[] = { action_text(action, "platform"),
                                        action_text(action, "action_type"),
                                        action_text(action, "idempotency"),
                                        action_text(action, "title") };

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

/* As the payload of a request, and as the same on a command line. */
static void print_example(const struct ctl *ctl, const cJSON *schema) {
        const cJSON *example = cJSON_GetArrayItem(json_member(schema, "examples"), 0);
        _cleanup_(buffer_done) struct buffer command = { 0 }, clean = { 0 };

        if (!cJSON_IsObject(example))
                return;
        buffer_printf(&command, "actionctl perform %s %s", ctl->arguments[0], ctl->arguments[1]);
        example_put_arguments(example, &command);
        if (buffer_error(&command) < 0)
                return;
        output_clean(command.data, &clean);
        printf("\nExample:\n\n    %s\n", clean.data ?: "");
}

static int print_action(const struct ctl *ctl, const cJSON *response) {
        const cJSON *action, *schema;
        int r;

        r = action_list_find(ctl, response, &action);
        if (r != 0)
                return r;
        schema = json_member(action, "payload_schema");
        print_paragraph(action_text(action, "title"));
        print_paragraph(action_text(action, "description"));
        print_fields(schema);
        print_example(ctl, schema);
        return CTL_SUCCESS;
}

int ctl_actions(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        call_begin(&q, "list_actions");
        request_string(&q, "platform", ctl->n_arguments > 0 ? ctl->arguments[0] : NULL);
        return call_engine(ctl, &q, CALL_QUICK,
                           ctl->n_arguments > 1 ? print_action : print_actions);
}
