/* SPDX-License-Identifier: MIT */
#include "auth/jwk-member.h"

#include "base/base64url.h"

/* The slice as it stands: base64url needs no escapes, and a copy would have to be wiped. */
static int decode(const struct json_envelope *e, const char *name, unsigned char *ret, size_t max,
                  size_t *ret_size) {
        const struct json_slice *s = json_envelope_find(e, name);

        if (!s || s->type != JSON_STRING)
                return -1;
        return base64url_decode(s->text + 1, s->size - 2, ret, max, ret_size);
}

int jwk_read_bytes(const struct json_envelope *e, const char *name, unsigned char *ret, size_t max,
                   size_t *ret_size, struct ae_error *error) {
        size_t n = 0;

        if (decode(e, name, ret, max, &n) < 0 || n == 0)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its '%s' is not 1 to %zu bytes in base64url", name, max);
        *ret_size = n;
        return 0;
}

int jwk_read_exactly(const struct json_envelope *e, const char *name, unsigned char *ret,
                     size_t size, struct ae_error *error) {
        size_t n = 0;

        if (decode(e, name, ret, size, &n) < 0 || n != size)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its '%s' is not %zu bytes in base64url", name, size);
        return 0;
}

void jwk_write_bytes(const char *name, const void *data, size_t size, struct buffer *to) {
        buffer_printf(to, ",\"%s\":\"", name);
        base64url_append(to, data, size);
        buffer_putc(to, '"');
}
