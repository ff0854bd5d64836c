/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

/*
 * Where a node has one of these keywords, schema_check() gives it a list for the instance, into
 * which its other rules write, and the schemas that they lead to; a schema that does not fit
 * writes into a list that is thrown away. Without such a keyword there is no list, and no cost.
 */

void schema_seen_done(struct schema_seen *seen) {
        schema_map_done(&seen->children);
}

void schema_see(struct schema_run *run, const cJSON *child) {
        if (run->seen && !run->seen->all &&
            schema_map_add(&run->seen->children, child, (void *)child) < 0)
                schema_run_abandon(run);
}

void schema_see_all(struct schema_run *run) {
        if (run->seen)
                run->seen->all = true;
}

void schema_see_seen(struct schema_run *run, const struct schema_seen *seen) {
        if (!run->seen)
                return;
        if (seen->all)
                schema_see_all(run);
        run->n_steps += seen->children.capacity / 16;
        for (size_t i = 0; i < seen->children.capacity && !run->seen->all; i++)
                if (seen->children.slots[i].key)
                        schema_see(run, seen->children.slots[i].key);
}

static bool is_seen(const struct schema_run *run, const cJSON *child) {
        return run->seen->all || schema_map_get(&run->seen->children, child);
}

void schema_check_unevaluated_items(struct schema_run *run, const struct schema_rule *rule,
                                    const cJSON *instance, const struct schema_path *at) {
        const cJSON *item;
        size_t i = 0;

        cJSON_ArrayForEach (item, instance) {
                struct schema_path here = schema_path_item(at, i++);

                if (schema_run_is_over(run))
                        return;
                run->n_steps++;
                if (!is_seen(run, item))
                        schema_check_below(run, &rule->children[0].node, item, &here);
        }
        schema_see_all(run);
}

void schema_check_unevaluated_properties(struct schema_run *run, const struct schema_rule *rule,
                                         const cJSON *instance, const struct schema_path *at) {
        const struct schema_node *node = &rule->children[0].node;
        const cJSON *value;

        cJSON_ArrayForEach (value, instance) {
                struct schema_path here = schema_path_member(at, value->string);

                if (schema_run_is_over(run))
                        return;
                run->n_steps++;
                if (is_seen(run, value))
                        continue;
                if (cJSON_IsFalse(node->json))
                        schema_fault(run, &here, "is not a field that this object may have");
                else
                        schema_check_below(run, node, value, &here);
        }
        schema_see_all(run);
}
