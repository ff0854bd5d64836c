/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <math.h>

/* Makes room for n children that are the rule's from now on, whatever happens. */
static int new_children(struct schema_rule *rule, size_t n) {
        rule->children = calloc(n > 0 ? n : 1, sizeof(*rule->children));
        if (!rule->children)
                return -ENOMEM;
        rule->n_children = n;
        return 0;
}

int schema_load_schema(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                       const struct schema_path *at) {
        int r;

        r = new_children(rule, 1);
        if (r < 0)
                return r;
        return schema_node_load(l, rule->value, at, &rule->children[0].node);
}

/* The items before are those of prefixItems. */
int schema_load_items(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                      const struct schema_path *at) {
        const cJSON *before = json_member(parent, "prefixItems");

        rule->number = cJSON_IsArray(before) ? cJSON_GetArraySize(before) : 0;
        return schema_load_schema(l, parent, rule, at);
}

int schema_load_contains(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                         const struct schema_path *at) {
        rule->number = schema_limit_beside(parent, "minContains", 1);
        rule->most = schema_limit_beside(parent, "maxContains", INFINITY);
        return schema_load_schema(l, parent, rule, at);
}

int schema_load_schema_list(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                            const struct schema_path *at) {
        const cJSON *json;
        size_t i = 0;
        int r;

        if (!cJSON_IsArray(rule->value) || !rule->value->child)
                return schema_refuse(l, at, "must be an array of at least one schema");
        r = new_children(rule, (size_t)cJSON_GetArraySize(rule->value));
        if (r < 0)
                return r;

        cJSON_ArrayForEach (json, rule->value) {
                struct schema_path here = schema_path_item(at, i);

                r = schema_node_load(l, json, &here, &rule->children[i++].node);
                if (r < 0)
                        return r;
        }
        return 0;
}

int schema_load_schema_map(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                           const struct schema_path *at) {
        const cJSON *json;
        size_t i = 0;
        int r;

        if (!cJSON_IsObject(rule->value))
                return schema_refuse(l, at, "must be an object of schemas");
        r = new_children(rule, (size_t)cJSON_GetArraySize(rule->value));
        if (r < 0)
                return r;

        cJSON_ArrayForEach (json, rule->value) {
                struct schema_path here = schema_path_member(at, json->string);

                rule->children[i].name = json->string;
                r = schema_node_load(l, json, &here, &rule->children[i++].node);
                if (r < 0)
                        return r;
        }
        return 0;
}

int schema_load_patterns(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                         const struct schema_path *at) {
        int r;

        r = schema_load_schema_map(l, parent, rule, at);
        if (r < 0)
                return r;
        for (size_t i = 0; i < rule->n_children; i++) {
                struct schema_child *child = &rule->children[i];
                struct schema_path here = schema_path_member(at, child->name);

                r = schema_load_regex(l, child->name, &here, &child->regex);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What it leads to is found when all is there: schema-reference.c. */
int schema_load_ref(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                    const struct schema_path *at) {
        return schema_load_text(l, parent, rule, at);
}
