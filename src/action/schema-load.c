/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
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

int schema_load_id(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                   const struct schema_path *at) {
        if (parent != l->schema->json)
                return schema_refuse(l, at, "may stand at the root only");
        return schema_load_text(l, parent, rule, at);
}

int schema_load_dialect(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                        const struct schema_path *at) {
        static const char dialect[] = "https://json-schema.org/draft/2020-12/schema";

        if (!cJSON_IsString(rule->value) || strcmp(rule->value->valuestring, dialect) != 0)
                return schema_refuse(l, at, "must be \"%s\"", dialect);
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

        if (!cJSON_IsArray(rule->value) || !rule->value->child)
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

/* ---- what costs more than a look ---- */

/* A neighbour that keeps small what an expensive rule looks at. */
static int load_bound(struct schema_loader *l, const cJSON *parent, const char *name, double most,
                      struct schema_rule *rule, const struct schema_path *at) {
        const cJSON *bound = json_member(parent, name);

        if (!bound || !cJSON_IsNumber(bound) || bound->valuedouble > most)
                return schema_refuse(l, at, "needs a %s of at most %.0f beside it", name, most);
        rule->number = bound->valuedouble;
        return 0;
}

int schema_load_unique(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                       const struct schema_path *at) {
        int r;

        r = schema_load_bool(l, parent, rule, at);
        if (r < 0 || !cJSON_IsTrue(rule->value))
                return r;
        return load_bound(l, parent, "maxItems", SCHEMA_MAX_UNIQUE_ITEMS, rule, at);
}

static int compile(struct schema_loader *l, struct schema_rule *rule,
                   const struct schema_path *at) {
        _cleanup_(freep) regex_t *regex = NULL;
        char reason[128];
        locale_t before;
        int r;

        if (!l->schema->utf8)
                l->schema->utf8 = newlocale(LC_CTYPE_MASK | LC_COLLATE_MASK, "C.UTF-8", NULL);
        if (!l->schema->utf8)
                return schema_refuse(l, at, "needs the locale C.UTF-8, which is missing here");
        regex = malloc(sizeof(*regex));
        if (!regex)
                return -ENOMEM;

        before = uselocale(l->schema->utf8);
        r = regcomp(regex, rule->value->valuestring, REG_EXTENDED | REG_NOSUB);
        if (r != 0)
                regerror(r, regex, reason, sizeof(reason));
        uselocale(before);
        if (r == REG_ESPACE)
                return -ENOMEM;
        if (r != 0)
                return schema_refuse(l, at, "is no regular expression: %s", reason);

        rule->regex = TAKE_PTR(regex);
        return 0;
}

int schema_load_pattern(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                        const struct schema_path *at) {
        const char *refusal;
        int r;

        r = schema_load_text(l, parent, rule, at);
        if (r < 0)
                return r;
        refusal = schema_pattern_refusal(rule->value->valuestring);
        if (refusal)
                return schema_refuse(l, at, "%s", refusal);
        r = load_bound(l, parent, "maxLength", SCHEMA_MAX_PATTERN_LENGTH, rule, at);
        if (r < 0)
                return r;
        return compile(l, rule, at);
}

int schema_load_format(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                       const struct schema_path *at) {
        int r;

        r = schema_load_text(l, parent, rule, at);
        if (r < 0)
                return r;
        rule->format = schema_format_find(rule->value->valuestring);
        if (!rule->format)
                return schema_refuse(l, at, "is not a format that is known here");
        return 0;
}

/* ---- schemas within ---- */

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

int schema_load_additional(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                           const struct schema_path *at) {
        rule->properties = json_member(parent, "properties");
        return schema_load_schema(l, parent, rule, at);
}

int schema_load_schemas(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
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

int schema_load_properties(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
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

int schema_load_required(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                         const struct schema_path *at) {
        const cJSON *name, *other;

        if (!cJSON_IsArray(rule->value))
                return schema_refuse(l, at, "must be an array of names");
        cJSON_ArrayForEach (name, rule->value) {
                if (!cJSON_IsString(name))
                        return schema_refuse(l, at, "must be an array of names");
                for (other = rule->value->child; other != name; other = other->next)
                        if (strcmp(other->valuestring, name->valuestring) == 0)
                                return schema_refuse(l, at, "names '%s' twice", name->valuestring);
        }
        return 0;
}

/* schema.c has made the nodes; they are filled here, where the keyword stands. */
int schema_load_definitions(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                            const struct schema_path *at) {
        const cJSON *json;
        size_t i = 0;
        int r;

        if (parent != l->schema->json)
                return schema_refuse(l, at, "may stand at the root only");
        if (!cJSON_IsObject(rule->value))
                return schema_refuse(l, at, "must be an object of schemas");

        cJSON_ArrayForEach (json, rule->value) {
                struct schema_path here = schema_path_member(at, json->string);

                r = schema_node_load(l, json, &here, &l->schema->defs[i++].node);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Whether a JSON Pointer's token stands for the name. */
static bool token_is(const char *token, const char *name) {
        for (; *token; token++, name++) {
                char c = *token == '/' ? 0 : *token;

                if (c == '~') {
                        token++;
                        c = *token == '0' ? '~' : *token == '1' ? '/' : 0;
                }
                if (c == 0 || c != *name)
                        return false;
        }
        return *name == 0;
}

int schema_load_ref(struct schema_loader *l, const cJSON *parent, struct schema_rule *rule,
                    const struct schema_path *at) {
        static const char prefix[] = "#/$defs/";
        const char *token;

        if (!cJSON_IsString(rule->value) ||
            strncmp(rule->value->valuestring, prefix, strlen(prefix)) != 0)
                return schema_refuse(l, at, "may lead to #/$defs/NAME only");

        token = rule->value->valuestring + strlen(prefix);
        for (size_t i = 0; i < l->schema->n_defs && !rule->target; i++)
                if (token_is(token, l->schema->defs[i].name))
                        rule->target = &l->schema->defs[i].node;
        if (!rule->target)
                return schema_refuse(l, at, "leads nowhere: there is no $defs/%s", token);
        return 0;
}
