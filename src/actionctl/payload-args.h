/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Arguments of the command line → payload. Pure.
 *
 *   subject=Hello        a string, always
 *   count:=3             a JSON value: number, boolean, array, object
 *   to=a@b.c to=d@e.f    the same key again: an array of all its values, in their order
 */

#include <stddef.h>

#include "base/json.h"

#define PAYLOAD_ERROR_SIZE 256

/*
 * The caller owns *ret, an object. Returns 0, -ENOMEM, or -EINVAL with a sentence in `error`.
 */
int payload_from_arguments(char *const *arguments, size_t n, cJSON **ret,
                           char error[static PAYLOAD_ERROR_SIZE]);
