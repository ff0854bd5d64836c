/* SPDX-License-Identifier: MIT */
/*
 * A pattern, a line feed, a text: whatever they are, there is an answer, within the budget and
 * linear in the text.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "action/schema-regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const uint8_t *end = memchr(data, '\n', size);
        _cleanup_(regex_freep) struct regex *re = NULL;
        _cleanup_(freep) char *pattern = NULL;
        size_t budget = 1 << 20;
        const char *reason = NULL;
        int r;

        if (!end)
                return 0;
        pattern = strndup((const char *)data, (size_t)(end - data));
        r = regex_new(pattern, &re, &reason);
        if (r < 0) {
                assert(r == -EINVAL && reason);
                return 0;
        }
        size -= (size_t)(end - data) + 1;
        r = regex_search(re, (const char *)end + 1, size, &budget);
        assert(r == 0 || r == 1 || (r == -ETIME && budget == 0));
        assert(((1 << 20) - budget) <= 4 * (strlen(pattern) + 1) * (size + 1) ||
               strchr(pattern, '{'));
        return 0;
}
