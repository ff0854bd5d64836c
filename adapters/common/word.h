/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What platforms answer that is handed on as it is: ids and links. NULL is none.
 */

#include <stdbool.h>
#include <stddef.h>

/* One to `max` characters of printable ASCII, no space among them. */
bool word_fits(const char *text, size_t max);

/* The same, and https://: somebody will click on it. */
bool word_is_link(const char *text, size_t max);
