/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <string.h>

#define OBJECT SCHEMA_OBJECT
#define ARRAY SCHEMA_ARRAY
#define STRING SCHEMA_STRING
#define NUMBER SCHEMA_NUMBER
#define ANY SCHEMA_ANY

#define NONE SCHEMA_REACH_NONE
#define ALL SCHEMA_REACH_ALL
#define ONE SCHEMA_REACH_ANY
#define SOME SCHEMA_REACH_SOME

#define CORE SCHEMA_CORE
#define APPLICATOR SCHEMA_APPLICATOR
#define UNEVALUATED SCHEMA_UNEVALUATED
#define VALIDATION SCHEMA_VALIDATION
#define META SCHEMA_META_DATA
#define FORMAT SCHEMA_FORMAT
#define CONTENT SCHEMA_CONTENT

/* clang-format off */
static const struct schema_keyword keywords[] = {
        { "$anchor",               schema_load_anchor,             NULL,                                0,      NONE, CORE        },
        { "$comment",              schema_load_text,               NULL,                                0,      NONE, CORE        },
        { "$defs",                 schema_load_schema_map,         NULL,                                0,      NONE, CORE        },
        { "$dynamicAnchor",        schema_load_anchor,             NULL,                                0,      NONE, CORE        },
        { "$dynamicRef",           schema_load_ref,                schema_check_dynamic_ref,            ANY,    NONE, CORE        },
        { "$id",                   schema_load_text,               NULL,                                0,      NONE, CORE        },
        { "$ref",                  schema_load_ref,                schema_check_ref,                    ANY,    ALL,  CORE        },
        { "$schema",               schema_load_text,               NULL,                                0,      NONE, CORE        },
        { "$vocabulary",           schema_load_vocabulary,         NULL,                                0,      NONE, CORE        },
        { "additionalProperties",  schema_load_schema,             schema_check_additional,             OBJECT, NONE, APPLICATOR  },
        { "allOf",                 schema_load_schema_list,        schema_check_all_of,                 ANY,    ALL,  APPLICATOR  },
        { "anyOf",                 schema_load_schema_list,        schema_check_any_of,                 ANY,    ONE,  APPLICATOR  },
        { "const",                 schema_load_const,              schema_check_const,                  ANY,    NONE, VALIDATION  },
        { "contains",              schema_load_contains,           schema_check_contains,               ARRAY,  NONE, APPLICATOR  },
        { "contentEncoding",       schema_load_text,               NULL,                                0,      NONE, CONTENT     },
        { "contentMediaType",      schema_load_text,               NULL,                                0,      NONE, CONTENT     },
        { "contentSchema",         schema_load_schema,             NULL,                                0,      NONE, CONTENT     },
        { "default",               schema_load_anything,           NULL,                                0,      NONE, META        },
        { "dependentRequired",     schema_load_dependent_required, schema_check_dependent_required,     OBJECT, NONE, VALIDATION  },
        { "dependentSchemas",      schema_load_schema_map,         schema_check_dependent_schemas,      OBJECT, SOME, APPLICATOR  },
        { "deprecated",            schema_load_bool,               NULL,                                0,      NONE, META        },
        { "description",           schema_load_text,               NULL,                                0,      NONE, META        },
        { "else",                  schema_load_schema,             NULL,                                0,      SOME, APPLICATOR  },
        { "enum",                  schema_load_enum,               schema_check_enum,                   ANY,    NONE, VALIDATION  },
        { "examples",              schema_load_array,              NULL,                                0,      NONE, META        },
        { "exclusiveMaximum",      schema_load_number,             schema_check_exclusive_maximum,      NUMBER, NONE, VALIDATION  },
        { "exclusiveMinimum",      schema_load_number,             schema_check_exclusive_minimum,      NUMBER, NONE, VALIDATION  },
        { "format",                schema_load_format,             schema_check_format,                 STRING, NONE, FORMAT      },
        { "if",                    schema_load_schema,             schema_check_if,                     ANY,    SOME, APPLICATOR  },
        { "items",                 schema_load_items,              schema_check_items,                  ARRAY,  NONE, APPLICATOR  },
        { "maxContains",           schema_load_count,              NULL,                                0,      NONE, VALIDATION  },
        { "maxItems",              schema_load_count,              schema_check_max_items,              ARRAY,  NONE, VALIDATION  },
        { "maxLength",             schema_load_count,              schema_check_max_length,             STRING, NONE, VALIDATION  },
        { "maxProperties",         schema_load_count,              schema_check_max_properties,         OBJECT, NONE, VALIDATION  },
        { "maximum",               schema_load_number,             schema_check_maximum,                NUMBER, NONE, VALIDATION  },
        { "minContains",           schema_load_count,              NULL,                                0,      NONE, VALIDATION  },
        { "minItems",              schema_load_count,              schema_check_min_items,              ARRAY,  NONE, VALIDATION  },
        { "minLength",             schema_load_count,              schema_check_min_length,             STRING, NONE, VALIDATION  },
        { "minProperties",         schema_load_count,              schema_check_min_properties,         OBJECT, NONE, VALIDATION  },
        { "minimum",               schema_load_number,             schema_check_minimum,                NUMBER, NONE, VALIDATION  },
        { "multipleOf",            schema_load_divisor,            schema_check_multiple_of,            NUMBER, NONE, VALIDATION  },
        { "not",                   schema_load_schema,             schema_check_not,                    ANY,    SOME, APPLICATOR  },
        { "oneOf",                 schema_load_schema_list,        schema_check_one_of,                 ANY,    ONE,  APPLICATOR  },
        { "pattern",               schema_load_pattern,            schema_check_pattern,                STRING, NONE, VALIDATION  },
        { "patternProperties",     schema_load_patterns,           schema_check_pattern_properties,     OBJECT, NONE, APPLICATOR  },
        { "prefixItems",           schema_load_schema_list,        schema_check_prefix_items,           ARRAY,  NONE, APPLICATOR  },
        { "properties",            schema_load_schema_map,         schema_check_properties,             OBJECT, NONE, APPLICATOR  },
        { "propertyNames",         schema_load_schema,             schema_check_property_names,         OBJECT, NONE, APPLICATOR  },
        { "readOnly",              schema_load_bool,               NULL,                                0,      NONE, META        },
        { "required",              schema_load_required,           schema_check_required,               OBJECT, NONE, VALIDATION  },
        { "then",                  schema_load_schema,             NULL,                                0,      SOME, APPLICATOR  },
        { "title",                 schema_load_text,               NULL,                                0,      NONE, META        },
        { "type",                  schema_load_types,              schema_check_type,                   ANY,    NONE, VALIDATION  },
        { "unevaluatedItems",      schema_load_schema,             schema_check_unevaluated_items,      ARRAY,  NONE, UNEVALUATED },
        { "unevaluatedProperties", schema_load_schema,             schema_check_unevaluated_properties, OBJECT, NONE, UNEVALUATED },
        { "uniqueItems",           schema_load_unique,             schema_check_unique,                 ARRAY,  NONE, VALIDATION  },
        { "writeOnly",             schema_load_bool,               NULL,                                0,      NONE, META        },
};
/* clang-format on */

const struct schema_keyword *schema_keyword_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(keywords); i++)
                if (strcmp(keywords[i].name, name) == 0)
                        return &keywords[i];
        return NULL;
}
