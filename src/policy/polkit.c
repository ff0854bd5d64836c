/* SPDX-License-Identifier: MIT */
#include "policy/polkit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "policy/action-id.h"
#include "policy/details.h"
#include "policy/subject.h"

#define NAME "org.freedesktop.PolicyKit1"
#define PATH "/org/freedesktop/PolicyKit1/Authority"
#define INTERFACE NAME ".Authority"

/* So long after a failed attempt the next may be made; doubled each time. */
#define MIN_PAUSE_USEC (100 * USEC_PER_MSEC)
#define MAX_PAUSE_USEC (5 * USEC_PER_SEC)

enum {
        FLAG_NONE = 0,
        FLAG_ALLOW_USER_INTERACTION = 1,
};

struct polkit {
        sd_event *event;
        struct adviser rules, agent;
        uint64_t timeout_usec;
        polkit_open_fn *open_bus;
        void *userdata;
        sd_bus *bus;
        uint64_t pause_usec;   /* 0: the last attempt was good */
        uint64_t attempt_usec; /* no other before then */
        uint64_t n_questions;
        bool unavailable; /* and said so */
};

#define CANCELLATION_ID_SIZE sizeof("action-engine-18446744073709551615")

struct polkit_call {
        struct adviser_call base;
        struct polkit *polkit;
        sd_bus_slot *slot;
        char cancellation_id[CANCELLATION_ID_SIZE];
        const struct policy_question *question;
        policy_answer_fn *on_answer;
        void *userdata;
};

static int open_system_bus(void *userdata, sd_bus **ret) {
        return sd_bus_open_system_with_description(ret, "policy");
}

static void drop_bus(struct polkit *p) {
        p->bus = sd_bus_close_unref(p->bus);
}

/* One that is opened and not processed is thrown out by the bus, so it is attached at once. */
static int connect_bus(struct polkit *p) {
        int r;

        r = p->open_bus(p->userdata, &p->bus);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(p->bus, p->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                drop_bus(p);
        return r;
}

/* Opens the bus if there is none, but not too often: an attempt counts as failed until an answer. */
static int have_bus(struct polkit *p) {
        uint64_t now_usec = clock_usec(CLOCK_MONOTONIC);

        if (p->bus && sd_bus_is_open(p->bus) > 0)
                return 0;
        drop_bus(p);
        if (now_usec < p->attempt_usec)
                return -EHOSTDOWN;
        p->pause_usec = p->pause_usec == 0 ? MIN_PAUSE_USEC : 2 * p->pause_usec;
        if (p->pause_usec > MAX_PAUSE_USEC)
                p->pause_usec = MAX_PAUSE_USEC;
        p->attempt_usec = now_usec + p->pause_usec;
        return connect_bus(p);
}

static int tell_unavailable(struct polkit *p, const char *why, struct ae_error *error) {
        if (!p->unavailable)
                log_warning("polkit cannot be asked, and nothing is allowed until it can: %s", why);
        p->unavailable = true;
        error->retry_after_msec = 1000;
        return ae_error_set(error, AE_POLICY_UNAVAILABLE,
                            "polkit cannot be asked; try again in a moment");
}

static void note_available(struct polkit *p) {
        if (p->unavailable)
                log_info("polkit can be asked again");
        p->unavailable = false;
        p->pause_usec = 0;
        p->attempt_usec = 0;
}

static void call_free(struct polkit_call *call) {
        sd_bus_slot_unref(call->slot);
        free(call);
}

/* Ends the call and tells what came of it. */
static void answer(struct polkit_call *call, enum policy_decision decision,
                   const struct ae_error *error) {
        const struct policy_answer a = {
                .decision = decision,
                .by = call->base.adviser->ops->name,
                .error = error,
                .approver = (uid_t)-1,
        };
        policy_answer_fn *on_answer = call->on_answer;
        void *userdata = call->userdata;

        call_free(call);
        on_answer(&a, userdata);
}

/* Every error is a no. Which one depends on whether the process that asked is still there. */
static void answer_error(struct polkit_call *call, const sd_bus_error *e) {
        struct ae_error error = { 0 };
        char why[256];

        if (subject_check(call->question->peer, &error) == 0) {
                snprintf(why, sizeof(why), "%s: %s", e->name, e->message ? e->message : "");
                (void)tell_unavailable(call->polkit, why, &error);
        }
        answer(call, POLICY_NO, &error);
        ae_error_done(&error);
}

static void answer_no(struct polkit_call *call) {
        const struct policy_question *q = call->question;
        struct ae_error error = { 0 };

        if (call->base.adviser == &call->polkit->agent)
                (void)ae_error_set(&error, AE_APPROVAL_DENIED,
                                   "%s.%s was not approved; nothing was sent", q->platform,
                                   q->action_type);
        else
                (void)ae_error_set(&error, AE_FORBIDDEN,
                                   "polkit does not allow %s.%s with this payload; its rules are "
                                   "the administrator's",
                                   q->platform, q->action_type);
        answer(call, POLICY_NO, &error);
        ae_error_done(&error);
}

/*
 * What ends in KEEP is remembered for the action id, whatever the details: an approval of one
 * payload would let out others. The answer tells, before a person is asked and after.
 */
static int read_kept(sd_bus_message *m, bool *ret) {
        static const char *const signs[] = { "polkit.retains_authorization_after_challenge",
                                             "polkit.temporary_authorization_id" };
        const char *name, *value;
        int r;

        *ret = false;
        r = sd_bus_message_enter_container(m, 'a', "{ss}");
        while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &name, &value)) > 0)
                for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                        *ret |= strcmp(name, signs[i]) == 0;
        return r;
}

static void answer_kept(struct polkit_call *call) {
        struct ae_error error = { 0 };

        (void)ae_error_set(&error, AE_FORBIDDEN,
                           "polkit would keep an approval for other payloads: the rule for %s.%s "
                           "ends in KEEP, which is not taken",
                           call->question->platform, call->question->action_type);
        answer(call, POLICY_NO, &error);
        ae_error_done(&error);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct polkit_call *call = userdata;
        int authorized, challenge, r;
        bool kept;

        if (sd_bus_message_is_method_error(m, NULL)) {
                answer_error(call, sd_bus_message_get_error(m));
                return 0;
        }
        r = sd_bus_message_enter_container(m, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(m, "bb", &authorized, &challenge);
        if (r >= 0)
                r = read_kept(m, &kept);
        if (r < 0) {
                const sd_bus_error e = SD_BUS_ERROR_MAKE_CONST(SD_BUS_ERROR_INVALID_SIGNATURE,
                                                               "an answer of another shape");

                answer_error(call, &e);
                return 0;
        }

        note_available(call->polkit);
        if (kept)
                answer_kept(call);
        else if (authorized)
                answer(call, POLICY_YES, NULL);
        else if (challenge)
                answer(call, POLICY_ASK, NULL);
        else
                answer_no(call);
        return 0;
}

static int append_details(sd_bus_message *m, const struct details *d) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{ss}");
        for (size_t i = 0; r >= 0 && i < d->n; i++)
                r = sd_bus_message_append(m, "{ss}", d->of[i].name, d->of[i].value.data);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int make_message(struct polkit_call *call, const struct details *d, uint32_t flags,
                        sd_bus_message **ret) {
        const struct policy_question *q = call->question;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        char id[ACTION_ID_MAX] = ACTION_ID_PERFORM;
        int r;

        if (q->approves)
                strcpy(id, ACTION_ID_APPROVE);
        else if (q->built_in) {
                r = action_id_write(q->platform, q->action_type, id);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_new_method_call(call->polkit->bus, &m, NAME, PATH, INTERFACE,
                                           "CheckAuthorization");
        if (r < 0)
                return r;
        r = subject_append(q->peer, m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", id);
        if (r < 0)
                return r;
        r = append_details(m, d);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "us", flags, call->cancellation_id);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

static int send_question(struct polkit_call *call, uint32_t flags, uint64_t timeout_usec,
                         struct ae_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(details_done) struct details details = { 0 };
        int r;

        r = subject_check(call->question->peer, error);
        if (r < 0)
                return r;
        r = details_make(call->question, &details, error);
        if (r < 0)
                return r;

        r = have_bus(call->polkit);
        if (r >= 0)
                r = make_message(call, &details, flags, &m);
        if (r >= 0)
                r = sd_bus_call_async(call->polkit->bus, &call->slot, m, on_reply, call,
                                      timeout_usec);
        if (r == -ENOMEM || r == -EINVAL)
                return r;
        return r < 0 ? tell_unavailable(call->polkit, strerror(-r), error) : 0;
}

static int ask(struct polkit *p, struct adviser *a, const struct policy_question *q,
               policy_answer_fn *on_answer, void *userdata, struct adviser_call **ret,
               struct ae_error *error) {
        bool interactive = a == &p->agent;
        struct polkit_call *call = calloc(1, sizeof(*call));
        int r;

        if (!call)
                return -ENOMEM;
        *call = (struct polkit_call){
                .base.adviser = a,
                .polkit = p,
                .question = q,
                .on_answer = on_answer,
                .userdata = userdata,
        };
        snprintf(call->cancellation_id, sizeof(call->cancellation_id), "action-engine-%" PRIu64,
                 ++p->n_questions);

        /* A person thinks for as long as whoever asks lets him. */
        r = send_question(call, interactive ? FLAG_ALLOW_USER_INTERACTION : FLAG_NONE,
                          interactive ? UINT64_MAX : p->timeout_usec, error);
        if (r < 0) {
                call_free(call);
                return r;
        }
        *ret = &call->base;
        return 0;
}

static int ask_rules(struct adviser *a, const struct policy_question *q,
                     policy_answer_fn *on_answer, void *userdata, struct adviser_call **ret,
                     struct ae_error *error) {
        struct polkit *p = CONTAINER_OF(a, struct polkit, rules);

        return ask(p, a, q, on_answer, userdata, ret, error);
}

static int ask_agent(struct adviser *a, const struct policy_question *q,
                     policy_answer_fn *on_answer, void *userdata, struct adviser_call **ret,
                     struct ae_error *error) {
        struct polkit *p = CONTAINER_OF(a, struct polkit, agent);

        return ask(p, a, q, on_answer, userdata, ret, error);
}

/* polkit takes the question away from an agent that still shows it. Best effort. */
static void cancel(struct adviser_call *c) {
        struct polkit_call *call = (struct polkit_call *)c;
        sd_bus *bus = call->polkit->bus;

        if (bus && sd_bus_is_open(bus) > 0)
                (void)sd_bus_call_method_async(bus, NULL, NAME, PATH, INTERFACE,
                                               "CancelCheckAuthorization", NULL, NULL, "s",
                                               call->cancellation_id);
        call_free(call);
}

static const struct adviser_ops rules_ops = { "polkit", ask_rules, cancel };
static const struct adviser_ops agent_ops = { "person", ask_agent, cancel };

int polkit_new(sd_event *event, uint64_t timeout_usec, polkit_open_fn *open_bus, void *userdata,
               struct polkit **ret) {
        struct polkit *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        *p = (struct polkit){
                .event = sd_event_ref(event),
                .rules.ops = &rules_ops,
                .agent.ops = &agent_ops,
                .timeout_usec = timeout_usec,
                .open_bus = open_bus ? open_bus : open_system_bus,
                .userdata = userdata,
        };
        (void)have_bus(p); /* so that it is ready for the first question; who asks is told of faults */
        *ret = p;
        return 0;
}

struct polkit *polkit_free(struct polkit *p) {
        if (!p)
                return NULL;
        drop_bus(p);
        sd_event_unref(p->event);
        free(p);
        return NULL;
}

struct adviser *polkit_rules(struct polkit *p) {
        return &p->rules;
}

struct adviser *polkit_agent(struct polkit *p) {
        return &p->agent;
}
