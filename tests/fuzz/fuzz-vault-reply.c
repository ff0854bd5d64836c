/* SPDX-License-Identifier: MIT */
/*
 * Random lines as answers of the vault. What is taken for a credential is the asked record's, and
 * its token can stand in a header.
 */
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vault/reply.h"
#include "vault/wire.h"

static void must(bool truth) {
        if (!truth)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct vault_key key = { "u1", "gmail", "default" };
        _cleanup_(credential_done) struct credential c = { 0 };
        struct vault_reply reply;

        if (vault_reply_read((const char *)data, size, &reply) < 0)
                return 0;
        must(reply.id >= 0);
        if (reply.error.code != AE_NONE) {
                must(strlen(reply.error.message) < AE_MESSAGE_SIZE);
                ae_error_done(&reply.error);
                return 0;
        }

        must(reply.id > 0 && reply.result.type == JSON_OBJECT);
        if (vault_reply_credential(&reply.result, &key, &c) < 0) {
                must(!c.access_token && !c.scopes);
                return 0;
        }
        must(c.access_token->size > 0 && c.access_token->size <= VAULT_WIRE_MAX_TOKEN);
        for (size_t i = 0; i < c.access_token->size; i++)
                must(c.access_token->data[i] >= 0x20 && c.access_token->data[i] < 0x7f);
        must(memmem(data, size, "gmail", 5) || memmem(data, size, "\\u", 2));
        return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        must(sodium_init() >= 0);
        return 0;
}
