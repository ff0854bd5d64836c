/* SPDX-License-Identifier: MIT */
/*
 * provider list, remove and test: what the vault keeps of the apps, asked by the administrator on
 * the vault's own socket.
 */
#include "actionctl/ctl.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/call.h"
#include "actionctl/output.h"

static int print_providers(const struct ctl *ctl, const cJSON *response) {
        static const struct output_column columns[] = {
                { "NAME", 0, 0 },   { "KIND", 0, 0 },     { "CLIENT ID", 0, 0 },
                { "ISSUER", 0, 0 }, { "REDIRECT", 0, 0 },
        };
        static const char *const members[] = { "profile", "client_id", "issuer", "redirect_uri" };
        const cJSON *list = json_member(json_member(response, "result"), "providers"), *provider;
        struct libscols_table *table;

        if (!list || !list->child) {
                output_note("there are no apps yet; 'actionctl provider add' makes one");
                return CTL_SUCCESS;
        }
        table = output_table_new(columns, ELEMENTSOF(columns));
        cJSON_ArrayForEach (provider, list) {
                const cJSON *app = json_member(provider, "app");
                const char *cells[ELEMENTSOF(members) + 1] = {
                        json_string(provider, "provider") ?: "",
                };

                for (size_t i = 0; i < ELEMENTSOF(members); i++)
                        cells[i + 1] = json_string(app, members[i]) ?: "";
                output_table_add(table, cells, ELEMENTSOF(cells));
        }
        output_table_print(table);
        return CTL_SUCCESS;
}

int ctl_provider_list(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        call_begin(&q, "list_providers");
        return call_engine(ctl, &q, CALL_VAULT | CALL_QUICK, print_providers);
}

static int print_removed(const struct ctl *ctl, const cJSON *response) {
        puts("The app is forgotten. What was connected through it works until it has to be "
             "renewed.");
        return CTL_SUCCESS;
}

int ctl_provider_remove(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };

        call_begin(&q, "delete_provider");
        request_string(&q, "provider", ctl->arguments[0]);
        return call_engine(ctl, &q, CALL_VAULT | CALL_QUICK, print_removed);
}

/* ---- test ---- */

/* enum oauth_result, in the vault's spelling. */
/* clang-format off */
static const struct {
        const char *result;
        int code;
        const char *meaning;
} results[] = {
        { "ok",              CTL_SUCCESS, "The provider knows this client and takes its secret." },
        { "client_refused",  CTL_REFUSED, "The provider does not take the client: its ID or its secret is wrong." },
        { "grant_refused",   CTL_REFUSED, "The provider refused the request." },
        { "request_refused", CTL_REFUSED, "The provider refused the request." },
        { "address_refused", CTL_REFUSED, "The provider is at an address that action-grant may not go to." },
        { "unreachable",     CTL_RETRY,   "The provider cannot be reached, or wants to be asked later." },
        { "no_answer",       CTL_RETRY,   "The provider did not answer." },
        { "nonsense",        CTL_REFUSED, "What answers is no such provider." },
};
/* clang-format on */

static int tell_result(const struct ctl *ctl, const cJSON *result) {
        const char *name = json_string(result, "result") ?: "", *reason;

        for (size_t i = 0; i < ELEMENTSOF(results); i++) {
                if (strcmp(results[i].result, name) != 0)
                        continue;
                if (!ctl->json && results[i].code == CTL_SUCCESS)
                        puts(results[i].meaning);
                else if (results[i].code != CTL_SUCCESS) {
                        output_error("%s", results[i].meaning);
                        reason = json_string(result, "reason");
                        if (reason)
                                output_note("%s", reason);
                }
                return results[i].code;
        }
        output_error("the vault tells a result that is not known here: '%s'", name);
        return CTL_REFUSED;
}

int ctl_provider_test(const struct ctl *ctl) {
        _cleanup_(request_done) struct request q = { 0 };
        _cleanup_(json_freep) cJSON *response = NULL;
        int r;

        call_begin(&q, "test_provider");
        request_string(&q, "provider", ctl->arguments[0]);
        r = call_ask(ctl, &q, CALL_VAULT, &response);
        if (r != 0)
                return r;
        if (call_failed(response))
                return output_failure(ctl, response);
        return tell_result(ctl, json_member(response, "result"));
}
