/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <string.h>

void schema_check_min_properties(struct schema_run *run, const struct schema_rule *rule,
                                 const cJSON *instance, const struct schema_path *at) {
        if ((double)schema_size(run, instance) < rule->number)
                schema_fault_size(run, at, "have at least", rule->number, "field", "");
}

void schema_check_max_properties(struct schema_run *run, const struct schema_rule *rule,
                                 const cJSON *instance, const struct schema_path *at) {
        if ((double)schema_size(run, instance) > rule->number)
                schema_fault_size(run, at, "have at most", rule->number, "field", "");
}

void schema_check_required(struct schema_run *run, const struct schema_rule *rule,
                           const cJSON *instance, const struct schema_path *at) {
        const cJSON *name;

        cJSON_ArrayForEach (name, rule->value) {
                struct schema_path here = schema_path_member(at, name->valuestring);

                if (schema_run_is_over(run))
                        return;
                if (!schema_member(run, instance, name->valuestring))
                        schema_fault(run, &here, "is required");
        }
}

void schema_check_dependent_required(struct schema_run *run, const struct schema_rule *rule,
                                     const cJSON *instance, const struct schema_path *at) {
        const cJSON *names, *name;

        cJSON_ArrayForEach (names, rule->value) {
                if (!schema_member(run, instance, names->string))
                        continue;
                cJSON_ArrayForEach (name, names) {
                        struct schema_path here = schema_path_member(at, name->valuestring);

                        if (schema_run_is_over(run))
                                return;
                        if (!schema_member(run, instance, name->valuestring))
                                schema_fault(run, &here, "is required beside '%s'", names->string);
                }
        }
}

void schema_check_dependent_schemas(struct schema_run *run, const struct schema_rule *rule,
                                    const cJSON *instance, const struct schema_path *at) {
        for (size_t i = 0; i < rule->n_children; i++)
                if (schema_member(run, instance, rule->children[i].name))
                        schema_check(run, &rule->children[i].node, instance, at);
}

void schema_check_properties(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at) {
        for (size_t i = 0; i < rule->n_children; i++) {
                const struct schema_child *child = &rule->children[i];
                struct schema_path here = schema_path_member(at, child->name);
                const cJSON *value = schema_member(run, instance, child->name);

                if (value) {
                        schema_see(run, value);
                        schema_check_below(run, &child->node, value, &here);
                }
        }
}

void schema_check_pattern_properties(struct schema_run *run, const struct schema_rule *rule,
                                     const cJSON *instance, const struct schema_path *at) {
        const cJSON *value;

        cJSON_ArrayForEach (value, instance) {
                struct schema_path here = schema_path_member(at, value->string);

                for (size_t i = 0; i < rule->n_children; i++) {
                        if (schema_run_is_over(run))
                                return;
                        if (!schema_matches(run, rule->children[i].regex, value->string))
                                continue;
                        schema_see(run, value);
                        schema_check_below(run, &rule->children[i].node, value, &here);
                }
        }
}

static void list_names(const struct schema_rule *rule, const char *before, struct buffer *list) {
        for (size_t i = 0; rule && i < rule->n_children; i++)
                buffer_printf(list, "%s%s%s", list->size > 0 ? ", " : "", before,
                              rule->children[i].name);
}

static void fault_unknown_field(struct schema_run *run, const struct schema_rule *rule,
                                const struct schema_path *at) {
        _cleanup_(buffer_done) struct buffer list = { 0 };

        if (run->error) {
                list_names(rule->beside[0], "", &list);
                list_names(rule->beside[1], "what matches ", &list);
        }
        if (list.size > 0)
                schema_fault(run, at, "is not a field of this object; there are: %s", list.data);
        else
                schema_fault(run, at, "is not a field of this object, which must be empty");
}

/* Whether `properties` or `patternProperties` speak of it. */
static bool is_known(struct schema_run *run, const struct schema_rule *rule, const char *name) {
        const struct schema_rule *properties = rule->beside[0], *patterns = rule->beside[1];

        run->n_steps++;
        for (size_t i = 0; properties && i < properties->n_children; i++)
                if (strcmp(properties->children[i].name, name) == 0)
                        return true;
        if (properties)
                run->n_steps += properties->n_children / 16;
        for (size_t i = 0; patterns && i < patterns->n_children; i++)
                if (schema_matches(run, patterns->children[i].regex, name))
                        return true;
        return false;
}

void schema_check_additional(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at) {
        const struct schema_node *node = &rule->children[0].node;
        const cJSON *value;

        cJSON_ArrayForEach (value, instance) {
                struct schema_path here = schema_path_member(at, value->string);

                if (schema_run_is_over(run))
                        return;
                if (is_known(run, rule, value->string))
                        continue;
                schema_see(run, value);
                if (cJSON_IsFalse(node->json))
                        fault_unknown_field(run, rule, &here);
                else
                        schema_check_below(run, node, value, &here);
        }
}

void schema_check_property_names(struct schema_run *run, const struct schema_rule *rule,
                                 const cJSON *instance, const struct schema_path *at) {
        const cJSON *value;

        cJSON_ArrayForEach (value, instance) {
                struct schema_path here = schema_path_member(at, value->string);
                const cJSON name = { .type = cJSON_String, .valuestring = value->string };

                if (schema_run_is_over(run))
                        return;
                if (!schema_fits_below(run, &rule->children[0].node, &name, &here))
                        schema_fault(run, &here, "has a name that is not allowed here");
        }
}
