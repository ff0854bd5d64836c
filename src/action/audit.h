/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The audit trail: one journal entry per finished action, which tells who let what out to where,
 * and what came of it. Never a payload, never a secret.
 */

struct action;

/* Uses up the place that was reserved for the action. */
void audit_finished(struct action *a);
