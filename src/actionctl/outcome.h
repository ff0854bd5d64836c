/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What came of a consent, for the page in the browser and for the terminal: both say the same. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/json.h"

enum outcome_kind {
        OUTCOME_CONNECTED,
        OUTCOME_PARTLY, /* connected, and not all was granted that was asked for */
        OUTCOME_REFUSED,
        OUTCOME_EXPIRED,
        OUTCOME_FAILED,
        OUTCOME_N_KINDS,
};

#define OUTCOME_MAX_FACTS 6
#define OUTCOME_MAX_VALUES 64

struct outcome_fact {
        const char *name; /* static */
        bool is_list;
        char *values[OUTCOME_MAX_VALUES]; /* owned */
        size_t n_values;
};

struct outcome {
        enum outcome_kind kind;
        char *text; /* owned; NULL: the kind's own */
        struct outcome_fact facts[OUTCOME_MAX_FACTS];
        size_t n_facts;
};

/* What is known of the consent. Borrowed. */
struct outcome_of {
        const char *platform;
        const char *account;   /* NULL: default */
        bool refused;          /* the redirect says that the person did */
        bool expired;          /* the time was over */
        const cJSON *response; /* the engine's; NULL: it gave none */
};

/* Out of memory makes it say less. */
void outcome_read(const struct outcome_of *of, struct outcome *ret);
void outcome_done(struct outcome *o);

const char *outcome_title(const struct outcome *o);
const char *outcome_tone(
                const struct outcome *o); /* "good", "partly", "bad": a class of the page */
const char *outcome_text(const struct outcome *o);
const char *outcome_next(const struct outcome *o);
