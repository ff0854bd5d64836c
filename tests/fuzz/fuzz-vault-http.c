/* SPDX-License-Identifier: MIT */
/*
 * Random answers of a vault behind HTTP. What is taken for a record is nobody else's, and its token
 * can stand in a header; a name that is understood is one that we would write.
 */
#include <cjson/cJSON.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "vault/escape.h"
#include "vault/kv2-text.h"
#include "vault/wire.h"

static void must(bool truth) {
        if (!truth)
                abort();
}

static void try_token(const struct secret *token) {
        if (!token)
                return;
        must(token->size > 0 && token->size <= VAULT_WIRE_MAX_TOKEN);
        for (size_t i = 0; i < token->size; i++)
                must(token->data[i] >= 0x20 && token->data[i] < 0x7f);
}

static void try_record(const struct json_slice *s) {
        static const struct record_id id = { "u1", "gmail", "default" };
        _cleanup_(record_done) struct record record = { 0 };

        if (record_read(s, &id, &record) == 0) {
                must(record.access_token || record.refresh_token || record.service_account);
                try_token(record.access_token);
                try_token(record.refresh_token);
        } else
                must(!record.access_token && !record.refresh_token && !record.scopes);
}

/* One that names an engine says until when. */
static void try_claim(const struct json_slice *s) {
        struct kv2_claim claim;

        if (kv2_read_claim(s, &claim) == 0)
                must(strlen(claim.engine) < KV2_ENGINE_SIZE &&
                     (*claim.engine || !claim.until_usec));
}

static void try_version(int status, const char *body, size_t size) {
        struct kv2_version v;

        if (kv2_read_version(status, body, size, &v) < 0)
                return;
        must(v.version >= 0 && (v.version > 0 || status == 404));
        if (v.data.size > 0) {
                must(v.data.text > body && v.data.text + v.data.size < body + size);
                try_record(&v.data);
                try_claim(&v.data);
        }
}

static void try_leases(const char *body, size_t size) {
        struct kv2_lease lease = { 0 };

        if (kv2_read_auth(body, size, &lease) == 0 && lease.token)
                try_token(lease.token);
        secret_free(lease.token);
        lease.token = NULL;
        (void)kv2_read_lookup(body, size, &lease);
        must(!lease.token);
}

/* Doubled, each percent sign of the name begins "%25" in the URL. */
static void try_name(const char *name, size_t size) {
        _cleanup_(buffer_done) struct buffer again = { 0 };
        char text[64];
        const char *at;

        if (size == 0 || escape_undo(name, size, text, sizeof(text)) < 0)
                return;
        escape_segment(text, &again);
        at = again.data;
        for (size_t i = 0; i < size; i++) {
                must(*at++ == name[i]);
                if (name[i] == '%') {
                        must(memcmp(at, "25", 2) == 0);
                        at += 2;
                }
        }
        must(!*at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;
        cJSON *keys = NULL;

        try_version(200, text, size);
        try_version(404, text, size);
        try_record(&(struct json_slice){ .text = text, .size = size });
        try_leases(text, size);
        try_name(text, size);
        if (kv2_read_keys(text, size, &keys) == 0)
                must(cJSON_IsArray(keys));
        json_free(keys);
        return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        must(sodium_init() >= 0);
        return 0;
}
