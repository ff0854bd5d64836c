/* SPDX-License-Identifier: MIT */
#include "common/quote.h"

#include <ctype.h>
#include <stddef.h>

#include "base/error.h"

#define MESSAGE_MAX 200
#define WORD_MAX 63

static bool is_word(const char *text) {
        size_t n = 0;

        while (isalnum((unsigned char)text[n]) || text[n] == '_')
                n++;
        return n > 0 && n <= WORD_MAX && !text[n];
}

bool quote_reason(const char *word, struct ae_error *error) {
        if (!word || !is_word(word) || quote_may_hold_secret(word))
                return false;
        ae_error_quote(error->upstream_reason, sizeof(error->upstream_reason), word);
        return true;
}

void quote_message(const char *text, struct ae_error *error) {
        if (text && !quote_may_hold_secret(text))
                ae_error_quote(error->upstream_message, MESSAGE_MAX + 1, text);
}
