/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Text from outside, on its way to a person: control characters (C0, DEL, C1) and those that turn
 * the direction of writing become '?'. Pure.
 */

#include "base/buffer.h"

/* Appends text, cleaned. Line breaks are control characters like others. */
void output_clean(const char *text, struct buffer *to);
