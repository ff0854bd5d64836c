/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A question to action-vaultd, as a line of wire.h. Pure.
 */

#include <stdint.h>

#include "base/buffer.h"
#include "vault/backend.h"

/*
 * Appends the line, without its end. It may hold tokens and codes: the caller wipes it. Out of
 * memory shows in buffer_error().
 */
void vault_question_print(const struct vault_question *q, uint64_t id, struct buffer *to);
