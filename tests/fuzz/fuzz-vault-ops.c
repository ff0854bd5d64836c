/* SPDX-License-Identifier: MIT */
/*
 * Random lines to the vault's operations, on a store that stays as long as the run. Whatever is
 * asked, it is answered once, by a line of JSON with a status, and no refresh token is in it.
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
static sd_event *event;
static struct poller *poller;
static struct desk desk;
static struct secret *key;

static void tear_down(void) {
        desk_done(&desk);
        poller = poller_free(poller);
        event = sd_event_unref(event);
        desk.keeper.store = store_free(desk.keeper.store);
        key = secret_free(key);
        (void)unlink(path);
        (void)rmdir(directory);
        journal_stop();
}

static void on_answer(struct buffer *answer, void *userdata) {
        _cleanup_(json_freep) cJSON *json = NULL;
        bool *answered = userdata;
        const char *status;

        must(!*answered);
        *answered = true;
        must(buffer_error(answer) == 0);
        must(answer->size <= VAULT_WIRE_MAX_LINE);
        must(!memchr(answer->data, '\n', answer->size));
        must(json_parse(answer->data, answer->size, &json, NULL) == 0);
        status = json_string(json, "status");
        must(status && (strcmp(status, "success") == 0 || strcmp(status, "error") == 0));
        must(!json_string(json_member(json, "result"), "refresh_token"));
}

/* There is no action-grant: what needs a provider is answered when the loop finds that out. */
static void ask(const char *line, size_t size, uint64_t number) {
        bool answered = false;

        ops_run(&desk, ROLE_ENGINE | ROLE_ADMINISTRATOR, line, size, number, on_answer, &answered);
        while (!answered)
                must(sd_event_run(event, UINT64_MAX) >= 0);
        must(desk.n_calls == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        const struct grants_options way = { .path = "/nonexistent", .wait_usec = 60000000 };
        char error[STORE_ERROR_SIZE];

        must(sodium_init() >= 0 && journal_start(JOURNAL_STDERR, LOG_EMERG) == 0);
        must(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/vault.db", directory);
        must(secret_new("0123456789abcdef0123456789abcdef", 32, &key) == 0);
        must(store_open(path, 16 << 20, &desk.keeper.store, error) == 0);
        desk.keeper.key = key;
        must(sd_event_new(&event) == 0 && poller_new(event, &poller) == 0);
        desk.event = event;
        must(grants_new(poller, &way, &desk.grants) == 0);
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
