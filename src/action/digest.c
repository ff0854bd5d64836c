/* SPDX-License-Identifier: MIT */
#include "action/digest.h"

#include <sodium.h>
#include <string.h>

#include "action/action.h"
#include "base/json.h"

static void print_member(const char *separator, const char *name, const char *value,
                         struct buffer *to) {
        buffer_printf(to, "%s\"%s\":", separator, name);
        json_print_string(value, strlen(value), to);
}

static void append(const char *piece, size_t size, void *userdata) {
        buffer_append(userdata, piece, size);
}

int digest_action(struct action *a) {
        unsigned char digest[crypto_hash_sha256_BYTES];
        struct buffer text = { 0 };
        int r;

        /* The five names are sorted already; only the payload needs the canonical printer. */
        print_member("{", "account", a->spec.account, &text);
        print_member(",", "action_type", a->spec.action_type, &text);
        buffer_puts(&text, ",\"payload\":");
        if (json_print_canonical(a->spec.payload, append, &text) < 0)
                text.failed = true;
        print_member(",", "platform", a->spec.platform, &text);
        print_member(",", "user_id", a->spec.user_id, &text);
        buffer_putc(&text, '}');

        r = buffer_error(&text);
        if (r >= 0) {
                crypto_hash_sha256(digest, (const unsigned char *)text.data, text.size);
                sodium_bin2hex(a->digest, sizeof(a->digest), digest, sizeof(digest));
        }
        buffer_done(&text);
        return r;
}
