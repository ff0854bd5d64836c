/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The inside of a JSON string that the scan has accepted, unescaped while it is read, so that
 * comparing needs no copy. For base/json*.c only: nothing here checks anything.
 */

#include <stddef.h>

struct json_cursor {
        const char *at, *end; /* between the quotes */
        unsigned char held[4];
        unsigned n_held;
};

/* Reads the escape at *at (its backslash) and moves behind it. Returns how many bytes it wrote. */
unsigned json_unescape(const char **at, unsigned char ret[static 4]);

/* The value of four hex digits. */
unsigned json_hex4(const char *at);

/* From a string's quote to behind its other one. */
const char *json_skip_string(const char *at);

/* The first control character, quote or backslash: what has to be escaped in a string. Or `end`. */
const char *json_skip_unescaped(const char *at, const char *end);

/* The first of these, or of what is not ASCII. */
const char *json_skip_plain(const char *at, const char *end);

/* The next unescaped byte, or -1. */
int json_cursor_next(struct json_cursor *c);

/* Compares the unescaped bytes of two strings; less than, equal to or greater than zero. */
int json_compare(const char *a, size_t a_size, const char *b, size_t b_size);
