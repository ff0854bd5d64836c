/* SPDX-License-Identifier: MIT */
/*
 * What an answer means. The question behind each row and each branch is what the caller may do
 * next: go on, ask again later, or ask a person.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "oauth/answer.h"
#include "oauth/grant-kind.h"
#include "oauth/quote.h"

#define MAX_BODY ((size_t)256 << 10)

/* RFC 6749 §5.2, RFC 8628 §3.5, RFC 7009 §2.2.1; and what providers say in their own words. */
/* clang-format off */
static const struct {
        const char *name;
        enum oauth_result result;
} errors[] = {
        { "access_denied",           OAUTH_GRANT_REFUSED  },
        { "admin_policy_enforced",   OAUTH_GRANT_REFUSED  }, /* Google */
        { "authorization_pending",   OAUTH_PENDING        },
        { "bad_client_secret",       OAUTH_CLIENT_REFUSED }, /* Slack */
        { "code_already_used",       OAUTH_GRANT_REFUSED  }, /* Slack */
        { "code_expired",            OAUTH_GRANT_REFUSED  }, /* Slack */
        { "deleted_client",          OAUTH_CLIENT_REFUSED }, /* Google */
        { "disabled_client",         OAUTH_CLIENT_REFUSED }, /* Google */
        { "expired_token",           OAUTH_GRANT_REFUSED  },
        { "fatal_error",             OAUTH_NO_ANSWER      }, /* Slack */
        { "internal_error",          OAUTH_NO_ANSWER      }, /* Slack */
        { "invalid_client",          OAUTH_CLIENT_REFUSED },
        { "invalid_client_id",       OAUTH_CLIENT_REFUSED }, /* Slack */
        { "invalid_code",            OAUTH_GRANT_REFUSED  }, /* Slack */
        { "invalid_grant",           OAUTH_GRANT_REFUSED  },
        { "invalid_refresh_token",   OAUTH_GRANT_REFUSED  }, /* Slack */
        { "invalid_token",           OAUTH_GRANT_REFUSED  }, /* Google's revocation */
        { "ratelimited",             OAUTH_UNREACHABLE    }, /* Slack */
        { "server_error",            OAUTH_NO_ANSWER      },
        { "service_unavailable",     OAUTH_NO_ANSWER      }, /* Slack */
        { "slow_down",               OAUTH_SLOW_DOWN      },
        { "temporarily_unavailable", OAUTH_UNREACHABLE    },
        { "token_expired",           OAUTH_GRANT_REFUSED  }, /* Slack */
        { "token_revoked",           OAUTH_GRANT_REFUSED  }, /* Slack */
        { "unauthorized_client",     OAUTH_CLIENT_REFUSED },
};
/* clang-format on */

void oauth_answer_done(struct oauth_answer *a) {
        oauth_tokens_done(&a->tokens);
        json_free(a->facts);
        *a = (struct oauth_answer){ 0 };
}

int answer_say(struct oauth_answer *a, enum oauth_result result, const char *format, ...) {
        char text[2 * OAUTH_REASON_SIZE];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        ae_error_quote(a->reason, sizeof(a->reason), text);
        a->result = result;
        return 0;
}

static int tell_failure(const struct http_response *response, struct oauth_answer *a) {
        switch (response->failure) {
        case HTTP_ANSWERED:
                break;
        case HTTP_REFUSED_URL:
                return answer_say(a, OAUTH_ADDRESS_REFUSED,
                                  "the provider's address is neither https:// nor one that [Http] "
                                  "PlainHttp= lists");
        case HTTP_REFUSED_ADDRESS:
                return answer_say(a, OAUTH_ADDRESS_REFUSED,
                                  "the provider's address is not public: an administrator can list "
                                  "it in [Http] AllowAddress=");
        case HTTP_NOT_CONNECTED:
        case HTTP_CONNECT_TIMEOUT:
                return answer_say(a, OAUTH_UNREACHABLE, "the provider is not reached: %.128s",
                                  response->reason);
        case HTTP_NO_ANSWER:
        case HTTP_ANSWER_TIMEOUT:
                return answer_say(a, response->left ? OAUTH_NO_ANSWER : OAUTH_UNREACHABLE,
                                  "the provider does not answer: %.128s", response->reason);
        case HTTP_ANSWER_TOO_LARGE:
                if (response->status >= 500)
                        break;
                return answer_say(a, OAUTH_NONSENSE, "the provider's answer is too large");
        }
        return answer_say(a, OAUTH_NO_ANSWER, "the provider answers with HTTP %d",
                          response->status);
}

struct said {
        char *error, *description; /* owned, or NULL */
};

static void said_done(struct said *s) {
        free(s->error);
        free(s->description);
}

/* The first of the two that is there. */
static int take_text(const struct json_envelope *body, const char *name, const char *other,
                     char **ret) {
        const struct json_slice *s = json_envelope_find(body, name);

        if (!s || s->type != JSON_STRING)
                s = json_envelope_find(body, other);
        if (!s || s->type != JSON_STRING)
                return 0;
        return json_slice_string(s, ret);
}

/* In RFC 6749's members, or in those that Notion has for all its errors. */
static int read_said(const struct json_envelope *body, struct said *ret) {
        int r;

        r = take_text(body, "error", "code", &ret->error);
        if (r < 0)
                return r;
        return take_text(body, "error_description", "message", &ret->description);
}

static enum oauth_result result_of(const char *error, const struct http_response *response,
                                   const struct oauth_grant *g) {
        for (size_t i = 0; error && i < ELEMENTSOF(errors); i++)
                if (strcmp(errors[i].name, error) == 0)
                        return errors[i].result;
        if (response->status < 400)
                return error ? OAUTH_REQUEST_REFUSED : OAUTH_NONSENSE;
        return response->status == 401 && g->kind != OAUTH_GRANT_METADATA ? OAUTH_CLIENT_REFUSED
                                                                          : OAUTH_REQUEST_REFUSED;
}

/* RFC 8628 §3.5: what the person on the other device has done, or not. */
static const char *told_by_person(const struct oauth_grant *g, const char *error) {
        if (g->kind != OAUTH_GRANT_DEVICE || !error)
                return "";
        if (strcmp(error, "access_denied") == 0)
                return "the consent was refused: ";
        return strcmp(error, "expired_token") == 0 ? "nobody consented in time: " : "";
}

static int tell_refusal(const struct oauth_grant *g, const struct http_response *response,
                        const struct said *said, struct oauth_answer *a) {
        enum oauth_result result = result_of(said->error, response, g);
        char quoted[OAUTH_SAID_SIZE];

        /* It looked at the code, so that it knew who brought it. */
        if (g->kind == OAUTH_GRANT_TEST && result == OAUTH_GRANT_REFUSED)
                return 0;
        if (!said->error && !said->description)
                return answer_say(a, result, "the provider answers with HTTP %d, and no reason",
                                  response->status);
        quote_said(said->error, said->description, g, quoted);
        return answer_say(a, result, "%sthe provider answers with HTTP %d and says %s",
                          told_by_person(g, said->error), response->status, quoted);
}

static int read_success(const struct oauth_grant *g, const struct json_envelope *body,
                        uint64_t now_usec, struct oauth_answer *a) {
        switch (g->kind) {
        case OAUTH_GRANT_CODE:
        case OAUTH_GRANT_REFRESH:
        case OAUTH_GRANT_ASSERTION:
        case OAUTH_GRANT_DEVICE:
                return answer_read_tokens(g, body, now_usec, a);
        case OAUTH_GRANT_DEVICE_START:
                return answer_read_device(&body->root, a);
        case OAUTH_GRANT_METADATA:
                return answer_read_metadata(&g->app, &body->root, a);
        case OAUTH_GRANT_TEST:
                return answer_say(a, OAUTH_NONSENSE,
                                  "the provider takes a code that it cannot have given");
        case OAUTH_GRANT_REVOKE:
        case OAUTH_N_GRANTS:
                break;
        }
        return 0;
}

/* Some say no with a status that says yes. */
static bool says_yes(const struct oauth_grant *g, const struct json_envelope *body) {
        const struct json_slice *ok = json_envelope_find(body, "ok");
        const struct json_slice *error = json_envelope_find(body, "error");

        if (g->app.profile->flags & OAUTH_OK_MEMBER)
                return ok && ok->type == JSON_TRUE;
        return !error || error->type != JSON_STRING;
}

static bool is_object(const struct http_response *response, struct json_envelope *ret, int *ret_r) {
        struct json_fault fault;

        *ret_r = json_scan(response->body, response->body_size, ret, &fault);
        return *ret_r >= 0 && ret->root.type == JSON_OBJECT;
}

static int tell_answer(const struct oauth_grant *g, const struct http_response *response,
                       uint64_t now_usec, struct oauth_answer *a) {
        bool is_success = response->status >= 200 && response->status < 300;
        _cleanup_(said_done) struct said said = { 0 };
        struct json_envelope body;
        int r;

        if (response->body_size > MAX_BODY)
                return answer_say(a, OAUTH_NONSENSE, "the provider's answer is too large");
        if (!is_object(response, &body, &r)) {
                if (r == -ENOMEM)
                        return r;
                if (is_success && g->kind == OAUTH_GRANT_REVOKE)
                        return 0;
                if (is_success)
                        return answer_say(a, OAUTH_NONSENSE,
                                          "the provider's answer is no JSON object");
                return tell_refusal(g, response, &said, a);
        }

        r = read_said(&body, &said);
        if (r < 0)
                return r;
        if (!is_success || !says_yes(g, &body))
                return tell_refusal(g, response, &said, a);
        return read_success(g, &body, now_usec, a);
}

static int tell(const struct oauth_grant *g, const struct http_response *response,
                uint64_t now_usec, struct oauth_answer *a) {
        if (response->failure != HTTP_ANSWERED || response->status >= 500)
                return tell_failure(response, a);
        if (response->status == 429)
                return answer_say(a, OAUTH_UNREACHABLE,
                                  "the provider has been asked too often (HTTP 429)");
        return tell_answer(g, response, now_usec, a);
}

int oauth_grant_interpret(const struct oauth_grant *g, const struct http_response *response,
                          uint64_t now_usec, struct oauth_answer *ret) {
        _cleanup_(oauth_answer_done) struct oauth_answer a = { .result = OAUTH_OK };
        int r;

        r = tell(g, response, now_usec, &a);
        if (r < 0)
                return r;
        if (a.result != OAUTH_OK)
                oauth_tokens_done(&a.tokens);

        *ret = a;
        a = (struct oauth_answer){ 0 };
        return 0;
}
