/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A schema, loaded: what the files of this room share. A node is one (sub)schema and has a rule
 * for each keyword that an instance can break; annotations leave none.
 *
 *   schema.c           loads nodes, resolves $ref, walks an instance
 *   schema-keywords.c  the table of keywords
 *   schema-load.c      its column `load`: what a keyword demands of its own value
 *   schema-check.c     its column `check`: what a rule demands of an instance
 *   schema-choice.c    the same for anyOf, oneOf and not, where it takes words to say why not
 *   schema-pattern.c   regular expressions that mean the same here and in ECMA-262
 *   schema-format.c    what stands behind `format`
 *   schema-value.c     types, equality, fingerprints and paths of JSON values
 */

#include <locale.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "action/schema.h"
#include "base/json.h"

enum schema_type {
        SCHEMA_NULL = 1 << 0,
        SCHEMA_BOOLEAN = 1 << 1,
        SCHEMA_OBJECT = 1 << 2,
        SCHEMA_ARRAY = 1 << 3,
        SCHEMA_STRING = 1 << 4,
        SCHEMA_INTEGER = 1 << 5,  /* without a fraction, however it is written */
        SCHEMA_FRACTION = 1 << 6, /* every other number */
        SCHEMA_NUMBER = SCHEMA_INTEGER | SCHEMA_FRACTION,
        SCHEMA_ANY = (1 << 7) - 1,
};

/* The way from the root, on the stack: written out only when there is something to say about it. */
struct schema_path {
        const struct schema_path *up; /* NULL: the root */
        const char *name;             /* NULL: the item `index` of an array */
        size_t index;
        unsigned level; /* the root's is 1 */
};

#define SCHEMA_PATH_SIZE 1024
#define SCHEMA_PATH_ROOT ((struct schema_path){ .level = 1 })

static inline struct schema_path schema_path_member(const struct schema_path *up,
                                                    const char *name) {
        return (struct schema_path){ .up = up, .name = name, .level = up->level + 1 };
}

static inline struct schema_path schema_path_item(const struct schema_path *up, size_t index) {
        return (struct schema_path){ .up = up, .index = index, .level = up->level + 1 };
}

/* Writes an RFC 6901 JSON Pointer; one that does not fit is cut and ends in "…". */
void schema_path_print(const struct schema_path *at, char ret[static SCHEMA_PATH_SIZE]);

struct schema_node {
        const cJSON *json; /* an object, or a boolean */
        struct schema_rule *rules;
        size_t n_rules;
        unsigned types; /* an instance of another type cannot fit */
        unsigned chain; /* how many nodes judge the same value one after the other; 0: not known */
};

struct schema_child {
        const char *name; /* NULL in a list */
        struct schema_node node;
};

struct schema_format {
        const char *name;
        bool (*matches)(const char *text);
        const char *sentence;
};

struct schema_rule {
        const struct schema_keyword *keyword;
        const cJSON *value;
        const cJSON *properties; /* the neighbour that `additionalProperties` asks */
        struct schema_child *children;
        size_t n_children;
        struct schema_node *target; /* of $ref */
        const struct schema_format *format;
        regex_t *regex;
        double number;  /* a limit; for pattern and uniqueItems, the longest they look at */
        unsigned types; /* an instance of another type breaks the rule */
};

struct schema {
        cJSON *json;
        struct schema_node root;
        struct schema_child *defs; /* all there before the first $ref is read */
        size_t n_defs;
        locale_t utf8; /* regular expressions see characters, not bytes */
        unsigned char hash_key[16];
};

/* The largest `maxLength` beside a pattern and `maxItems` beside uniqueItems. */
#define SCHEMA_MAX_PATTERN_LENGTH 1024
#define SCHEMA_MAX_UNIQUE_ITEMS 1024

struct schema_loader {
        struct schema *schema;
        char *error; /* SCHEMA_ERROR_SIZE bytes */
};

struct schema_run {
        const struct schema *schema;
        struct ae_error *error; /* NULL: only whether it fits is asked */
        size_t n_faults;
        size_t n_steps;
};

/* Whether the nodes under a rule judge the same value, and how their verdicts add up. */
enum schema_reach {
        SCHEMA_REACH_NONE,
        SCHEMA_REACH_ALL,
        SCHEMA_REACH_ANY,
        SCHEMA_REACH_NOT,
};

/* Returns 0, -ENOMEM, or -EINVAL by schema_refuse(). The caller frees what is in `rule`. */
typedef int schema_load_fn(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                           const struct schema_path *at);
typedef void schema_check_fn(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at);

struct schema_keyword {
        const char *name;
        schema_load_fn *load;
        schema_check_fn *check; /* NULL: nothing to break */
        unsigned applies_to;    /* instances of another type pass */
        enum schema_reach reach;
};

/* schema.c */

/* Fills an empty node, which is to be undone in every case. 0, -ENOMEM, or -EINVAL. */
int schema_node_load(struct schema_loader *l, const cJSON *json, const struct schema_path *at,
                     struct schema_node *node);
/* Says where and why a schema cannot be loaded. Returns -EINVAL. */
int schema_refuse(struct schema_loader *l, const struct schema_path *at, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));
void schema_check(struct schema_run *run, const struct schema_node *node, const cJSON *instance,
                  const struct schema_path *at);
/* Whether the instance fits, without a word. */
bool schema_fits(struct schema_run *run, const struct schema_node *node, const cJSON *instance,
                 const struct schema_path *at);
void schema_fault(struct schema_run *run, const struct schema_path *at, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));
/* Whether what is still to be found would change nothing: loops over an instance ask. */
bool schema_run_is_over(const struct schema_run *run);

/* schema-keywords.c */

const struct schema_keyword *schema_keyword_find(const char *name);

/* schema-load.c */

/* clang-format off */
schema_load_fn
        schema_load_additional, schema_load_anything, schema_load_array, schema_load_bool,
        schema_load_const, schema_load_count, schema_load_definitions, schema_load_dialect,
        schema_load_divisor, schema_load_enum, schema_load_format, schema_load_id,
        schema_load_number, schema_load_pattern, schema_load_properties, schema_load_ref,
        schema_load_required, schema_load_schema, schema_load_schemas, schema_load_text,
        schema_load_types, schema_load_unique;

/* schema-check.c */

schema_check_fn
        schema_check_additional, schema_check_all_of, schema_check_const, schema_check_enum,
        schema_check_exclusive_maximum, schema_check_exclusive_minimum, schema_check_format,
        schema_check_items, schema_check_max_items, schema_check_max_length,
        schema_check_max_properties, schema_check_maximum, schema_check_min_items,
        schema_check_min_length, schema_check_min_properties, schema_check_minimum,
        schema_check_multiple_of, schema_check_pattern, schema_check_properties,
        schema_check_property_names, schema_check_ref, schema_check_required, schema_check_type,
        schema_check_unique;

/* schema-choice.c */

schema_check_fn schema_check_any_of, schema_check_not, schema_check_one_of;
/* clang-format on */

/* schema-pattern.c */

/* NULL when it means the same in POSIX (extended) and ECMA-262, else why not: static text. */
const char *schema_pattern_refusal(const char *pattern);

/* schema-format.c */

const struct schema_format *schema_format_find(const char *name);

/* schema-value.c */

unsigned schema_type_of(const cJSON *value);
/* 0 when there is no type of that name. */
unsigned schema_type_from_name(const char *name);

#define SCHEMA_TYPES_SIZE 128
/* "a string, an array or null" */
void schema_types_print(unsigned types, char ret[static SCHEMA_TYPES_SIZE]);

/* The time is bounded by the size of `ours`. */
bool schema_equal(const cJSON *ours, const cJSON *theirs);
size_t schema_text_length(const char *text); /* in code points */

/* Two values have the same fingerprint if they are equal, and else never, for a secret key. */
struct schema_hash {
        uint64_t words[2];
};
struct schema_hash schema_hash_of(const unsigned char key[static 16], const cJSON *value);
