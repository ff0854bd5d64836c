/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A schema, loaded: what the files of this room share. A node is one (sub)schema and has a rule
 * for each keyword that an instance can break; annotations leave none.
 *
 *   schema.c             the life of a schema, and what all of the others call
 *   schema-node.c        makes nodes, and the rules in them
 *   schema-keywords.c    the table of keywords
 *   schema-load.c        its column `load`: what a keyword demands of its own value
 *   schema-load-below.c  the same for keywords with schemas in them
 *   schema-check.c       its column `check`: what a rule demands of an instance
 *   schema-array.c       the same for arrays,
 *   schema-object.c      for objects,
 *   schema-choice.c      and for anyOf, oneOf, not and if
 *   schema-unevaluated.c what has been looked at of an instance
 *   schema-document.c    the documents that a schema is made of, and the dialects they are in
 *   schema-resource.c    what has a name in them: $id and anchors
 *   schema-reference.c   finds what $ref and $dynamicRef lead to
 *   schema-settle.c      what a node can say before it sees an instance
 *   schema-uri.c         URIs and their fragments
 *   schema-map.c         what is known of a JSON value
 *   schema-regex.c       patterns; see schema-regex-program.h
 *   schema-regex.c       patterns: a room of its own, see schema-regex-program.h
 *   schema-format.c      what stands behind `format`
 *   schema-value.c       types, equality, fingerprints and paths of JSON values
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "action/schema-map.h"
#include "action/schema-regex.h"
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

struct schema_resource;

struct schema_node {
        const cJSON *json; /* an object, or a boolean */
        const struct schema_resource *resource;
        struct schema_rule *rules;
        size_t n_rules;
        size_t n_checks; /* the first of the rules; the others only have schemas in them */
        unsigned types;  /* an instance of another type cannot fit */
        unsigned chain;  /* how many nodes judge the same value one after the other; 0: not known */
        bool watches;    /* has a rule that asks what the others have looked at */
};

struct schema_child {
        const char *name; /* NULL in a list */
        struct regex *regex;
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
        struct schema_child *children;
        size_t n_children;
        /* Neighbours: then and else of if; properties and patternProperties of additional…. */
        const struct schema_rule *beside[2];
        struct schema_node *target; /* of $ref and $dynamicRef */
        char *anchor;               /* of a $dynamicRef that looks for it when it is followed */
        const struct schema_format *format;
        struct regex *regex;
        double number;  /* a limit, or the item to begin at, or the longest that is looked at */
        double most;    /* with `contains`; `number` is the least */
        unsigned types; /* an instance of another type breaks the rule */
};

/* A name of a node within its resource. */
struct schema_anchor {
        const char *name;
        struct schema_node *node;
        bool dynamic;
};

enum schema_vocabulary {
        SCHEMA_CORE = 1 << 0,
        SCHEMA_APPLICATOR = 1 << 1,
        SCHEMA_UNEVALUATED = 1 << 2,
        SCHEMA_VALIDATION = 1 << 3,
        SCHEMA_META_DATA = 1 << 4,
        SCHEMA_FORMAT = 1 << 5,
        SCHEMA_CONTENT = 1 << 6,
        SCHEMA_FORMAT_ASSERTION = 1 << 7,
        SCHEMA_DIALECT = SCHEMA_FORMAT_ASSERTION - 1, /* that of draft 2020-12 */
};

/* A schema with a URI of its own, with all in it that has none. */
struct schema_resource {
        char *uri;
        struct schema_document *document;
        struct schema_node *node;
        unsigned vocabularies;
        struct schema_anchor *anchors;
        size_t n_anchors;
};

struct schema_document {
        char *uri;
        cJSON *json;
        struct schema_node root;
        bool loaded; /* else only its JSON is there */
        bool known;  /* one of the draft's metaschemas */
};

struct schema {
        struct schema_document *documents[SCHEMA_MAX_DOCUMENTS]; /* the first is the schema's own */
        size_t n_documents;
        struct schema_resource **resources;
        size_t n_resources;
        size_t n_anchors;
        struct schema_node **strays; /* where a reference leads to and no keyword does */
        size_t n_strays;
        unsigned char hash_key[16];
};

/* A $ref or $dynamicRef that is to be followed when all is there. */
struct schema_reference {
        struct schema_rule *rule;
        const struct schema_resource *resource;
        const struct schema_document *document;
        char *where;
};

struct schema_loader {
        struct schema *schema;
        const struct schema_options *options;
        struct schema_document *document; /* the one that is being loaded, */
        struct schema_resource *resource; /* and where in it */
        struct schema_map nodes;          /* by their JSON */
        struct schema_reference *references;
        size_t n_references;
        size_t n_instructions; /* of patterns */
        size_t n_looks;        /* at values, for the one that a reference leads to */
        char *error;           /* SCHEMA_ERROR_SIZE bytes */
};

/* How far the schemas that an instance goes through reach back: for $dynamicRef. */
struct schema_scope {
        const struct schema_resource *resource;
        const struct schema_scope *up;
};

/* What has been looked at of one array or object: all of it, or these children. */
struct schema_seen {
        bool all;
        struct schema_map children;
};

struct schema_run {
        const struct schema *schema;
        struct ae_error *error; /* NULL: only whether it fits is asked */
        const struct schema_scope *scope;
        struct schema_seen *seen; /* NULL: nobody asks */
        size_t n_faults;
        size_t n_steps;
        unsigned depth;
};

/* Whether the nodes under a rule judge the same value, and how their verdicts add up. */
enum schema_reach {
        SCHEMA_REACH_NONE,
        SCHEMA_REACH_ALL,
        SCHEMA_REACH_ANY,
        SCHEMA_REACH_SOME, /* it depends */
};

/*
 * Returns 0; 1 when there is nothing to break after all; -ENOMEM, or -EINVAL by schema_refuse().
 * The caller frees what is in `rule`.
 */
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
        enum schema_vocabulary vocabulary;
};

/* schema.c */

/* Says where and why a schema cannot be loaded. Returns -EINVAL. */
int schema_refuse(struct schema_loader *l, const struct schema_path *at, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));
int schema_refuse_at(struct schema_loader *l, const struct schema_document *document,
                     const char *where, const char *format, ...)
                __attribute__((__format__(__printf__, 4, 5)));
void schema_check(struct schema_run *run, const struct schema_node *node, const cJSON *instance,
                  const struct schema_path *at);
/* Whether the instance fits, without a word. */
bool schema_fits(struct schema_run *run, const struct schema_node *node, const cJSON *instance,
                 const struct schema_path *at);
/* The same for what is within the instance that is being judged. */
void schema_check_below(struct schema_run *run, const struct schema_node *node,
                        const cJSON *instance, const struct schema_path *at);
bool schema_fits_below(struct schema_run *run, const struct schema_node *node,
                       const cJSON *instance, const struct schema_path *at);
void schema_fault(struct schema_run *run, const struct schema_path *at, const char *format, ...)
                __attribute__((__format__(__printf__, 3, 4)));
/* Whether what is still to be found would change nothing: loops over an instance ask. */
bool schema_run_is_over(const struct schema_run *run);
/* Gives up: there is no judgement for want of memory or time. */
void schema_run_abandon(struct schema_run *run);
const cJSON *schema_member(struct schema_run *run, const cJSON *object, const char *name);
size_t schema_size(struct schema_run *run, const cJSON *container);
bool schema_matches(struct schema_run *run, const struct regex *regex, const char *text);

/* schema-node.c */

/* Fills an empty node, which is to be undone in every case. 0, -ENOMEM, or -EINVAL. */
int schema_node_load(struct schema_loader *l, const cJSON *json, const struct schema_path *at,
                     struct schema_node *node);
void schema_node_done(struct schema_node *node);

/* schema-document.c. All return 0, -ENOMEM, or -EINVAL with the error set. */

/* Takes the JSON of a document over. */
int schema_document_add(struct schema_loader *l, const char *uri, cJSON *json,
                        struct schema_document **ret);
/* Its JSON, from whoever has it. Also -ENOENT. */
int schema_document_find(struct schema_loader *l, const char *uri, struct schema_document **ret);
/* Makes nodes of it, unless there are. */
int schema_document_load(struct schema_loader *l, struct schema_document *document);
/* Whether what is being loaded may hold nothing that is not known. */
bool schema_is_strict(const struct schema_loader *l);
struct schema_document *schema_document_free(struct schema_document *document);
/* What a $schema asks for. */
int schema_dialect_find(struct schema_loader *l, const char *uri, const struct schema_path *at,
                        unsigned *ret_vocabularies);

/* schema-resource.c */

/* Reads $id, $schema and the anchors of a schema that is about to be loaded. */
int schema_identify(struct schema_loader *l, const struct schema_path *at,
                    struct schema_node *node);
struct schema_resource *schema_resource_find(const struct schema *s, const char *uri);
struct schema_resource *schema_resource_free(struct schema_resource *resource);
const struct schema_anchor *schema_anchor_find(const struct schema_resource *resource,
                                               const char *name);

/* schema-reference.c */

/* Notes a reference. 0 or -ENOMEM. */
int schema_reference_add(struct schema_loader *l, struct schema_rule *rule,
                         const struct schema_path *at);
/* Finds what all of them lead to, and loads what is needed for it. */
int schema_references_follow(struct schema_loader *l);

/* schema-settle.c */

/* Finds `types` and `chain` of all nodes, or refuses a schema that would never end. */
int schema_settle(struct schema_loader *l);

/* schema-unevaluated.c */

/* Notes that a child of the instance has been looked at, or all are. */
void schema_see(struct schema_run *run, const cJSON *child);
void schema_see_all(struct schema_run *run);
/* Adds what another schema has looked at. */
void schema_see_seen(struct schema_run *run, const struct schema_seen *seen);
void schema_seen_done(struct schema_seen *seen);

/* schema-keywords.c */

const struct schema_keyword *schema_keyword_find(const char *name);

/* schema-load.c */

/* The number that a neighbour has for its value. */
double schema_limit_beside(const cJSON *parent, const char *name, double otherwise);
/* Returns 0, -ENOMEM or -EINVAL. */
int schema_load_regex(struct schema_loader *l, const char *pattern, const struct schema_path *at,
                      struct regex **ret);

/* clang-format off */
schema_load_fn
        schema_load_anchor, schema_load_anything, schema_load_array, schema_load_bool,
        schema_load_const, schema_load_count, schema_load_divisor, schema_load_enum,
        schema_load_format, schema_load_number, schema_load_pattern, schema_load_required,
        schema_load_text, schema_load_types, schema_load_unique, schema_load_vocabulary,

/* schema-load-below.c */

        schema_load_contains, schema_load_dependent_required, schema_load_items,
        schema_load_patterns, schema_load_ref, schema_load_schema, schema_load_schema_list,
        schema_load_schema_map;

/* schema-check.c */

schema_check_fn
        schema_check_all_of, schema_check_const, schema_check_dynamic_ref, schema_check_enum,
        schema_check_exclusive_maximum, schema_check_exclusive_minimum, schema_check_format,
        schema_check_max_length, schema_check_maximum, schema_check_min_length,
        schema_check_minimum, schema_check_multiple_of, schema_check_pattern, schema_check_ref,
        schema_check_type,

/* schema-array.c */

        schema_check_contains, schema_check_items, schema_check_max_items, schema_check_min_items,
        schema_check_prefix_items, schema_check_unique,

/* schema-object.c */

        schema_check_additional, schema_check_dependent_required, schema_check_dependent_schemas,
        schema_check_max_properties, schema_check_min_properties, schema_check_pattern_properties,
        schema_check_properties, schema_check_property_names, schema_check_required,

/* schema-choice.c */

        schema_check_any_of, schema_check_if, schema_check_not, schema_check_one_of,

/* schema-unevaluated.c */

        schema_check_unevaluated_items, schema_check_unevaluated_properties;
/* clang-format on */

/* "must WORDS 3 UNITs END" */
void schema_fault_size(struct schema_run *run, const struct schema_path *at, const char *words,
                       double limit, const char *unit, const char *end);

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

/*
 * Two values have the same fingerprint if they are equal, and else never, for a secret key. Each
 * value that is looked at is a step.
 */
struct schema_hash {
        uint64_t words[2];
};
struct schema_hash schema_hash_of(struct schema_run *run, const cJSON *value);
