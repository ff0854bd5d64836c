/* SPDX-License-Identifier: MIT */
#include "action/reconcile.h"

#include <cjson/cJSON.h>

#include "action/action.h"
#include "action/outcome.h"
#include "action/scopes.h"
#include "action/stages.h"
#include "base/clock.h"
#include "base/journal.h"

/* When to look again, in sixtieths of ReconcileSec= since the first look, which is at once. */
static const unsigned again[] = { 2, 8, 23, 60 };
/* How long the last look may take. */
#define LAST_LOOK_USEC (30 * USEC_PER_SEC)

void reconcile_done(struct reconcile *c) {
        c->timer = sd_event_source_disable_unref(c->timer);
        ae_error_done(&c->lost);
}

static bool can_be_asked(const struct action *a) {
        return a->leaving && a->error.code == AE_OUTCOME_UNKNOWN && a->reconcile.permitted &&
               a->context->reconcile_usec > 0 && a->type->adapter->reconcile;
}

void reconcile_note_credential(struct action *a) {
        const struct adapter_reconcile *how = a->type->adapter->reconcile;
        const char *granted = a->credential.scopes;

        a->reconcile.permitted = how && !how->oauth_scopes;
        if (how && how->oauth_scopes && granted)
                a->reconcile.permitted = scopes_hold_any(granted, how->oauth_scopes);
}

/* Nothing that is left of the request, or of the look before, is for the next look. */
static void clear(struct action *a) {
        cJSON_Delete(TAKE_PTR(a->result));
        cJSON_Delete(TAKE_PTR(a->notes));
        a->n_exchanges = 0;
        ae_error_done(&a->error);
        a->reconcile.outcome = RECONCILED_UNKNOWN;
        a->reconcile.n_looks++;
}

static int begin(struct action *a) {
        struct reconcile *c = &a->reconcile;

        c->looking = true;
        c->began_usec = clock_usec(CLOCK_MONOTONIC);
        c->end_usec = c->began_usec + a->context->reconcile_usec + LAST_LOOK_USEC;
        c->lost = a->error;
        a->error = (struct ae_error){ 0 };
        clear(a);
        return STAGE_RENEW;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct action *a = userdata;

        a->reconcile.timer = sd_event_source_disable_unref(a->reconcile.timer);
        pipeline_resume(a, STAGE_RENEW);
        return 0;
}

/* Whether there will be another look. */
static bool look_again(struct action *a) {
        struct reconcile *c = &a->reconcile;
        uint64_t usec;

        if (!ae_code_retryable(a->error.code) || c->n_looks > ELEMENTSOF(again))
                return false;

        usec = c->began_usec + a->context->reconcile_usec / 60 * again[c->n_looks - 1];
        if (sd_event_add_time(a->context->event, &c->timer, CLOCK_MONOTONIC, usec,
                              10 * USEC_PER_MSEC, on_time, a) < 0)
                return false;
        clear(a);
        return true;
}

int reconcile_after_failure(struct action *a, int r) {
        struct reconcile *c = &a->reconcile;

        if (!c->looking) {
                if (a->unclear)
                        outcome_unclear(&a->error);
                return can_be_asked(a) ? begin(a) : r;
        }
        if (look_again(a))
                return STAGE_PENDING;

        if (c->outcome != RECONCILED_ABSENT)
                log_info("%s.%s, request %s: cannot tell what became of it: %s", a->spec.platform,
                         a->spec.action_type, a->request_id, a->error.message);
        /* What an exchange before has done may not be repeated, whatever became of the last. */
        if (c->outcome != RECONCILED_ABSENT || a->acted) {
                ae_error_done(&a->error);
                a->error = c->lost;
                c->lost = (struct ae_error){ 0 };
        }
        return r;
}

int reconcile_look_result(struct action *a, int r) {
        struct reconcile *c = &a->reconcile;

        switch (r) {
        case 0:
                c->outcome = RECONCILED_FOUND;
                return STAGE_NEXT;
        case ADAPTER_CONTINUE:
                return STAGE_FURTHER;
        case ADAPTER_ABSENT:
                c->outcome = RECONCILED_ABSENT;
                a->error.upstream_status = c->lost.upstream_status;
                return ae_error_set(&a->error, AE_UPSTREAM_ERROR,
                                    "the request got no clear answer; the platform was asked and "
                                    "has no trace of it: it can be repeated");
        default:
                return r;
        }
}
