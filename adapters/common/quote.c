/* SPDX-License-Identifier: MIT */
#include "common/quote.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/error.h"

#define MESSAGE_MAX 200
#define WORD_MAX 63
/* As long as this without a break, a word is rather a token than a word. */
#define SECRET_RUN 32
#define UUID_LENGTH 36

/* What bearer tokens of Google and of Notion begin with, and the word before any. */
static const char *const marks[] = { "bearer", "ya29.", "ntn_", "secret_" };

static bool is_dense(char c) {
        return isalnum((unsigned char)c) || (c && strchr("+/-_=", c));
}

/* Platforms name things by them, and no token looks like one. */
static bool is_uuid(const char *text) {
        for (size_t i = 0; i < UUID_LENGTH; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
                        return false;
        }
        return true;
}

bool quote_may_hold_secret(const char *text) {
        size_t run;

        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                if (strcasestr(text, marks[i]))
                        return true;

        for (; *text; text += run > 0 ? run : 1) {
                for (run = 0; is_dense(text[run]);)
                        run++;
                if (run >= SECRET_RUN && !(run == UUID_LENGTH && is_uuid(text)))
                        return true;
        }
        return false;
}

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
