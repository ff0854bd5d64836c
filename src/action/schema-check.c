/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- types and values ---- */

void schema_check_type(struct schema_run *run, const struct schema_rule *rule,
                       const cJSON *instance, const struct schema_path *at) {
        char words[SCHEMA_TYPES_SIZE];

        if (rule->types & schema_type_of(instance))
                return;
        schema_types_print(rule->types, words);
        schema_fault(run, at, "must be %s", words);
}

void schema_check_enum(struct schema_run *run, const struct schema_rule *rule,
                       const cJSON *instance, const struct schema_path *at) {
        _cleanup_(buffer_done) struct buffer list = { 0 };
        const cJSON *value;

        cJSON_ArrayForEach (value, rule->value)
                if (schema_equal(value, instance))
                        return;
        if (!run->error) {
                schema_fault(run, at, "is not one of the values");
                return;
        }

        cJSON_ArrayForEach (value, rule->value) {
                buffer_puts(&list, list.size > 0 ? ", " : "");
                json_print(value, &list);
        }
        schema_fault(run, at, "must be one of %s", list.data ?: "a few");
}

void schema_check_const(struct schema_run *run, const struct schema_rule *rule,
                        const cJSON *instance, const struct schema_path *at) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        if (schema_equal(rule->value, instance))
                return;
        if (run->error)
                json_print(rule->value, &text);
        schema_fault(run, at, "must be %s", text.data ?: "another value");
}

void schema_check_minimum(struct schema_run *run, const struct schema_rule *rule,
                          const cJSON *instance, const struct schema_path *at) {
        if (instance->valuedouble < rule->number)
                schema_fault(run, at, "must be at least %.15g", rule->number);
}

void schema_check_maximum(struct schema_run *run, const struct schema_rule *rule,
                          const cJSON *instance, const struct schema_path *at) {
        if (instance->valuedouble > rule->number)
                schema_fault(run, at, "must be at most %.15g", rule->number);
}

void schema_check_exclusive_minimum(struct schema_run *run, const struct schema_rule *rule,
                                    const cJSON *instance, const struct schema_path *at) {
        if (instance->valuedouble <= rule->number)
                schema_fault(run, at, "must be more than %.15g", rule->number);
}

void schema_check_exclusive_maximum(struct schema_run *run, const struct schema_rule *rule,
                                    const cJSON *instance, const struct schema_path *at) {
        if (instance->valuedouble >= rule->number)
                schema_fault(run, at, "must be less than %.15g", rule->number);
}

/* 19.99 is a multiple of 0.01 for a person, though not for the doubles next to them. */
static bool is_multiple(double number, double of) {
        double n = number / of;

        if (!isfinite(n))
                return false;
        if (!(fabs(fmod(number, of)) > 0))
                return true;
        return !(fabs(of - floor(of)) <= 0) && fabs(n - round(n)) <= 2 * DBL_EPSILON * fabs(n);
}

void schema_check_multiple_of(struct schema_run *run, const struct schema_rule *rule,
                              const cJSON *instance, const struct schema_path *at) {
        if (!is_multiple(instance->valuedouble, rule->number))
                schema_fault(run, at, "must be a multiple of %.15g", rule->number);
}

/* ---- how much of something ---- */

static void fault_size(struct schema_run *run, const struct schema_path *at, const char *words,
                       double limit, const char *unit, const char *end) {
        schema_fault(run, at, "must %s %.0f %s%s%s", words, limit, unit, limit > 1 ? "s" : "", end);
}

void schema_check_min_length(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at) {
        if ((double)schema_text_length(instance->valuestring) >= rule->number)
                return;
        if (rule->number <= 1)
                schema_fault(run, at, "must not be empty");
        else
                fault_size(run, at, "be at least", rule->number, "character", " long");
}

void schema_check_max_length(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at) {
        if ((double)schema_text_length(instance->valuestring) > rule->number)
                fault_size(run, at, "be at most", rule->number, "character", " long");
}

void schema_check_min_items(struct schema_run *run, const struct schema_rule *rule,
                            const cJSON *instance, const struct schema_path *at) {
        if (cJSON_GetArraySize(instance) < rule->number)
                fault_size(run, at, "have at least", rule->number, "item", "");
}

void schema_check_max_items(struct schema_run *run, const struct schema_rule *rule,
                            const cJSON *instance, const struct schema_path *at) {
        if (cJSON_GetArraySize(instance) > rule->number)
                fault_size(run, at, "have at most", rule->number, "item", "");
}

void schema_check_min_properties(struct schema_run *run, const struct schema_rule *rule,
                                 const cJSON *instance, const struct schema_path *at) {
        if (cJSON_GetArraySize(instance) < rule->number)
                fault_size(run, at, "have at least", rule->number, "field", "");
}

void schema_check_max_properties(struct schema_run *run, const struct schema_rule *rule,
                                 const cJSON *instance, const struct schema_path *at) {
        if (cJSON_GetArraySize(instance) > rule->number)
                fault_size(run, at, "have at most", rule->number, "field", "");
}

/* ---- strings ---- */

static bool has_control_character(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return true;
        return false;
}

void schema_check_pattern(struct schema_run *run, const struct schema_rule *rule,
                          const cJSON *instance, const struct schema_path *at) {
        locale_t before;
        int r;

        if ((double)schema_text_length(instance->valuestring) > rule->number)
                return; /* maxLength, beside it, has told */

        before = uselocale(run->schema->utf8);
        r = regexec(rule->regex, instance->valuestring, 0, NULL, 0);
        uselocale(before);
        if (r == 0)
                return;
        /* What a person cannot see, a pattern would not help to find. */
        if (has_control_character(instance->valuestring))
                schema_fault(run, at, "must not hold a line break or another control character");
        else
                schema_fault(run, at, "must match %s", rule->value->valuestring);
}

void schema_check_format(struct schema_run *run, const struct schema_rule *rule,
                         const cJSON *instance, const struct schema_path *at) {
        if (!rule->format->matches(instance->valuestring))
                schema_fault(run, at, "%s", rule->format->sentence);
}

/* ---- arrays ---- */

void schema_check_items(struct schema_run *run, const struct schema_rule *rule,
                        const cJSON *instance, const struct schema_path *at) {
        const cJSON *item;
        size_t i = 0;

        cJSON_ArrayForEach (item, instance) {
                struct schema_path here = schema_path_item(at, i++);

                if (schema_run_is_over(run))
                        return;
                schema_check(run, &rule->children[0].node, item, &here);
        }
}

void schema_check_unique(struct schema_run *run, const struct schema_rule *rule,
                         const cJSON *instance, const struct schema_path *at) {
        struct schema_hash seen[SCHEMA_MAX_UNIQUE_ITEMS];
        const cJSON *item;
        size_t n = 0;

        if (!cJSON_IsTrue(rule->value) || cJSON_GetArraySize(instance) > rule->number)
                return; /* maxItems, beside it, has told */

        cJSON_ArrayForEach (item, instance) {
                struct schema_path here = schema_path_item(at, n);

                seen[n] = schema_hash_of(run->schema->hash_key, item);
                for (size_t i = 0; i < n; i++)
                        if (memcmp(&seen[i], &seen[n], sizeof(seen[n])) == 0) {
                                schema_fault(run, &here, "repeats item %zu", i);
                                break;
                        }
                n++;
        }
}

/* ---- objects ---- */

void schema_check_properties(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at) {
        for (size_t i = 0; i < rule->n_children; i++) {
                const struct schema_child *child = &rule->children[i];
                struct schema_path here = schema_path_member(at, child->name);
                const cJSON *value = json_member(instance, child->name);

                if (value)
                        schema_check(run, &child->node, value, &here);
        }
}

void schema_check_required(struct schema_run *run, const struct schema_rule *rule,
                           const cJSON *instance, const struct schema_path *at) {
        const cJSON *name;

        cJSON_ArrayForEach (name, rule->value) {
                struct schema_path here = schema_path_member(at, name->valuestring);

                if (!json_member(instance, name->valuestring))
                        schema_fault(run, &here, "is required");
        }
}

static void fault_unknown_field(struct schema_run *run, const struct schema_rule *rule,
                                const struct schema_path *at) {
        _cleanup_(buffer_done) struct buffer list = { 0 };
        const cJSON *known;

        if (run->error)
                cJSON_ArrayForEach (known, rule->properties)
                        buffer_printf(&list, "%s%s", list.size > 0 ? ", " : "", known->string);
        if (list.size > 0)
                schema_fault(run, at, "is not a field of this object; there are: %s", list.data);
        else
                schema_fault(run, at, "is not a field of this object, which must be empty");
}

void schema_check_additional(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at) {
        const struct schema_node *node = &rule->children[0].node;
        const cJSON *value;

        cJSON_ArrayForEach (value, instance) {
                struct schema_path here = schema_path_member(at, value->string);

                if (schema_run_is_over(run))
                        return;
                if (json_member(rule->properties, value->string))
                        continue;
                if (cJSON_IsFalse(node->json))
                        fault_unknown_field(run, rule, &here);
                else
                        schema_check(run, node, value, &here);
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
                if (!schema_fits(run, &rule->children[0].node, &name, &here))
                        schema_fault(run, &here, "has a name that is not allowed here");
        }
}

/* ---- other schemas for the same value ---- */

void schema_check_ref(struct schema_run *run, const struct schema_rule *rule, const cJSON *instance,
                      const struct schema_path *at) {
        schema_check(run, rule->target, instance, at);
}

void schema_check_all_of(struct schema_run *run, const struct schema_rule *rule,
                         const cJSON *instance, const struct schema_path *at) {
        for (size_t i = 0; i < rule->n_children; i++)
                schema_check(run, &rule->children[i].node, instance, at);
}
