/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The strict pass over a line of JSON (RFC 8259, I-JSON RFC 7493), before anything else may look
 * at it: one walk over the bytes, no tree. It also notes where the root object's members stand, so
 * that a small request never builds a tree at all. What it refuses, cJSON never sees.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 64

/*
 * In one text, containers and what is in them. A value costs two bytes of text and a hundred of
 * memory once there is a tree of it, so that the size of a text does not bound that of its tree.
 */
#define JSON_MAX_VALUES ((size_t)1 << 18)

/*
 * More members than any request may have: if a root object has more than fit, one of those noted
 * is a field that nobody knows, and the request is refused for that.
 */
#define JSON_ENVELOPE_MAX 40

enum json_type {
        JSON_NULL,
        JSON_FALSE,
        JSON_TRUE,
        JSON_NUMBER,
        JSON_STRING,
        JSON_ARRAY,
        JSON_OBJECT,
};

/* A value as it stands in the line. Borrowed: lives as long as the line. */
struct json_slice {
        const char *text; /* a string with its quotes */
        size_t size;
        enum json_type type;
};

struct json_member {
        struct json_slice key; /* always JSON_STRING */
        struct json_slice value;
};

struct json_envelope {
        struct json_slice root;
        struct json_member members[JSON_ENVELOPE_MAX]; /* of the root, if it is an object */
        size_t n_members;                              /* at most JSON_ENVELOPE_MAX */
        bool has_big_integer; /* somewhere stands an integer beyond ±2^53 */
};

struct json_fault {
        const char *reason; /* static text */
        size_t offset;      /* byte where it was seen */
};

/*
 * Checks `text`: exactly one value, white space around it allowed. Refuses invalid UTF-8, a BOM,
 * lone surrogates, U+0000 (raw or escaped) and other raw control characters in strings, duplicate
 * keys (compared after unescaping) in any object, nesting deeper than JSON_MAX_DEPTH, more values
 * than JSON_MAX_VALUES, numbers outside the double range and whatever RFC 8259 refuses; also a text
 * of 2 GiB and more. The time is O(n log n) at worst.
 *
 * Returns 0; -EBADMSG with *ret_fault set; -ENOMEM. On -EBADMSG *ret holds the members that had
 * been read whole, so that an error can still carry the line's id.
 */
int json_scan(const char *text, size_t size, struct json_envelope *ret,
              struct json_fault *ret_fault);

/*
 * The member of that name, or NULL. `name` is plain ASCII; keys are compared unescaped. A name
 * that stands twice in a refused line is not found: it has no one value.
 */
const struct json_slice *json_envelope_find(const struct json_envelope *e, const char *name);

/* Reads scanned slices. Each returns 0, or -EINVAL when the slice is of another type or range. */
int json_slice_bool(const struct json_slice *s, bool *ret);
int json_slice_integer(const struct json_slice *s, int64_t min, int64_t max, int64_t *ret);

/* Whether a scanned string, unescaped, equals `text`. */
bool json_slice_equals(const struct json_slice *s, const char *text);

/*
 * Unescapes a scanned string. The caller frees *ret; no scanned string holds a NUL. Returns 0,
 * -EINVAL when it is no string, -ENOMEM.
 */
int json_slice_string(const struct json_slice *s, char **ret);

/*
 * Calls found() with the RFC 6901 pointer, relative to the slice, of each integer beyond ±2^53
 * (written without fraction and exponent) in a scanned slice. Returns 0 or -ENOMEM.
 */
int json_slice_big_integers(const struct json_slice *s,
                            void (*found)(const char *pointer, void *userdata), void *userdata);
