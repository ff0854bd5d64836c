/* SPDX-License-Identifier: MIT */
/*
 * Random lines to the vault's operations, on a store that stays as long as the run. Whatever is
 * asked, the answer is one line of JSON with a status, and no refresh token is in it.
 */
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/journal.h"
#include "base/json.h"
#include "vault/wire.h"
#include "vaultd/ops.h"
#include "vaultd/store.h"

static void must(bool truth) {
        if (!truth)
                abort();
}

static char directory[] = "/dev/shm/fuzz-vault-XXXXXX", path[sizeof(directory) + 16];
static struct keeper keeper;
static struct secret *key;

static void tear_down(void) {
        keeper.store = store_free(keeper.store);
        key = secret_free(key);
        (void)unlink(path);
        (void)rmdir(directory);
        journal_stop();
}

static void ask(const char *line, size_t size, uint64_t number) {
        _cleanup_(buffer_done) struct buffer answer = { 0 };
        _cleanup_(json_freep) cJSON *json = NULL;
        const char *status;

        ops_answer(&keeper, line, size, number, &answer);
        must(buffer_error(&answer) == 0);
        must(answer.size <= VAULT_WIRE_MAX_LINE);
        must(!memchr(answer.data, '\n', answer.size));
        must(json_parse(answer.data, answer.size, &json, NULL) == 0);
        status = json_string(json, "status");
        must(status && (strcmp(status, "success") == 0 || strcmp(status, "error") == 0));
        must(!json_string(json_member(json, "result"), "refresh_token"));
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        char error[STORE_ERROR_SIZE];

        must(sodium_init() >= 0 && journal_start(JOURNAL_STDERR, LOG_EMERG) == 0);
        must(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/vault.db", directory);
        must(secret_new("0123456789abcdef0123456789abcdef", 32, &key) == 0);
        must(store_open(path, 16 << 20, &keeper.store, error) == 0);
        keeper.key = key;
        (void)atexit(tear_down);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data, *end = text + size, *lf;

        for (uint64_t number = 1; text < end; number++) {
                lf = memchr(text, '\n', (size_t)(end - text)) ?: end;
                ask(text, (size_t)(lf - text), number);
                text = lf + 1;
        }
        return 0;
}
