/* SPDX-License-Identifier: MIT */
#include "base/quote.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

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
