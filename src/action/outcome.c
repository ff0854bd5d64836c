/* SPDX-License-Identifier: MIT */
#include "action/outcome.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <string.h>

bool idempotency_is_repeatable(enum idempotency class) {
        return class == IDEMPOTENCY_READ || class == IDEMPOTENCY_IDEMPOTENT;
}

/* What is said when there was no answer; `repeatable` is whether a second request does no harm. */
struct silence {
        enum ae_code repeatable, once;
        const char *what;
};

/* clang-format off */
static const struct silence silences[] = {
        [HTTP_REFUSED_URL]      = { AE_INTERNAL, AE_INTERNAL,
                                    "the configured address is neither https:// nor a loopback address that PlainHttp= names" },
        [HTTP_REFUSED_ADDRESS]  = { AE_FORBIDDEN, AE_FORBIDDEN,
                                    "the address that this leads to is not public: the administrator can list it in [Http] AllowAddress=" },
        [HTTP_NOT_CONNECTED]    = { AE_UPSTREAM_UNREACHABLE, AE_UPSTREAM_UNREACHABLE,
                                    "the platform cannot be reached; nothing was sent" },
        [HTTP_CONNECT_TIMEOUT]  = { AE_UPSTREAM_UNREACHABLE, AE_UPSTREAM_UNREACHABLE,
                                    "the platform did not take the connection in time; nothing was sent" },
        [HTTP_NO_ANSWER]        = { AE_UPSTREAM_ERROR, AE_OUTCOME_UNKNOWN,
                                    "the request left and no whole answer came" },
        [HTTP_ANSWER_TIMEOUT]   = { AE_UPSTREAM_TIMEOUT, AE_OUTCOME_UNKNOWN,
                                    "the request left and no answer came in time" },
        [HTTP_ANSWER_TOO_LARGE] = { AE_UPSTREAM_ERROR, AE_OUTCOME_UNKNOWN,
                                    "the request left and the answer was larger than MaxResponseBytes=" },
};
/* clang-format on */

static const char check_first[] = "check with the platform before you repeat it";

static int outcome_of_silence(bool repeatable, const struct http_response *response,
                              struct ae_error *error) {
        const struct silence *s = &silences[response->failure];
        enum ae_code code = repeatable ? s->repeatable : s->once;

        assert(response->failure != HTTP_ANSWERED);

        if (code == AE_FORBIDDEN)
                ae_error_detail(error, "by", "configuration");
        /* A request that never began to leave did nothing, whatever ended it. */
        else if (!response->left && code != AE_INTERNAL)
                return ae_error_set(error, AE_UPSTREAM_UNREACHABLE, "%s",
                                    silences[HTTP_NOT_CONNECTED].what);
        if (code == AE_OUTCOME_UNKNOWN)
                return ae_error_set(error, code, "%s; %s", s->what, check_first);
        return ae_error_set(error, code, "%s", s->what);
}

int outcome_of_response(adapter_interpret_fn *interpret, const struct adapter_input *input,
                        bool repeatable, const struct http_response *response,
                        struct cJSON **ret_result, struct ae_error *error) {
        int r;

        if (response->failure != HTTP_ANSWERED)
                return outcome_of_silence(repeatable, response, error);

        r = interpret(input, response, ret_result, error);
        if (r >= 0)
                return r;

        /* A mail's refusal is clear. Else a failure of our own came after the platform had it, too. */
        if (!repeatable && (response->left || !response->mail) &&
            (error->code == AE_NONE || error->code == AE_INTERNAL ||
             error->code == AE_UPSTREAM_ERROR || error->code == AE_UPSTREAM_TIMEOUT)) {
                error->upstream_status = response->status;
                return ae_error_set(error, AE_OUTCOME_UNKNOWN,
                                    "the platform answered with status %d, which does not say "
                                    "whether the action was carried out; %s",
                                    response->status, check_first);
        }
        return ae_error_from_errno(error, r);
}

void outcome_half_done(struct ae_error *error) {
        if (error->code == AE_UPSTREAM_REJECTED || error->code == AE_OUTCOME_UNKNOWN)
                return;
        error->retry_after_msec = 0;
        (void)ae_error_set(error, AE_OUTCOME_UNKNOWN,
                           "a part of it was carried out, and then: %s; %s", error->message,
                           check_first);
}

void outcome_unclear(struct ae_error *error) {
        if (error->code == AE_OUTCOME_UNKNOWN)
                return;
        error->retry_after_msec = 0;
        (void)ae_error_set(error, AE_OUTCOME_UNKNOWN,
                           "the request left, no whole answer came, and asking what became of it "
                           "failed: %s; %s",
                           error->message, check_first);
}

#define TOKEN_MIN 8
#define TOKEN_PART 12

/* Looks for a token's head, since an echo may have been cut; for a URL's tail: its head is known. */
static bool holds_token(const char *text, const struct secret *token) {
        size_t n = token->size < TOKEN_PART ? token->size : TOKEN_PART;
        const char *part = strstr(token->data, "://") ? token->data + token->size - n : token->data;

        return n >= TOKEN_MIN && memmem(text, strlen(text), part, n);
}

static void withhold_in_tree(const struct secret *token, cJSON *json) {
        cJSON *child;

        if (cJSON_IsString(json) && holds_token(json->valuestring, token))
                memset(json->valuestring, '*', strlen(json->valuestring));
        cJSON_ArrayForEach (child, json)
                withhold_in_tree(token, child);
}

void outcome_withhold(const struct secret *token, struct cJSON *result, struct ae_error *error) {
        if (holds_token(error->upstream_reason, token))
                error->upstream_reason[0] = 0;
        if (holds_token(error->upstream_message, token))
                error->upstream_message[0] = 0;
        if (holds_token(error->message, token))
                (void)ae_error_set(error, error->code,
                                   "the platform's answer held the access token, and is not "
                                   "repeated");
        withhold_in_tree(token, error->errors);
        withhold_in_tree(token, error->details);
        withhold_in_tree(token, result);
}
