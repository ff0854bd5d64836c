/* SPDX-License-Identifier: MIT */
#include "actionctl/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actionctl/browser.h"
#include "actionctl/call.h"
#include "actionctl/output.h"
#include "actionctl/redirect.h"
#include "base/clock.h"

#define DEFAULT_USEC (600 * USEC_PER_SEC)
#define MAX_USEC (3600 * USEC_PER_SEC)

void flow_done(struct flow *f) {
        free(f->state);
        free(f->authorization_url);
        free(f->redirect_uri);
        free(f->user_code);
        free(f->verification_uri);
        free(f->verification_uri_complete);
        *f = (struct flow){ 0 };
}

static void begin_request(const struct ctl *ctl, const char *op, struct request *ret) {
        call_begin(ret, op);
        request_string(ret, "platform", ctl->arguments[0]);
        request_string(ret, "user_id", ctl->user);
        request_string(ret, "account", ctl->account);
}

static void add_scopes(const struct ctl_list *scopes, struct request *q) {
        _cleanup_(json_freep) cJSON *array = NULL;

        if (scopes->n == 0)
                return;
        array = cJSON_CreateStringArray(scopes->items, (int)scopes->n);
        request_json(q, "scopes", array);
}

/* It may be about something else; then the next try, without one, says the same. */
static bool may_be_the_redirect(const cJSON *response) {
        const char *code = json_string(json_member(response, "error"), "code");

        return code && strcmp(code, "invalid_request") == 0;
}

static char *copy_of(const cJSON *result, const char *name) {
        const char *text = json_string(result, name);

        return text ? strdup(text) : NULL;
}

static uint64_t read_end(const cJSON *result) {
        const char *text = json_string(result, "expires_at");
        uint64_t now_usec = clock_usec(CLOCK_REALTIME), end_usec, left_usec = DEFAULT_USEC;

        if (text && clock_parse_rfc3339(text, &end_usec) == 0)
                left_usec = end_usec > now_usec ? end_usec - now_usec : 0;
        return clock_usec(CLOCK_BOOTTIME) + (left_usec < MAX_USEC ? left_usec : MAX_USEC);
}

static bool read_browser_flow(struct flow *f) {
        if (!f->authorization_url || browser_check_url(f->authorization_url) < 0)
                return false;
        return redirect_parameter(f->authorization_url, "redirect_uri", &f->redirect_uri) == 0;
}

static int read_flow(const cJSON *response, enum flow_kind kind, struct flow *ret) {
        const cJSON *result = json_member(response, "result");
        _cleanup_(flow_done) struct flow f = {
                .state = copy_of(result, "state"),
                .authorization_url = copy_of(result, "authorization_url"),
                .user_code = copy_of(result, "user_code"),
                .verification_uri = copy_of(result, "verification_uri"),
                .verification_uri_complete = copy_of(result, "verification_uri_complete"),
                .until_usec = read_end(result),
        };
        bool whole = kind == FLOW_DEVICE ? f.user_code && f.verification_uri
                                         : read_browser_flow(&f);

        if (!whole || !f.state || !*f.state) {
                output_error("the engine's answer names no way to consent");
                return CTL_REFUSED;
        }
        *ret = f;
        f = (struct flow){ 0 };
        return 0;
}

int flow_start(const struct ctl *ctl, enum flow_kind kind, const char *redirect_uri,
               struct flow *ret) {
        _cleanup_(request_done) struct request q = { 0 };
        _cleanup_(json_freep) cJSON *response = NULL;
        int r;

        begin_request(ctl, "auth_start", &q);
        add_scopes(&ctl->scopes, &q);
        request_string(&q, "redirect_uri", redirect_uri);
        if (kind == FLOW_DEVICE)
                request_true(&q, "device");
        r = call_ask(ctl, &q, CALL_SILENT, &response);
        if (r != 0)
                return r;
        if (!call_failed(response))
                return read_flow(response, kind, ret);
        if (redirect_uri && may_be_the_redirect(response))
                return -EADDRNOTAVAIL;
        if (ctl->json)
                output_json(response);
        return output_failure(ctl, response);
}

int flow_finish(const struct ctl *ctl, const struct flow *f, const char *answer,
                struct outcome *ret) {
        _cleanup_(request_done) struct request q = { 0 };
        _cleanup_(json_freep) cJSON *response = NULL;
        _cleanup_(freep) char *error = NULL;
        int r;

        begin_request(ctl, "auth_callback", &q);
        if (answer) {
                request_secret_string(&q, "authorization_response", answer, strlen(answer));
                (void)redirect_parameter(answer, "error", &error);
        } else
                request_string(&q, "state", f->state);
        r = call_ask(ctl, &q, 0, &response);
        outcome_read(
                        &(struct outcome_of){
                                        .platform = ctl->arguments[0],
                                        .account = ctl->account,
                                        .refused = error && strcmp(error, "access_denied") == 0,
                                        .expired = clock_usec(CLOCK_BOOTTIME) >= f->until_usec,
                                        .response = response,
                        },
                        ret);
        if (r != 0)
                return r;
        return call_failed(response) ? output_failure(ctl, response) : CTL_SUCCESS;
}
