/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a field of a payload wants of a file, by its schema. Pure. The schema comes from outside:
 * how far it is followed is bounded.
 */

#include "actionctl/payload-args.h"

enum field_kind {
        FIELD_TEXT,   /* its text; also where nothing is known of the field */
        FIELD_BASE64, /* its bytes, in base64 */
        FIELD_FILE,   /* an object: filename, content_type, content_base64 */
};

enum field_kind field_kind(const cJSON *schema, const struct payload_key *key);

/* The content type that the extension of a file's name suggests. */
const char *field_content_type(const char *filename);
