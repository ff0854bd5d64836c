/* SPDX-License-Identifier: MIT */
/*
 * The stage that asks policy. The token's scope is the grant, and `resolve` has looked at it; what
 * is allowed beyond it is this very digest, so that whoever is asked, and the audit trail, speak of
 * the same action.
 */
#include "action/authorise.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>

#include "action/digest.h"
#include "action/stages.h"
#include "base/clock.h"

static_assert(ADAPTER_MAX_FACTS <= POLICY_MAX_FACTS, "policy takes all that an adapter tells");

/* It lives until the answer: the question is borrowed from it. */
struct authorisation {
        struct adapter_explanation explanation;
        struct policy_fact facts[ADAPTER_MAX_FACTS];
        struct policy_call *call;
};

void explanation_done(struct adapter_explanation *e) {
        buffer_done(&e->summary);
        for (size_t i = 0; i < e->n_facts; i++)
                buffer_done(&e->facts[i].value);
        *e = (struct adapter_explanation){ 0 };
}

struct authorisation *authorisation_free(struct authorisation *z) {
        if (!z)
                return NULL;
        if (z->call)
                policy_call_cancel(z->call);
        explanation_done(&z->explanation);
        free(z);
        return NULL;
}
DEFINE_CLEANUP(struct authorisation *, authorisation_free);

bool authorisation_waits_for_person(const struct authorisation *z) {
        return z && z->call && policy_call_waits_for_person(z->call);
}

static void on_answer(const struct policy_answer *answer, void *userdata) {
        struct action *a = userdata;
        int r = STAGE_NEXT;

        a->authorisation->call = NULL;
        a->decision = answer->decision;
        a->decided_by = answer->by;
        a->approver = answer->approver;
        if (answer->error) {
                const char *by = cJSON_GetStringValue(
                                cJSON_GetObjectItemCaseSensitive(answer->error->details, "by"));

                r = ae_error_set(&a->error, answer->error->code, "%s", answer->error->message);
                a->error.retry_after_msec = answer->error->retry_after_msec;
                if (by)
                        ae_error_detail(&a->error, "by", by);
        }
        if (r == STAGE_NEXT && answer->required_scopes) {
                a->required_scopes = cJSON_Duplicate(answer->required_scopes, true);
                r = a->required_scopes ? STAGE_NEXT : -ENOMEM;
        }
        a->authorisation = authorisation_free(a->authorisation);
        pipeline_resume(a, r);
}

/*
 * For an adapter that does not explain an action: the title alone. Whose account it is stands behind
 * every sentence.
 */
int explanation_make(const struct action *a, struct adapter_explanation *ret) {
        const struct adapter_action *t = a->type->adapter;
        int r;

        if (t->explain) {
                r = t->explain(a->spec.payload, ret);
                if (r < 0)
                        return r;
        } else
                buffer_puts(&ret->summary, t->title);
        buffer_printf(&ret->summary, " (%s, %s's account '%s')", a->type->platform->adapter->title,
                      a->spec.user_id, a->spec.account);

        return buffer_error(&ret->summary);
}

static int ask(struct action *a, struct authorisation *z) {
        const struct adapter_explanation *e = &z->explanation;
        const struct policy_question question = {
                .peer = &a->spec.peer,
                .request_id = a->request_id,
                .user_id = a->spec.user_id,
                .platform = a->spec.platform,
                .action_type = a->spec.action_type,
                .account = a->spec.account,
                .built_in = true,
                .summary = e->summary.data,
                .digest = a->digest,
                .facts = z->facts,
                .n_facts = e->n_facts,
                .payload = a->spec.payload,
                .identity = a->identity,
                .interactive = a->spec.interactive,
                .dry_run = a->spec.dry_run,
                .deadline_usec = a->started_usec + a->spec.deadline_usec,
        };

        for (size_t i = 0; i < e->n_facts; i++)
                z->facts[i] = (struct policy_fact){
                        .name = e->facts[i].name,
                        .value = e->facts[i].value.data ? e->facts[i].value.data : "",
                };
        return policy_ask(a->context->policy, &question, on_answer, a, &z->call);
}

int stage_authorise(struct action *a) {
        _cleanup_(authorisation_freep) struct authorisation *z = NULL;
        int r;

        r = digest_action(a);
        if (r < 0)
                return r;
        if (!a->context->policy)
                return STAGE_NEXT;

        z = calloc(1, sizeof(*z));
        if (!z)
                return -ENOMEM;
        r = explanation_make(a, &z->explanation);
        if (r == -E2BIG) {
                ae_error_detail(&a->error, "by", "polkit");
                return ae_error_set(&a->error, AE_FORBIDDEN,
                                    "it names more than policy can decide by; send it in smaller "
                                    "parts");
        }
        if (r < 0)
                return r;
        r = ask(a, z);
        if (r < 0)
                return r;
        a->authorisation = TAKE_PTR(z);
        return STAGE_PENDING;
}
