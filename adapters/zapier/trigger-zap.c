/* SPDX-License-Identifier: MIT */
#include "zapier/trigger-zap.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "common/refusal.h"
#include "common/retry-after.h"

#define CATCH_PATH "/hooks/catch/"
/* What is limited is a hook's requests in a second, and a user's in five minutes. */
#define RATE_WAIT_MSEC (UINT64_C(60) * 1000)
#define MAX_WORD 32

/* As long as every action's, for measuring. */
static const char any_action_id[] = "00000000000000000000000000000000";

/* The data, with action_id before its members. */
static void write_body(const cJSON *data, const char *action_id, struct buffer *to) {
        const char *separator = "{";
        const cJSON *member;

        if (!json_member(data, "action_id")) {
                buffer_printf(to, "{\"action_id\":\"%s\"", action_id);
                separator = ",";
        }
        cJSON_ArrayForEach (member, data) {
                buffer_puts(to, separator);
                json_print_string(member->string, strlen(member->string), to);
                buffer_putc(to, ':');
                json_print(member, to);
                separator = ",";
        }
        buffer_putc(to, '}');
}

/* Measuring is writing, so that what is accepted and what is sent cannot differ. */
static int read_data(const cJSON *payload, const char *action_id, struct buffer *to,
                     struct ae_error *error) {
        const cJSON *data = json_member(payload, "data");

        if (!cJSON_IsObject(data)) {
                ae_error_add(error, "/data", "is required: an object");
                return 0;
        }
        write_body(data, action_id, to);
        if (buffer_error(to) < 0)
                return -ENOMEM;
        if (to->size > TRIGGER_ZAP_MAX_SIZE)
                ae_error_add(error, "/data",
                             "is larger than the 10 MB that Zapier takes, action_id among them");
        return 0;
}

int trigger_zap_check(const cJSON *payload, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer body = { 0 };

        return read_data(payload, any_action_id, &body, error);
}

/*
 * Whether it is a hook below the platform's address, and as plain as Zapier writes them: nothing
 * that a parser could take for another host or path, or a line's end.
 */
static bool is_hook_url(const struct secret *url, const char *base_url) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_/";
        const char *rest = url->data;
        size_t n = strlen(base_url);

        if (strncmp(rest, base_url, n) != 0)
                return false;
        rest += n;
        n = strlen(CATCH_PATH);
        if (strncmp(rest, CATCH_PATH, n) != 0)
                return false;
        rest += n;
        n = strspn(rest, plain);
        return n > strspn(rest, "/") && rest + n == url->data + url->size;
}

int trigger_zap_build(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        int r;

        r = read_data(input->payload, input->action_id, &ret->body, error);
        if (r < 0)
                return ae_error_from_errno(error, r);
        if (ae_error_count(error) > 0)
                return ae_error_set(error, AE_INVALID_PAYLOAD, "the data cannot be sent as it is");

        if (!input->credential || !is_hook_url(input->credential, input->base_url))
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "what is stored for this account is no catch hook at "
                                    "%s" CATCH_PATH "; store the hook's URL with auth_token",
                                    input->base_url);

        ret->method = "POST";
        ret->secret_url = true;
        ret->url = strdup(input->credential->data);
        r = ret->url ? http_request_header(ret, "Content-Type", "application/json") : -ENOMEM;
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

/* Only the hook's owner can mend it, so it is the credential that is at fault, not the data. */
#define GONE "it does not know the hook any more; store the URL of its successor with auth_token"

/* clang-format off */
static const struct meaning {
        int status;
        enum ae_code code;
        const char *advice;
} meanings[] = {
        { 401, AE_REAUTHORIZATION_REQUIRED, GONE                               },
        { 404, AE_REAUTHORIZATION_REQUIRED, GONE                               },
        { 410, AE_REAUTHORIZATION_REQUIRED, GONE                               },
        { 413, AE_UPSTREAM_REJECTED,        "the data is larger than it takes" },
        { 429, AE_RATE_LIMITED,             "the hook's rate limit is reached" },
};
/* clang-format on */

static const struct meaning rejected = { 0, AE_UPSTREAM_REJECTED, "it did not take the data" };
static const struct meaning failed = { 0, AE_UPSTREAM_ERROR, "it failed by itself" };

static const struct meaning *find_meaning(int status) {
        if (status >= 500)
                return &failed;
        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (meanings[i].status == status)
                        return &meanings[i];
        return &rejected;
}

static int tell_error(const struct http_response *response, uint64_t now_usec,
                      struct ae_error *error) {
        const struct meaning *m = find_meaning(response->status);

        if (m->code == AE_RATE_LIMITED)
                error->retry_after_msec =
                                retry_after_msec(response->retry_after, now_usec, RATE_WAIT_MSEC);
        return refusal_tell(response, "Zapier", m->code, m->advice, error);
}

/* An answer may echo the hook's URL or pieces of it, and a piece may look like any word. */
static bool is_echo(const char *text, const struct secret *url) {
        return url && strstr(url->data, text);
}

static const char *read_uuid(const cJSON *body, const char *name, const struct secret *url) {
        const char *text = json_string(body, name);
        size_t n = text ? strspn(text, "0123456789abcdefABCDEF-") : 0;

        return n == 36 && !text[n] && !is_echo(text, url) ? text : NULL;
}

static const char *read_word(const cJSON *body, const char *name, const struct secret *url) {
        const char *text = json_string(body, name);
        size_t n = text ? strspn(text, "abcdefghijklmnopqrstuvwxyz_") : 0;

        return n > 0 && n <= MAX_WORD && !text[n] && !is_echo(text, url) ? text : NULL;
}

/* Any 2xx is a delivery: a silent hook says nothing at all. */
int trigger_zap_interpret(const struct adapter_input *input, const struct http_response *response,
                          cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL, *result = NULL;
        const char *status, *request_id, *attempt_id;

        if (response->status < 200 || response->status > 299)
                return tell_error(response, input->now_usec, error);

        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        status = read_word(body, "status", input->credential);
        request_id = read_uuid(body, "request_id", input->credential);
        if (!request_id)
                request_id = read_uuid(body, "id", input->credential);
        attempt_id = read_uuid(body, "attempt", input->credential);

        result = cJSON_CreateObject();
        if (!cJSON_AddStringToObject(result, "status", status ? status : "success") ||
            (request_id && !cJSON_AddStringToObject(result, "request_id", request_id)) ||
            (attempt_id && !cJSON_AddStringToObject(result, "attempt_id", attempt_id)))
                return ae_error_from_errno(error, -ENOMEM);
        *ret_result = TAKE_PTR(result);
        return 0;
}
