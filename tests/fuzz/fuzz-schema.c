/* SPDX-License-Identifier: MIT */
/*
 * A schema, a line feed, an instance: whatever they are, loading and judging end, and what a
 * schema says about an instance it says again.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "action/schema.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t judge(const struct schema *s, const cJSON *instance) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        size_t n = schema_validate(s, instance, &error);

        assert(n == ae_error_count(&error));
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint8_t *end = memchr(data, '\n', size);
        _cleanup_(schema_freep) struct schema *s = NULL;
        _cleanup_(json_freep) cJSON *instance = NULL;
        char error[SCHEMA_ERROR_SIZE];
        size_t n;

        if (!end)
                return 0;
        n = (size_t)(end - data);
        if (schema_new((const char *)data, n, &s, error) < 0) {
                assert(memchr(error, 0, sizeof(error)));
                return 0;
        }
        if (json_parse((const char *)end + 1, size - n - 1, &instance, NULL) < 0)
                return 0;
        assert(judge(s, instance) == judge(s, instance));
        return 0;
}
