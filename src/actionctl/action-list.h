/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What list_actions says.
 */

#include "actionctl/ctl.h"
#include "base/json.h"

/* The actions of a response, or NULL. */
const cJSON *action_list(const cJSON *response);

/* The string of that name, or "". */
const char *action_text(const cJSON *action, const char *name);

/*
 * The action that the arguments name, platform and action type, or tells that there is none.
 * Returns 0 or an exit code; *ret is borrowed from the response.
 */
int action_list_find(const struct ctl *ctl, const cJSON *response, const cJSON **ret);
