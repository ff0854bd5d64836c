/* SPDX-License-Identifier: MIT */
/*
 * A provider is asked, once: what was sent to a token endpoint may have spent a code or a refresh
 * token, so nothing here repeats it.
 */
#include <errno.h>

#include "base/clock.h"
#include "vault/remote.h"

int grant_init(struct oauth_grant *g, enum oauth_grant_kind kind, const struct oauth_app *app) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_wipe) struct buffer text = { 0 };
        int r;

        *g = (struct oauth_grant){ .kind = kind };
        oauth_app_print(app, /* with_secret= */ true, &text);
        r = buffer_error(&text);
        if (r < 0)
                return r;
        return oauth_app_parse(&(struct json_slice){ .text = text.data, .size = text.size },
                               &g->app, &error);
}

static void request_done(struct http_request *q) {
        buffer_wipe(&q->body);
        http_request_done(q);
}

void grant_done(struct granting *g) {
        http_call_cancel(TAKE_PTR(g->call));
        request_done(&g->request);
        oauth_grant_done(&g->grant);
        oauth_answer_done(&g->answer);
        *g = (struct granting){ 0 };
}

static void on_provider_done(const struct http_response *response, void *userdata) {
        struct job *j = userdata;
        struct granting *g = &j->granting;
        int r;

        g->call = NULL;
        r = oauth_grant_interpret(&g->grant, response, clock_realtime_at(g->sent_usec), &g->answer);
        request_done(&g->request);
        j->deadline_usec = clock_usec(CLOCK_MONOTONIC) + j->remote->timeout_usec;
        job_took(j, r);
}

int grant_send(struct job *j) {
        static const struct http_handler handler = { .on_done = on_provider_done };
        struct granting *g = &j->granting;
        int r;

        oauth_answer_done(&g->answer);
        g->answer = (struct oauth_answer){ 0 };
        j->step = JOB_GRANT;
        if (!j->remote->providers)
                return -EOPNOTSUPP;
        r = oauth_grant_build(&g->grant, &g->request);
        if (r < 0) {
                request_done(&g->request);
                return r;
        }
        g->sent_usec = clock_usec(CLOCK_MONOTONIC);
        r = http_call(j->remote->providers, &g->request, g->sent_usec + GRANT_TIMEOUT_USEC,
                      &handler, j, &g->call);
        return r < 0 ? r : JOB_PENDING;
}

/* Whatever was wrong, it is told in the provider's words, which are quoted already. */
int grant_renewal_error(const struct oauth_answer *a, const struct job *j, struct ae_error *error) {
        /* clang-format off */
        static const struct {
                enum ae_code code;
                const char *text;
        } meanings[] = {
                [OAUTH_OK]              = { AE_UPSTREAM_ERROR,           "brought no access token"        },
                [OAUTH_PENDING]         = { AE_UPSTREAM_ERROR,           "made no sense"                  },
                [OAUTH_SLOW_DOWN]       = { AE_UPSTREAM_ERROR,           "made no sense"                  },
                [OAUTH_GRANT_REFUSED]   = { AE_REAUTHORIZATION_REQUIRED, "is refused; connect it again"   },
                [OAUTH_CLIENT_REFUSED]  = { AE_INTERNAL,                 "is refused to the engine's app" },
                [OAUTH_REQUEST_REFUSED] = { AE_INTERNAL,                 "is not taken"                   },
                [OAUTH_ADDRESS_REFUSED] = { AE_FORBIDDEN,                "is not let out"                 },
                [OAUTH_UNREACHABLE]     = { AE_UPSTREAM_UNREACHABLE,     "could not be asked for"         },
                [OAUTH_NO_ANSWER]       = { AE_UPSTREAM_ERROR,           "was not answered"               },
                [OAUTH_NONSENSE]        = { AE_UPSTREAM_ERROR,           "made no sense"                  },
        };
        /* clang-format on */

        if (a->result == OAUTH_ADDRESS_REFUSED)
                ae_error_detail(error, "by", "configuration");
        return ae_error_set(error, meanings[a->result].code, "the renewal of %s %s%s%s",
                            j->id.platform, meanings[a->result].text, a->reason[0] ? ": " : "",
                            a->reason);
}

int grant_person_error(const struct oauth_answer *a, struct ae_error *error) {
        static const enum ae_code codes[] = {
                [OAUTH_OK] = AE_UPSTREAM_ERROR,
                [OAUTH_PENDING] = AE_UPSTREAM_ERROR,
                [OAUTH_SLOW_DOWN] = AE_UPSTREAM_ERROR,
                [OAUTH_GRANT_REFUSED] = AE_AUTHORIZATION_FAILED,
                [OAUTH_CLIENT_REFUSED] = AE_AUTHORIZATION_FAILED,
                [OAUTH_REQUEST_REFUSED] = AE_AUTHORIZATION_FAILED,
                [OAUTH_ADDRESS_REFUSED] = AE_FORBIDDEN,
                [OAUTH_UNREACHABLE] = AE_UPSTREAM_UNREACHABLE,
                [OAUTH_NO_ANSWER] = AE_UPSTREAM_ERROR,
                [OAUTH_NONSENSE] = AE_UPSTREAM_ERROR,
        };

        if (a->result == OAUTH_ADDRESS_REFUSED)
                ae_error_detail(error, "by", "configuration");
        return ae_error_set(error, codes[a->result], "%s",
                            a->reason[0] ? a->reason : "the provider's answer is not to be used");
}
