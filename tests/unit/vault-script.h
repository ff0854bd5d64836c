/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A vault behind HTTP, and a provider, that answer by a script; and callers that remember what they
 * were told.
 */

#include <stdbool.h>

#include "base/error.h"
#include "http-fixture.h"
#include "vault/vault.h"

#define LONG_USEC (600 * USEC_PER_SEC) /* never comes */
#define KV "/v1/secret/data/action-engine/u1/gmail/default"
#define META "/v1/secret/metadata/action-engine/u1"
#define VERSION(n, data) "{\"data\":{\"data\":" data ",\"metadata\":{\"version\":" n "}}}"
#define RECORD(user, more) "{\"user_id\":\"" user "\",\"access_token\":\"at\"" more "}"

/* "POST /path" in full, and "STATUS body"; NULL: none comes. */
struct line {
        const char *request, *answer;
        bool waits; /* behind the gate */
        bool once;
};

/* The first line that fits counts; one behind the end has no request. At most 64. */
void play(const struct line *lines);
/* Each request since play() on a line, but what a session of kv2 says. */
void assert_asked(const char *expected);
/* Whether the body of the last POST to the vault, or of the last to the provider, has that text. */
bool was_written(const char *text);
bool was_sent(const char *text);

struct place {
        struct fixture fixture;
        struct vault *vault;
        struct oauth_app *app; /* NULL: there is none */
};

/* For cmocka: *state is a place. */
int set_up_puraifi(void **state);
int set_up_kv2(void **state);
int tear_down(void **state);
/* Gives the vault the app "google", whose provider is the same server, and which gmail has too. */
void add_app(struct place *p);

/* What came of a call. */
struct outcome {
        int n;
        enum ae_code code; /* AE_NONE: success */
        char message[AE_MESSAGE_SIZE];
        char token[64], scopes[64];
        char *status; /* printed; owned */
        struct vault_call *call;
        /* To be done from within on_answer(): ask again, or cancel another. */
        struct vault *ask_again;
        struct outcome *cancel;
};

extern const struct vault_key home;

void on_answer(const struct vault_answer *answer, void *userdata);
void get(struct place *p, const struct vault_key *key, struct outcome *o);
void store(struct place *p, const char *credential, struct outcome *o);
void wait_for(struct place *p, const struct outcome *o);
/* Until that many requests are there, all of them. */
void wait_requests(struct place *p, int n);
