/* SPDX-License-Identifier: MIT */
#include "notion/answer.h"

#include <string.h>

#include "base/json.h"
#include "common/quote.h"
#include "common/refusal.h"
#include "common/retry-after.h"

/* Budgets are for a window of 60 seconds. */
#define WAIT_MSEC (UINT64_C(60) * 1000)

struct meaning {
        int status;
        const char *word;   /* Notion's code; NULL: any, or none */
        enum ae_code once;  /* for a request that must not be carried out twice */
        enum ae_code again; /* for any other */
        const char *advice; /* what to do next; NULL: what Notion says */
};

#define CONNECT "it does not take the account's credential, or no longer"
#define CAPABILITY \
        "the connection lacks a capability for that; it is set where the connection was made"
#define SHARE "there is no such object, or it is not shared with the connection; share it there"
#define COLLISION "it collided with another change and was not carried out; try again"
#define WAIT "its rate limit is reached"
#define BUSY "it is overloaded"

/*
 * What met a conflict was not carried out, but only what may be repeated is told as repeatable. Of
 * all that is 5xx, service_overload alone says that nothing was done.
 */
/* clang-format off */
static const struct meaning meanings[] = {
        { 401, NULL,                  AE_REAUTHORIZATION_REQUIRED, AE_REAUTHORIZATION_REQUIRED, CONNECT    },
        { 403, "restricted_resource", AE_UPSTREAM_REJECTED,        AE_UPSTREAM_REJECTED,        CAPABILITY },
        { 404, "object_not_found",    AE_UPSTREAM_REJECTED,        AE_UPSTREAM_REJECTED,        SHARE      },
        { 409, "conflict_error",      AE_UPSTREAM_REJECTED,        AE_UPSTREAM_ERROR,           COLLISION  },
        { 429, NULL,                  AE_RATE_LIMITED,             AE_RATE_LIMITED,             WAIT       },
        { 529, "service_overload",    AE_RATE_LIMITED,             AE_RATE_LIMITED,             BUSY       },
};
/* clang-format on */

static const struct meaning rejected = { 0, NULL, AE_UPSTREAM_REJECTED, AE_UPSTREAM_REJECTED,
                                         NULL };
static const struct meaning failed = { 0, NULL, AE_UPSTREAM_ERROR, AE_UPSTREAM_ERROR,
                                       "it failed by itself" };

static const struct meaning *find_meaning(int status, const char *word) {
        for (size_t i = 0; i < ELEMENTSOF(meanings); i++) {
                const struct meaning *m = &meanings[i];

                if (m->status == status && (!m->word || (word && strcmp(m->word, word) == 0)))
                        return m;
        }
        return status < 500 ? &rejected : &failed;
}

static int tell_error(const struct http_response *response, const cJSON *body, uint64_t now_usec,
                      bool repeatable, struct ae_error *error) {
        const char *word = json_string(body, "code");
        const struct meaning *m = find_meaning(response->status, word);
        enum ae_code code = repeatable ? m->again : m->once;

        (void)quote_reason(word, error);
        quote_message(json_string(body, "message"), error);
        if (code == AE_RATE_LIMITED)
                error->retry_after_msec =
                                retry_after_msec(response->retry_after, now_usec, WAIT_MSEC);
        return refusal_tell(response, "Notion", code, m->advice, error);
}

int notion_answer(const struct adapter_input *input, const struct http_response *response,
                  bool repeatable, cJSON **ret_body, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;

        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        if (response->status < 200 || response->status > 299)
                return tell_error(response, body, input->now_usec, repeatable, error);
        *ret_body = TAKE_PTR(body);
        return 0;
}

int notion_unclear(const struct http_response *response, const char *lacks,
                   struct ae_error *error) {
        error->upstream_status = response->status;
        return ae_error_set(error, AE_UPSTREAM_ERROR, "Notion answered %d without %s",
                            response->status, lacks);
}
