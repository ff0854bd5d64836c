/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <libsmartcols.h>
#include <stdio.h>

#include "actionctl/call.h"
#include "actionctl/input.h"
#include "actionctl/output.h"

#define CREDENTIAL_MAX ((size_t)64 << 10)

static int print_stored(const struct ctl *ctl, const cJSON *response) {
        const cJSON *result = json_member(response, "result");

        puts("The credential is stored.");
        output_value(result);
        if (cJSON_IsFalse(json_member(result, "verified")))
                output_note("nothing harmless shows whether it works: it is stored untried");
        return CTL_SUCCESS;
}

static int store(const struct ctl *ctl, bool verify) {
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
        if (verify)
                request_true(&q, "verify");
        request_secret_text(&q, "credential", credential->data, credential->size);
        return call_engine(ctl, &q, 0, print_stored);
}

int ctl_auth_token(const struct ctl *ctl) {
        return store(ctl, /* verify= */ false);
}

int ctl_auth_import(const struct ctl *ctl) {
        return store(ctl, /* verify= */ true);
}

static int print_revoked(const struct ctl *ctl, const cJSON *response) {
        const cJSON *result = json_member(response, "result"),
                    *revoked = json_member(result, "revoked");

        puts("The credential is forgotten.");
        output_value(result);
        if (cJSON_IsFalse(revoked))
                output_note("the platform was not told, or did not hear: end the grant there too");
        return CTL_SUCCESS;
}

int ctl_auth_revoke(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        call_begin(&q, "auth_revoke");
        request_string(&q, "platform", ctl->arguments[0]);
        request_string(&q, "user_id", ctl->user);
        request_string(&q, "account", ctl->account);
        return call_engine(ctl, &q, 0, print_revoked);
}

static int print_status(const struct ctl *ctl, const cJSON *response) {
        static const struct output_column columns[] = {
                { "PLATFORM", 0, 0 },
                { "ACCOUNT", 0, 0 },
                { "STATUS", 0, 0 },
                { "IDENTITY", 0, 0 },
        };
        static const char *const members[] = { "platform", "account", "status", "identity" };
        const cJSON *list = json_member(json_member(response, "result"), "connected_platforms"),
                    *record;
        struct libscols_table *table;

        if (!list || !list->child) {
                output_note("the token allows 'auth:PLATFORM' for no platform, so there is nothing "
                            "to see");
                return CTL_SUCCESS;
        }
        table = output_table_new(columns, ELEMENTSOF(columns));
        cJSON_ArrayForEach (record, list) {
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
