/* SPDX-License-Identifier: MIT */
/*
 * auth_callback: what a provider's answer is worth, and the account that is connected by it. A
 * login on another device has no answer to bring: the person is waited for.
 *
 * A login is good for one attempt by who began it, whatever comes of that; only where the person
 * has not answered yet it can be asked about again.
 */
#include "engine/op.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/connect.h"

/* RFC 8628 §3.5. */
#define SLOW_DOWN_USEC (5 * USEC_PER_SEC)
#define MAX_INTERVAL_USEC (60 * USEC_PER_SEC)
#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

struct device_wait {
        struct call *call;
        sd_event_source *timer;
        uint64_t deadline_usec; /* CLOCK_MONOTONIC; UINT64_MAX: the login's end */
};

static const char again[] = "begin again with auth_start";

/*
 * The one way a login ends in vain. What would be retryable elsewhere is not: the code is spent,
 * and the state with it.
 */
static void fail(struct call *call, const struct ae_error *said) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        switch (said->code) {
        case AE_INTERNAL:
        case AE_TOKEN_EXPIRED:
        case AE_TOKEN_INVALID:
                call_fail(call, said);
                return;
        case AE_NOT_FOUND:
                (void)op_no_app(call->client->engine, call->flow->provider, &error);
                break;
        default:
                (void)ae_error_set(&error, said->code, "%s", said->message);
                break;
        }
        (void)ae_error_set(&error, AE_AUTHORIZATION_FAILED, "%s was not connected: %.350s; %s",
                           call->request.platform, error.message, again);
        call_fail(call, &error);
}

static void fail_with(struct call *call, enum ae_code code, const char *message) {
        struct ae_error error = { 0 };

        (void)ae_error_set(&error, code, "%s", message);
        call_fail(call, &error);
}

static struct vault_key key_of(const struct flow *f) {
        return (struct vault_key){ f->user_id, f->platform, f->account };
}

static void add_member(struct buffer *to, const char *name, const cJSON *value) {
        if (!value)
                return;
        buffer_printf(to, ",\"%s\":", name);
        json_print(value, to);
}

/* What was asked for and not granted: people can untick scopes. */
static int add_missing(const struct flow *f, const cJSON *granted, struct buffer *to) {
        _cleanup_(json_freep) cJSON *missing = NULL;
        int r;

        if (!granted)
                return 0;
        r = connect_missing_scopes(f->scopes, granted, &missing);
        if (r < 0)
                return r;
        if (cJSON_GetArraySize(missing) > 0)
                add_member(to, "missing_scopes", missing);
        return 0;
}

static void succeed(struct call *call, const cJSON *status) {
        const struct flow *f = call->flow;
        struct buffer *to = &call->result;
        const struct vault_key key = key_of(f);

        op_audit_account(call, ACCOUNT_CONNECTED, &key, json_string(status, "identity"));
        op_add_string(to, "{", "platform", f->platform);
        op_add_string(to, ",", "account", f->account);
        op_add_string(to, ",", "status", "active");
        add_member(to, "scopes", json_member(status, "scopes"));
        add_member(to, "expires_at", json_member(status, "expires_at"));
        add_member(to, "identity", json_member(status, "identity"));
        if (add_missing(f, json_member(status, "scopes"), to) < 0)
                to->failed = true;
        buffer_putc(to, '}');
        call_succeed(call);
}

static void on_exchanged(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;

        call->vault_call = NULL;
        if (answer->error)
                fail(call, answer->error);
        else
                succeed(call, answer->status);
}

static int exchange(struct call *call, const struct secret *code, vault_answer_fn *on_answer) {
        const struct flow *f = call->flow;
        const struct vault_key key = key_of(f);
        const struct vault_exchange x = {
                .provider = f->provider,
                .code = code,
                .verifier = f->verifier,
                .redirect_uri = f->redirect_uri,
                .device_code = f->device_code,
                .scopes = f->scopes,
        };
        int r;

        r = vault_exchange(call->client->engine->vault, &key, &x, on_answer, call,
                           &call->vault_call);
        if (r == 0)
                call->leaving = true; /* what comes of it is told in the journal in any case */
        return r;
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

        if (flows_put(call->client->engine->flows, f, clock_usec(CLOCK_MONOTONIC)) < 0)
                flow_free(f);
        fail_with(call, code, message);
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
                fail(call, answer->error);
                return;
        }
        if (status && strcmp(status, "active") == 0) {
                succeed(call, answer->status);
                return;
        }

        call->leaving = false;
        op_release_audit(call); /* a person takes longer than the journal can keep a place */
        /* Who could not be reached is asked less often, too. */
        slower = !status || strcmp(status, "slow_down") == 0;
        if (slower && f->interval_usec + SLOW_DOWN_USEC <= MAX_INTERVAL_USEC)
                f->interval_usec += SLOW_DOWN_USEC;
        f->next_poll_usec = clock_usec(CLOCK_MONOTONIC) + f->interval_usec;
        wait_on(call);
}

/* Returns 1 when the vault is asked, 0 when the call has ended or waits, or a negative errno. */
static int poll_or_end(struct call *call) {
        uint64_t now_usec = clock_usec(CLOCK_MONOTONIC);
        const struct flow *f = call->flow;
        struct ae_error error = { 0 };
        int r;

        if (f->ends_usec <= now_usec) {
                (void)ae_error_set(&error, AE_AUTHORIZATION_FAILED,
                                   "nobody entered the code in time");
                fail(call, &error);
                return 0;
        }
        if (f->next_poll_usec > now_usec) {
                give_up_waiting(call, AE_DEADLINE_EXCEEDED, not_answered);
                return 0;
        }
        r = auth_still_valid(call->client->engine->auth, call->identity, &error);
        if (r < 0) {
                fail(call, &error);
                return 0;
        }
        r = op_reserve_audit(call, &error);
        if (r < 0) {
                give_up_waiting(call, error.code, error.message);
                return 0;
        }
        return exchange(call, /* code= */ NULL, on_polled);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct ae_error error = { 0 };
        struct call *call = userdata;
        int r;

        r = poll_or_end(call);
        if (r < 0) {
                (void)ae_error_from_errno(&error, r);
                fail(call, &error);
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

static int wait_for_person(struct call *call) {
        struct device_wait *w = calloc(1, sizeof(*w));
        uint64_t deadline_usec = call->request.deadline_usec;
        int r;

        if (!w)
                return -ENOMEM;
        call->device_wait = w;
        w->call = call;
        w->deadline_usec = deadline_usec > 0 ? clock_usec(CLOCK_MONOTONIC) + deadline_usec
                                             : UINT64_MAX;
        r = sd_event_add_time(call->client->engine->event, &w->timer, CLOCK_MONOTONIC,
                              call->flow->next_poll_usec, TIMER_ACCURACY_USEC, on_time, call);
        if (r < 0)
                return r;
        wait_on(call);
        return CALL_PENDING;
}

static int no_such_login(struct ae_error *error) {
        return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                            "there is no login of that state: it has ended, was used, or is "
                            "another caller's; %s",
                            again);
}

/* The answer, in whichever form it was brought. */
static int read_response(const struct request *q, struct oauth_response *ret,
                         struct ae_error *error) {
        int r;

        if (q->authorization_response && (q->code || q->state))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'authorization_response' holds code and state: send it, or "
                                    "the two of them");
        if (q->authorization_response) {
                r = oauth_response_parse(q->authorization_response, ret);
                if (r == -EBADMSG || r == -E2BIG)
                        return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                            "'authorization_response' is not the address that a "
                                            "provider sent the browser to; %s",
                                            again);
                return r;
        }

        if (!q->state)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'authorization_response' is required for 'auth_callback', or "
                                    "'code' and 'state'");
        ret->state = strdup(q->state);
        if (!ret->state)
                return -ENOMEM;
        return q->code ? secret_new(q->code, strlen(q->code), &ret->code) : 0;
}

/* It must be for what was begun. */
static int check_flow(const struct call *call, struct ae_error *error) {
        const struct request *q = &call->request;
        const struct flow *f = call->flow;

        if (strcmp(f->platform, q->platform) != 0 ||
            (q->account && strcmp(f->account, q->account) != 0) ||
            (q->user_id && strcmp(f->user_id, q->user_id) != 0))
                return no_such_login(error);
        return identity_permits(call->identity, f->user_id, "auth", f->platform, error);
}

static int check_response(const struct call *call, const struct oauth_response *response,
                          struct ae_error *error) {
        const struct flow *f = call->flow;

        if (call->request.authorization_response)
                return oauth_response_check(response, &f->app, error);
        if (!response->code)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'code' is required: this login is in the browser");
        if (f->app.iss_required)
                return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                    "%s says in its answer who it is, which 'code' and 'state' "
                                    "leave out: send 'authorization_response'; %s",
                                    f->provider, again);
        return 0;
}

static int redeem(struct call *call, const struct oauth_response *response,
                  struct ae_error *error) {
        int r;

        r = check_flow(call, error);
        if (r < 0)
                return r;
        if (call->flow->device_code) {
                if (response->code || call->request.authorization_response)
                        return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                            "this login is on another device, and has no answer to "
                                            "bring; %s",
                                            again);
                return wait_for_person(call);
        }
        r = check_response(call, response, error);
        if (r < 0)
                return r;
        r = op_reserve_audit(call, error);
        if (r < 0)
                return r;
        r = exchange(call, response->code, on_exchanged);
        return r < 0 ? r : CALL_PENDING;
}

int op_auth_callback(struct call *call, struct ae_error *error) {
        _cleanup_(oauth_response_done) struct oauth_response response = { 0 };
        const struct client *c = call->client;
        const struct platform *platform;
        int r;

        r = op_find_platform(call, &platform, error);
        if (r < 0)
                return r;
        r = read_response(&call->request, &response, error);
        if (r < 0)
                return r;

        if (response.state)
                call->flow = flows_take(c->engine->flows, response.state, c->peer.uid,
                                        identity_user(call->identity), clock_usec(CLOCK_MONOTONIC));
        if (!call->flow)
                return no_such_login(error);
        return redeem(call, &response, error);
}
