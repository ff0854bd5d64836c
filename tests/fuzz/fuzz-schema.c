/* SPDX-License-Identifier: MIT */
/*
 * A schema, a line feed, an instance: whatever they are, loading and judging end, and what a
 * schema says about an instance it says again. Once as a schema of ours, once as another's, with
 * the schema as the document that all its references lead to.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "action/schema.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
        const char *data;
        size_t size;
};

static int resolve(const char *uri, void *userdata, const char **ret_text, size_t *ret_size) {
        const struct text *text = userdata;

        *ret_text = text->data;
        *ret_size = text->size;
        return 0;
}

static size_t judge(const struct schema *s, const cJSON *instance) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        size_t n = schema_validate(s, instance, &error);

        assert(n == ae_error_count(&error));
        return n;
}

static void try(struct text text, const struct schema_options *options, const cJSON *instance) {
        _cleanup_(schema_freep) struct schema *s = NULL;
        char error[SCHEMA_ERROR_SIZE];

        if (schema_new_with(text.data, text.size, options, &s, error) < 0)
                assert(memchr(error, 0, sizeof(error)));
        else
                assert(judge(s, instance) == judge(s, instance));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct schema_options ours = { .flags = SCHEMA_STRICT | SCHEMA_ASSERT_FORMAT };
        const uint8_t *end = memchr(data, '\n', size);
        _cleanup_(json_freep) cJSON *instance = NULL;
        struct text text = { (const char *)data, end ? (size_t)(end - data) : 0 };
        const struct schema_options theirs = {
                .uri = "https://example.com/a/b",
                .resolve = resolve,
                .userdata = &text,
        };

        if (!end || json_parse((const char *)end + 1, size - text.size - 1, &instance, NULL) < 0)
                return 0;
        try(text, &ours, instance);
        try(text, &theirs, instance);
        return 0;
}
