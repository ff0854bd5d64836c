/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One question to policy about an action: what its adapter explains, and the asking.
 */

#include <stdbool.h>

#include "action/adapter.h"
#include "base/cleanup.h"

struct action;
struct authorisation;

/* Withdraws the question if it stands. */
struct authorisation *authorisation_free(struct authorisation *z);

/* Whether a person thinks about it at this moment. `z` may be NULL. */
bool authorisation_waits_for_person(const struct authorisation *z);

/*
 * What a person and rules are told. The caller gives *ret, zero-initialised, to explanation_done() in
 * every case. Returns 0, -ENOMEM, or -E2BIG when a value would have to be cut.
 */
int explanation_make(const struct action *a, struct adapter_explanation *ret);
void explanation_done(struct adapter_explanation *e);
