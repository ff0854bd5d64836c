/* SPDX-License-Identifier: MIT */
/*
 * The chain of who is asked, and what is made of their answers. Knows neither polkit nor anybody
 * else by more than a table.
 *
 *      adviser → yes → adviser → … → yes            all said yes
 *              → no                                 one did not
 *              → ask → every messenger at once      the first answer counts: yes goes on, no ends
 *
 * However it ends, finish() tells it from the loop's next turn.
 */
#include "policy/policy.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "policy/adviser.h"
#include "policy/person.h"

struct chain {
        struct adviser *of[POLICY_MAX_ADVISERS];
        size_t n;
};

struct policy {
        sd_event *event;
        uint64_t approval_timeout_usec;
        struct chain advisers, messengers;
        struct person_limits person;
};

/* One who was asked: what an answer has to find its way back. */
struct asked {
        struct policy_call *call;
        struct adviser_call *pending;
};

struct policy_call {
        struct policy *policy;
        struct policy_question question;
        policy_answer_fn *on_answer;
        void *userdata;
        size_t turn; /* of the advisers */
        struct asked adviser;
        struct asked messengers[POLICY_MAX_ADVISERS];
        bool asks_person, approved;
        sd_event_source *timeout; /* of the person */
        sd_event_source *finish;

        enum policy_decision decision;
        const char *by;
        uid_t approver;
        struct ae_error error;
        cJSON *required_scopes;
};

int policy_new(sd_event *event, const struct policy_options *options, struct policy **ret) {
        struct policy *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->event = sd_event_ref(event);
        p->approval_timeout_usec = options->approval_timeout_usec;
        p->person.pause_usec = options->approval_pause_usec;
        *ret = p;
        return 0;
}

struct policy *policy_free(struct policy *p) {
        if (!p)
                return NULL;
        sd_event_unref(p->event);
        free(p);
        return NULL;
}

static void add(struct chain *c, struct adviser *a) {
        assert(c->n < POLICY_MAX_ADVISERS);
        c->of[c->n++] = a;
}

void policy_add_adviser(struct policy *p, struct adviser *a) {
        add(&p->advisers, a);
}

void policy_add_messenger(struct policy *p, struct adviser *a) {
        add(&p->messengers, a);
}

static void withdraw(struct asked *a) {
        if (a->pending) {
                struct adviser_call *pending = TAKE_PTR(a->pending);

                pending->adviser->ops->cancel(pending);
        }
}

static void close_person(struct policy_call *call, enum person_end end) {
        if (!call->asks_person)
                return;
        call->asks_person = false;
        call->timeout = sd_event_source_disable_unref(call->timeout);
        for (size_t i = 0; i < POLICY_MAX_ADVISERS; i++)
                withdraw(&call->messengers[i]);
        person_close(&call->policy->person, call->question.peer->uid, end,
                     clock_usec(CLOCK_MONOTONIC));
}

static struct policy_call *call_free(struct policy_call *call) {
        if (!call)
                return NULL;
        close_person(call, PERSON_REFUSED);
        withdraw(&call->adviser);
        sd_event_source_disable_unref(call->finish);
        ae_error_done(&call->error);
        cJSON_Delete(call->required_scopes);
        free(call);
        return NULL;
}
DEFINE_CLEANUP(struct policy_call *, call_free);

void policy_call_cancel(struct policy_call *call) {
        call_free(call);
}

bool policy_call_waits_for_person(const struct policy_call *call) {
        return call->asks_person;
}

static int on_finish(sd_event_source *source, void *userdata) {
        _cleanup_(call_freep) struct policy_call *call = userdata;
        const struct policy_answer answer = {
                .decision = call->decision,
                .by = call->by,
                .error = call->error.code != AE_NONE ? &call->error : NULL,
                .approver = call->approver,
                .required_scopes = call->required_scopes,
        };

        call->on_answer(&answer, call->userdata);
        return 0;
}

static void finish(struct policy_call *call, enum policy_decision decision, const char *by) {
        call->decision = decision;
        call->by = by;
        (void)sd_event_source_set_enabled(call->finish, SD_EVENT_ONESHOT);
}

/* A no that is explained in call->error. */
static void refuse(struct policy_call *call, const char *by) {
        bool decided = call->error.code == AE_FORBIDDEN || call->error.code == AE_APPROVAL_REQUIRED;

        if (call->question.dry_run && decided)
                ae_error_done(&call->error);
        else
                ae_error_detail(&call->error, "by", by);
        finish(call, POLICY_NO, by);
}

static void take_error(struct policy_call *call, const struct ae_error *error) {
        if (!error) {
                (void)ae_error_set(&call->error, AE_FORBIDDEN, "it is not allowed");
                return;
        }
        (void)ae_error_set(&call->error, error->code, "%s", error->message);
        call->error.retry_after_msec = error->retry_after_msec;
}

static void tell_approval_required(struct policy_call *call) {
        (void)ae_error_set(&call->error, AE_APPROVAL_REQUIRED,
                           "a person has to approve %s.%s, and %s", call->question.platform,
                           call->question.action_type,
                           call->question.interactive ? "none can be reached"
                                                      : "`interactive` is false");
}

static void proceed(struct policy_call *call);

static bool is_answered(const struct policy_call *call) {
        for (size_t i = 0; i < POLICY_MAX_ADVISERS; i++)
                if (call->messengers[i].pending)
                        return false;
        return true;
}

/* One way to a person has led nowhere. */
static void lose_messenger(struct policy_call *call) {
        if (!is_answered(call))
                return;
        close_person(call, PERSON_NOT_REACHED);
        if (call->error.code == AE_NONE)
                tell_approval_required(call);
        refuse(call, "person");
}

static void on_person(const struct policy_answer *answer, void *userdata) {
        struct asked *asked = userdata;
        struct policy_call *call = asked->call;

        asked->pending = NULL;
        if (answer->decision == POLICY_YES) {
                close_person(call, PERSON_APPROVED);
                call->approved = true;
                call->by = "person";
                call->approver = answer->approver;
                call->turn++;
                ae_error_done(&call->error);
                proceed(call);
        } else if (answer->decision == POLICY_NO && answer->error &&
                   answer->error->code == AE_APPROVAL_DENIED) {
                close_person(call, PERSON_REFUSED);
                call->approver = answer->approver;
                take_error(call, answer->error);
                refuse(call, "person");
        } else {
                if (answer->decision == POLICY_NO)
                        take_error(call, answer->error);
                lose_messenger(call);
        }
}

static int on_person_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        struct policy_call *call = userdata;

        close_person(call, PERSON_REFUSED);
        (void)ae_error_set(&call->error, AE_APPROVAL_TIMEOUT,
                           "nobody has approved %s.%s in time; nothing was sent",
                           call->question.platform, call->question.action_type);
        refuse(call, "person");
        return 0;
}

static int open_person(struct policy_call *call) {
        struct policy *p = call->policy;
        uint64_t now_usec = clock_usec(CLOCK_MONOTONIC), end_usec, wait_usec;
        int r;

        r = person_open(&p->person, call->question.peer->uid, now_usec, &wait_usec);
        if (r < 0) {
                call->error.retry_after_msec = wait_usec / USEC_PER_MSEC + 1;
                return ae_error_set(&call->error, AE_RATE_LIMITED,
                                    "a person has to approve %s.%s, and is not asked again so "
                                    "soon after another question",
                                    call->question.platform, call->question.action_type);
        }
        call->asks_person = true;

        end_usec = now_usec + p->approval_timeout_usec;
        if (call->question.deadline_usec < end_usec)
                end_usec = call->question.deadline_usec;
        call->question.deadline_usec = end_usec; /* the messengers may tell it */
        r = sd_event_add_time(p->event, &call->timeout, CLOCK_MONOTONIC, end_usec,
                              10 * USEC_PER_MSEC, on_person_timeout, call);
        if (r < 0)
                close_person(call, PERSON_NOT_REACHED);
        return r;
}

static void ask_person(struct policy_call *call) {
        struct policy *p = call->policy;
        struct ae_error ignored = { 0 };
        int r;

        r = open_person(call);
        if (r < 0) {
                (void)ae_error_from_errno(&call->error, r);
                refuse(call, "person");
                return;
        }
        for (size_t i = 0; i < p->messengers.n; i++) {
                struct adviser *m = p->messengers.of[i];

                call->messengers[i].call = call;
                r = m->ops->ask(m, &call->question, on_person, &call->messengers[i],
                                &call->messengers[i].pending, &ignored);
                if (r < 0)
                        call->messengers[i].pending = NULL;
        }
        ae_error_done(&ignored);
        lose_messenger(call);
}

/* `answer` is of the adviser whose turn it is. */
static void on_advice(const struct policy_answer *answer, void *userdata) {
        struct asked *asked = userdata;
        struct policy_call *call = asked->call;
        const char *name = call->policy->advisers.of[call->turn]->ops->name;

        asked->pending = NULL;
        if (answer->required_scopes && !call->required_scopes)
                call->required_scopes = cJSON_Duplicate(answer->required_scopes, true);
        switch (answer->decision) {
        case POLICY_YES:
                if (call->decision != POLICY_ASK && !call->approved)
                        call->by = name;
                call->turn++;
                proceed(call);
                break;
        case POLICY_NO:
                take_error(call, answer->error);
                refuse(call, name);
                break;
        case POLICY_ASK:
                if (call->question.dry_run) {
                        call->decision = POLICY_ASK;
                        call->by = name;
                        call->turn++;
                        proceed(call);
                } else if (call->question.interactive)
                        ask_person(call);
                else {
                        tell_approval_required(call);
                        refuse(call, name);
                }
                break;
        }
}

/* Asks whose turn it is. */
static void proceed(struct policy_call *call) {
        struct policy *p = call->policy;
        struct adviser *a;
        int r;

        if (call->turn == p->advisers.n) {
                finish(call, call->decision, call->by);
                return;
        }
        a = p->advisers.of[call->turn];
        call->adviser.call = call;
        r = a->ops->ask(a, &call->question, on_advice, &call->adviser, &call->adviser.pending,
                        &call->error);
        if (r < 0) {
                call->adviser.pending = NULL;
                (void)ae_error_from_errno(&call->error, r);
                refuse(call, a->ops->name);
        }
}

int policy_ask(struct policy *p, const struct policy_question *q, policy_answer_fn *on_answer,
               void *userdata, struct policy_call **ret) {
        _cleanup_(call_freep) struct policy_call *call = calloc(1, sizeof(*call));
        int r;

        if (!call)
                return -ENOMEM;
        *call = (struct policy_call){
                .policy = p,
                .question = *q,
                .on_answer = on_answer,
                .userdata = userdata,
                .decision = POLICY_YES,
                .by = "scope",
                .approver = (uid_t)-1,
        };
        r = sd_event_add_defer(p->event, &call->finish, on_finish, call);
        if (r >= 0)
                r = sd_event_source_set_enabled(call->finish, SD_EVENT_OFF);
        if (r < 0)
                return r;

        proceed(call);
        *ret = TAKE_PTR(call);
        return 0;
}
