/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <limits.h>

/* How many nodes may judge one value in a row, as by $ref to a $ref. */
#define MAX_CHAIN 32
#define CHAIN_OPEN UINT_MAX

static struct schema_node *rule_node(const struct schema_rule *rule, size_t i) {
        if (rule->target)
                return i == 0 ? rule->target : NULL;
        return i < rule->n_children ? &rule->children[i].node : NULL;
}

static int node_settle(struct schema_node *node, unsigned depth);

static int rule_settle(struct schema_rule *rule, unsigned depth, unsigned *chain) {
        unsigned all = SCHEMA_ANY, any = 0;
        struct schema_node *next;
        int r;

        for (size_t i = 0; (next = rule_node(rule, i)); i++) {
                r = node_settle(next, depth + 1);
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

/* Returns 0, or -ELOOP when a value would be judged without an end. */
static int node_settle(struct schema_node *node, unsigned depth) {
        unsigned types = cJSON_IsFalse(node->json) ? 0 : SCHEMA_ANY, chain = 1;
        int r;

        if (node->chain > 0)
                return node->chain == CHAIN_OPEN ? -ELOOP : 0;
        if (depth > MAX_CHAIN)
                return -ELOOP;

        node->chain = CHAIN_OPEN;
        for (size_t i = 0; i < node->n_rules; i++) {
                if (node->rules[i].keyword->reach != SCHEMA_REACH_NONE) {
                        r = rule_settle(&node->rules[i], depth, &chain);
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
        if (node_settle(node, 1) < 0)
                return schema_refuse(l, at, "leads through $ref in a circle, or too far");

        for (size_t i = 0; i < node->n_rules; i++) {
                const struct schema_rule *rule = &node->rules[i];
                struct schema_path here = schema_path_member(at, rule->keyword->name);

                for (size_t k = 0; k < rule->n_children; k++) {
                        struct schema_child *child = &rule->children[k];
                        struct schema_path below =
                                        child->name ? schema_path_member(&here, child->name)
                                        : cJSON_IsArray(rule->value) ? schema_path_item(&here, k)
                                                                     : here;
                        int r = tree_settle(l, &child->node, &below);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

int schema_settle(struct schema_loader *l) {
        const struct schema_path root = SCHEMA_PATH_ROOT;
        struct schema *s = l->schema;
        int r = 0;

        for (size_t i = 0; i < s->n_documents && r >= 0; i++) {
                l->document = s->documents[i];
                if (l->document->loaded)
                        r = tree_settle(l, &l->document->root, &root);
        }
        for (size_t i = 0; i < s->n_strays && r >= 0; i++)
                r = tree_settle(l, s->strays[i], &root);
        return r;
}
