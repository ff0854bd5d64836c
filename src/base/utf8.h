/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Well-formed UTF-8, by the ranges of the Unicode standard's table 3-7.
 */

#include <stddef.h>

/*
 * How many bytes the character has that begins a text of at least one byte, the first of which is
 * above 0x7f; 0 when there is no whole character. The first byte says how many follow and what the
 * second may be, which leaves out overlong forms and surrogates.
 */
static inline size_t utf8_span(const char *text, size_t size) {
        const unsigned char *at = (const unsigned char *)text;
        unsigned char low = 0x80, high = 0xbf;
        size_t n = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

        if (at[0] < 0xc2 || at[0] > 0xf4 || size < n)
                return 0;

        if (at[0] == 0xe0)
                low = 0xa0;
        else if (at[0] == 0xed)
                high = 0x9f;
        else if (at[0] == 0xf0)
                low = 0x90;
        else if (at[0] == 0xf4)
                high = 0x8f;

        if (at[1] < low || at[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if ((at[i] & 0xc0) != 0x80)
                        return 0;
        return n;
}
