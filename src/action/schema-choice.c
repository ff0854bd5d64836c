/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

/*
 * A person who met none of five alternatives does not want to read five lists of faults. Where
 * the type of the instance leaves one alternative, that one was meant and its faults are told;
 * where it leaves none, the types are; else the alternatives' titles, if all have one.
 */

static size_t count_fitting(struct schema_run *run, const struct schema_rule *rule,
                            const cJSON *instance, const struct schema_path *at, size_t enough) {
        size_t n = 0;

        for (size_t i = 0; i < rule->n_children && n < enough; i++)
                n += schema_fits(run, &rule->children[i].node, instance, at);
        return n;
}

static bool list_titles(const struct schema_rule *rule, unsigned type, struct buffer *list) {
        for (size_t i = 0; i < rule->n_children; i++) {
                const struct schema_node *node = &rule->children[i].node;
                const char *title = json_string(node->json, "title");

                if (!(node->types & type))
                        continue;
                if (!title)
                        return false;
                buffer_printf(list, "%s%s", list->size > 0 ? "; " : "", title);
        }
        return buffer_error(list) >= 0;
}

static void explain(struct schema_run *run, const struct schema_rule *rule, const cJSON *instance,
                    const struct schema_path *at) {
        _cleanup_(buffer_done) struct buffer titles = { 0 };
        unsigned type = schema_type_of(instance);
        const struct schema_node *meant = NULL;
        char words[SCHEMA_TYPES_SIZE];
        size_t n_meant = 0;

        if (!run->error) {
                schema_fault(run, at, "fits no alternative");
                return;
        }

        for (size_t i = 0; i < rule->n_children; i++)
                if (rule->children[i].node.types & type) {
                        meant = &rule->children[i].node;
                        n_meant++;
                }

        if (n_meant == 1)
                schema_check(run, meant, instance, at);
        else if (n_meant == 0 && rule->types != 0) {
                schema_types_print(rule->types, words);
                schema_fault(run, at, "must be %s", words);
        } else if (n_meant > 1 && list_titles(rule, type, &titles))
                schema_fault(run, at, "is none of these: %s", titles.data);
        else
                schema_fault(run, at, "has none of the forms that are allowed here");
}

void schema_check_any_of(struct schema_run *run, const struct schema_rule *rule,
                         const cJSON *instance, const struct schema_path *at) {
        /* Each that fits says what it has looked at, if that is asked. */
        if (count_fitting(run, rule, instance, at, run->seen ? rule->n_children : 1) == 0)
                explain(run, rule, instance, at);
}

void schema_check_one_of(struct schema_run *run, const struct schema_rule *rule,
                         const cJSON *instance, const struct schema_path *at) {
        size_t n = count_fitting(run, rule, instance, at, 2);

        if (n == 0)
                explain(run, rule, instance, at);
        else if (n > 1)
                schema_fault(run, at, "has several of the forms of which it must have one");
}

void schema_check_not(struct schema_run *run, const struct schema_rule *rule, const cJSON *instance,
                      const struct schema_path *at) {
        const char *title = json_string(rule->children[0].node.json, "title");

        if (!schema_fits(run, &rule->children[0].node, instance, at))
                return;
        if (title)
                schema_fault(run, at, "must not be this: %s", title);
        else
                schema_fault(run, at, "has a form that is not allowed here");
}

void schema_check_if(struct schema_run *run, const struct schema_rule *rule, const cJSON *instance,
                     const struct schema_path *at) {
        const struct schema_rule *branch;

        if (!rule->beside[0] && !rule->beside[1] && !run->seen)
                return;
        branch = rule->beside[!schema_fits(run, &rule->children[0].node, instance, at)];
        if (branch)
                schema_check(run, &branch->children[0].node, instance, at);
}
