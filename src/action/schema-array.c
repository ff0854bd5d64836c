/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <string.h>

void schema_check_min_items(struct schema_run *run, const struct schema_rule *rule,
                            const cJSON *instance, const struct schema_path *at) {
        if ((double)schema_size(run, instance) < rule->number)
                schema_fault_size(run, at, "have at least", rule->number, "item", "");
}

void schema_check_max_items(struct schema_run *run, const struct schema_rule *rule,
                            const cJSON *instance, const struct schema_path *at) {
        if ((double)schema_size(run, instance) > rule->number)
                schema_fault_size(run, at, "have at most", rule->number, "item", "");
}

void schema_check_prefix_items(struct schema_run *run, const struct schema_rule *rule,
                               const cJSON *instance, const struct schema_path *at) {
        const cJSON *item = instance->child;

        for (size_t i = 0; i < rule->n_children && item; i++, item = item->next) {
                struct schema_path here = schema_path_item(at, i);

                if (schema_run_is_over(run))
                        return;
                schema_see(run, item);
                schema_check_below(run, &rule->children[i].node, item, &here);
        }
}

void schema_check_items(struct schema_run *run, const struct schema_rule *rule,
                        const cJSON *instance, const struct schema_path *at) {
        const cJSON *item;
        size_t i = 0;

        cJSON_ArrayForEach (item, instance) {
                struct schema_path here = schema_path_item(at, i++);

                if (schema_run_is_over(run))
                        return;
                if ((double)i > rule->number)
                        schema_check_below(run, &rule->children[0].node, item, &here);
        }
        schema_see_all(run);
}

static void fault_contains(struct schema_run *run, const struct schema_rule *rule,
                           const struct schema_path *at, const char *words, double limit) {
        const char *title = json_string(rule->children[0].node.json, "title");

        schema_fault(run, at, "must have %s %.0f item%s%s%s", words, limit, limit > 1 ? "s" : "",
                     title ? " such as this: " : " of the form that is asked for", title ?: "");
}

void schema_check_contains(struct schema_run *run, const struct schema_rule *rule,
                           const cJSON *instance, const struct schema_path *at) {
        const cJSON *item;
        size_t i = 0;
        double n = 0;

        cJSON_ArrayForEach (item, instance) {
                struct schema_path here = schema_path_item(at, i++);

                if (schema_run_is_over(run))
                        return;
                if (!schema_fits_below(run, &rule->children[0].node, item, &here))
                        continue;
                schema_see(run, item);
                n++;
        }
        if (n < rule->number)
                fault_contains(run, rule, at, "at least", rule->number);
        else if (n > rule->most)
                fault_contains(run, rule, at, "at most", rule->most);
}

/* An item by its fingerprint, so that equal ones are neighbours, in their order. */
struct print {
        struct schema_hash hash;
        size_t index;
};

static int compare_prints(const void *a, const void *b) {
        const struct print *x = a, *y = b;
        int r = memcmp(&x->hash, &y->hash, sizeof(x->hash));

        return r != 0 ? r : (x->index > y->index) - (x->index < y->index);
}

/* Says of each item which one it repeats; itself, if none. */
static void find_repeated(struct print *prints, size_t n, size_t *ret) {
        qsort(prints, n, sizeof(*prints), compare_prints);
        for (size_t i = 0; i < n; i++) {
                bool same = i > 0 && memcmp(&prints[i].hash, &prints[i - 1].hash,
                                            sizeof(prints[i].hash)) == 0;

                ret[prints[i].index] = same ? ret[prints[i - 1].index] : prints[i].index;
        }
}

void schema_check_unique(struct schema_run *run, const struct schema_rule *rule,
                         const cJSON *instance, const struct schema_path *at) {
        _cleanup_(freep) struct print *prints = NULL;
        _cleanup_(freep) size_t *repeated = NULL;
        size_t n_items = schema_size(run, instance), n = 0;
        const cJSON *item;

        if (n_items < 2 || (double)n_items > rule->number)
                return; /* maxItems, beside it, has told */
        prints = calloc(n_items, sizeof(*prints));
        repeated = calloc(n_items, sizeof(*repeated));
        if (!prints || !repeated) {
                schema_run_abandon(run);
                return;
        }
        cJSON_ArrayForEach (item, instance) {
                prints[n] = (struct print){ schema_hash_of(run, item), n };
                n++;
        }
        find_repeated(prints, n, repeated);
        for (size_t i = 0; i < n && !schema_run_is_over(run); i++) {
                struct schema_path here = schema_path_item(at, i);

                if (repeated[i] != i)
                        schema_fault(run, &here, "repeats item %zu", repeated[i]);
        }
}
