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

        cJSON_ArrayForEach (value, rule->value) {
                run->n_steps++;
                if (schema_equal(value, instance))
                        return;
        }
        if (!run->error) {
                schema_fault(run, at, "is not one of the values");
                return;
        }

        cJSON_ArrayForEach (value, rule->value) {
                buffer_puts(&list, list.size > 0 ? ", " : "");
                json_print(value, &list);
        }
        schema_fault(run, at, "must be one of %s", list.data ?: "none");
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

        if (!(fabs(fmod(number, of)) > 0))
                return true;
        return isfinite(n) && !(fabs(of - floor(of)) <= 0) &&
               fabs(n - round(n)) <= 2 * DBL_EPSILON * fabs(n);
}

void schema_check_multiple_of(struct schema_run *run, const struct schema_rule *rule,
                              const cJSON *instance, const struct schema_path *at) {
        if (!is_multiple(instance->valuedouble, rule->number))
                schema_fault(run, at, "must be a multiple of %.15g", rule->number);
}

/* ---- strings ---- */

void schema_fault_size(struct schema_run *run, const struct schema_path *at, const char *words,
                       double limit, const char *unit, const char *end) {
        schema_fault(run, at, "must %s %.0f %s%s%s", words, limit, unit, limit > 1 ? "s" : "", end);
}

static double text_length(struct schema_run *run, const cJSON *text) {
        size_t n = schema_text_length(text->valuestring);

        run->n_steps += n / 64;
        return (double)n;
}

void schema_check_min_length(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at) {
        if (text_length(run, instance) >= rule->number)
                return;
        if (rule->number <= 1)
                schema_fault(run, at, "must not be empty");
        else
                schema_fault_size(run, at, "be at least", rule->number, "character", " long");
}

void schema_check_max_length(struct schema_run *run, const struct schema_rule *rule,
                             const cJSON *instance, const struct schema_path *at) {
        if (text_length(run, instance) > rule->number)
                schema_fault_size(run, at, "be at most", rule->number, "character", " long");
}

static bool has_control_character(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return true;
        return false;
}

void schema_check_pattern(struct schema_run *run, const struct schema_rule *rule,
                          const cJSON *instance, const struct schema_path *at) {
        if (isfinite(rule->number) && text_length(run, instance) > rule->number)
                return; /* maxLength, beside it, has told */
        if (schema_matches(run, rule->regex, instance->valuestring))
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

/* ---- other schemas for the same value ---- */

void schema_check_ref(struct schema_run *run, const struct schema_rule *rule, const cJSON *instance,
                      const struct schema_path *at) {
        schema_check(run, rule->target, instance, at);
}

/* Of all that the instance has come through, the first that has the anchor. */
void schema_check_dynamic_ref(struct schema_run *run, const struct schema_rule *rule,
                              const cJSON *instance, const struct schema_path *at) {
        const struct schema_node *target = rule->target;

        for (const struct schema_scope *s = run->scope; rule->anchor && s; s = s->up) {
                const struct schema_anchor *anchor = schema_anchor_find(s->resource, rule->anchor);

                run->n_steps++;
                if (anchor && anchor->dynamic)
                        target = anchor->node;
        }
        schema_check(run, target, instance, at);
}

void schema_check_all_of(struct schema_run *run, const struct schema_rule *rule,
                         const cJSON *instance, const struct schema_path *at) {
        for (size_t i = 0; i < rule->n_children; i++)
                schema_check(run, &rule->children[i].node, instance, at);
}
