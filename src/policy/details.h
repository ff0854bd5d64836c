/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What polkit is told about an action beside its id: names from a fixed list, values of one line
 * that no terminal and no agent can take for more than text. Pure.
 */

#include "base/buffer.h"
#include "policy/policy.h"

#define DETAILS_OWN 8 /* beside the facts */
#define DETAILS_MAX (DETAILS_OWN + POLICY_MAX_FACTS)

struct details {
        struct {
                const char *name; /* static */
                struct buffer value;
        } of[DETAILS_MAX];
        size_t n;
};

void details_done(struct details *d);

/*
 * The caller gives *ret, zero-initialised, to details_done() in every case. Returns 0, -ENOMEM, or
 * a negative errno with `error` set: `forbidden` for a value that is too long.
 */
int details_make(const struct policy_question *q, struct details *ret, struct ae_error *error);

/*
 * Appends the text as base/legible.h does, with a '?' too for the dollar of "$(", which polkit
 * replaces in a question.
 */
void details_clean(const char *text, struct buffer *to);
