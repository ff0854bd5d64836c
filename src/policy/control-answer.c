/* SPDX-License-Identifier: MIT */
#include "policy/control-answer.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "http/http.h"

#define ACTIVE "active"

static int check_failure(const struct http_response *response, struct ae_error *error) {
        switch (response->failure) {
        case HTTP_ANSWERED:
                return 0;
        case HTTP_CONNECT_TIMEOUT:
        case HTTP_ANSWER_TIMEOUT:
                return ae_error_set(error, AE_POLICY_UNAVAILABLE,
                                    "Engine Control did not answer in time");
        case HTTP_ANSWER_TOO_LARGE:
                return ae_error_set(error, AE_POLICY_UNAVAILABLE,
                                    "Engine Control's answer is too large");
        case HTTP_REFUSED_URL:
        case HTTP_REFUSED_ADDRESS:
        case HTTP_NOT_CONNECTED:
        case HTTP_NO_ANSWER:
                break;
        }
        return ae_error_set(error, AE_POLICY_UNAVAILABLE, "Engine Control gave no answer: %s",
                            response->reason);
}

static int check_status(int status, struct ae_error *error) {
        /* clang-format off */
        static const struct {
                int first, last;
                const char *text;
        } meanings[] = {
                { 300, 399, "redirects, which is not followed"         },
                { 401, 401, "does not accept the engine's id and key"  },
                { 403, 403, "does not take questions from this engine" },
                { 429, 429, "is asked too often"                       },
                { 500, 599, "failed"                                   },
        };
        /* clang-format on */

        if (status == 200)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (status >= meanings[i].first && status <= meanings[i].last)
                        return ae_error_set(error, AE_POLICY_UNAVAILABLE,
                                            "Engine Control %s (HTTP %d)", meanings[i].text,
                                            status);
        return ae_error_set(error, AE_POLICY_UNAVAILABLE,
                            "Engine Control does not take the question (HTTP %d)", status);
}

static int nonsense(struct ae_error *error) {
        return ae_error_set(error, AE_POLICY_UNAVAILABLE,
                            "Engine Control gave an answer that makes no sense");
}

/* Granted scopes are one text with spaces between: one of these must not be able to hold two. */
static bool is_scope(const cJSON *json) {
        const char *text = cJSON_GetStringValue(json);
        size_t n = text ? strlen(text) : 0;

        for (size_t i = 0; i < n; i++)
                if (text[i] <= 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\')
                        return false;
        return n > 0 && n <= CONTROL_MAX_SCOPE;
}

static bool are_scopes(const cJSON *json) {
        const cJSON *scope;

        if (!cJSON_IsArray(json) || cJSON_GetArraySize(json) > CONTROL_MAX_SCOPES)
                return false;
        cJSON_ArrayForEach (scope, json)
                if (!is_scope(scope))
                        return false;
        return true;
}

static bool is_status(const char *text) {
        return text && *text && strlen(text) <= CONTROL_MAX_STATUS;
}

int control_answer_read(const struct http_response *response, const char *platform,
                        const char *action_type, struct cJSON **ret_scopes,
                        struct ae_error *error) {
        _cleanup_(json_freep) cJSON *said = NULL;
        const cJSON *allowed;
        const char *status;
        int r;

        r = check_failure(response, error);
        if (r == 0)
                r = check_status(response->status, error);
        if (r == 0)
                r = json_parse(response->body, response->body_size, &said, NULL);
        if (r == -EBADMSG)
                return nonsense(error);
        if (r < 0)
                return r;

        allowed = json_member(said, "allowed");
        status = json_string(said, "platform_status");
        if (!cJSON_IsBool(allowed))
                return nonsense(error);
        if (is_status(status) && strcmp(status, ACTIVE) != 0)
                return ae_error_set(error, AE_FORBIDDEN,
                                    "Engine Control says that %s is '%s', not '" ACTIVE "'",
                                    platform, status);
        if (cJSON_IsFalse(allowed))
                return ae_error_set(error, AE_FORBIDDEN, "Engine Control does not allow %s.%s",
                                    platform, action_type);
        if (!is_status(status) || !are_scopes(json_member(said, "required_scopes")))
                return nonsense(error);

        *ret_scopes = cJSON_DetachItemFromObjectCaseSensitive(said, "required_scopes");
        return 0;
}
