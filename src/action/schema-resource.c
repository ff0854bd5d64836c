/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <string.h>

#include "action/schema-uri.h"

struct schema_resource *schema_resource_free(struct schema_resource *resource) {
        if (!resource)
                return NULL;
        free(resource->anchors);
        free(resource->uri);
        free(resource);
        return NULL;
}

struct schema_resource *schema_resource_find(const struct schema *s, const char *uri) {
        for (size_t i = 0; i < s->n_resources; i++)
                if (strcmp(s->resources[i]->uri, uri) == 0)
                        return s->resources[i];
        return NULL;
}

const struct schema_anchor *schema_anchor_find(const struct schema_resource *resource,
                                               const char *name) {
        for (size_t i = 0; i < resource->n_anchors; i++)
                if (strcmp(resource->anchors[i].name, name) == 0)
                        return &resource->anchors[i];
        return NULL;
}

static struct schema_resource *resource_new(struct schema *s) {
        struct schema_resource **list, *resource;

        list = reallocarray(s->resources, s->n_resources + 1, sizeof(struct schema_resource *));
        if (!list)
                return NULL;
        s->resources = list;
        resource = calloc(1, sizeof(*resource));
        if (resource)
                list[s->n_resources] = resource;
        return resource;
}

/* Begins a resource, from the node on. */
static int begin_resource(struct schema_loader *l, const char *id, const struct schema_path *at,
                          struct schema_node *node) {
        _cleanup_(freep) char *uri = NULL;
        struct schema_resource *resource;
        int r;

        if (id[strcspn(id, "#")] == '#' && id[strcspn(id, "#") + 1])
                return schema_refuse(l, at, "must not have a fragment: there is $anchor for that");
        r = schema_uri_resolve(l->resource ? l->resource->uri : l->document->uri, id, &uri);
        if (r < 0)
                return r;
        if (schema_resource_find(l->schema, uri))
                return schema_refuse(l, at, "is the name of another schema as well");
        if (l->schema->n_resources >= SCHEMA_MAX_RESOURCES)
                return schema_refuse(l, at, "is one name too many");

        resource = resource_new(l->schema);
        if (!resource)
                return -ENOMEM;
        l->schema->n_resources++;
        resource->uri = TAKE_PTR(uri);
        resource->document = l->document;
        resource->node = node;
        resource->vocabularies = l->resource ? l->resource->vocabularies : SCHEMA_DIALECT;
        l->resource = resource;
        return 0;
}

static bool is_anchor(const char *name) {
        static const char letters[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        size_t n;

        if (!*name || !strchr(letters, *name))
                return false;
        for (n = 1; name[n] && (strchr(letters, name[n]) || strchr("-.0123456789", name[n]));)
                n++;
        return name[n] == 0;
}

static int add_anchor(struct schema_loader *l, const char *keyword, const struct schema_path *at,
                      struct schema_node *node) {
        struct schema_path here = schema_path_member(at, keyword);
        const char *name = json_string(node->json, keyword);
        struct schema_resource *resource = l->resource;
        struct schema_anchor *anchors, anchor = {
                .name = name,
                .node = node,
                .dynamic = strcmp(keyword, "$dynamicAnchor") == 0,
        };
        const struct schema_anchor *other;

        if (!name)
                return 0;
        if (!is_anchor(name))
                return schema_refuse(l, &here, "must be a name without special characters");
        other = schema_anchor_find(resource, name);
        if (other && other->node != node)
                return schema_refuse(l, &here, "is the name of another schema as well");
        if (l->schema->n_anchors >= SCHEMA_MAX_ANCHORS)
                return schema_refuse(l, &here, "is one name too many");

        anchors = reallocarray(resource->anchors, resource->n_anchors + 1, sizeof(*anchors));
        if (!anchors)
                return -ENOMEM;
        resource->anchors = anchors;
        anchors[resource->n_anchors++] = anchor;
        l->schema->n_anchors++;
        return 0;
}

int schema_identify(struct schema_loader *l, const struct schema_path *at,
                    struct schema_node *node) {
        struct schema_path id_at = schema_path_member(at, "$id");
        struct schema_path dialect_at = schema_path_member(at, "$schema");
        const char *id = json_string(node->json, "$id");
        const char *dialect = json_string(node->json, "$schema");
        int r;

        if (id || !l->resource) {
                r = begin_resource(l, id ? id : "", &id_at, node);
                if (r < 0)
                        return r;
                if (dialect) {
                        r = schema_dialect_find(l, dialect, &dialect_at,
                                                &l->resource->vocabularies);
                        if (r < 0)
                                return r;
                }
        } else if (dialect && schema_is_strict(l))
                return schema_refuse(l, &dialect_at, "may stand beside an $id or at the root only");

        r = add_anchor(l, "$dynamicAnchor", at, node); /* the one that is found, if both are */
        return r < 0 ? r : add_anchor(l, "$anchor", at, node);
}
