/* SPDX-License-Identifier: MIT */
#include "action/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "action/action.h"
#include "base/json.h"

static void context_freep(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

/* Once begun, it takes whatever comes: it has no memory to run out of. */
static void take(const char *text, size_t size, void *userdata) {
        (void)EVP_DigestUpdate(userdata, text, size);
}

static void print_member(const char *separator, const char *name, const char *value,
                         struct buffer *to) {
        buffer_printf(to, "%s\"%s\":", separator, name);
        json_print_string(value, strlen(value), to);
}

/* The five names are sorted already; only the payload needs the canonical printer. */
static int take_action(const struct action_spec *s, EVP_MD_CTX *context) {
        _cleanup_(buffer_done) struct buffer before = { 0 }, behind = { 0 };

        print_member("{", "account", s->account, &before);
        print_member(",", "action_type", s->action_type, &before);
        buffer_puts(&before, ",\"payload\":");
        print_member(",", "platform", s->platform, &behind);
        print_member(",", "user_id", s->user_id, &behind);
        buffer_putc(&behind, '}');
        if (buffer_error(&before) < 0 || buffer_error(&behind) < 0)
                return -ENOMEM;

        take(before.data, before.size, context);
        if (json_print_canonical(s->payload, take, context) < 0)
                return -ENOMEM;
        take(behind.data, behind.size, context);
        return 0;
}

int digest_action(struct action *a) {
        _cleanup_(context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        unsigned char digest[crypto_hash_sha256_BYTES];
        int r;

        if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        r = take_action(&a->spec, context);
        if (r < 0)
                return r;
        if (EVP_DigestFinal_ex(context, digest, NULL) != 1)
                return -ENOMEM;
        sodium_bin2hex(a->digest, sizeof(a->digest), digest, sizeof(digest));
        return 0;
}
