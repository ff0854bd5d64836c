/* SPDX-License-Identifier: MIT */
#include "oauth/quote.h"

#include <stdio.h>
#include <string.h>

#include "base/quote.h"

#define ERROR_MAX 48
#define DESCRIPTION_MAX 120
/* So many bytes in a row that stand in a secret, too, are no accident. */
#define ECHO_RUN 8

static bool has_piece(const char *text, const struct secret *secret) {
        size_t n = strlen(text), run;

        if (!secret || secret->size == 0)
                return false;
        run = secret->size < ECHO_RUN ? secret->size : ECHO_RUN;
        for (size_t i = 0; i + run <= n; i++)
                if (memmem(secret->data, secret->size, text + i, run))
                        return true;
        return false;
}

static bool echoes(const struct oauth_grant *grant, const char *text) {
        return has_piece(text, grant->token) || has_piece(text, grant->code) ||
               has_piece(text, grant->verifier) || has_piece(text, grant->app.client_secret);
}

/* Cut before it is looked at, so that what is looked at is what is told. */
static bool cut(const char *text, size_t max, const struct oauth_grant *grant, char *ret) {
        if (!text || !*text)
                return false;
        ae_error_quote(ret, max + 1, text);
        return !quote_may_hold_secret(ret) && !(grant && echoes(grant, ret));
}

void quote_said(const char *error, const char *description, const struct oauth_grant *grant,
                char ret[static OAUTH_SAID_SIZE]) {
        char word[ERROR_MAX + 1], sentence[DESCRIPTION_MAX + 1];
        bool has_word = cut(error, ERROR_MAX, grant, word);
        bool has_sentence = cut(description, DESCRIPTION_MAX, grant, sentence);

        if (has_word && has_sentence)
                snprintf(ret, OAUTH_SAID_SIZE, "'%s': '%s'", word, sentence);
        else if (has_word || has_sentence)
                snprintf(ret, OAUTH_SAID_SIZE, "'%s'", has_word ? word : sentence);
        else
                snprintf(ret, OAUTH_SAID_SIZE, "what cannot be repeated");
}
