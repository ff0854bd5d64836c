/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <math.h>
#include <string.h>

int schema_load_anything(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                         const struct schema_path *at) {
        return 0;
}

int schema_load_bool(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                     const struct schema_path *at) {
        if (!cJSON_IsBool(rule->value))
                return schema_refuse(l, at, "must be true or false");
        return 0;
}

int schema_load_text(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                     const struct schema_path *at) {
        if (!cJSON_IsString(rule->value))
                return schema_refuse(l, at, "must be a string");
        return 0;
}

/* What it names has been noted by schema_identify(). */
int schema_load_anchor(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                       const struct schema_path *at) {
        return schema_load_text(l, parent, rule, at);
}

int schema_load_vocabulary(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                           const struct schema_path *at) {
        const cJSON *member;

        if (!cJSON_IsObject(rule->value))
                return schema_refuse(l, at, "must be an object of true and false");
        cJSON_ArrayForEach (member, rule->value)
                if (!cJSON_IsBool(member))
                        return schema_refuse(l, at, "must be an object of true and false");
        return 0;
}

int schema_load_array(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                      const struct schema_path *at) {
        if (!cJSON_IsArray(rule->value))
                return schema_refuse(l, at, "must be an array");
        return 0;
}

/* ---- types and values ---- */

int schema_load_types(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                      const struct schema_path *at) {
        const cJSON *name = cJSON_IsArray(rule->value) ? rule->value->child : rule->value;

        rule->types = 0;
        for (; name; name = cJSON_IsArray(rule->value) ? name->next : NULL) {
                unsigned type = cJSON_IsString(name) ? schema_type_from_name(name->valuestring) : 0;

                if (type == 0 || (rule->types & type) == type)
                        return schema_refuse(l, at,
                                             "must be the name of a type, or an array of "
                                             "different ones");
                rule->types |= type;
        }
        if (rule->types == 0)
                return schema_refuse(l, at, "must name at least one type");
        return 0;
}

int schema_load_enum(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                     const struct schema_path *at) {
        const cJSON *value;

        if (!cJSON_IsArray(rule->value))
                return schema_refuse(l, at, "must be an array of values");
        if (!rule->value->child && schema_is_strict(l))
                return schema_refuse(l, at, "must be an array of at least one value");
        rule->types = 0;
        cJSON_ArrayForEach (value, rule->value)
                rule->types |= schema_type_of(value);
        return 0;
}

int schema_load_const(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                      const struct schema_path *at) {
        rule->types = schema_type_of(rule->value);
        return 0;
}

int schema_load_number(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                       const struct schema_path *at) {
        if (!cJSON_IsNumber(rule->value))
                return schema_refuse(l, at, "must be a number");
        rule->number = rule->value->valuedouble;
        return 0;
}

int schema_load_divisor(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                        const struct schema_path *at) {
        if (!cJSON_IsNumber(rule->value) || rule->value->valuedouble <= 0)
                return schema_refuse(l, at, "must be a number above 0");
        rule->number = rule->value->valuedouble;
        return 0;
}

int schema_load_count(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                      const struct schema_path *at) {
        if (schema_type_of(rule->value) != SCHEMA_INTEGER || rule->value->valuedouble < 0)
                return schema_refuse(l, at, "must be a whole number, 0 or more");
        rule->number = rule->value->valuedouble;
        return 0;
}

double schema_limit_beside(const cJSON *parent, const char *name, double otherwise) {
        const cJSON *limit = json_member(parent, name);

        return cJSON_IsNumber(limit) ? limit->valuedouble : otherwise;
}

int schema_load_unique(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                       const struct schema_path *at) {
        int r;

        r = schema_load_bool(l, parent, rule, at);
        if (r < 0)
                return r;
        rule->number = schema_limit_beside(parent, "maxItems", INFINITY);
        return !cJSON_IsTrue(rule->value);
}

/* ---- text ---- */

int schema_load_regex(struct schema_loader *l, const char *pattern, const struct schema_path *at,
                      struct regex **ret) {
        const char *reason;
        int r;

        r = regex_new(pattern, ret, &reason);
        if (r == -EINVAL)
                return schema_refuse(l, at, "%s", reason);
        if (r < 0)
                return r;
        l->n_instructions += regex_size(*ret);
        if (l->n_instructions > SCHEMA_MAX_INSTRUCTIONS)
                return schema_refuse(l, at, "is one pattern too many, or too long");
        return 0;
}

int schema_load_pattern(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                        const struct schema_path *at) {
        int r;

        r = schema_load_text(l, parent, rule, at);
        if (r < 0)
                return r;
        rule->number = schema_limit_beside(parent, "maxLength", INFINITY);
        return schema_load_regex(l, rule->value->valuestring, at, &rule->regex);
}

int schema_load_format(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                       const struct schema_path *at) {
        int r;

        r = schema_load_text(l, parent, rule, at);
        if (r < 0)
                return r;
        if (!(l->options->flags & SCHEMA_ASSERT_FORMAT) &&
            !(l->resource->vocabularies & SCHEMA_FORMAT_ASSERTION))
                return 1;
        rule->format = schema_format_find(rule->value->valuestring);
        if (!rule->format && schema_is_strict(l))
                return schema_refuse(l, at, "is not a format that is known here");
        return !rule->format;
}

/* ---- names ---- */

/* A name that stands twice is a mistake of ours, and nobody else's is worth the time. */
static int check_repeated(struct schema_loader *l, const cJSON *names,
                          const struct schema_path *at) {
        const cJSON *name, *other;

        cJSON_ArrayForEach (name, names)
                for (other = names->child; other != name; other = other->next)
                        if (strcmp(other->valuestring, name->valuestring) == 0)
                                return schema_refuse(l, at, "names '%s' twice", name->valuestring);
        return 0;
}

static int check_names(struct schema_loader *l, const cJSON *names, const struct schema_path *at) {
        const cJSON *name;

        if (!cJSON_IsArray(names))
                return schema_refuse(l, at, "must be an array of names");
        cJSON_ArrayForEach (name, names)
                if (!cJSON_IsString(name))
                        return schema_refuse(l, at, "must be an array of names");
        return schema_is_strict(l) ? check_repeated(l, names, at) : 0;
}

int schema_load_required(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                         const struct schema_path *at) {
        return check_names(l, rule->value, at);
}

int schema_load_dependent_required(struct schema_loader *l, const cJSON *parent,
                                   struct schema_rule *rule, const struct schema_path *at) {
        const cJSON *names;

        if (!cJSON_IsObject(rule->value))
                return schema_refuse(l, at, "must be an object of arrays of names");
        cJSON_ArrayForEach (names, rule->value) {
                struct schema_path here = schema_path_member(at, names->string);
                int r = check_names(l, names, &here);

                if (r < 0)
                        return r;
        }
        return 0;
}
