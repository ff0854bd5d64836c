/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The way of an action through its stages:
 *
 *   authenticate → resolve → validate → authorise → credential → build → send → interpret → answer
 *
 * What was proved is looked at again behind `credential`, the last stage that waits before a
 * request exists.
 *
 * One whose request left and got no clear answer goes the way from `credential` on again, to ask the
 * platform what became of it: action/reconcile.h.
 *
 * Whatever happens, an action ends in `answer` exactly once: one call of on_done(), one journal
 * entry, one set of counters.
 */

#include "action/action.h"

/*
 * Starts a new action. on_done() may come before this returns; the action is then over. It finds
 * what came of it in a->result, or in a->error.
 */
void pipeline_start(struct action *a, action_done_fn *on_done, void *userdata);

/*
 * Ends an action whose request has not begun to leave, with that code. Any other is waited for, and
 * ends so only if the platform refuses its credential: it is not sent a second time. `message` is
 * static text.
 */
void pipeline_cancel(struct action *a, enum ae_code code, const char *message);

/* Ends those for which a person is asked: whoever is about to stop does not wait for him. */
void pipeline_stop_asking(struct action_context *context);

/*
 * Ends all actions at once, for the engine's own end: what has begun to leave is told as
 * `outcome_unknown`.
 */
void pipeline_abandon_all(struct action_context *context);
