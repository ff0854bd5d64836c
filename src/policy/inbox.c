/* SPDX-License-Identifier: MIT */
#include "policy/inbox.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "base/json.h"

struct entry {
        struct adviser_call base;
        struct inbox_item item;
        policy_answer_fn *on_answer;
        void *userdata;
        struct inbox_decision *decisions; /* a list */
        struct entry *previous, *next;
};

struct inbox {
        struct adviser messenger;
        sd_event *event;
        struct policy *approvers;
        struct entry *first, *last; /* by age */
        size_t n_entries, n_bytes;
};

/* One who is about to answer: polkit thinks about him. */
struct inbox_decision {
        struct entry *entry; /* NULL: it went away */
        bool approve;
        uid_t uid;
        struct policy_call *call;
        sd_event_source *lost;
        inbox_done_fn *on_done;
        void *userdata;
        struct inbox_decision *previous, *next;
};

static struct entry *entry_of(const struct inbox_item *item) {
        return CONTAINER_OF(item, struct entry, item);
}

static struct inbox *inbox_of(struct adviser *a) {
        return CONTAINER_OF(a, struct inbox, messenger);
}

static void leave_entry(struct inbox_decision *d) {
        struct entry *e = d->entry;

        if (!e)
                return;
        if (d->previous)
                d->previous->next = d->next;
        else
                e->decisions = d->next;
        if (d->next)
                d->next->previous = d->previous;
        d->entry = NULL;
}

void inbox_decision_cancel(struct inbox_decision *d) {
        if (!d)
                return;
        leave_entry(d);
        if (d->call)
                policy_call_cancel(d->call);
        sd_event_source_disable_unref(d->lost);
        free(d);
}

/* The question that polkit was asked is gone, so it is withdrawn now, and its end told later. */
static void lose_decisions(struct entry *e) {
        while (e->decisions) {
                struct inbox_decision *d = e->decisions;

                leave_entry(d);
                if (d->call)
                        policy_call_cancel(TAKE_PTR(d->call));
                (void)sd_event_source_set_enabled(d->lost, SD_EVENT_ONESHOT);
        }
}

static void entry_free(struct entry *e) {
        struct inbox *x = inbox_of(e->base.adviser);

        lose_decisions(e);
        if (e->previous)
                e->previous->next = e->next;
        else
                x->first = e->next;
        if (e->next)
                e->next->previous = e->previous;
        else
                x->last = e->previous;
        x->n_entries--;
        x->n_bytes -= e->item.payload_size;
        free(e);
}

/* ---- who asks ---- */

static int measure(const cJSON *payload, size_t *ret) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        int r;

        json_print(payload, &text);
        r = buffer_error(&text);
        if (r >= 0)
                *ret = text.size;
        return r;
}

static int ask(struct adviser *a, const struct policy_question *q, policy_answer_fn *on_answer,
               void *userdata, struct adviser_call **ret, struct ae_error *error) {
        struct inbox *x = inbox_of(a);
        struct entry *e;
        size_t size;
        int r;

        r = measure(q->payload, &size);
        if (r < 0)
                return r;
        if (x->n_entries == INBOX_MAX_ITEMS || size > INBOX_MAX_BYTES - x->n_bytes) {
                log_warning("The inbox is full: a question of uid %u does not stand in it",
                            (unsigned)q->peer->uid);
                return ae_error_set(error, AE_OVERLOADED,
                                    "the inbox is full; try again in a moment");
        }

        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        *e = (struct entry){
                .base.adviser = a,
                .item.question = q,
                .item.payload_size = size,
                .item.created_usec = clock_usec(CLOCK_REALTIME),
                .item.expires_usec = clock_realtime_at(q->deadline_usec),
                .on_answer = on_answer,
                .userdata = userdata,
                .previous = x->last,
        };
        id_uuid7(e->item.id);
        if (x->last)
                x->last->next = e;
        else
                x->first = e;
        x->last = e;
        x->n_entries++;
        x->n_bytes += size;
        *ret = &e->base;
        return 0;
}

static void cancel(struct adviser_call *call) {
        entry_free((struct entry *)call);
}

static const struct adviser_ops messenger_ops = { "person", ask, cancel };

int inbox_new(sd_event *event, struct policy *approvers, struct inbox **ret) {
        struct inbox *x = calloc(1, sizeof(*x));

        if (!x)
                return -ENOMEM;
        x->messenger.ops = &messenger_ops;
        x->event = sd_event_ref(event);
        x->approvers = approvers;
        *ret = x;
        return 0;
}

struct inbox *inbox_free(struct inbox *x) {
        if (!x)
                return NULL;
        assert(!x->first);
        sd_event_unref(x->event);
        free(x);
        return NULL;
}

struct adviser *inbox_messenger(struct inbox *x) {
        return &x->messenger;
}

const struct inbox_item *inbox_next(const struct inbox *x, const struct inbox_item *after) {
        const struct entry *e = after ? entry_of(after)->next : x->first;

        return e ? &e->item : NULL;
}

const struct inbox_item *inbox_find(const struct inbox *x, const char *id) {
        for (const struct entry *e = x->first; e; e = e->next)
                if (strcmp(e->item.id, id) == 0)
                        return &e->item;
        return NULL;
}

/* ---- who answers ---- */

static void done(struct inbox_decision *d, const struct ae_error *error) {
        inbox_done_fn *on_done = d->on_done;
        void *userdata = d->userdata;

        inbox_decision_cancel(d);
        on_done(error, userdata);
}

static int on_lost(sd_event_source *source, void *userdata) {
        struct ae_error error = { 0 };

        (void)ae_error_set(&error, AE_INVALID_STATE,
                           "the question went away meanwhile: it was answered, withdrawn, or too "
                           "late; nothing of yours counts");
        done(userdata, &error);
        return 0;
}

/* Whoever asked is told. The entry is gone afterwards, and with it the others' decisions. */
static void answer(struct entry *e, bool approve, uid_t uid) {
        const struct policy_question *q = e->item.question;
        struct ae_error error = { 0 };
        const struct policy_answer a = {
                .decision = approve ? POLICY_YES : POLICY_NO,
                .by = messenger_ops.name,
                .error = approve ? NULL : &error,
                .approver = uid,
        };
        policy_answer_fn *on_answer = e->on_answer;
        void *userdata = e->userdata;

        if (!approve)
                (void)ae_error_set(&error, AE_APPROVAL_DENIED,
                                   "%s.%s was not approved; nothing was sent", q->platform,
                                   q->action_type);
        entry_free(e);
        on_answer(&a, userdata);
        ae_error_done(&error);
}

/* policy.c speaks to who wants to act; here it is about who approves. */
static void refuse(struct inbox_decision *d, const struct ae_error *why) {
        static const struct {
                enum ae_code code, told;
                const char *sentence;
        } words[] = {
                { AE_FORBIDDEN, AE_FORBIDDEN, "polkit does not let you answer this question" },
                { AE_APPROVAL_REQUIRED, AE_APPROVAL_REQUIRED,
                  "you have to prove to polkit who you are: set `interactive`, and have an agent "
                  "in your session, such as pkttyagent(1)" },
                { AE_APPROVAL_DENIED, AE_FORBIDDEN,
                  "polkit was not convinced that it is you; the question still stands" },
                { AE_APPROVAL_TIMEOUT, AE_APPROVAL_TIMEOUT,
                  "you have not proved to polkit in time who you are" },
                { AE_RATE_LIMITED, AE_RATE_LIMITED,
                  "polkit asks you already, or has just done so in vain" },
        };
        struct ae_error error = { .retry_after_msec = why->retry_after_msec };

        (void)ae_error_set(&error, why->code, "%s", why->message);
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (words[i].code == why->code)
                        (void)ae_error_set(&error, words[i].told, "%s", words[i].sentence);
        if (error.code == AE_FORBIDDEN)
                ae_error_detail(&error, "by", "polkit");
        done(d, &error);
        ae_error_done(&error);
}

static void on_authorised(const struct policy_answer *a, void *userdata) {
        struct inbox_decision *d = userdata;
        struct entry *e = d->entry;

        d->call = NULL;
        if (a->decision != POLICY_YES) {
                refuse(d, a->error);
                return;
        }
        leave_entry(d);
        answer(e, d->approve, d->uid);
        done(d, NULL);
}

int inbox_decide(struct inbox *x, const struct inbox_item *item, bool approve,
                 const struct inbox_approver *by, inbox_done_fn *on_done, void *userdata,
                 struct inbox_decision **ret) {
        struct entry *e = entry_of(item);
        struct policy_question question = *item->question;
        struct inbox_decision *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;
        *d = (struct inbox_decision){
                .entry = e,
                .approve = approve,
                .uid = by->peer->uid,
                .on_done = on_done,
                .userdata = userdata,
                .next = e->decisions,
        };
        if (d->next)
                d->next->previous = d;
        e->decisions = d;

        question.peer = by->peer;
        question.approves = true;
        question.interactive = by->interactive;
        if (by->deadline_usec < question.deadline_usec)
                question.deadline_usec = by->deadline_usec;
        r = sd_event_add_defer(x->event, &d->lost, on_lost, d);
        if (r >= 0)
                r = sd_event_source_set_enabled(d->lost, SD_EVENT_OFF);
        if (r >= 0)
                r = policy_ask(x->approvers, &question, on_authorised, d, &d->call);
        if (r < 0) {
                inbox_decision_cancel(d);
                return r;
        }
        *ret = d;
        return 0;
}
