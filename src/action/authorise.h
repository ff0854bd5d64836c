/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One question to policy about an action: what its adapter explains, and the asking.
 */

#include <stdbool.h>

#include "base/cleanup.h"

struct action;
struct authorisation;

/* Withdraws the question if it stands. */
struct authorisation *authorisation_free(struct authorisation *z);

/* Whether a person thinks about it at this moment. `z` may be NULL. */
bool authorisation_waits_for_person(const struct authorisation *z);
