/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Gmail's actions against a platform made of strings: exchanges that are built, looked at and
 * answered one by one.
 */

#include "test.h"

#include <stdio.h>
#include <string.h>

#include "action/adapter.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"

#define ID "0123456789abcdef0123456789abcdef"
#define NOW_USEC (UINT64_C(1753456860) * USEC_PER_SEC) /* 2025-07-25T15:21:00Z */
#define BASE "https://gmail.example"

static inline const struct adapter_action *gmail_action(const char *type) {
        for (const struct adapter *const *a = adapters; *a; a++)
                for (size_t i = 0; strcmp((*a)->platform, "gmail") == 0 && i < (*a)->n_actions; i++)
                        if (strcmp((*a)->actions[i].action_type, type) == 0)
                                return &(*a)->actions[i];
        fail_msg("gmail has no %s", type);
        return NULL;
}

static inline cJSON *parse(const char *text) {
        cJSON *json = NULL;

        if (json_parse(text, strlen(text), &json, NULL) < 0)
                fail_msg("the test's own JSON is bad: %s", text);
        return json;
}

/* An action in the middle of its exchanges. */
struct run {
        const struct adapter_action *action;
        cJSON *payload, *notes, *result;
        struct secret *session;
        struct http_request request; /* the last that was built */
        struct ae_error error;
        uint64_t now_usec;
        unsigned n_left;
};

static inline void run_begin(struct run *run, const char *type, const char *payload) {
        *run = (struct run){
                .action = gmail_action(type),
                .payload = parse(payload),
                .notes = cJSON_CreateObject(),
                .now_usec = NOW_USEC,
                .n_left = ADAPTER_MAX_EXCHANGES,
        };
}

static inline void run_done(struct run *run) {
        cJSON_Delete(run->payload);
        cJSON_Delete(run->notes);
        cJSON_Delete(run->result);
        secret_free(run->session);
        http_request_done(&run->request);
        ae_error_done(&run->error);
}

static inline struct adapter_input run_input(struct run *run) {
        return (struct adapter_input){
                .payload = run->payload,
                .base_url = BASE,
                .action_id = ID,
                .now_usec = run->now_usec,
                .notes = run->notes,
                .session = &run->session,
                .n_exchanges_left = run->n_left,
        };
}

/* Builds the next exchange; a second passes until then. */
static inline int run_build(struct run *run) {
        struct adapter_input input;

        assert_true(run->n_left > 0);
        run->n_left--;
        run->now_usec += USEC_PER_SEC;
        input = run_input(run);
        http_request_done(&run->request);
        return run->action->build(&input, &run->request, &run->error);
}

static inline int run_lose(struct run *run) {
        const struct adapter_input input = run_input(run);

        return run->action->lost(&input);
}

struct answer {
        int status;
        const char *body, *location, *range; /* NULL: "" */
};

static inline int run_take(struct run *run, const struct answer *answer) {
        const struct adapter_input input = run_input(run);
        const struct http_response response = {
                .failure = HTTP_ANSWERED,
                .status = answer->status,
                .body = answer->body ? answer->body : "",
                .body_size = answer->body ? strlen(answer->body) : 0,
                .content_type = "",
                .retry_after = "",
                .location = answer->location ? answer->location : "",
                .range = answer->range ? answer->range : "",
                .left = true,
        };

        return run->action->interpret(&input, &response, &run->result, &run->error);
}

/* The value of that header of the request, or "". */
static inline const char *run_header(const struct run *run, const char *name) {
        for (size_t i = 0; i < run->request.n_headers; i++)
                if (strcmp(run->request.headers[i].name, name) == 0)
                        return run->request.headers[i].value;
        return "";
}
