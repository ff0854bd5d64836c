/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Arguments of the command line → payload. Pure, but for what the caller's `load` does.
 *
 *   subject=Hello        a string, always
 *   count:=3             a JSON value: number, boolean, array, object
 *   to=a@b.c to=d@e.f    the same key again: an array of all its values, in their order
 *   start.zone=UTC       a member of an object
 *   files[0].name=a      an element of an array, in their order; [] is one more
 *   body=@file           what a file holds, as the field wants it; @@x is the string @x
 *
 * In a key, a backslash takes the next of . [ \ for itself.
 */

#include <stddef.h>

#include "base/json.h"

#define PAYLOAD_ERROR_SIZE 256
#define PAYLOAD_MAX_PARTS 16
#define PAYLOAD_MAX_INDEX 999
#define PAYLOAD_MAX_ARGUMENTS 4096

/* One step of a key: a member's name, or an element. */
struct payload_part {
        char *name; /* NULL: an element */
        int index;  /* -1: one more */
};

struct payload_key {
        struct payload_part parts[PAYLOAD_MAX_PARTS];
        size_t n;
};

/*
 * Makes the value of that field from a file. The caller owns *ret. Returns 0, or a negative errno
 * with a sentence in `error`.
 */
typedef int payload_load_fn(const char *file, const struct payload_key *key, void *userdata,
                            cJSON **ret, char error[static PAYLOAD_ERROR_SIZE]);

/*
 * The caller owns *ret, an object. Returns 0, -ENOMEM, -EINVAL with a sentence in `error`, or what
 * `load` returns.
 */
int payload_from_arguments(char *const *arguments, size_t n, payload_load_fn *load, void *userdata,
                           cJSON **ret, char error[static PAYLOAD_ERROR_SIZE]);

/* A string as the engine will accept it. 0, -ENOMEM, or -EBADMSG when it is no text. */
int payload_string(const char *text, size_t size, cJSON **ret, struct json_fault *ret_fault);
