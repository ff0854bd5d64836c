/* SPDX-License-Identifier: MIT */
#include "base/base64url.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* libsodium 1.0.18 takes each byte over 0x7f for some digit. */
static bool is_ascii(const char *text, size_t size) {
        unsigned char all = 0;

        for (size_t i = 0; i < size; i++)
                all |= (unsigned char)text[i];
        return all < 0x80;
}

int base64url_decode(const char *text, size_t size, void *ret, size_t max, size_t *ret_size) {
        if (!is_ascii(text, size) ||
            sodium_base642bin(ret, max, text, size, /* ignore= */ NULL, ret_size,
                              /* b64_end= */ NULL, VARIANT) < 0)
                return -EBADMSG;
        return 0;
}

void base64url_append(struct buffer *to, const void *data, size_t size) {
        size_t needed = sodium_base64_encoded_len(size, VARIANT); /* with its NUL */
        char *text = buffer_reserve(to, needed);

        if (!text)
                return;
        sodium_bin2base64(text, needed, data, size, VARIANT);
        buffer_advance(to, needed - 1);
}
