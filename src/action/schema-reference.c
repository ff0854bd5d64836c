/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <string.h>

#include "action/schema-uri.h"

/* What all references may cost that lead into long lists: less than a second. */
#define MAX_LOOKS ((size_t)1 << 26)

int schema_reference_add(struct schema_loader *l, struct schema_rule *rule,
                         const struct schema_path *at) {
        struct schema_path here = schema_path_member(at, rule->keyword->name);
        char where[SCHEMA_PATH_SIZE];
        struct schema_reference *references;
        size_t n = l->n_references;

        if (n == 0 || (n >= 8 && (n & (n - 1)) == 0)) {
                references = reallocarray(l->references, n == 0 ? 8 : 2 * n, sizeof(*references));
                if (!references)
                        return -ENOMEM;
                l->references = references;
        }
        schema_path_print(&here, where);
        l->references[n] = (struct schema_reference){
                .rule = rule,
                .resource = l->resource,
                .document = l->document,
                .where = strdup(where),
        };
        if (!l->references[n].where)
                return -ENOMEM;
        l->n_references++;
        return 0;
}

/* The schema of that name, wherever it is from. Also -ENOENT. */
static int find_schema(struct schema_loader *l, const char *uri, struct schema_node **ret) {
        struct schema_resource *resource = schema_resource_find(l->schema, uri);
        struct schema_document *document;
        int r;

        if (resource) {
                *ret = resource->node;
                return 0;
        }
        r = schema_document_find(l, uri, &document);
        if (r < 0)
                return r;
        r = schema_document_load(l, document);
        if (r < 0)
                return r;
        *ret = &document->root;
        return 0;
}

/* Whether a JSON Pointer's token, which ends at a slash, stands for the name. */
static bool token_is(const char *token, const char *name) {
        for (; *token; token++, name++) {
                char c = *token == '/' ? 0 : *token;

                if (c == '~') {
                        token++;
                        c = *token == '0' ? '~' : *token == '1' ? '/' : 0;
                }
                if (c == 0)
                        return *token == '/' && *name == 0;
                if (c != *name)
                        return false;
        }
        return *name == 0;
}

/* The index that a token is, or SIZE_MAX. */
static size_t token_index(const char *token) {
        size_t n = strspn(token, "0123456789");

        if (n == 0 || n > 9 || (n > 1 && *token == '0') || (token[n] && token[n] != '/'))
                return SIZE_MAX;
        return strtoul(token, NULL, 10);
}

static const cJSON *find_child(struct schema_loader *l, const cJSON *json, const char *token) {
        size_t index = cJSON_IsArray(json) ? token_index(token) : 0;
        const cJSON *child;

        if (!cJSON_IsArray(json) && !cJSON_IsObject(json))
                return NULL;
        cJSON_ArrayForEach (child, json) {
                l->n_looks++;
                if (child->string ? token_is(token, child->string) : index-- == 0)
                        return child;
        }
        return NULL;
}

/* Makes a node where no keyword has made one, as within a keyword that is not known. */
static int load_stray(struct schema_loader *l, const cJSON *json,
                      const struct schema_resource *resource, struct schema_node **ret) {
        const struct schema_path root = SCHEMA_PATH_ROOT;
        struct schema *s = l->schema;
        struct schema_node **strays;
        int r;

        strays = reallocarray(s->strays, s->n_strays + 1, sizeof(struct schema_node *));
        if (!strays)
                return -ENOMEM;
        s->strays = strays;
        strays[s->n_strays] = calloc(1, sizeof(**strays));
        if (!strays[s->n_strays])
                return -ENOMEM;
        *ret = strays[s->n_strays++];
        l->document = resource->document;
        l->resource = (struct schema_resource *)resource;
        r = schema_node_load(l, json, &root, *ret);
        l->resource = NULL;
        return r;
}

/* Follows a JSON Pointer from a node on. Also -ENOENT. */
static int find_pointed(struct schema_loader *l, const char *pointer,
                        const struct schema_reference *from, struct schema_node **node) {
        const cJSON *json = (*node)->json;
        const struct schema_resource *resource = (*node)->resource;
        struct schema_node *found = *node;
        int r;

        for (const char *token = pointer; token; token = strchr(token, '/')) {
                json = find_child(l, json, ++token);
                if (l->n_looks > MAX_LOOKS)
                        return schema_refuse_at(l, from->document, from->where,
                                                "is one reference too many into long lists");
                if (!json)
                        return -ENOENT;
                found = schema_map_get(&l->nodes, json);
                if (found)
                        resource = found->resource;
        }
        if (!found && !cJSON_IsBool(json) && !cJSON_IsObject(json))
                return schema_refuse_at(l, from->document, from->where,
                                        "leads to what is no schema");
        if (!found) {
                r = load_stray(l, json, resource, &found);
                if (r < 0)
                        return r;
        }
        *node = found;
        return 0;
}

static int find_anchored(const char *name, struct schema_rule *rule, struct schema_node **node) {
        const struct schema_anchor *anchor = schema_anchor_find((*node)->resource, name);

        if (!anchor)
                return -ENOENT;
        *node = anchor->node;
        if (anchor->dynamic && rule->keyword->check == schema_check_dynamic_ref) {
                rule->anchor = strdup(name);
                if (!rule->anchor)
                        return -ENOMEM;
        }
        return 0;
}

/* Also -ENOENT when there is no such schema, for now. */
static int follow(struct schema_loader *l, const struct schema_reference *from, bool last) {
        _cleanup_(freep) char *uri = NULL, *fragment = NULL;
        struct schema_rule *rule = from->rule;
        const char *text = rule->value->valuestring;
        struct schema_node *node;
        int r;

        r = schema_uri_resolve(from->resource->uri, text, &uri);
        if (r < 0)
                return r;
        r = schema_uri_fragment(text, &fragment);
        if (r == -EINVAL)
                return schema_refuse_at(l, from->document, from->where, "is no URI");
        if (r < 0)
                return r;

        r = find_schema(l, uri, &node);
        if (r == -ENOENT)
                return !last ? r
                             : schema_refuse_at(l, from->document, from->where,
                                                "leads nowhere: there is no '%s'", uri);
        if (r >= 0 && *fragment == '/')
                r = find_pointed(l, fragment, from, &node);
        else if (r >= 0 && *fragment)
                r = find_anchored(fragment, rule, &node);
        if (r == -ENOENT)
                return schema_refuse_at(l, from->document, from->where,
                                        "leads nowhere: there is no '%s' in '%s'", fragment, uri);
        if (r < 0)
                return r;
        rule->target = node;
        return 0;
}

/* Documents that are loaded on the way add more of them, at the end. */
static int follow_all(struct schema_loader *l, bool last) {
        for (size_t i = 0; i < l->n_references; i++) {
                struct schema_reference from = l->references[i];
                int r = from.rule->target ? 0 : follow(l, &from, last);

                if (r < 0 && r != -ENOENT)
                        return r;
        }
        return 0;
}

/* A document may bring a schema with an $id that another one has already asked for. */
int schema_references_follow(struct schema_loader *l) {
        size_t n_documents;
        int r;

        do {
                n_documents = l->schema->n_documents;
                r = follow_all(l, false);
                if (r < 0)
                        return r;
        } while (l->schema->n_documents > n_documents);
        return follow_all(l, true);
}
