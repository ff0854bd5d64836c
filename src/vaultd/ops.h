/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the vault can be asked, as vault/wire.h tells: a line in, an answer back, maybe later. Knows
 * no socket.
 */

#include <stddef.h>
#include <stdint.h>

#include "vaultd/call.h"

/* Who may ask for what. One uid may be both. */
enum role {
        ROLE_ENGINE = 1 << 0,
        ROLE_ADMINISTRATOR = 1 << 1,
};

/*
 * Runs a line, the connection's `number`th, for a peer of those roles. on_answer() comes once,
 * maybe from within.
 */
void ops_run(struct desk *d, unsigned roles, const char *line, size_t size, uint64_t number,
             call_answer_fn *on_answer, void *userdata);

/* The answer that carries `error` and belongs to no request; `number` 0: to no line either. */
void ops_refuse(const struct ae_error *error, uint64_t number, struct buffer *to);

/* The operations: the first step of each. */
call_step_fn op_delete_provider, op_delete_token, op_discover, op_exchange, op_get_provider,
                op_get_token, op_list_providers, op_set_provider, op_start_device, op_status,
                op_store_token, op_test_provider;
