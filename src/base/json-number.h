/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Numbers in JSON text: their grammar (RFC 8259 §6), their range, and their value, independent of
 * the locale and of how many digits somebody sends.
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * The number at the beginning of `text`: how many bytes it takes, 0 when none stands there.
 * *ret_integer says that it has neither fraction nor exponent.
 */
size_t json_number_span(const char *text, size_t size, bool *ret_integer);

/* For the text of one number. */
bool json_number_in_range(const char *text, size_t size);
double json_number_value(const char *text, size_t size); /* correctly rounded; ±inf out of range */

/* For the text of one number without fraction and exponent: whether it is beyond ±2^53. */
bool json_integer_is_big(const char *text, size_t size);

/* Enough for the longest: -1.2345678901234567e-308, or 21 digits and a sign. */
#define JSON_NUMBER_SIZE 32

/*
 * Prints a finite number in the shortest form that reads back the same, as ECMAScript's
 * Number::toString lays it out; what is not finite becomes null. Returns the text's length.
 */
size_t json_number_print(double value, char ret[static JSON_NUMBER_SIZE]);
