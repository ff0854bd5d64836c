/* SPDX-License-Identifier: MIT */
/*
 * A person who is waited for: RFC 8628, whose user enters a code on another device. The vault asks
 * the provider now and then what has become of it. When the caller has waited enough the login is
 * kept, and can be asked about again.
 */
#include "engine/op.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

/* RFC 8628 §3.5. */
#define SLOW_DOWN_USEC (5 * USEC_PER_SEC)
#define MAX_INTERVAL_USEC (60 * USEC_PER_SEC)
#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

struct device_wait {
        struct call *call;
        sd_event_source *timer;
        uint64_t deadline_usec; /* FLOW_CLOCK; UINT64_MAX: the login's end */
};

static void end_with(struct call *call, enum ae_code code, const char *message) {
        struct ae_error error = { 0 };

        (void)ae_error_set(&error, code, "%s", message);
        call_fail(call, &error);
}

struct device_wait *device_wait_free(struct device_wait *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->timer);
        free(w);
        return NULL;
}

/* The person may answer yet, and be asked about once more. */
static void give_up_waiting(struct call *call, enum ae_code code, const char *message) {
        struct flow *f = TAKE_PTR(call->flow);

        if (flows_put(call->client->engine->flows, f, clock_usec(FLOW_CLOCK)) < 0)
                flow_free(f);
        end_with(call, code, message);
}

static const char not_answered[] = "the person has not answered yet; ask again";

void device_wait_stop(struct device_wait *w) {
        if (!w->call->vault_call)
                give_up_waiting(w->call, AE_DEADLINE_EXCEEDED, not_answered);
}

static void wait_on(struct call *call);

static void on_polled(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        struct flow *f = call->flow;
        const char *status = answer->error ? NULL : json_string(answer->status, "status");
        bool slower;

        call->vault_call = NULL;
        if (answer->error && !ae_code_retryable(answer->error->code)) {
                op_login_fail(call, answer->error);
                return;
        }
        if (status && strcmp(status, "active") == 0) {
                op_login_succeed(call, answer->status);
                return;
        }

        call->leaving = false;
        op_release_audit(call); /* a person takes longer than the journal can keep a place */
        /* Who could not be reached is asked less often, too. */
        slower = !status || strcmp(status, "slow_down") == 0;
        if (slower && f->interval_usec + SLOW_DOWN_USEC <= MAX_INTERVAL_USEC)
                f->interval_usec += SLOW_DOWN_USEC;
        f->next_poll_usec = clock_usec(FLOW_CLOCK) + f->interval_usec;
        wait_on(call);
}

/* Returns 1 when the vault is asked, 0 when the call has ended or waits, or a negative errno. */
static int poll_or_end(struct call *call) {
        uint64_t now_usec = clock_usec(FLOW_CLOCK);
        const struct flow *f = call->flow;
        struct ae_error error = { 0 };
        int r;

        if (f->ends_usec <= now_usec) {
                (void)ae_error_set(&error, AE_AUTHORIZATION_FAILED,
                                   "nobody entered the code in time");
                op_login_fail(call, &error);
                return 0;
        }
        if (f->next_poll_usec > now_usec) {
                give_up_waiting(call, AE_DEADLINE_EXCEEDED, not_answered);
                return 0;
        }
        r = auth_still_valid(call->client->engine->auth, call->identity, &error);
        if (r < 0) {
                op_login_fail(call, &error);
                return 0;
        }
        r = op_reserve_audit(call, &error);
        if (r < 0) {
                give_up_waiting(call, error.code, error.message);
                return 0;
        }
        return op_login_redeem(call, /* code= */ NULL, on_polled);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct ae_error error = { 0 };
        struct call *call = userdata;
        int r;

        r = poll_or_end(call);
        if (r < 0) {
                (void)ae_error_from_errno(&error, r);
                op_login_fail(call, &error);
        }
        return 0;
}

/* Until the next question, or until there is none any more. */
static void wait_on(struct call *call) {
        struct device_wait *w = call->device_wait;
        uint64_t at = call->flow->next_poll_usec;

        if (call->client->gone || call->client->engine->drain.started) {
                give_up_waiting(call, AE_DEADLINE_EXCEEDED, not_answered);
                return;
        }
        if (at > w->deadline_usec)
                at = w->deadline_usec;
        if (at > call->flow->ends_usec)
                at = call->flow->ends_usec;
        (void)sd_event_source_set_time(w->timer, at);
        (void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

int op_wait_for_person(struct call *call) {
        struct device_wait *w = calloc(1, sizeof(*w));
        uint64_t deadline_usec = call->request.deadline_usec;
        int r;

        if (!w)
                return -ENOMEM;
        call->device_wait = w;
        w->call = call;
        w->deadline_usec = deadline_usec > 0 ? clock_usec(FLOW_CLOCK) + deadline_usec : UINT64_MAX;
        r = sd_event_add_time(call->client->engine->event, &w->timer, FLOW_CLOCK,
                              call->flow->next_poll_usec, TIMER_ACCURACY_USEC, on_time, call);
        if (r < 0)
                return r;
        wait_on(call);
        return CALL_PENDING;
}
