/* SPDX-License-Identifier: MIT */
#include "common/word.h"

#include <string.h>

bool word_fits(const char *text, size_t max) {
        size_t n = 0;

        while (text && n <= max && text[n] > ' ' && text[n] <= '~')
                n++;
        return n > 0 && n <= max && !text[n];
}

bool word_is_link(const char *text, size_t max) {
        return word_fits(text, max) && strncmp(text, "https://", strlen("https://")) == 0;
}
