/* SPDX-License-Identifier: MIT */
/*
 * auth_callback: what a provider's answer is worth. A login on another device has none to bring:
 * the person is waited for. How either ends is told in login-end.c.
 *
 * A login is good for one attempt by who began it, whatever comes of that; only where the person
 * has not answered yet it can be asked about again.
 */
#include "engine/op.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

static int no_such_login(struct ae_error *error) {
        return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                            "there is no login of that state: it has ended, was used, or is "
                            "another caller's; %s",
                            OP_BEGIN_AGAIN);
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
                                            OP_BEGIN_AGAIN);
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
                                    f->provider, OP_BEGIN_AGAIN);
        return 0;
}

static void on_redeemed(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;

        call->vault_call = NULL;
        if (answer->error)
                op_login_fail(call, answer->error);
        else
                op_login_succeed(call, answer->status);
}

static int take_up(struct call *call, const struct oauth_response *response,
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
                                            OP_BEGIN_AGAIN);
                return op_wait_for_person(call);
        }
        r = check_response(call, response, error);
        if (r < 0)
                return r;
        r = op_reserve_audit(call, error);
        if (r < 0)
                return r;
        r = op_login_redeem(call, response->code, on_redeemed);
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
                                        identity_user(call->identity), clock_usec(FLOW_CLOCK));
        if (!call->flow)
                return no_such_login(error);
        return take_up(call, &response, error);
}
