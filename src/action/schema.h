/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * JSON Schema (draft 2020-12), as far as the payloads of our adapters use it. A keyword that is
 * not known is an error when the schema is loaded, never ignored.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct cJSON;
struct schema;

#define SCHEMA_ERROR_SIZE 256

/*
 * Loads a schema. The caller owns *ret. Returns 0, -ENOMEM, or -EINVAL with the reason and where
 * it stands (a JSON Pointer) in `error`.
 */
int schema_new(const char *text, size_t size, struct schema **ret, char error[SCHEMA_ERROR_SIZE]);
struct schema *schema_free(struct schema *s);
DEFINE_CLEANUP(struct schema *, schema_free);

/* The schema as JSON, borrowed. */
const struct cJSON *schema_json(const struct schema *s);

/*
 * Adds a finding to `error` for each violation, all of them, with its JSON Pointer and a sentence
 * for a person. Returns how many it added.
 */
size_t schema_validate(const struct schema *s, const struct cJSON *instance,
                       struct ae_error *error);
