/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A payload as the arguments that make it: payload-args.h the other way round, quoted for a shell.
 * Pure.
 */

#include "base/json.h"

/* Appends a blank and an argument for each member. */
void example_put_arguments(const cJSON *payload, struct buffer *to);
