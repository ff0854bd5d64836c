/* SPDX-License-Identifier: MIT */
#include "action/schema-node.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * How many nodes may be asked in one validation, or other things of that price be done: an end for
 * schemas whose alternatives multiply with each level of the instance.
 */
#define MAX_STEPS ((size_t)4 << 20)

/* What an instruction of a pattern costs in steps, the other way around. */
#define INSTRUCTIONS_PER_STEP 16

/* Nodes within nodes: for a $dynamicRef that leads in a circle. */
#define MAX_DEPTH 2048

/* As many as an error keeps. */
#define MAX_FAULTS 100

/* ---- loading ---- */

__attribute__((__format__(__printf__, 4, 0))) static int refuse(
                struct schema_loader *l, const struct schema_document *document, const char *where,
                const char *format, va_list ap) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        char reason[SCHEMA_ERROR_SIZE];
        bool ours = document && document == l->schema->documents[0];

        vsnprintf(reason, sizeof(reason), format, ap);
        if (document && !ours)
                buffer_printf(&text, "%s#", document->uri);
        buffer_printf(&text, "%s: %s", ours && !*where ? "the schema" : where, reason);
        ae_error_quote(l->error, SCHEMA_ERROR_SIZE, buffer_error(&text) < 0 ? reason : text.data);
        return -EINVAL;
}

int schema_refuse_at(struct schema_loader *l, const struct schema_document *document,
                     const char *where, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = refuse(l, document, where, format, ap);
        va_end(ap);
        return r;
}

int schema_refuse(struct schema_loader *l, const struct schema_path *at, const char *format, ...) {
        char path[SCHEMA_PATH_SIZE];
        va_list ap;
        int r;

        schema_path_print(at, path);
        va_start(ap, format);
        r = refuse(l, l->document, path, format, ap);
        va_end(ap);
        return r;
}

static void loader_done(struct schema_loader *l) {
        for (size_t i = 0; i < l->n_references; i++)
                free(l->references[i].where);
        free(l->references);
        schema_map_done(&l->nodes);
}

/* Takes the JSON over. */
static int load(struct schema *s, cJSON *json, const struct schema_options *options, char *error) {
        _cleanup_(loader_done) struct schema_loader l = {
                .schema = s,
                .options = options,
                .error = error,
        };
        struct schema_document *document;
        int r;

        r = schema_document_add(&l, options->uri ? options->uri : "", json, &document);
        if (r < 0)
                return r;
        r = schema_document_load(&l, document);
        if (r < 0)
                return r;
        r = schema_references_follow(&l);
        if (r < 0)
                return r;
        return schema_settle(&l);
}

int schema_new_with(const char *text, size_t size, const struct schema_options *options,
                    struct schema **ret, char error[SCHEMA_ERROR_SIZE]) {
        _cleanup_(schema_freep) struct schema *s = NULL;
        struct json_fault fault;
        cJSON *json;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        r = json_parse(text, size, &json, &fault);
        if (r == -EBADMSG) {
                snprintf(error, SCHEMA_ERROR_SIZE, "is no JSON: %s (byte %zu)", fault.reason,
                         fault.offset);
                return -EINVAL;
        }
        if (r < 0)
                return r;

        randombytes_buf(s->hash_key, sizeof(s->hash_key));
        r = load(s, json, options, error);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

int schema_new(const char *text, size_t size, struct schema **ret, char error[SCHEMA_ERROR_SIZE]) {
        static const struct schema_options ours = { .flags = SCHEMA_STRICT | SCHEMA_ASSERT_FORMAT };

        return schema_new_with(text, size, &ours, ret, error);
}

struct schema *schema_free(struct schema *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n_strays; i++) {
                schema_node_done(s->strays[i]);
                free(s->strays[i]);
        }
        free(s->strays);
        for (size_t i = 0; i < s->n_resources; i++)
                schema_resource_free(s->resources[i]);
        free(s->resources);
        for (size_t i = 0; i < s->n_documents; i++)
                schema_document_free(s->documents[i]);
        free(s);
        return NULL;
}

const cJSON *schema_json(const struct schema *s) {
        return s->documents[0]->json;
}

/* ---- validating ---- */

bool schema_run_is_over(const struct schema_run *run) {
        return run->n_faults >= (run->error ? MAX_FAULTS : 1) || run->n_steps > MAX_STEPS;
}

void schema_fault(struct schema_run *run, const struct schema_path *at, const char *format, ...) {
        char path[SCHEMA_PATH_SIZE], message[AE_MESSAGE_SIZE];
        va_list ap;

        run->n_faults++;
        if (!run->error || run->n_faults > MAX_FAULTS)
                return;

        schema_path_print(at, path);
        va_start(ap, format);
        vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);
        ae_error_add(run->error, path, "%s", message);
}

void schema_run_abandon(struct schema_run *run) {
        run->n_steps = MAX_STEPS + 1;
}

const cJSON *schema_member(struct schema_run *run, const cJSON *object, const char *name) {
        const cJSON *member;
        size_t n = 0;

        for (member = object->child; member; member = member->next, n++)
                if (strcmp(member->string, name) == 0)
                        break;
        run->n_steps += n / 16;
        return member;
}

size_t schema_size(struct schema_run *run, const cJSON *container) {
        size_t n = (size_t)cJSON_GetArraySize(container);

        run->n_steps += n / 64;
        return n;
}

bool schema_matches(struct schema_run *run, const struct regex *regex, const char *text) {
        size_t left = run->n_steps < MAX_STEPS ? MAX_STEPS - run->n_steps : 0;
        size_t budget = left * INSTRUCTIONS_PER_STEP, before = budget;
        int r;

        r = regex_search(regex, text, strlen(text), &budget);
        run->n_steps += (before - budget) / INSTRUCTIONS_PER_STEP;
        if (r < 0)
                schema_run_abandon(run);
        return r != 0;
}

static void check_rules(struct schema_run *run, const struct schema_node *node,
                        const cJSON *instance, const struct schema_path *at) {
        unsigned type = schema_type_of(instance);

        if (at->level > JSON_MAX_DEPTH && type & (SCHEMA_ARRAY | SCHEMA_OBJECT)) {
                schema_fault(run, at, "is nested deeper than %d levels", JSON_MAX_DEPTH);
                return;
        }
        if (cJSON_IsFalse(node->json))
                schema_fault(run, at, "is not allowed here");

        for (size_t i = 0; i < node->n_checks && !schema_run_is_over(run); i++) {
                const struct schema_rule *rule = &node->rules[i];

                if (rule->keyword->applies_to & type)
                        rule->keyword->check(run, rule, instance, at);
        }
}

/* With a list of its own: what stands beside it is not the node's concern. */
static void check_watched(struct schema_run *run, const struct schema_node *node,
                          const cJSON *instance, const struct schema_path *at) {
        _cleanup_(schema_seen_done) struct schema_seen seen = { 0 };
        struct schema_seen *outer = run->seen;

        run->seen = &seen;
        check_rules(run, node, instance, at);
        run->seen = outer;
        schema_see_seen(run, &seen);
}

void schema_check(struct schema_run *run, const struct schema_node *node, const cJSON *instance,
                  const struct schema_path *at) {
        const struct schema_scope *outer = run->scope, scope = { node->resource, outer };

        if (++run->n_steps > MAX_STEPS)
                return;
        if (run->depth >= MAX_DEPTH) {
                schema_run_abandon(run);
                return;
        }

        run->depth++;
        if (!outer || outer->resource != node->resource)
                run->scope = &scope;
        if (node->watches)
                check_watched(run, node, instance, at);
        else
                check_rules(run, node, instance, at);
        run->scope = outer;
        run->depth--;
}

bool schema_fits(struct schema_run *run, const struct schema_node *node, const cJSON *instance,
                 const struct schema_path *at) {
        _cleanup_(schema_seen_done) struct schema_seen seen = { 0 };
        struct schema_run silent = {
                .schema = run->schema,
                .scope = run->scope,
                .seen = run->seen ? &seen : NULL,
                .n_steps = run->n_steps,
                .depth = run->depth,
        };

        if (!(node->types & schema_type_of(instance)))
                return false;
        schema_check(&silent, node, instance, at);
        run->n_steps = silent.n_steps;
        if (silent.n_faults > 0)
                return false;
        schema_see_seen(run, &seen);
        return true;
}

void schema_check_below(struct schema_run *run, const struct schema_node *node,
                        const cJSON *instance, const struct schema_path *at) {
        struct schema_seen *seen = run->seen;

        run->seen = NULL;
        schema_check(run, node, instance, at);
        run->seen = seen;
}

bool schema_fits_below(struct schema_run *run, const struct schema_node *node,
                       const cJSON *instance, const struct schema_path *at) {
        struct schema_seen *seen = run->seen;
        bool fits;

        run->seen = NULL;
        fits = schema_fits(run, node, instance, at);
        run->seen = seen;
        return fits;
}

size_t schema_validate(const struct schema *s, const cJSON *instance, struct ae_error *error) {
        struct schema_run run = { .schema = s, .error = error };
        struct schema_path root = SCHEMA_PATH_ROOT;

        schema_check(&run, &s->documents[0]->root, instance, &root);
        if (run.n_steps > MAX_STEPS && run.n_faults < MAX_FAULTS)
                schema_fault(&run, &root, "is too intricate to be checked");
        return run.n_faults;
}
