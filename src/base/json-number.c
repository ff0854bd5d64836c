/* SPDX-License-Identifier: MIT */
#include "base/json-number.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * No double and no midpoint between two has more significant digits than 768: behind them only
 * counts whether anything but zeroes follows.
 */
#define MAX_DIGITS 768

/* More than any number of digits could make up for. */
#define MAX_EXPONENT ((int64_t)1 << 40)

/* 0.DIGITS * 10^point, without zeroes in front. */
struct decimal {
        bool negative;
        char digits[MAX_DIGITS + 2]; /* one for what was cut off, and the NUL */
        size_t n_digits;
        int64_t point;
};

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static size_t span_digits(const char *text, size_t size, size_t at) {
        size_t n = 0;

        while (at + n < size && is_digit(text[at + n]))
                n++;
        return n;
}

size_t json_number_span(const char *text, size_t size, bool *ret_integer) {
        size_t at = size > 0 && text[0] == '-', n;
        bool integer = true;

        n = span_digits(text, size, at);
        if (n == 0 || (n > 1 && text[at] == '0'))
                return 0;
        at += n;

        if (at < size && text[at] == '.') {
                n = span_digits(text, size, at + 1);
                if (n == 0)
                        return 0;
                at += 1 + n;
                integer = false;
        }

        if (at < size && (text[at] | 0x20) == 'e') {
                at++;
                at += at < size && (text[at] == '+' || text[at] == '-');
                n = span_digits(text, size, at);
                if (n == 0)
                        return 0;
                at += n;
                integer = false;
        }

        *ret_integer = integer;
        return at;
}

static int64_t read_exponent(const char *text, size_t size) {
        size_t at = text[0] == '-' || text[0] == '+';
        int64_t value = 0;

        for (; at < size && value < MAX_EXPONENT; at++)
                value = value * 10 + (text[at] - '0');
        return text[0] == '-' ? -value : value;
}

/* The sign, the exponent and the place of the point; the digits where `with_digits`. */
static void decimal_read(struct decimal *d, const char *text, size_t size, bool with_digits) {
        bool fraction = false, rest = false;
        size_t at = 0;

        d->negative = text[0] == '-';
        d->n_digits = 0;
        d->point = 0;

        for (at = d->negative; at < size && (text[at] | 0x20) != 'e'; at++) {
                if (text[at] == '.') {
                        fraction = true;
                        continue;
                }
                if (text[at] == '0' && d->n_digits == 0) {
                        d->point -= fraction; /* a zero in front */
                        continue;
                }
                d->point += !fraction;
                if (d->n_digits == 0 || (with_digits && d->n_digits < MAX_DIGITS))
                        d->digits[d->n_digits++] = text[at];
                else
                        rest |= text[at] != '0';
        }

        if (with_digits && rest)
                d->digits[d->n_digits++] = '1';
        d->digits[d->n_digits] = 0;
        if (at < size)
                d->point += read_exponent(text + at + 1, size - at - 1);
}

double json_number_value(const char *text, size_t size) {
        char plain[sizeof((struct decimal){ 0 }.digits) + 32];
        struct decimal d;
        double value;

        decimal_read(&d, text, size, /* with_digits= */ true);
        if (d.n_digits == 0)
                return d.negative ? -0.0 : 0.0;

        /* Without a point, so that strtod() has no locale to ask. */
        (void)snprintf(plain, sizeof(plain), "%se%" PRId64, d.digits,
                       d.point - (int64_t)d.n_digits);
        value = strtod(plain, NULL);
        return d.negative ? -value : value;
}

/* The largest double is 1.797…e308: only numbers with as many places need a closer look. */
bool json_number_in_range(const char *text, size_t size) {
        struct decimal d;

        if (size <= 300 && !memchr(text, 'e', size) && !memchr(text, 'E', size))
                return true;

        decimal_read(&d, text, size, /* with_digits= */ false);
        if (d.n_digits == 0 || d.point < 309)
                return true;
        return d.point == 309 && isfinite(json_number_value(text, size));
}

bool json_integer_is_big(const char *text, size_t size) {
        static const char limit[] = "9007199254740992";
        const size_t n_limit = sizeof(limit) - 1;

        if (*text == '-') {
                text++;
                size--;
        }
        return size > n_limit || (size == n_limit && memcmp(text, limit, n_limit) > 0);
}

/* The nearest 0.DIGITS * 10^*ret_point of that many digits. */
static void nearest_digits(double value, int n_digits, char *ret_digits, int *ret_point) {
        char text[40];
        const char *at = text;

        (void)snprintf(text, sizeof(text), "%.*e", n_digits - 1, value);
        for (; *at != 'e'; at++) /* whatever the locale's point is */
                if (is_digit(*at))
                        *ret_digits++ = *at;
        *ret_digits = 0;
        *ret_point = atoi(at + 1) + 1;
}

static void next_digits_up(char *digits, int *point) {
        size_t i = strlen(digits);

        while (i > 0 && digits[i - 1] == '9')
                digits[--i] = '0';
        if (i > 0) {
                digits[i - 1]++;
                return;
        }
        digits[0] = '1';
        (*point)++;
}

static bool reads_back(double value, const char *digits, int point) {
        char text[40];
        double back;

        (void)snprintf(text, sizeof(text), "%se%d", digits, point - (int)strlen(digits));
        back = strtod(text, NULL);
        return memcmp(&back, &value, sizeof(value)) == 0;
}

/*
 * The fewest digits that read back as `value`. printf() gives the nearest of their number; but at
 * a power of two the doubles above lie twice as far apart as those below, so that there the next
 * decimal up may read back where the nearest does not.
 */
static void shortest_digits(double value, char *ret_digits, int *ret_point) {
        /* Up to 15 digits survive a normal double: none shorter is missed by starting there. */
        int n_digits = value < 0x1p-1022 ? 1 : 15;
        size_t n;

        for (;; n_digits++) {
                nearest_digits(value, n_digits, ret_digits, ret_point);
                if (n_digits == 17 || reads_back(value, ret_digits, *ret_point))
                        break;
                next_digits_up(ret_digits, ret_point);
                if (reads_back(value, ret_digits, *ret_point))
                        break;
        }

        n = strlen(ret_digits);
        while (n > 1 && ret_digits[n - 1] == '0')
                n--;
        ret_digits[n] = 0;
}

size_t json_number_print(double value, char ret[static JSON_NUMBER_SIZE]) {
        const char *sign = value < 0 ? "-" : "";
        char digits[24];
        int point, n, length;

        if (!isfinite(value))
                return (size_t)snprintf(ret, JSON_NUMBER_SIZE, "null");
        if (fabs(value) < 0x1p53 && fabs(value - trunc(value)) <= 0)
                return (size_t)snprintf(ret, JSON_NUMBER_SIZE, "%" PRId64, (int64_t)value);

        shortest_digits(fabs(value), digits, &point);
        n = (int)strlen(digits);

        if (n <= point && point <= 21)
                length = snprintf(ret, JSON_NUMBER_SIZE, "%s%s%.*s", sign, digits, point - n,
                                  "000000000000000000000");
        else if (0 < point && point <= 21)
                length = snprintf(ret, JSON_NUMBER_SIZE, "%s%.*s.%s", sign, point, digits,
                                  digits + point);
        else if (-6 < point && point <= 0)
                length = snprintf(ret, JSON_NUMBER_SIZE, "%s0.%.*s%s", sign, -point, "00000",
                                  digits);
        else
                length = snprintf(ret, JSON_NUMBER_SIZE, "%s%c%s%se%+d", sign, digits[0],
                                  n > 1 ? "." : "", digits + 1, point - 1);
        return (size_t)length;
}
