/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <string.h>

static void rule_done(struct schema_rule *rule) {
        for (size_t i = 0; i < rule->n_children; i++) {
                schema_node_done(&rule->children[i].node);
                regex_free(rule->children[i].regex);
        }
        free(rule->children);
        free(rule->anchor);
        regex_free(rule->regex);
}

void schema_node_done(struct schema_node *node) {
        for (size_t i = 0; i < node->n_rules; i++)
                rule_done(&node->rules[i]);
        free(node->rules);
}

/* NULL when it has none for that keyword. */
static const struct schema_rule *find_rule(const struct schema_node *node, const char *keyword) {
        for (size_t i = 0; i < node->n_rules; i++)
                if (strcmp(node->rules[i].keyword->name, keyword) == 0)
                        return &node->rules[i];
        return NULL;
}

static int load_rule(struct schema_loader *l, const cJSON *member, const struct schema_path *at,
                     struct schema_node *node) {
        struct schema_path here = schema_path_member(at, member->string);
        struct schema_rule *rule = &node->rules[node->n_rules];
        int r;

        *rule = (struct schema_rule){
                .keyword = schema_keyword_find(member->string),
                .value = member,
                .types = SCHEMA_ANY,
        };
        if (!rule->keyword || !(rule->keyword->vocabulary & l->resource->vocabularies)) {
                if (schema_is_strict(l))
                        return schema_refuse(l, &here, "is not a keyword that is known here");
                return 0;
        }

        r = rule->keyword->load(l, node->json, rule, &here);
        if (r <= 0 && (rule->keyword->check || rule->children))
                node->n_rules++; /* from here on the node's */
        return r < 0 ? r : 0;
}

/* What asks others comes behind them, and what is never asked behind that. */
static int rank(const struct schema_rule *rule) {
        return !rule->keyword->check ? 2 : rule->keyword->vocabulary == SCHEMA_UNEVALUATED;
}

/* There are few rules in a node, and nearly always they are in order. */
static void sort_rules(struct schema_node *node) {
        for (size_t i = 1; i < node->n_rules; i++)
                for (size_t k = i; k > 0 && rank(&node->rules[k - 1]) > rank(&node->rules[k]);
                     k--) {
                        struct schema_rule rule = node->rules[k];

                        node->rules[k] = node->rules[k - 1];
                        node->rules[k - 1] = rule;
                }

        for (size_t i = 0; i < node->n_rules; i++) {
                node->n_checks += rank(&node->rules[i]) < 2;
                node->watches |= rank(&node->rules[i]) == 1;
        }
}

/* The rules have their places now, and can know one another. */
static int link_rules(struct schema_loader *l, struct schema_node *node,
                      const struct schema_path *at) {
        for (size_t i = 0; i < node->n_rules; i++) {
                struct schema_rule *rule = &node->rules[i];
                int r = 0;

                if (rule->keyword->check == schema_check_if) {
                        rule->beside[0] = find_rule(node, "then");
                        rule->beside[1] = find_rule(node, "else");
                } else if (rule->keyword->check == schema_check_additional) {
                        rule->beside[0] = find_rule(node, "properties");
                        rule->beside[1] = find_rule(node, "patternProperties");
                } else if (rule->keyword->load == schema_load_ref)
                        r = schema_reference_add(l, rule, at);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int load_rules(struct schema_loader *l, const struct schema_path *at,
                      struct schema_node *node) {
        const cJSON *member;
        int r;

        if (cJSON_IsBool(node->json))
                return 0;
        node->rules = calloc((size_t)cJSON_GetArraySize(node->json) + 1, sizeof(*node->rules));
        if (!node->rules)
                return -ENOMEM;
        cJSON_ArrayForEach (member, node->json) {
                r = load_rule(l, member, at, node);
                if (r < 0)
                        return r;
        }
        sort_rules(node);
        return link_rules(l, node, at);
}

int schema_node_load(struct schema_loader *l, const cJSON *json, const struct schema_path *at,
                     struct schema_node *node) {
        struct schema_resource *outer = l->resource;
        int r;

        node->json = json;
        if (!cJSON_IsBool(json) && !cJSON_IsObject(json))
                return schema_refuse(l, at, "must be a schema: an object, true or false");
        r = schema_map_add(&l->nodes, json, node);
        if (r < 0)
                return r;
        r = schema_identify(l, at, node);
        if (r < 0)
                return r;
        node->resource = l->resource;
        r = load_rules(l, at, node);
        l->resource = outer;
        return r;
}
