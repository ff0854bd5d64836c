/* SPDX-License-Identifier: MIT */
#include "base/legible.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* Categories Cc, Cf, Zl and Zp of Unicode, as far as they are assigned, and the selectors. */
/* clang-format off */
static const struct {
        uint32_t first, last;
} unwanted[] = {
        { 0x0000,  0x001f  }, { 0x007f,  0x009f  }, { 0x00ad,  0x00ad  }, { 0x034f,  0x034f  },
        { 0x0600,  0x0605  }, { 0x061c,  0x061c  }, { 0x06dd,  0x06dd  }, { 0x070f,  0x070f  },
        { 0x0890,  0x0891  }, { 0x08e2,  0x08e2  }, { 0x115f,  0x1160  }, { 0x17b4,  0x17b5  },
        { 0x180b,  0x180f  }, { 0x200b,  0x200f  }, { 0x2028,  0x202e  }, { 0x2060,  0x206f  },
        { 0x3164,  0x3164  }, { 0xfe00,  0xfe0f  }, { 0xfeff,  0xfeff  }, { 0xffa0,  0xffa0  },
        { 0xfff0,  0xfffb  }, { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1343f },
        { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};
/* clang-format on */

static bool is_unwanted(uint32_t c) {
        for (size_t i = 0; i < ELEMENTSOF(unwanted); i++)
                if (c >= unwanted[i].first && c <= unwanted[i].last)
                        return true;
        return false;
}

static uint32_t decode(const char *text, size_t n) {
        const unsigned char *at = (const unsigned char *)text;
        uint32_t c = n == 1 ? at[0] : at[0] & (0xffU >> (n + 1));

        for (size_t i = 1; i < n; i++)
                c = c << 6 | (at[i] & 0x3fU);
        return c;
}

void legible_append(struct buffer *to, const char *text, size_t max) {
        size_t left = strlen(text), n;

        for (; left > 0; text += n, left -= n) {
                if (max-- == 0) {
                        buffer_puts(to, "…");
                        return;
                }
                n = (unsigned char)*text < 0x80 ? 1 : utf8_span(text, left);
                if (n == 0 || is_unwanted(decode(text, n))) {
                        buffer_putc(to, '?');
                        n = n == 0 ? 1 : n;
                } else
                        buffer_append(to, text, n);
        }
}
