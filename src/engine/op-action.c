/* SPDX-License-Identifier: MIT */
/*
 * perform_action: from a request to an action in the pipeline, and from its end to the answer.
 */
#include "engine/op.h"

#include <errno.h>
#include <string.h>

#include "action/pipeline.h"
#include "base/json.h"

static void on_action_done(struct action *a, void *userdata) {
        struct call *call = userdata;

        /* The journal, the upstream request and the response share it. */
        memcpy(call->request.request_id, a->request_id, UUID_SIZE);

        if (a->error.code != AE_NONE)
                op_fail_with_link(call, &a->error);
        else {
                call->request.reconciled = a->reconcile.outcome == RECONCILED_FOUND;
                json_print(a->result, &call->result);
                call_succeed(call);
        }
}

static void on_big_integer(const char *pointer, void *userdata) {
        ae_error_add(userdata, pointer, "is an integer beyond ±2^53: send it as a string");
}

/* A person may think, and the request has its usual time behind that. */
static uint64_t usual_deadline(const struct call *call) {
        const struct settings *s = call->client->engine->settings;

        return s->request_timeout_usec + (call->request.interactive ? s->approval_timeout_usec : 0);
}

static int make_spec(struct call *call, struct action_spec *ret) {
        const struct request *q = &call->request;
        const struct client *c = call->client;
        int r;

        *ret = (struct action_spec){
                .user_id = strdup(call_user(call)),
                .platform = strdup(q->platform),
                .action_type = strdup(q->action_type),
                .account = strdup(call_account(call)),
                .deadline_usec = q->deadline_usec > 0 ? q->deadline_usec : usual_deadline(call),
                .dry_run = q->dry_run,
                .interactive = q->interactive,
                .peer = c->peer,
        };
        r = json_slice_tree(&q->payload, &ret->payload);
        if (q->traceparent)
                ret->traceparent = strdup(q->traceparent);

        if (r < 0 || !ret->user_id || !ret->platform || !ret->action_type || !ret->account ||
            (q->traceparent && !ret->traceparent)) {
                action_spec_done(ret);
                return -ENOMEM;
        }
        return 0;
}

int op_perform_action(struct call *call, struct ae_error *error) {
        struct engine *e = call->client->engine;
        struct action_spec spec;
        struct action *a;
        int r;

        if (e->drain.started) {
                error->retry_after_msec = 1000;
                return ae_error_set(error, AE_OVERLOADED,
                                    "the engine is stopping; try again in a moment");
        }
        /* Taking the key and not honouring it would be worse than saying so. */
        if (call->request.idempotency_key)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'idempotency_key' is not kept by this version of the engine; "
                                    "leave it out, and repeat only what is retryable");

        r = make_spec(call, &spec);
        if (r < 0)
                return r;
        r = action_new(&e->actions, &spec, call->identity, &a);
        if (r < 0)
                return r;
        call->action = a;

        if (call->request.has_big_integer) {
                r = json_slice_big_integers(&call->request.payload, on_big_integer, &a->error);
                if (r < 0)
                        return r;
        }
        call->request.payload = (struct json_slice){ 0 }; /* the line will not live as long */

        pipeline_start(a, on_action_done, call);
        return CALL_PENDING;
}
