/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How many nodes may judge one value in a row, as by $ref to a $ref. */
#define MAX_CHAIN 32
#define CHAIN_OPEN UINT_MAX

/*
 * How many nodes may be asked in one validation: an end for schemas whose alternatives multiply
 * with each level of the instance.
 */
#define MAX_STEPS ((size_t)4 << 20)

/* As many as an error keeps. */
#define MAX_FAULTS 100

/* ---- loading ---- */

int schema_refuse(struct schema_loader *l, const struct schema_path *at, const char *format, ...) {
        char path[SCHEMA_PATH_SIZE], reason[SCHEMA_ERROR_SIZE];
        char text[sizeof(path) + sizeof(reason) + 2];
        va_list ap;

        schema_path_print(at, path);
        va_start(ap, format);
        vsnprintf(reason, sizeof(reason), format, ap);
        va_end(ap);

        snprintf(text, sizeof(text), "%s: %s", at->up ? path : "the schema", reason);
        ae_error_quote(l->error, SCHEMA_ERROR_SIZE, text);
        return -EINVAL;
}

static void children_free(struct schema_child *children, size_t n_children);

static void rule_done(struct schema_rule *rule) {
        children_free(rule->children, rule->n_children);
        if (rule->regex)
                regfree(rule->regex);
        free(rule->regex);
}

static void node_done(struct schema_node *node) {
        for (size_t i = 0; i < node->n_rules; i++)
                rule_done(&node->rules[i]);
        free(node->rules);
}

static void children_free(struct schema_child *children, size_t n_children) {
        for (size_t i = 0; i < n_children; i++)
                node_done(&children[i].node);
        free(children);
}

static int load_rule(struct schema_loader *l, const cJSON *parent, const cJSON *member,
                     const struct schema_path *at, struct schema_node *node) {
        struct schema_path here = schema_path_member(at, member->string);
        struct schema_rule *rule = &node->rules[node->n_rules];

        *rule = (struct schema_rule){
                .keyword = schema_keyword_find(member->string),
                .value = member,
                .types = SCHEMA_ANY,
        };
        if (!rule->keyword)
                return schema_refuse(l, &here, "is not a keyword that is known here");
        if (rule->keyword->check)
                node->n_rules++; /* from here on the node's */
        return rule->keyword->load(l, parent, rule, &here);
}

int schema_node_load(struct schema_loader *l, const cJSON *json, const struct schema_path *at,
                     struct schema_node *node) {
        const cJSON *member;
        int r;

        node->json = json;
        if (cJSON_IsBool(json))
                return 0;
        if (!cJSON_IsObject(json))
                return schema_refuse(l, at, "must be a schema: an object, true or false");

        node->rules = calloc((size_t)cJSON_GetArraySize(json) + 1, sizeof(*node->rules));
        if (!node->rules)
                return -ENOMEM;

        cJSON_ArrayForEach (member, json) {
                r = load_rule(l, json, member, at, node);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- what a node can say before it sees an instance ---- */

static struct schema_node *rule_node(const struct schema_rule *rule, size_t i) {
        if (rule->target)
                return i == 0 ? rule->target : NULL;
        return i < rule->n_children ? &rule->children[i].node : NULL;
}

static int node_settle(struct schema_node *node);

static int rule_settle(struct schema_rule *rule, unsigned *chain) {
        unsigned all = SCHEMA_ANY, any = 0;
        struct schema_node *next;
        int r;

        for (size_t i = 0; (next = rule_node(rule, i)); i++) {
                r = node_settle(next);
                if (r < 0)
                        return r;
                all &= next->types;
                any |= next->types;
                if (*chain <= next->chain)
                        *chain = next->chain + 1;
        }

        if (rule->keyword->reach == SCHEMA_REACH_ALL)
                rule->types = all;
        else if (rule->keyword->reach == SCHEMA_REACH_ANY)
                rule->types = any;
        return 0;
}

/* Finds `types` and `chain`. Returns 0, or -ELOOP when a value would be judged without an end. */
static int node_settle(struct schema_node *node) {
        unsigned types = cJSON_IsFalse(node->json) ? 0 : SCHEMA_ANY, chain = 1;
        int r;

        if (node->chain > 0)
                return node->chain == CHAIN_OPEN ? -ELOOP : 0;

        node->chain = CHAIN_OPEN;
        for (size_t i = 0; i < node->n_rules; i++) {
                if (node->rules[i].keyword->reach != SCHEMA_REACH_NONE) {
                        r = rule_settle(&node->rules[i], &chain);
                        if (r < 0)
                                return r;
                }
                types &= node->rules[i].types;
        }
        node->types = types;
        node->chain = chain;
        return chain > MAX_CHAIN ? -ELOOP : 0;
}

/* The node and all below it. */
static int tree_settle(struct schema_loader *l, struct schema_node *node,
                       const struct schema_path *at) {
        if (node_settle(node) < 0)
                return schema_refuse(l, at, "leads through $ref in a circle, or too far");

        for (size_t i = 0; i < node->n_rules; i++) {
                const struct schema_rule *rule = &node->rules[i];
                struct schema_path here = schema_path_member(at, rule->keyword->name);

                for (size_t k = 0; k < rule->n_children; k++) {
                        struct schema_child *child = &rule->children[k];
                        struct schema_path below =
                                        child->name ? schema_path_member(&here, child->name)
                                                    : schema_path_item(&here, k);
                        int r = tree_settle(l, &child->node, &below);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* ---- the whole ---- */

/* An empty node for each definition, so that a $ref finds it however the schema is ordered. */
static int load_definitions(struct schema *s) {
        const cJSON *defs = json_member(s->json, "$defs"), *def;

        s->defs = calloc((size_t)cJSON_GetArraySize(defs) + 1, sizeof(*s->defs));
        if (!s->defs)
                return -ENOMEM;
        if (cJSON_IsObject(defs))
                cJSON_ArrayForEach (def, defs)
                        s->defs[s->n_defs++].name = def->string;
        return 0;
}

static int load(struct schema *s, char *error) {
        struct schema_loader l = { .schema = s, .error = error };
        struct schema_path root = SCHEMA_PATH_ROOT, defs = schema_path_member(&root, "$defs");
        int r;

        r = load_definitions(s);
        if (r < 0)
                return r;
        r = schema_node_load(&l, s->json, &root, &s->root);
        if (r < 0)
                return r;

        for (size_t i = 0; i < s->n_defs; i++) {
                struct schema_path here = schema_path_member(&defs, s->defs[i].name);

                r = tree_settle(&l, &s->defs[i].node, &here);
                if (r < 0)
                        return r;
        }
        return tree_settle(&l, &s->root, &root);
}

int schema_new(const char *text, size_t size, struct schema **ret, char error[SCHEMA_ERROR_SIZE]) {
        _cleanup_(schema_freep) struct schema *s = NULL;
        struct json_fault fault;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        r = json_parse(text, size, &s->json, &fault);
        if (r == -EBADMSG) {
                snprintf(error, SCHEMA_ERROR_SIZE, "is no JSON: %s (byte %zu)", fault.reason,
                         fault.offset);
                return -EINVAL;
        }
        if (r < 0)
                return r;

        randombytes_buf(s->hash_key, sizeof(s->hash_key));
        r = load(s, error);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

struct schema *schema_free(struct schema *s) {
        if (!s)
                return NULL;
        node_done(&s->root);
        children_free(s->defs, s->n_defs);
        if (s->utf8)
                freelocale(s->utf8);
        cJSON_Delete(s->json);
        free(s);
        return NULL;
}

const cJSON *schema_json(const struct schema *s) {
        return s->json;
}

/* ---- validating ---- */

bool schema_run_is_over(const struct schema_run *run) {
        return run->n_faults >= (run->error ? MAX_FAULTS : 1) || run->n_steps > MAX_STEPS;
}

void schema_fault(struct schema_run *run, const struct schema_path *at, const char *format, ...) {
        char path[SCHEMA_PATH_SIZE], message[AE_MESSAGE_SIZE];
        va_list ap;

        run->n_faults++;
        if (!run->error || run->n_faults > MAX_FAULTS)
                return;

        schema_path_print(at, path);
        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        ae_error_add(run->error, path, "%s", message);
}

void schema_check(struct schema_run *run, const struct schema_node *node, const cJSON *instance,
                  const struct schema_path *at) {
        unsigned type = schema_type_of(instance);

        if (++run->n_steps > MAX_STEPS)
                return;
        if (at->level > JSON_MAX_DEPTH && type & (SCHEMA_ARRAY | SCHEMA_OBJECT)) {
                schema_fault(run, at, "is nested deeper than %d levels", JSON_MAX_DEPTH);
                return;
        }
        if (cJSON_IsFalse(node->json))
                schema_fault(run, at, "is not allowed here");

        for (size_t i = 0; i < node->n_rules && !schema_run_is_over(run); i++) {
                const struct schema_rule *rule = &node->rules[i];

                if (rule->keyword->applies_to & type)
                        rule->keyword->check(run, rule, instance, at);
        }
}

bool schema_fits(struct schema_run *run, const struct schema_node *node, const cJSON *instance,
                 const struct schema_path *at) {
        struct schema_run silent = { .schema = run->schema, .n_steps = run->n_steps };

        if (!(node->types & schema_type_of(instance)))
                return false;
        schema_check(&silent, node, instance, at);
        run->n_steps = silent.n_steps;
        return silent.n_faults == 0;
}

size_t schema_validate(const struct schema *s, const cJSON *instance, struct ae_error *error) {
        struct schema_run run = { .schema = s, .error = error };
        struct schema_path root = SCHEMA_PATH_ROOT;

        schema_check(&run, &s->root, instance, &root);
        if (run.n_steps > MAX_STEPS)
                schema_fault(&run, &root, "is too intricate to be checked");
        return run.n_faults;
}
