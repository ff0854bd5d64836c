/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Regular expressions of ECMA-262 (with its flag u, as JSON Schema reads them), matched in a time
 * that is linear in the text. What would take more, look-around and references back to a group, is
 * refused. Characters are Unicode's, whatever the locale.
 */

#include <stddef.h>

#include "base/cleanup.h"

/* Of a pattern in bytes, of a program in instructions: a{0,1000} becomes 2000 of them. */
#define REGEX_MAX_PATTERN 16384
#define REGEX_MAX_PROGRAM 16384
#define REGEX_MAX_DEPTH 64 /* groups within groups */

struct regex;

/*
 * The pattern is well-formed UTF-8. The caller owns *ret. Returns 0, -ENOMEM, or -EINVAL with
 * *ret_reason: static text that continues "the pattern …".
 */
int regex_new(const char *pattern, struct regex **ret, const char **ret_reason);
struct regex *regex_free(struct regex *re);
DEFINE_CLEANUP(struct regex *, regex_free);

/* How many instructions it became: eight bytes each. */
size_t regex_size(const struct regex *re);

/*
 * Whether the expression matches anywhere in `size` bytes of UTF-8. Each instruction that is
 * looked at takes one off *budget. Returns 1 or 0; -ETIME when the budget is used up; -ENOMEM,
 * which a program of less than 256 instructions does not need.
 */
int regex_search(const struct regex *re, const char *text, size_t size, size_t *budget);
