/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * JSON trees: cJSON, read only through the calls that mind the case of a key, and printed by a
 * printer of our own, because cJSON's changes numbers.
 */

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json-scan.h"

static inline cJSON *json_free(cJSON *json) {
        cJSON_Delete(json);
        return NULL;
}
DEFINE_CLEANUP(cJSON *, json_free);

/*
 * Scans and parses a text from outside: an answer from a platform, a file. The caller owns *ret.
 * Returns 0, -EBADMSG (with *ret_fault, which may be NULL, set), -ENOMEM.
 */
int json_parse(const char *text, size_t size, cJSON **ret, struct json_fault *ret_fault);

/* Makes a tree of a slice that json_scan() has accepted. The caller owns *ret. 0 or -ENOMEM. */
int json_slice_tree(const struct json_slice *s, cJSON **ret);

/* The string, number or child of that exact name in an object; NULL when absent or of another type. */
const char *json_string(const cJSON *object, const char *name);
const cJSON *json_member(const cJSON *object, const char *name);
/* An integer within ±2^53. Returns 0, -ENOENT when absent, -EINVAL when it is no such integer. */
int json_integer(const cJSON *object, const char *name, int64_t *ret);

/*
 * Prints without white space. Numbers stand in the shortest form that reads back the same
 * (ECMAScript's Number::toString). A raw node stands as it is. Out of memory shows in
 * buffer_error().
 */
void json_print(const cJSON *json, struct buffer *to);

typedef void json_take_fn(const char *text, size_t size, void *userdata);

/*
 * As json_print(), in canonical form (RFC 8785): keys sorted by their UTF-16 code units. The text is
 * handed to take() piece by piece, so that a large one never stands in memory whole. Not for trees
 * with raw nodes. Returns 0 or -ENOMEM; then a part has been taken.
 */
int json_print_canonical(const cJSON *json, json_take_fn *take, void *userdata);

/* As json_print(), in ASCII: what is beyond it in strings, and DEL, as \u escapes. */
void json_print_ascii(const cJSON *json, struct buffer *to);

/* Prints one string with its quotes, escaping what RFC 8259 demands. `size` bytes of UTF-8. */
void json_print_string(const char *text, size_t size, struct buffer *to);
