/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The operations of action-engine-protocol(7): one table, name → handler and what must hold before
 * it is called.
 */

#include "engine/client.h"

/*
 * Runs the request's operation. Returns 0 with call->result filled; CALL_PENDING; a negative errno
 * with `error` set.
 */
int op_run(struct call *call, struct ae_error *error);

/* Appends the names of all operations, as the items of a JSON array. */
void op_names(struct buffer *to);
