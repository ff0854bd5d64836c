/* SPDX-License-Identifier: MIT */
#include "mail/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)64)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool is_digit(char c) {
        return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '+' || c == '/';
}

static const char *bad_character(char c) {
        if (strchr(" \t\r\n", c))
                return "holds white space; base64 must stand without it";
        if (c == '-' || c == '_')
                return "is base64url; use the alphabet with '+' and '/'";
        if (c == '=')
                return "has padding before its end";
        return "holds a character that is not base64";
}

/* Without a branch: the compiler makes vectors of it. */
static bool is_block_of_digits(const char *text) {
        unsigned char all = 1;

        for (size_t i = 0; i < BLOCK_SIZE; i++)
                all &= is_digit(text[i]);
        return all;
}

static size_t digits_span(const char *text, size_t size) {
        size_t n = 0;

        while (size - n >= BLOCK_SIZE && is_block_of_digits(text + n))
                n += BLOCK_SIZE;
        while (n < size && is_digit(text[n]))
                n++;
        return n;
}

int base64_check(const char *text, size_t size, const char **ret_reason) {
        size_t n = size, span; /* n digits before the padding */

        while (n > 0 && size - n < 2 && text[n - 1] == '=')
                n--;

        span = digits_span(text, n);
        if (span < n) {
                *ret_reason = bad_character(text[span]);
                return -EINVAL;
        }
        if (size % 4 != 0) {
                *ret_reason = "is cut: the length of base64 is a multiple of four";
                return -EINVAL;
        }
        /* One pad leaves two unused bits in the last digit, two pads leave four. */
        if (size > n &&
            (strchr(alphabet, text[n - 1]) - alphabet) & (size - n == 1 ? 0x03 : 0x0f)) {
                *ret_reason = "has bits behind its end: it is no canonical base64";
                return -EINVAL;
        }
        return 0;
}

size_t base64_wrapped_size(size_t size) {
        return size > 0 ? size + (size - 1) / BASE64_LINE * 2 : 0;
}

void base64_wrap(const char *text, size_t size, struct buffer *to) {
        size_t total = base64_wrapped_size(size);
        char *out = buffer_reserve(to, total);

        if (!out)
                return;
        for (; size > BASE64_LINE; text += BASE64_LINE, size -= BASE64_LINE) {
                memcpy(out, text, BASE64_LINE);
                memcpy(out + BASE64_LINE, "\r\n", 2);
                out += BASE64_LINE + 2;
        }
        memcpy(out, text, size);
        buffer_advance(to, total);
}

static void encode(const uint8_t *in, size_t size, const char *table, bool pad, struct buffer *to) {
        char *begin = buffer_reserve(to, (size + 2) / 3 * 4), *out = begin;

        if (!out)
                return;
        for (; size >= 3; in += 3, size -= 3) {
                uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

                *out++ = table[v >> 18];
                *out++ = table[v >> 12 & 63];
                *out++ = table[v >> 6 & 63];
                *out++ = table[v & 63];
        }
        if (size > 0) {
                uint32_t v = (uint32_t)in[0] << 16 | (size > 1 ? (uint32_t)in[1] << 8 : 0);

                *out++ = table[v >> 18];
                *out++ = table[v >> 12 & 63];
                if (size > 1)
                        *out++ = table[v >> 6 & 63];
                for (; pad && size < 3; size++)
                        *out++ = '=';
        }
        buffer_advance(to, (size_t)(out - begin));
}

void base64_encode(const void *data, size_t size, struct buffer *to) {
        encode(data, size, alphabet, /* pad= */ true, to);
}

void base64url_encode(const void *data, size_t size, struct buffer *to) {
        encode(data, size, url_alphabet, /* pad= */ false, to);
}
