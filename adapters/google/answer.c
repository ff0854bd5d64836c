/* SPDX-License-Identifier: MIT */
#include "google/answer.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "common/quote.h"
#include "common/refusal.h"
#include "common/retry-after.h"
#include "http/http.h"

/* Quotas are per minute. */
#define QUOTA_WAIT_MSEC (UINT64_C(60) * 1000)
#define DAY_SEC (UINT64_C(24) * 60 * 60)
/* A day's quota is new at midnight in California: 08:00 UTC is that or an hour past it. */
#define DAY_RESET_SEC (UINT64_C(8) * 60 * 60)

struct meaning {
        const char *word;
        enum ae_code code;
        bool daily;         /* free again when the quota's day is over */
        const char *advice; /* what to do next */
};

#define CONNECT "it does not take the account's credential, or no longer"
#define WAIT "its rate limit is reached"
#define DAILY "its limit for the day is reached"
#define SCOPE "the account was connected without a permission that this needs"
#define DISABLED "the API is not enabled in the Google Cloud project of the OAuth client"
#define POLICY "the domain's administrator does not allow it"
#define BROKEN "it failed by itself"

/* Reasons of errors[] and of google.rpc.ErrorInfo, then the statuses of google.rpc.Code. */
/* clang-format off */
static const struct meaning meanings[] = {
        { "ACCESS_TOKEN_EXPIRED",            AE_REAUTHORIZATION_REQUIRED, false, CONNECT  },
        { "ACCESS_TOKEN_SCOPE_INSUFFICIENT", AE_REAUTHORIZATION_REQUIRED, false, SCOPE    },
        { "RATE_LIMIT_EXCEEDED",             AE_RATE_LIMITED,             false, WAIT     },
        { "SERVICE_DISABLED",                AE_UPSTREAM_REJECTED,        false, DISABLED },
        { "accessNotConfigured",             AE_UPSTREAM_REJECTED,        false, DISABLED },
        { "authError",                       AE_REAUTHORIZATION_REQUIRED, false, CONNECT  },
        { "dailyLimitExceeded",              AE_RATE_LIMITED,             true,  DAILY    },
        { "domainPolicy",                    AE_UPSTREAM_REJECTED,        false, POLICY   },
        { "insufficientPermissions",         AE_REAUTHORIZATION_REQUIRED, false, SCOPE    },
        { "quotaExceeded",                   AE_RATE_LIMITED,             false, WAIT     },
        { "rateLimitExceeded",               AE_RATE_LIMITED,             false, WAIT     },
        { "userRateLimitExceeded",           AE_RATE_LIMITED,             false, WAIT     },
        { "RESOURCE_EXHAUSTED",              AE_RATE_LIMITED,             false, WAIT     },
        { "UNAUTHENTICATED",                 AE_REAUTHORIZATION_REQUIRED, false, CONNECT  },
};

static const struct {
        int status;
        struct meaning meaning;
} statuses[] = {
        { 401, { NULL, AE_REAUTHORIZATION_REQUIRED, false, CONNECT } },
        { 429, { NULL, AE_RATE_LIMITED,             false, WAIT    } },
};
/* clang-format on */

static const struct meaning rejected = { NULL, AE_UPSTREAM_REJECTED, false, NULL };
static const struct meaning failed = { NULL, AE_UPSTREAM_ERROR, false, BROKEN };

static const struct meaning *meaning_of_word(const char *word) {
        for (size_t i = 0; word && i < ELEMENTSOF(meanings); i++)
                if (strcmp(meanings[i].word, word) == 0)
                        return &meanings[i];
        return NULL;
}

static const struct meaning *meaning_of_status(int status) {
        for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
                if (statuses[i].status == status)
                        return &statuses[i].meaning;
        return &rejected;
}

/* What the body says, borrowed from it; NULL where it says nothing. */
struct told {
        const char *words[3]; /* errors[0].reason, details[].reason, status */
        const char *message;
};

static struct told read_body(const cJSON *body) {
        const cJSON *error = json_member(body, "error");
        const cJSON *first = cJSON_GetArrayItem(json_member(error, "errors"), 0);
        const cJSON *detail;
        struct told t = {
                .words = { json_string(first, "reason"), NULL, json_string(error, "status") },
                .message = json_string(error, "message"),
        };

        cJSON_ArrayForEach (detail, json_member(error, "details")) {
                t.words[1] = json_string(detail, "reason");
                if (t.words[1])
                        break;
        }
        return t;
}

/* 5xx: nobody knows what was done, whatever the body claims. */
static const struct meaning *find_meaning(int status, const struct told *t) {
        const struct meaning *m;

        if (status >= 500)
                return &failed;
        for (size_t i = 0; i < ELEMENTSOF(t->words); i++) {
                m = meaning_of_word(t->words[i]);
                if (m)
                        return m;
        }
        return meaning_of_status(status);
}

static uint64_t until_day_reset_msec(uint64_t now_usec) {
        uint64_t second = now_usec / USEC_PER_SEC % DAY_SEC;

        return ((DAY_RESET_SEC + DAY_SEC - second - 1) % DAY_SEC + 1) * 1000;
}

/* The first of its words that is one. */
static void quote_upstream(const struct told *t, struct ae_error *error) {
        for (size_t i = 0; i < ELEMENTSOF(t->words); i++)
                if (quote_reason(t->words[i], error))
                        break;
        quote_message(t->message, error);
}

int google_error(const struct http_response *response, const char *service, uint64_t now_usec,
                 struct ae_error *error) {
        _cleanup_(json_freep) cJSON *body = NULL;
        const struct meaning *m;
        struct told t;

        (void)json_parse(response->body, response->body_size, &body, /* ret_fault= */ NULL);
        t = read_body(body);
        m = find_meaning(response->status, &t);

        quote_upstream(&t, error);
        if (m->daily)
                error->retry_after_msec = until_day_reset_msec(now_usec);
        else if (m->code == AE_RATE_LIMITED)
                error->retry_after_msec =
                                retry_after_msec(response->retry_after, now_usec, QUOTA_WAIT_MSEC);
        return refusal_tell(response, service, m->code, m->advice, error);
}
