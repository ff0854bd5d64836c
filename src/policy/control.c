/* SPDX-License-Identifier: MIT */
#include "policy/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "policy/adviser.h"
#include "policy/control-answer.h"
#include "policy/control-link.h"
#include "policy/control-log.h"

#define MAX_NAME 256 /* bytes of what an event says, with the NUL */

struct control {
        struct adviser adviser;
        struct control_link link;
        struct control_log *log;
        enum control_state state;
        char problem[AE_MESSAGE_SIZE]; /* while it is unavailable */
};

/* One question. It ends with its answer, or when it is withdrawn. */
struct control_call {
        struct adviser_call adviser; /* the chain's view of it */
        struct control *control;
        char *platform, *action_type;
        struct http_request request;
        struct http_call *call;
        policy_answer_fn *on_answer;
        void *userdata;
};

static struct control_call *call_free(struct control_call *call) {
        if (!call)
                return NULL;
        http_call_cancel(call->call); /* before the request that it borrows */
        http_request_done(&call->request);
        free(call->platform);
        free(call->action_type);
        free(call);
        return NULL;
}
DEFINE_CLEANUP(struct control_call *, call_free);

void control_call_cancel(struct control_call *call) {
        call_free(call);
}

static void note_health(struct control *c, const struct ae_error *error) {
        if (error->code == AE_NONE || error->code == AE_FORBIDDEN)
                c->state = CONTROL_OK;
        else {
                c->state = CONTROL_UNAVAILABLE;
                snprintf(c->problem, sizeof(c->problem), "%s", error->message);
        }
}

static void on_response(const struct http_response *response, void *userdata) {
        _cleanup_(call_freep) struct control_call *call = userdata;
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(json_freep) cJSON *scopes = NULL;
        struct policy_answer answer;
        int r;

        call->call = NULL;
        r = control_answer_read(response, call->platform, call->action_type, &scopes, &error);
        if (r < 0)
                (void)ae_error_from_errno(&error, r);
        note_health(call->control, &error);

        answer = (struct policy_answer){
                .decision = r < 0 ? POLICY_NO : POLICY_YES,
                .by = call->adviser.adviser->ops->name,
                .error = r < 0 ? &error : NULL,
                .approver = (uid_t)-1,
                .required_scopes = scopes,
        };
        call->on_answer(&answer, call->userdata);
}

static void print_member(struct buffer *to, const char *name, const char *value) {
        buffer_printf(to, "%s\"%s\":", to->size > 0 ? "," : "{", name);
        json_print_string(value, strlen(value), to);
}

static int send_question(struct control_call *call) {
        static const struct http_handler handler = { .on_done = on_response };
        const struct control_link *link = &call->control->link;
        struct buffer *to = &call->request.body;
        int r;

        r = control_link_prepare(link, "/actions/check", &call->request);
        if (r < 0)
                return r;
        print_member(to, "engine_id", link->engine_id);
        print_member(to, "platform", call->platform);
        print_member(to, "action_type", call->action_type);
        buffer_putc(to, '}');
        r = buffer_error(to);
        return r < 0 ? r
                     : http_call(link->http, &call->request, /* deadline_usec= */ 0, &handler, call,
                                 &call->call);
}

int control_check(struct control *c, const struct policy_question *q, policy_answer_fn *on_answer,
                  void *userdata, struct control_call **ret) {
        _cleanup_(call_freep) struct control_call *call = calloc(1, sizeof(*call));
        int r;

        if (!call)
                return -ENOMEM;
        *call = (struct control_call){
                .adviser.adviser = &c->adviser,
                .control = c,
                .platform = strdup(q->platform),
                .action_type = strdup(q->action_type),
                .on_answer = on_answer,
                .userdata = userdata,
        };
        if (!call->platform || !call->action_type)
                return -ENOMEM;
        r = send_question(call);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(call);
        return 0;
}

static int ask(struct adviser *a, const struct policy_question *q, policy_answer_fn *on_answer,
               void *userdata, struct adviser_call **ret, struct ae_error *error) {
        struct control_call *call;
        int r;

        r = control_check((struct control *)a, q, on_answer, userdata, &call);
        if (r < 0)
                return r;
        *ret = &call->adviser;
        return 0;
}

static void cancel(struct adviser_call *call) {
        control_call_cancel((struct control_call *)call);
}

struct adviser *control_adviser(struct control *c) {
        return &c->adviser;
}

/* A client may have written anything, of any length. */
static void print_cut(struct buffer *to, const char *name, const char *value) {
        char text[MAX_NAME];

        ae_error_quote(text, sizeof(text), value);
        print_member(to, name, text);
}

void control_report(struct control *c, const struct control_event *event) {
        _cleanup_(buffer_done) struct buffer body = { 0 };
        char now[RFC3339_SIZE];

        clock_format_rfc3339(clock_usec(CLOCK_REALTIME), now);
        print_member(&body, "engine_id", c->link.engine_id);
        print_member(&body, "timestamp", now);
        print_member(&body, "request_id", event->request_id);
        print_cut(&body, "user_id", event->user_id);
        print_cut(&body, "platform", event->platform);
        print_cut(&body, "action_type", event->action_type);
        print_member(&body, "status", event->error_code ? "error" : "success");
        if (event->error_code)
                print_member(&body, "error_code", event->error_code);
        buffer_printf(&body, ",\"duration_ms\":%llu}",
                      (unsigned long long)(event->duration_usec / USEC_PER_MSEC));
        control_log_add(c->log, &body);
}

void control_flush(struct control *c) {
        control_log_flush(c->log);
}

bool control_is_busy(const struct control *c) {
        return control_log_is_busy(c->log);
}

void control_tell_health(const struct control *c, struct control_health *ret) {
        *ret = (struct control_health){
                .state = c->state,
                .message = c->state == CONTROL_UNAVAILABLE ? c->problem : NULL,
                .n_waiting = control_log_n_waiting(c->log),
                .n_lost = control_log_n_lost(c->log),
        };
}

int control_new(struct poller *poller, const struct control_options *options,
                struct control **ret) {
        static const struct adviser_ops ops = {
                .name = "engine_control",
                .ask = ask,
                .cancel = cancel,
        };
        _cleanup_(control_freep) struct control *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->adviser.ops = &ops;
        r = control_link_init(&c->link, poller, options);
        if (r < 0)
                return r;
        r = control_log_new(poller_event(poller), &c->link, &c->log);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

struct control *control_free(struct control *c) {
        if (!c)
                return NULL;
        control_log_free(c->log);
        control_link_done(&c->link);
        free(c);
        return NULL;
}
