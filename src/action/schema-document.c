/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "metaschemas.h"

#define DRAFT "https://json-schema.org/draft/2020-12/"

/* clang-format off */
/* What every validator knows by heart: the metaschemas of the draft. */
static const struct {
        const char *uri, *text;
} known[] = {
        { DRAFT "meta/applicator",        schema_applicator        },
        { DRAFT "meta/content",           schema_content           },
        { DRAFT "meta/core",              schema_core              },
        { DRAFT "meta/format-annotation", schema_format_annotation },
        { DRAFT "meta/format-assertion",  schema_format_assertion  },
        { DRAFT "meta/meta-data",         schema_meta_data         },
        { DRAFT "meta/unevaluated",       schema_unevaluated       },
        { DRAFT "meta/validation",        schema_validation        },
        { DRAFT "schema",                 schema_schema            },
};

static const struct {
        const char *uri;
        unsigned bits;
} vocabularies[] = {
        { DRAFT "vocab/applicator",        SCHEMA_APPLICATOR                       },
        { DRAFT "vocab/content",           SCHEMA_CONTENT                          },
        { DRAFT "vocab/core",              SCHEMA_CORE                             },
        { DRAFT "vocab/format-annotation", SCHEMA_FORMAT                           },
        { DRAFT "vocab/format-assertion",  SCHEMA_FORMAT | SCHEMA_FORMAT_ASSERTION },
        { DRAFT "vocab/meta-data",         SCHEMA_META_DATA                        },
        { DRAFT "vocab/unevaluated",       SCHEMA_UNEVALUATED                      },
        { DRAFT "vocab/validation",        SCHEMA_VALIDATION                       },
};
/* clang-format on */

struct schema_document *schema_document_free(struct schema_document *document) {
        if (!document)
                return NULL;
        schema_node_done(&document->root);
        cJSON_Delete(document->json);
        free(document->uri);
        free(document);
        return NULL;
}

int schema_document_add(struct schema_loader *l, const char *uri, cJSON *json,
                        struct schema_document **ret) {
        _cleanup_(json_freep) cJSON *owned = json;
        struct schema *s = l->schema;
        struct schema_document *d;

        if (s->n_documents >= SCHEMA_MAX_DOCUMENTS)
                return schema_refuse_at(l, NULL, uri, "is one document too many");
        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        d->uri = strdup(uri);
        if (!d->uri) {
                free(d);
                return -ENOMEM;
        }
        d->json = TAKE_PTR(owned);
        s->documents[s->n_documents++] = d;
        *ret = d;
        return 0;
}

/* Of the metaschemas there is more than is known here, as formats: it is not ours to mend. */
bool schema_is_strict(const struct schema_loader *l) {
        return l->options->flags & SCHEMA_STRICT && !l->document->known;
}

static const char *find_known(const char *uri) {
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (strcmp(known[i].uri, uri) == 0)
                        return known[i].text;
        return NULL;
}

int schema_document_find(struct schema_loader *l, const char *uri, struct schema_document **ret) {
        const char *text = find_known(uri);
        size_t size = text ? strlen(text) : 0;
        bool is_known = text;
        struct json_fault fault;
        cJSON *json;
        int r;

        for (size_t i = 0; i < l->schema->n_documents; i++)
                if (strcmp(l->schema->documents[i]->uri, uri) == 0) {
                        *ret = l->schema->documents[i];
                        return 0;
                }

        if (!is_known) {
                if (!l->options->resolve)
                        return -ENOENT;
                r = l->options->resolve(uri, l->options->userdata, &text, &size);
                if (r < 0)
                        return r;
        }
        r = json_parse(text, size, &json, &fault);
        if (r == -EBADMSG)
                return schema_refuse_at(l, NULL, uri, "is no JSON: %s (byte %zu)", fault.reason,
                                        fault.offset);
        if (r < 0)
                return r;
        r = schema_document_add(l, uri, json, ret);
        if (r >= 0)
                (*ret)->known = is_known;
        return r;
}

int schema_document_load(struct schema_loader *l, struct schema_document *document) {
        const struct schema_path root = SCHEMA_PATH_ROOT;
        int r;

        if (document->loaded)
                return 0;
        document->loaded = true;
        l->document = document;
        l->resource = NULL;
        r = schema_node_load(l, document->json, &root, &document->root);
        l->resource = NULL;
        return r;
}

/* A vocabulary that is needed and not known makes the schema unreadable; another one does not. */
static int read_vocabularies(struct schema_loader *l, const cJSON *list,
                             const struct schema_path *at, unsigned *ret) {
        unsigned bits = SCHEMA_CORE;
        const cJSON *member;

        cJSON_ArrayForEach (member, list) {
                unsigned more = 0;

                for (size_t i = 0; i < ELEMENTSOF(vocabularies); i++)
                        if (strcmp(vocabularies[i].uri, member->string) == 0)
                                more = vocabularies[i].bits;
                if (more == 0 && cJSON_IsTrue(member))
                        return schema_refuse(l, at, "needs the vocabulary '%s'", member->string);
                bits |= more;
        }
        *ret = bits;
        return 0;
}

int schema_dialect_find(struct schema_loader *l, const char *uri, const struct schema_path *at,
                        unsigned *ret_vocabularies) {
        struct schema_document *document;
        const cJSON *list;
        int r;

        *ret_vocabularies = SCHEMA_DIALECT;
        if (strcmp(uri, DRAFT "schema") == 0 || strcmp(uri, DRAFT "schema#") == 0)
                return 0;
        r = schema_document_find(l, uri, &document);
        if (r == -ENOENT)
                return schema_refuse(l, at, "must be \"" DRAFT "schema\", or lead to a metaschema");
        if (r < 0)
                return r;
        list = json_member(document->json, "$vocabulary");
        return cJSON_IsObject(list) ? read_vocabularies(l, list, at, ret_vocabularies) : 0;
}
