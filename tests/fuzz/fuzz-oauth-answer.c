/* SPDX-License-Identifier: MIT */
/*
 * Random bytes as answers to each kind of grant, and as the lines of action-grant. The first byte
 * chooses the kind, the second the profile, the third a status. What was taken can be printed, read
 * again, and is the same; what was refused has a reason without control characters.
 */
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "oauth/grant.h"

#define SENT "1//0refresh-token-that-was-sent"

static void must(bool truth) {
        if (!truth)
                abort();
}

static void must_be_token(const struct secret *s) {
        if (!s)
                return;
        must(s->size > 0 && s->size <= 16384);
        for (size_t i = 0; i < s->size; i++)
                must(s->data[i] >= 0x20 && s->data[i] < 0x7f);
}

static void must_make_sense(const struct oauth_answer *a) {
        must((a->result == OAUTH_OK) == !a->reason[0]);
        must(a->result == OAUTH_OK || (!a->tokens.access_token && !a->facts));
        must(a->tokens.access_token ||
             (!a->tokens.refresh_token && !a->tokens.identity && !a->tokens.scopes));
        must(!a->tokens.identity || strlen(a->tokens.identity) <= 256);
        must_be_token(a->tokens.access_token);
        must_be_token(a->tokens.refresh_token);
        for (const char *c = a->reason; *c; c++)
                must((unsigned char)*c >= 0x20 && *c != 0x7f);
        must(!strstr(a->reason, "token-that-was"));
}

static void there_and_back(const struct oauth_answer *a) {
        _cleanup_(oauth_answer_done) struct oauth_answer again = { 0 };
        _cleanup_(buffer_done) struct buffer text = { 0 }, once_more = { 0 };
        struct json_envelope envelope;
        struct json_fault fault;

        oauth_answer_print(a, &text);
        must(text.size < OAUTH_GRANT_MAX_LINE || a->facts);
        must(json_scan(text.data, text.size, &envelope, &fault) == 0);
        must(oauth_answer_parse(&envelope.root, &again) == 0);
        oauth_answer_print(&again, &once_more);
        must(strcmp(text.data, once_more.data) == 0);
}

static void as_answer(const uint8_t *choice, const char *body, size_t size) {
        static const int statuses[] = { 200, 400, 401, 403, 302, 429, 503 };
        _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };
        _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
        const struct http_response response = {
                .status = statuses[choice[2] % ELEMENTSOF(statuses)],
                .body = body,
                .body_size = size
        };
        size_t n;
        const struct oauth_profile *profiles = oauth_profiles(&n);

        must(oauth_app_init(&profiles[choice[1] % n], &g.app) == 0);
        g.kind = choice[0] % OAUTH_N_GRANTS;
        g.app.client_id = strdup("id");
        if (!g.app.issuer)
                g.app.issuer = strdup("https://op.example");
        must(secret_new(SENT, strlen(SENT), &g.token) == 0);

        must(oauth_grant_interpret(&g, &response, UINT64_C(1784000000000000), &a) == 0);
        must_make_sense(&a);
        there_and_back(&a);
}

static void as_line(const char *text, size_t size) {
        _cleanup_(oauth_grant_done) struct oauth_grant g = { 0 };
        _cleanup_(oauth_answer_done) struct oauth_answer a = { 0 };
        _cleanup_(http_request_done) struct http_request q = { 0 };
        struct json_envelope envelope;
        struct json_fault fault;

        if (json_scan(text, size, &envelope, &fault) < 0)
                return;
        if (oauth_answer_parse(&envelope.root, &a) == 0)
                there_and_back(&a);
        if (oauth_grant_parse(&envelope.root, &g) == 0 && oauth_grant_build(&g, &q) == 0)
                must(!g.token || !strstr(q.url, g.token->data) || g.token->size < 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = NULL;

        if (size < 3)
                return 0;
        text = calloc(1, size - 2);
        memcpy(text, data + 3, size - 3);
        as_answer(data, text, size - 3);
        as_line(text, size - 3);
        return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        must(sodium_init() >= 0);
        return 0;
}
