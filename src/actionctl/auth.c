/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <libsmartcols.h>
#include <stdio.h>

#include "actionctl/call.h"
#include "actionctl/input.h"
#include "actionctl/output.h"

#define CREDENTIAL_MAX ((size_t)64 << 10)

static int print_stored(const struct ctl *ctl, const cJSON *response) {
        puts("The credential is stored.");
        output_value(json_member(response, "result"));
        return CTL_SUCCESS;
}

int ctl_auth_token(const struct ctl *ctl) {
        _cleanup_(secret_freep) struct secret *credential = NULL;
        _cleanup_(request_done) struct request q = { 0 };
        int r;

        r = input_secret_json(ctl->credential, CREDENTIAL_MAX, &credential);
        if (r != 0)
                return r;
        call_begin(&q, "auth_token");
        request_string(&q, "platform", ctl->arguments[0]);
        request_string(&q, "user_id", ctl->user);
        request_string(&q, "account", ctl->account);
        request_secret_text(&q, "credential", credential->data, credential->size);
        return call_engine(ctl, &q, 0, print_stored);
}

static int print_status(const struct ctl *ctl, const cJSON *response) {
        static const struct output_column columns[] = {
                { "PLATFORM", 0, 0 },
                { "ACCOUNT", 0, 0 },
                { "STATUS", 0, 0 },
        };
        static const char *const members[] = { "platform", "account", "status" };
        struct libscols_table *table = output_table_new(columns, ELEMENTSOF(columns));
        const cJSON *record;

        cJSON_ArrayForEach (record,
                            json_member(json_member(response, "result"), "connected_platforms")) {
                const char *cells[ELEMENTSOF(members)];

                for (size_t i = 0; i < ELEMENTSOF(members); i++)
                        cells[i] = json_string(record, members[i]) ?: "";
                output_table_add(table, cells, ELEMENTSOF(cells));
        }
        output_table_print(table);
        return CTL_SUCCESS;
}

int ctl_auth_status(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        call_begin(&q, "auth_status");
        if (ctl->n_arguments > 0)
                request_string(&q, "platform", ctl->arguments[0]);
        request_string(&q, "user_id", ctl->user);
        return call_engine(ctl, &q, CALL_QUICK, print_status);
}
