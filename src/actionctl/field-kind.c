/* SPDX-License-Identifier: MIT */
#include "actionctl/field-kind.h"

#include <string.h>
#include <strings.h>

#include "actionctl/fields.h"
#include "base/cleanup.h"

#define MAX_DEPTH 16
#define MAX_NODES 1000

struct search {
        const cJSON *schema;
        const struct payload_key *key;
        unsigned n_nodes;
};

static enum field_kind kind_of(const cJSON *node) {
        const cJSON *properties = json_member(node, "properties");
        const char *encoding = json_string(node, "contentEncoding");

        if (json_member(properties, "filename") && json_member(properties, "content_base64"))
                return FIELD_FILE;
        return encoding && strcmp(encoding, "base64") == 0 ? FIELD_BASE64 : FIELD_TEXT;
}

/* The best that any way through the alternatives says; `i` parts of the key are behind us. */
static enum field_kind search(struct search *s, const cJSON *node, size_t i, unsigned depth) {
        const cJSON *at = fields_resolve(s->schema, node), *child, *next;
        const cJSON *const lists[] = { fields_alternatives(at), json_member(at, "allOf") };
        enum field_kind best = FIELD_TEXT, kind;

        if (!at || depth > MAX_DEPTH || s->n_nodes++ > MAX_NODES)
                return FIELD_TEXT;
        if (i == s->key->n)
                best = kind_of(at);
        else {
                const struct payload_part *part = &s->key->parts[i];

                next = part->name ? json_member(json_member(at, "properties"), part->name)
                                  : json_member(at, "items");
                if (next)
                        best = search(s, next, i + 1, depth + 1);
        }
        for (size_t k = 0; k < ELEMENTSOF(lists); k++)
                cJSON_ArrayForEach (child, lists[k]) {
                        kind = search(s, child, i, depth + 1);
                        best = kind > best ? kind : best;
                }
        return best;
}

enum field_kind field_kind(const cJSON *schema, const struct payload_key *key) {
        struct search s = { .schema = schema, .key = key };

        return search(&s, schema, 0, 0);
}

const char *field_content_type(const char *filename) {
        /* clang-format off */
        static const struct {
                const char *extension, *content_type;
        } types[] = {
                { "bmp",  "image/bmp" },
                { "csv",  "text/csv; charset=utf-8" },
                { "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
                { "gif",  "image/gif" },
                { "gz",   "application/gzip" },
                { "htm",  "text/html; charset=utf-8" },
                { "html", "text/html; charset=utf-8" },
                { "ics",  "text/calendar; charset=utf-8" },
                { "jpeg", "image/jpeg" },
                { "jpg",  "image/jpeg" },
                { "json", "application/json" },
                { "log",  "text/plain; charset=utf-8" },
                { "md",   "text/markdown; charset=utf-8" },
                { "mp3",  "audio/mpeg" },
                { "mp4",  "video/mp4" },
                { "odp",  "application/vnd.oasis.opendocument.presentation" },
                { "ods",  "application/vnd.oasis.opendocument.spreadsheet" },
                { "odt",  "application/vnd.oasis.opendocument.text" },
                { "pdf",  "application/pdf" },
                { "png",  "image/png" },
                { "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
                { "svg",  "image/svg+xml" },
                { "tar",  "application/x-tar" },
                { "txt",  "text/plain; charset=utf-8" },
                { "vcf",  "text/vcard; charset=utf-8" },
                { "webp", "image/webp" },
                { "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
                { "xml",  "application/xml" },
                { "zip",  "application/zip" },
        };
        /* clang-format on */
        const char *dot = strrchr(filename, '.');

        for (size_t i = 0; dot && i < ELEMENTSOF(types); i++)
                if (strcasecmp(dot + 1, types[i].extension) == 0)
                        return types[i].content_type;
        return "application/octet-stream";
}
