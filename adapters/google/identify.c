/* SPDX-License-Identifier: MIT */
#include "google/identify.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/uri-escape.h"
#include "common/refusal.h"
#include "common/word.h"
#include "google/answer.h"

#define SERVICE "Google"
#define GOOGLE_HOSTS ".googleapis.com"
#define TOKENINFO "https://oauth2.googleapis.com"
#define PATH "/tokeninfo"
#define MAX_IDENTITY 256

/* Each of Google's APIs has a host, and tokens one of their own; a test has one for all. */
static const char *host_of(const char *base_url) {
        size_t size = strlen(base_url), n = strlen(GOOGLE_HOSTS);
        bool is_google = strncmp(base_url, "https://", 8) == 0 && size > n &&
                         strcmp(base_url + size - n, GOOGLE_HOSTS) == 0;

        return is_google ? TOKENINFO : base_url;
}

/*
 * In the body, which unlike a URL is logged nowhere. Userinfo would take a header, but refuses a
 * good token without the scope openid as it does a bad one.
 */
static int build(const struct adapter_input *input, struct http_request *ret,
                 struct ae_error *error) {
        int r;

        ret->method = "POST";
        ret->repeatable = true;
        if (asprintf(&ret->url, "%s" PATH, host_of(input->base_url)) < 0) {
                ret->url = NULL;
                return -ENOMEM;
        }
        r = http_request_header(ret, "Content-Type", "application/x-www-form-urlencoded");
        if (r < 0)
                return r;
        buffer_puts(&ret->body, "access_token=");
        uri_escape(input->credential->data, input->credential->size, &ret->body);
        return buffer_error(&ret->body);
}

static int interpret(const struct adapter_input *input, const struct http_response *response,
                     struct cJSON **ret_result, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL, *result = NULL;
        const char *email;

        if (response->status == 400 || response->status == 401)
                return refusal_tell(response, SERVICE, AE_REAUTHORIZATION_REQUIRED,
                                    "it does not know this access token, or no longer", error);
        if (response->status < 200 || response->status > 299)
                return google_error(response, SERVICE, input->now_usec, error);

        /* Who the token was made for stands in every such answer, whatever its scopes. */
        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        if (!json_string(body, "aud"))
                return refusal_tell(response, SERVICE, AE_UPSTREAM_ERROR,
                                    "it does not say whose token this is", error);

        result = cJSON_CreateObject();
        email = json_string(body, "email");
        if (!result ||
            (word_fits(email, MAX_IDENTITY) && !cJSON_AddStringToObject(result, "identity", email)))
                return -ENOMEM;
        *ret_result = TAKE_PTR(result);
        return 0;
}

const struct adapter_identify google_identify = {
        .build = build,
        .interpret = interpret,
        .brings_credential = true,
};
