/* SPDX-License-Identifier: MIT */
#include "action/pipeline.h"

#include <assert.h>
#include <errno.h>

#include "action/audit.h"
#include "action/authorise.h"
#include "action/outcome.h"
#include "action/stages.h"
#include "base/clock.h"
#include "base/journal.h"

#define STAGE_OF_CREDENTIAL 4

/* clang-format off */
static int (*const stages[])(struct action *a) = {
        stage_authenticate,
        stage_resolve,
        stage_validate,
        stage_authorise,
        [STAGE_OF_CREDENTIAL] = stage_credential,
        stage_authenticate, /* a key may have gone while the vault or the platform was asked */
        stage_build,
        stage_send,
        stage_interpret,
};
/* clang-format on */

static void enter(struct action *a) {
        struct action_context *x = a->context;

        a->in_flight = true;
        a->next = x->in_flight;
        if (a->next)
                a->next->previous = a;
        x->in_flight = a;
        x->n_in_flight++;
}

static void leave(struct action *a) {
        struct action_context *x = a->context;

        a->in_flight = false;
        if (a->previous)
                a->previous->next = a->next;
        else
                x->in_flight = a->next;
        if (a->next)
                a->next->previous = a->previous;
        x->n_in_flight--;
}

static void answer(struct action *a) {
        struct action_context *x = a->context;

        assert(!a->answered);
        a->answered = true;
        if (a->error.code != AE_NONE && a->acted &&
            !idempotency_is_repeatable(a->type->adapter->idempotency))
                outcome_half_done(&a->error);
        sd_event_source_disable_unref(TAKE_PTR(a->deadline));
        reconcile_done(&a->reconcile);
        /* No longer than the call that needed it. */
        credential_done(&a->credential);
        a->session = secret_free(a->session);

        if (a->in_flight)
                leave(a);
        if (a->error.code == AE_NONE)
                x->n_succeeded++;
        else
                x->n_failed++;
        if (a->reserved)
                audit_finished(a);

        a->on_done(a, a->userdata);
        action_unref(a); /* the pipeline's own */
}

static size_t next_stage(size_t stage, int r) {
        switch (r) {
        case STAGE_RENEW:
                return STAGE_OF_CREDENTIAL;
        case STAGE_FURTHER:
                return STAGE_OF_CREDENTIAL + 1;
        default:
                return stage + 1;
        }
}

/* Goes through the stages, beginning with what the current one has come to. */
static void proceed(struct action *a, int r) {
        for (;;) {
                if (r == STAGE_PENDING)
                        return;
                if ((r == STAGE_RENEW || r == STAGE_FURTHER) && a->withdrawn != AE_NONE &&
                    !a->leaving)
                        r = ae_error_set(&a->error, a->withdrawn, "%s", a->withdrawn_why);
                if (r < 0) {
                        (void)ae_error_from_errno(&a->error, r);
                        r = reconcile_after_failure(a, r);
                        if (r < 0)
                                break;
                        continue;
                }
                if (r == STAGE_ANSWER)
                        break;
                a->stage = next_stage(a->stage, r);
                if (a->stage == ELEMENTSOF(stages))
                        break;
                r = stages[a->stage](a);
        }
        answer(a);
}

void pipeline_resume(struct action *a, int r) {
        if (!a->answered)
                proceed(a, r);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        struct action *a = userdata;

        if (authorisation_waits_for_person(a->authorisation))
                pipeline_cancel(a, AE_APPROVAL_TIMEOUT,
                                "nobody has approved it before the deadline; nothing was sent");
        else
                pipeline_cancel(a, AE_DEADLINE_EXCEEDED,
                                "the deadline passed before anything was sent; the action can be "
                                "repeated");
        return 0;
}

/* Looks only when it gets tight. */
static bool has_its_share(const struct action *a) {
        const struct action_context *x = a->context;
        unsigned n = 0;

        if (x->n_in_flight < x->max_in_flight_per_uid)
                return false;
        for (const struct action *other = x->in_flight; other; other = other->next)
                n += other->spec.peer.uid == a->spec.peer.uid;
        return n >= x->max_in_flight_per_uid;
}

/* Before anything is begun: room for the action and for its audit entry. */
static int admit(struct action *a) {
        struct action_context *x = a->context;
        int r;

        if (x->n_in_flight >= x->max_in_flight || has_its_share(a)) {
                a->error.retry_after_msec = 1000;
                return ae_error_set(&a->error, AE_OVERLOADED,
                                    "%u actions are in flight already; try again in a moment",
                                    x->n_in_flight);
        }

        r = journal_reserve();
        if (r < 0) {
                a->error.retry_after_msec = 1000;
                return ae_error_set(&a->error, AE_OVERLOADED,
                                    "the journal does not keep up, and nothing is done without an "
                                    "audit entry; try again in a moment");
        }
        a->reserved = true;
        enter(a);

        return sd_event_add_time_relative(x->event, &a->deadline, CLOCK_MONOTONIC,
                                          a->spec.deadline_usec, 10 * USEC_PER_MSEC, on_deadline,
                                          a);
}

void pipeline_start(struct action *a, action_done_fn *on_done, void *userdata) {
        int r;

        a->on_done = on_done;
        a->userdata = userdata;
        action_ref(a);

        r = admit(a);
        if (r >= 0)
                r = stages[0](a);
        proceed(a, r);
}

static void end_with(struct action *a, enum ae_code code, const char *message) {
        a->authorisation = authorisation_free(a->authorisation);
        if (a->vault_call)
                vault_call_cancel(TAKE_PTR(a->vault_call));
        if (a->http_call)
                http_call_cancel(TAKE_PTR(a->http_call));
        (void)ae_error_set(&a->error, code, "%s", message);
        answer(a);
}

void pipeline_cancel(struct action *a, enum ae_code code, const char *message) {
        if (a->answered)
                return;
        if (!a->leaving)
                end_with(a, code, message);
        else if (a->withdrawn == AE_NONE) {
                a->withdrawn = code;
                a->withdrawn_why = message;
        }
}

static struct action *find_asking(const struct action_context *context) {
        for (struct action *a = context->in_flight; a; a = a->next)
                if (authorisation_waits_for_person(a->authorisation))
                        return a;
        return NULL;
}

void pipeline_stop_asking(struct action_context *context) {
        struct action *a;

        while ((a = find_asking(context)))
                end_with(a, AE_CANCELLED,
                         "the engine stopped before a person had answered; nothing was sent");
}

void pipeline_abandon_all(struct action_context *context) {
        while (context->in_flight) {
                struct action *a = context->in_flight;

                if (a->leaving)
                        end_with(a, AE_OUTCOME_UNKNOWN,
                                 "the engine stopped before the platform answered; check with the "
                                 "platform before you repeat it");
                else
                        end_with(a, AE_CANCELLED, "the engine stopped; nothing was sent");
        }
}
