/* SPDX-License-Identifier: MIT */
#include "vault/question.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"

static const char *const names[] = {
        [VAULT_DELETE_TOKEN] = "delete_token",
        [VAULT_EXCHANGE] = "exchange",
        [VAULT_FIND_PROVIDER] = "get_provider",
        [VAULT_GET_TOKEN] = "get_token",
        [VAULT_REVOKE] = "delete_token",
        [VAULT_START_DEVICE] = "start_device",
        [VAULT_STATUS] = "status",
        [VAULT_STORE_TOKEN] = "store_token",
};

static void print_text(const char *name, const char *value, size_t size, struct buffer *to) {
        buffer_printf(to, ",\"%s\":", name);
        json_print_string(value, size, to);
}

static void print_field(const char *name, const char *value, struct buffer *to) {
        if (value)
                print_text(name, value, strlen(value), to);
}

static void print_secret(const char *name, const struct secret *value, struct buffer *to) {
        if (value)
                print_text(name, value->data, value->size, to);
}

static void print_exchange(const struct vault_exchange *x, struct buffer *to) {
        print_field("provider", x->provider, to);
        print_secret("code", x->code, to);
        print_secret("code_verifier", x->verifier, to);
        print_field("redirect_uri", x->redirect_uri, to);
        print_secret("device_code", x->device_code, to);
        print_field("scopes", x->scopes, to);
}

void vault_question_print(const struct vault_question *q, uint64_t id, struct buffer *to) {
        buffer_printf(to, "{\"id\":%" PRIu64 ",\"op\":\"%s\"", id, names[q->op]);
        print_field("user_id", q->key.user_id, to);
        print_field("platform", q->key.platform, to);
        print_field("account", q->key.account, to);
        print_field("rejected", q->rejected, to);
        print_field("provider", q->provider, to);
        print_field("scopes", q->scopes, to);
        if (q->exchange)
                print_exchange(q->exchange, to);
        if (q->op == VAULT_REVOKE)
                buffer_puts(to, ",\"revoke\":true");
        if (q->credential) {
                buffer_puts(to, ",\"credential\":");
                json_print(q->credential, to);
        }
        buffer_putc(to, '}');
}
