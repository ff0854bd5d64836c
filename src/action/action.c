/* SPDX-License-Identifier: MIT */
#include "action/action.h"

#include <cjson/cJSON.h>
#include <errno.h>

#include "action/authorise.h"
#include "base/clock.h"

void action_spec_done(struct action_spec *spec) {
        free(spec->user_id);
        free(spec->platform);
        free(spec->action_type);
        free(spec->account);
        cJSON_Delete(spec->payload);
        free(spec->traceparent);
        *spec = (struct action_spec){ 0 };
}

int action_new(struct action_context *context, struct action_spec *spec, struct identity *identity,
               struct action **ret) {
        struct action *a = calloc(1, sizeof(*a));

        if (!a) {
                action_spec_done(spec);
                return -ENOMEM;
        }

        a->n_refs = 1;
        a->context = context;
        a->spec = *spec;
        *spec = (struct action_spec){ 0 };
        a->identity = identity_ref(identity);
        a->approver = (uid_t)-1;
        a->started_usec = clock_usec(CLOCK_MONOTONIC);
        id_uuid7(a->request_id);
        id_random_hex(ACTION_ID_HEX / 2, a->action_id);
        *ret = a;
        return 0;
}

struct action *action_ref(struct action *a) {
        a->n_refs++;
        return a;
}

struct action *action_unref(struct action *a) {
        if (!a || --a->n_refs > 0)
                return NULL;

        sd_event_source_disable_unref(a->deadline);
        authorisation_free(a->authorisation);
        if (a->vault_call)
                vault_call_cancel(a->vault_call);
        if (a->http_call)
                http_call_cancel(a->http_call); /* before the request that it borrows */
        http_request_done(&a->request);
        credential_done(&a->credential);
        secret_free(a->session);
        reconcile_done(&a->reconcile);
        cJSON_Delete(a->required_scopes);
        cJSON_Delete(a->notes);
        cJSON_Delete(a->result);
        ae_error_done(&a->error);
        identity_unref(a->identity);
        action_spec_done(&a->spec);
        free(a);
        return NULL;
}
