/* SPDX-License-Identifier: MIT */
/*
 * Random bytes as Engine Control's answer. What is taken for a yes says so in so many words, and its
 * scopes can be compared with those of a credential.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "http/http.h"
#include "policy/control-answer.h"

static void must(bool truth) {
        if (!truth)
                abort();
}

static bool says(const uint8_t *data, size_t size, const char *text) {
        return memmem(data, size, text, strlen(text)) || memmem(data, size, "\\u", 2);
}

static void check_scopes(const cJSON *scopes) {
        const cJSON *scope;

        must(cJSON_IsArray(scopes) && cJSON_GetArraySize(scopes) <= CONTROL_MAX_SCOPES);
        cJSON_ArrayForEach (scope, scopes) {
                must(cJSON_IsString(scope) && !strchr(scope->valuestring, ' '));
                must(*scope->valuestring && strlen(scope->valuestring) <= CONTROL_MAX_SCOPE);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *scopes = NULL;
        _cleanup_(freep) char *body = strndup((const char *)data, size);
        struct http_response response = { .status = 200, .body = body };

        must(body);
        response.body_size = strlen(body);
        if (control_answer_read(&response, "gmail", "send_email", &scopes, &error) < 0) {
                must(!scopes);
                must(error.code == AE_FORBIDDEN || error.code == AE_POLICY_UNAVAILABLE);
                must(strlen(error.message) < AE_MESSAGE_SIZE);
                return 0;
        }
        must(error.code == AE_NONE);
        must(says(data, size, "allowed") && memmem(data, size, "true", 4));
        must(says(data, size, "active"));
        check_scopes(scopes);
        return 0;
}
