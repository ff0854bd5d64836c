/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <string.h>

#define OBJECT SCHEMA_OBJECT
#define ARRAY SCHEMA_ARRAY
#define STRING SCHEMA_STRING
#define NUMBER SCHEMA_NUMBER
#define ANY SCHEMA_ANY

/* clang-format off */
static const struct schema_keyword keywords[] = {
        { "$comment",             schema_load_text,        NULL,                           0,      SCHEMA_REACH_NONE },
        { "$defs",                schema_load_definitions, NULL,                           0,      SCHEMA_REACH_NONE },
        { "$id",                  schema_load_id,          NULL,                           0,      SCHEMA_REACH_NONE },
        { "$ref",                 schema_load_ref,         schema_check_ref,               ANY,    SCHEMA_REACH_ALL  },
        { "$schema",              schema_load_dialect,     NULL,                           0,      SCHEMA_REACH_NONE },
        { "additionalProperties", schema_load_additional,  schema_check_additional,        OBJECT, SCHEMA_REACH_NONE },
        { "allOf",                schema_load_schemas,     schema_check_all_of,            ANY,    SCHEMA_REACH_ALL  },
        { "anyOf",                schema_load_schemas,     schema_check_any_of,            ANY,    SCHEMA_REACH_ANY  },
        { "const",                schema_load_const,       schema_check_const,             ANY,    SCHEMA_REACH_NONE },
        { "contentEncoding",      schema_load_text,        NULL,                           0,      SCHEMA_REACH_NONE },
        { "contentMediaType",     schema_load_text,        NULL,                           0,      SCHEMA_REACH_NONE },
        { "default",              schema_load_anything,    NULL,                           0,      SCHEMA_REACH_NONE },
        { "deprecated",           schema_load_bool,        NULL,                           0,      SCHEMA_REACH_NONE },
        { "description",          schema_load_text,        NULL,                           0,      SCHEMA_REACH_NONE },
        { "enum",                 schema_load_enum,        schema_check_enum,              ANY,    SCHEMA_REACH_NONE },
        { "examples",             schema_load_array,       NULL,                           0,      SCHEMA_REACH_NONE },
        { "exclusiveMaximum",     schema_load_number,      schema_check_exclusive_maximum, NUMBER, SCHEMA_REACH_NONE },
        { "exclusiveMinimum",     schema_load_number,      schema_check_exclusive_minimum, NUMBER, SCHEMA_REACH_NONE },
        { "format",               schema_load_format,      schema_check_format,            STRING, SCHEMA_REACH_NONE },
        { "items",                schema_load_schema,      schema_check_items,             ARRAY,  SCHEMA_REACH_NONE },
        { "maxItems",             schema_load_count,       schema_check_max_items,         ARRAY,  SCHEMA_REACH_NONE },
        { "maxLength",            schema_load_count,       schema_check_max_length,        STRING, SCHEMA_REACH_NONE },
        { "maxProperties",        schema_load_count,       schema_check_max_properties,    OBJECT, SCHEMA_REACH_NONE },
        { "maximum",              schema_load_number,      schema_check_maximum,           NUMBER, SCHEMA_REACH_NONE },
        { "minItems",             schema_load_count,       schema_check_min_items,         ARRAY,  SCHEMA_REACH_NONE },
        { "minLength",            schema_load_count,       schema_check_min_length,        STRING, SCHEMA_REACH_NONE },
        { "minProperties",        schema_load_count,       schema_check_min_properties,    OBJECT, SCHEMA_REACH_NONE },
        { "minimum",              schema_load_number,      schema_check_minimum,           NUMBER, SCHEMA_REACH_NONE },
        { "multipleOf",           schema_load_divisor,     schema_check_multiple_of,       NUMBER, SCHEMA_REACH_NONE },
        { "not",                  schema_load_schema,      schema_check_not,               ANY,    SCHEMA_REACH_NOT  },
        { "oneOf",                schema_load_schemas,     schema_check_one_of,            ANY,    SCHEMA_REACH_ANY  },
        { "pattern",              schema_load_pattern,     schema_check_pattern,           STRING, SCHEMA_REACH_NONE },
        { "properties",           schema_load_properties,  schema_check_properties,        OBJECT, SCHEMA_REACH_NONE },
        { "propertyNames",        schema_load_schema,      schema_check_property_names,    OBJECT, SCHEMA_REACH_NONE },
        { "readOnly",             schema_load_bool,        NULL,                           0,      SCHEMA_REACH_NONE },
        { "required",             schema_load_required,    schema_check_required,          OBJECT, SCHEMA_REACH_NONE },
        { "title",                schema_load_text,        NULL,                           0,      SCHEMA_REACH_NONE },
        { "type",                 schema_load_types,       schema_check_type,              ANY,    SCHEMA_REACH_NONE },
        { "uniqueItems",          schema_load_unique,      schema_check_unique,            ARRAY,  SCHEMA_REACH_NONE },
        { "writeOnly",            schema_load_bool,        NULL,                           0,      SCHEMA_REACH_NONE },
};
/* clang-format on */

const struct schema_keyword *schema_keyword_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(keywords); i++)
                if (strcmp(keywords[i].name, name) == 0)
                        return &keywords[i];
        return NULL;
}
