/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A payload's schema → what a person has to know of each field. Pure. The schema comes from
 * outside: how deep and how far it is followed is bounded.
 */

#include <stdbool.h>

#include "base/json.h"

#define FIELDS_MAX 500

/* All borrowed until found() returns. */
struct field {
        const char *path; /* "attachments[].filename" */
        const char *type; /* "array of string" */
        bool required;
        const char *meaning; /* what its description and its limits say */
};

/* Follows $ref as far as it is plain. NULL where it leads nowhere. */
const cJSON *fields_resolve(const cJSON *schema, const cJSON *node);
/* What it may be instead, or NULL. */
const cJSON *fields_alternatives(const cJSON *node);

/* Calls found() for at most FIELDS_MAX fields, in the schema's order. Returns 0 or -ENOMEM. */
int fields_walk(const cJSON *schema, void (*found)(const struct field *f, void *userdata),
                void *userdata);
