/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the tests of google_calendar share: its table, and something to hand to its functions.
 */

#include "test.h"

#include <string.h>

#include "action/adapter.h"
#include "base/clock.h"
#include "base/json.h"

#define ID "0123456789abcdef0123456789abcdef"
#define NOW_USEC (UINT64_C(1753456860) * USEC_PER_SEC) /* 2025-07-25T15:21:00Z */

static inline const struct adapter *calendar(void) {
        for (const struct adapter *const *a = adapters; *a; a++)
                if (strcmp((*a)->platform, "google_calendar") == 0)
                        return *a;
        return NULL;
}

static inline const struct adapter_action *action(const char *type) {
        for (size_t i = 0; i < calendar()->n_actions; i++)
                if (strcmp(calendar()->actions[i].action_type, type) == 0)
                        return &calendar()->actions[i];
        fail_msg("there is no %s", type);
        return NULL;
}

static inline cJSON *parse(const char *text) {
        cJSON *json = NULL;

        if (json_parse(text, strlen(text), &json, NULL) < 0)
                fail_msg("the test's own JSON is bad: %s", text);
        return json;
}

static inline struct adapter_input input_of(const cJSON *payload, cJSON *notes) {
        return (struct adapter_input){
                .payload = payload,
                .base_url = "https://calendar.example",
                .action_id = ID,
                .now_usec = NOW_USEC,
                .notes = notes,
        };
}
