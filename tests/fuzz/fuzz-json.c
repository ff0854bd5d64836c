/* SPDX-License-Identifier: MIT */
/*
 * Random bytes through the strict scan. What it accepts must hold together: cJSON reads it, it
 * prints and scans again to the same, its canonical form is a fixed point, and no slice leaves
 * the text.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"

static void must(bool truth) {
        if (!truth)
                abort();
}

static void must_lie_within(const struct json_slice *s, const struct json_slice *outer) {
        must(s->text >= outer->text && s->size > 0);
        must(s->size <= outer->size && s->text + s->size <= outer->text + outer->size);
}

static void on_found(const char *pointer, void *userdata) {
        *(size_t *)userdata += 1 + strlen(pointer);
}

static void read_slice(const struct json_slice *s) {
        char *text = NULL;
        int64_t integer;
        bool truth;
        int r;

        r = json_slice_string(s, &text);
        must(r == (s->type == JSON_STRING ? 0 : -EINVAL));
        if (r == 0)
                must(json_slice_equals(s, text) && strlen(text) <= s->size - 2);
        free(text);

        if (json_slice_integer(s, -100, 100, &integer) == 0)
                must(s->type == JSON_NUMBER && integer >= -100 && integer <= 100);
        r = json_slice_bool(s, &truth);
        must(r == (s->type == JSON_TRUE || s->type == JSON_FALSE ? 0 : -EINVAL));
}

static void read_members(const struct json_envelope *e, const struct json_slice *text,
                         bool accepted) {
        must(e->n_members <= JSON_ENVELOPE_MAX);
        for (size_t i = 0; i < e->n_members; i++) {
                const struct json_member *m = &e->members[i];
                const struct json_slice *found;
                char *name;

                must_lie_within(&m->key, text);
                must_lie_within(&m->value, text);
                read_slice(&m->value);

                must(json_slice_string(&m->key, &name) == 0);
                found = json_envelope_find(e, name);
                must(found == &m->value || (!found && !accepted));
                free(name);
        }
}

static void append(const char *text, size_t size, void *userdata) {
        buffer_append(userdata, text, size);
}

static void print(const cJSON *json, bool canonical, struct buffer *to) {
        if (canonical)
                must(json_print_canonical(json, append, to) == 0);
        else
                json_print(json, to);
        must(buffer_error(to) == 0);
}

/* What is printed is read and printed to the same again. */
static void must_be_fixed_point(const cJSON *json, bool canonical) {
        struct buffer first = { 0 }, second = { 0 };
        cJSON *again = NULL;

        print(json, canonical, &first);
        must(json_parse(first.data, first.size, &again, NULL) == 0);
        must(cJSON_Compare(json, again, /* case_sensitive= */ true));
        print(again, canonical, &second);
        must(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);

        cJSON_Delete(again);
        buffer_done(&first);
        buffer_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct json_slice text = { (const char *)data, size, JSON_NULL };
        struct json_fault fault = { 0 };
        struct json_envelope e;
        size_t found = 0;
        cJSON *json;
        int r;

        r = json_scan(text.text, size, &e, &fault);
        must(r == 0 || r == -EBADMSG);
        must((r == 0) == !fault.reason && fault.offset <= size);
        read_members(&e, &text, r == 0);
        if (r < 0)
                return 0;

        must_lie_within(&e.root, &text);
        read_slice(&e.root);
        must(json_slice_big_integers(&e.root, on_found, &found) == 0);
        must(e.has_big_integer == (found > 0));

        must(json_slice_tree(&e.root, &json) == 0);
        must_be_fixed_point(json, /* canonical= */ false);
        must_be_fixed_point(json, /* canonical= */ true);
        cJSON_Delete(json);
        return 0;
}
