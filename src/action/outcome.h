/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What became of a request, told honestly: whether it may be sent again, and if that cannot be
 * known, that it cannot be known. Pure.
 */

#include <stdbool.h>

#include "action/adapter.h"

/* Whether a second one does no harm. */
bool idempotency_is_repeatable(enum idempotency class);

/*
 * Makes a result (an object, owned by the caller) or an error of what came back to a request, and
 * asks `interpret` about an answer; `repeatable` is whether a second request would do no harm.
 * Returns what `interpret` gave when it was no failure, or a negative errno with `error` set.
 */
int outcome_of_response(adapter_interpret_fn *interpret, const struct adapter_input *input,
                        bool repeatable, const struct http_response *response,
                        struct cJSON **ret_result, struct ae_error *error);

/*
 * For an action that failed when an exchange before had done something that a repeat would do
 * again: nothing that may be read as "nothing was done" is left standing.
 */
void outcome_half_done(struct ae_error *error);

/*
 * For an action that failed while it was being asked what became of the request before: whatever
 * the failure, that is not known.
 */
void outcome_unclear(struct ae_error *error);

/*
 * Takes the token out of what was made of an answer, since a platform may echo what it was sent.
 * `result` may be NULL. A token of less than 8 bytes is not looked for: it stands everywhere.
 */
void outcome_withhold(const struct secret *token, struct cJSON *result, struct ae_error *error);
