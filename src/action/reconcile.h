/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What became of an action whose request left and got no clear answer, where the platform can be
 * asked. Asking is a few looks, each of which goes through the stages from `credential` on with the
 * adapter's struct adapter_reconcile. They are spread over about ReconcileSec=, because a platform
 * may show late what it has done:
 *
 *      found           success, with what was found
 *      absent          by the last look: `upstream_error`, and the action can be repeated
 *      cannot be told  `outcome_unknown`, as it was. A failure that may pass is waited out
 *
 * The action counts as in flight, and cannot be cancelled, until then.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"

struct action;

enum reconciled {
        RECONCILED_NOT, /* nobody had to ask */
        RECONCILED_UNKNOWN,
        RECONCILED_ABSENT,
        RECONCILED_FOUND,
};

/* Part of an action. Zero-initialised is valid. */
struct reconcile {
        bool permitted; /* the credential may look */
        bool looking;   /* from the first look on */
        enum reconciled outcome;
        unsigned n_looks;
        uint64_t began_usec; /* CLOCK_MONOTONIC */
        uint64_t end_usec;   /* the same: no request of a look is waited for any longer; 0: none */
        sd_event_source *timer; /* between two looks */
        struct ae_error lost;   /* how the action would have ended */
};

void reconcile_done(struct reconcile *c);

/* Notes whether the platform may be asked with a->credential, which is there no longer by then. */
void reconcile_note_credential(struct action *a);

/*
 * For an action that fails with a->error and r: whether the platform is to be asked, or once more.
 * Returns the stage_result to go on with, or r: the action ends with what stands in a->error now.
 */
int reconcile_after_failure(struct action *a, int r);

/* What a look's interpret() gave, as a stage_result or a negative errno with a->error set. */
int reconcile_look_result(struct action *a, int r);
