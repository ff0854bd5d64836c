/* SPDX-License-Identifier: MIT */
#include "actionctl/clean.h"

/* How many bytes at `p` a terminal would obey instead of show; 0 when it is an honest character. */
static size_t unprintable(const unsigned char *p) {
        if (*p < 0x20 || *p == 0x7f)
                return 1;
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
                return 2; /* C1 */
        if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] >= 0xa8 && p[2] <= 0xae))
                return 3; /* line separators; directions, U+202A to U+202E */
        if (p[0] == 0xe2 && p[1] == 0x81 && (p[2] >= 0xa6 && p[2] <= 0xa9))
                return 3; /* isolates, U+2066 to U+2069 */
        return 0;
}

void output_clean(const char *text, struct buffer *to) {
        const unsigned char *p = (const unsigned char *)text;

        while (*p) {
                size_t n = unprintable(p);

                buffer_putc(to, n > 0 ? '?' : (char)*p);
                p += n > 0 ? n : 1;
        }
}
