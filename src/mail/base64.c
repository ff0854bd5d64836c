/* SPDX-License-Identifier: MIT */
#include "mail/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The digit's value plus one; 0 is no digit. */
static const uint8_t digits[256] = {
        ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
        ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
        ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
        ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
        ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
        ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
        ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
        ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
        ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
        ['/'] = 64,
};

static const char *bad_character(char c) {
        if (strchr(" \t\r\n", c))
                return "holds white space; base64 must stand without it";
        if (c == '-' || c == '_')
                return "is base64url; use the alphabet with '+' and '/'";
        if (c == '=')
                return "has padding before its end";
        return "holds a character that is not base64";
}

int base64_check(const char *text, size_t size, const char **ret_reason) {
        size_t n = size; /* digits before the padding */

        while (n > 0 && size - n < 2 && text[n - 1] == '=')
                n--;

        for (size_t i = 0; i < n; i++)
                if (!digits[(uint8_t)text[i]]) {
                        *ret_reason = bad_character(text[i]);
                        return -EINVAL;
                }
        if (size % 4 != 0) {
                *ret_reason = "is cut: the length of base64 is a multiple of four";
                return -EINVAL;
        }
        /* One pad leaves two unused bits in the last digit, two pads leave four. */
        if (size > n && (digits[(uint8_t)text[n - 1]] - 1) & (size - n == 1 ? 0x03 : 0x0f)) {
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
