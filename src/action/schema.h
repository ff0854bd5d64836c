/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * JSON Schema, draft 2020-12: https://json-schema.org/draft/2020-12. A schema is compiled once and
 * then judges any number of instances, each in bounded time. Pure: what a reference leads to comes
 * from who loads the schema, never from the network.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct cJSON;
struct schema;

enum schema_flags {
        /*
         * For schemas of our own, where a keyword that says nothing is a mistake: a keyword or
         * format that is not known is an error at load. Else it is ignored, as the standard
         * wants.
         */
        SCHEMA_STRICT = 1 << 0,
        /*
         * `format` is asserted (date, date-time, email, ipv4, ipv6, time, uri, uuid). Else it is
         * an annotation, unless the schema's dialect has the vocabulary format-assertion.
         */
        SCHEMA_ASSERT_FORMAT = 1 << 1,
};

/*
 * Finds the document that a schema refers to by `uri`, which is absolute if the schema's own is,
 * and has no fragment. The text is borrowed until the next call. Returns 0; -ENOENT when there is
 * none; another errno, which ends the loading.
 */
typedef int schema_resolve_fn(const char *uri, void *userdata, const char **ret_text,
                              size_t *ret_size);

/* All zeroes: as the standard has it, for a schema that refers to itself and the standard's own. */
struct schema_options {
        unsigned flags;
        const char *uri; /* where the schema is from: the base of its references; NULL: nowhere */
        schema_resolve_fn *resolve; /* NULL: there are no other documents */
        void *userdata;
};

/*
 * Documents that one schema may be made of, what has an $id or an anchor in them, and the
 * instructions that all patterns may become together.
 */
#define SCHEMA_MAX_DOCUMENTS 64
#define SCHEMA_MAX_RESOURCES 4096
#define SCHEMA_MAX_ANCHORS 4096
#define SCHEMA_MAX_INSTRUCTIONS ((size_t)1 << 20)

#define SCHEMA_ERROR_SIZE 256

/*
 * Loads a schema of our own: strict, formats asserted, no other documents. The caller owns *ret.
 * Returns 0, -ENOMEM, or -EINVAL with the reason and where it stands (a JSON Pointer) in `error`.
 */
int schema_new(const char *text, size_t size, struct schema **ret, char error[SCHEMA_ERROR_SIZE]);
/* Loads any schema. Also returns what `resolve` fails with. */
int schema_new_with(const char *text, size_t size, const struct schema_options *options,
                    struct schema **ret, char error[SCHEMA_ERROR_SIZE]);
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
