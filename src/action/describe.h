/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a dry run tells: the decision, and the request as it would leave, with secrets masked.
 */

#include "action/action.h"

/* The caller owns *ret. Returns 0 or -ENOMEM. */
int describe_dry_run(const struct action *a, struct cJSON **ret);
