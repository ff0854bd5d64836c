/* SPDX-License-Identifier: MIT */
#include "base/json-escape.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static unsigned hex_digit(char c) {
        return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

unsigned json_hex4(const char *at) {
        return hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 | hex_digit(at[2]) << 4 |
               hex_digit(at[3]);
}

/* Returns how many bytes it wrote. */
static unsigned put_utf8(unsigned code, unsigned char ret[static 4]) {
        static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
        unsigned n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

        for (unsigned i = n - 1; i > 0; i--, code >>= 6)
                ret[i] = (unsigned char)(0x80 | (code & 0x3f));
        ret[0] = (unsigned char)(lead[n] | code);
        return n;
}

unsigned json_unescape(const char **at, unsigned char ret[static 4]) {
        static const char letters[] = "bfnrt", meaning[] = "\b\f\n\r\t";
        char letter = (*at)[1];
        const char *known;
        unsigned code;

        if (letter != 'u') {
                known = strchr(letters, letter);
                ret[0] = (unsigned char)(known ? meaning[known - letters] : letter);
                *at += 2;
                return 1;
        }

        code = json_hex4(*at + 2);
        *at += 6;
        if (code >= 0xd800 && code < 0xdc00) { /* the scan has seen its other half */
                code = 0x10000 + ((code - 0xd800) << 10) + (json_hex4(*at + 2) - 0xdc00);
                *at += 6;
        }
        return put_utf8(code, ret);
}

const char *json_skip_string(const char *at) {
        for (at++; *at != '"'; at++)
                at += *at == '\\';
        return at + 1;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * Eight bytes at once: a subtraction carries into a byte's top bit where the byte is too small, and
 * only above such a byte can a carry mislead.
 */
static inline const char *skip(const char *at, const char *end, bool ascii) {
        for (; end - at >= 8; at += 8) {
                uint64_t x, quote, backslash, odd;

                memcpy(&x, at, sizeof(x));
                x = le64toh(x);
                quote = x ^ EACH_BYTE('"');
                backslash = x ^ EACH_BYTE('\\');
                odd = ((x - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) |
                       (backslash - EACH_BYTE(1))) &
                      ~x;
                if (ascii)
                        odd |= x;
                odd &= EACH_BYTE(0x80);
                if (odd)
                        return at + __builtin_ctzll(odd) / 8;
        }

        while (at < end && (unsigned char)*at >= 0x20 && *at != '"' && *at != '\\' &&
               !(ascii && (unsigned char)*at >= 0x80))
                at++;
        return at;
}

const char *json_skip_plain(const char *at, const char *end) {
        return skip(at, end, /* ascii= */ true);
}

const char *json_skip_unescaped(const char *at, const char *end) {
        return skip(at, end, /* ascii= */ false);
}

int json_cursor_next(struct json_cursor *c) {
        int byte;

        if (c->n_held == 0) {
                if (c->at == c->end)
                        return -1;
                if (*c->at != '\\')
                        return (unsigned char)*c->at++;
                c->n_held = json_unescape(&c->at, c->held);
        }

        byte = c->held[0];
        memmove(c->held, c->held + 1, --c->n_held);
        return byte;
}

int json_compare(const char *a, size_t a_size, const char *b, size_t b_size) {
        struct json_cursor left = { .at = a, .end = a + a_size };
        struct json_cursor right = { .at = b, .end = b + b_size };
        int l, r;

        do {
                l = json_cursor_next(&left);
                r = json_cursor_next(&right);
        } while (l == r && l >= 0);
        return l - r;
}
