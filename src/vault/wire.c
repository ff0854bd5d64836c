/* SPDX-License-Identifier: MIT */
#include "vault/wire.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

static bool is_token(const char *text, size_t size) {
        if (size == 0 || size > VAULT_WIRE_MAX_TOKEN)
                return false;
        for (size_t i = 0; i < size; i++)
                if (text[i] < 0x20 || text[i] > 0x7e)
                        return false;
        return true;
}

int vault_wire_secret(const struct json_slice *s, struct secret **ret) {
        char *text;
        size_t size;
        int r;

        r = json_slice_string(s, &text);
        if (r < 0)
                return r;

        size = strlen(text);
        r = is_token(text, size) ? secret_new(text, size, ret) : -EINVAL;
        sodium_memzero(text, size);
        free(text);
        return r;
}
