/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Engine Control, a service that says centrally which engine may do what, and that hears what came
 * of it:
 *
 *      POST /actions/check       {engine_id, platform, action_type}
 *                                →  {allowed, required_scopes, platform_status}
 *      POST /log/engine_event    the outcome of an action  →  any success
 *
 * with X-Engine-ID and X-Engine-Key. What it says is asked for anew each time, and whoever cannot be
 * asked says no. That it hears of outcomes holds nothing up: see policy/control-log.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/poller.h"
#include "base/secret.h"
#include "policy/policy.h"

struct adviser;
struct control;
struct control_call;

/* All of it is copied. */
struct control_options {
        const char *url; /* a path in it stands before those of the interface */
        const char *engine_id;
        const struct secret *key;
        uint64_t timeout_usec; /* bounds each call */
        const char *ca_file;   /* this and the next three as of struct http_options */
        const char *const *plain;
        const char *unix_socket;
        const char *user_agent;
};

/* The caller owns *ret. Returns 0 or a negative errno. */
int control_new(struct poller *poller, const struct control_options *options, struct control **ret);
/* No question may be under way. What it has not reported is lost. */
struct control *control_free(struct control *c);
DEFINE_CLEANUP(struct control *, control_free);

/*
 * Asks, of a dry run as well. on_answer() comes once, from the event loop, never from within, and
 * *ret is gone after it: POLICY_YES with `required_scopes`, all of which the credential must have;
 * or POLICY_NO with forbidden or policy_unavailable. Only platform and action_type of the question
 * leave the engine. Returns 0 or a negative errno.
 */
int control_check(struct control *c, const struct policy_question *q, policy_answer_fn *on_answer,
                  void *userdata, struct control_call **ret);
/* Without calling back. */
void control_call_cancel(struct control_call *call);

/* The same for the chain: policy/adviser.h. Borrowed, as long as `c` lives. */
struct adviser *control_adviser(struct control *c);

/* What came of an action. Borrowed. */
struct control_event {
        const char *request_id;
        const char *user_id;
        const char *platform; /* this and the next as the client wrote them: cut where too long */
        const char *action_type;
        const char *error_code; /* NULL: it succeeded */
        uint64_t duration_usec;
};

/* Never fails, and never waits: an event that cannot be kept is counted. */
void control_report(struct control *c, const struct control_event *event);

/* For the engine's end: what waits is sent now, and what is not taken then is given up. */
void control_flush(struct control *c);
/* After that: whether something is still on its way. */
bool control_is_busy(const struct control *c);

/* How it was when it was last asked. */
enum control_state {
        CONTROL_NOT_ASKED,
        CONTROL_OK,
        CONTROL_UNAVAILABLE,
};

struct control_health {
        enum control_state state;
        const char *message;       /* borrowed: why it is unavailable, or NULL */
        size_t n_waiting;          /* events */
        unsigned long long n_lost; /* the same */
};

void control_tell_health(const struct control *c, struct control_health *ret);
