/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What waits for a person: a messenger of policy/adviser.h that keeps each question until somebody
 * who may looks at it and says yes or no, from another connection. Who may see which question is
 * for its caller to say; that the one who answers is a person is for polkit, which is asked about
 * the process that he answers from.
 *
 *      policy ──ask──▶ item ◀──inbox_decide()── an approver ──▶ polkit: `approve`, same details
 *             ◀─────────────── yes or no ◀─────────────────────── yes
 *
 * An item belongs to whoever asked, and is gone with the question: answered by another, withdrawn,
 * or too late. Who was about to decide it is then told so.
 */

#include "base/id.h"
#include "policy/adviser.h"

struct inbox;
struct inbox_decision;

#define INBOX_MAX_ITEMS 256
/* Of their payloads as JSON. A single one fits into a line of the protocol. */
#define INBOX_MAX_BYTES ((size_t)63 << 20)

struct inbox_item {
        char id[UUID_SIZE];
        const struct policy_question *question;
        size_t payload_size;                 /* as JSON */
        uint64_t created_usec, expires_usec; /* CLOCK_REALTIME */
};

/* Who answers. Borrowed until the decision is over. */
struct inbox_approver {
        const struct peer *peer;
        bool interactive;       /* polkit may ask him to prove who he is */
        uint64_t deadline_usec; /* CLOCK_MONOTONIC */
};

/* `approvers` is the chain that authorises who answers; borrowed. *ret is the caller's. 0 or -errno. */
int inbox_new(sd_event *event, struct policy *approvers, struct inbox **ret);
/* No item may be left. */
struct inbox *inbox_free(struct inbox *x);
DEFINE_CLEANUP(struct inbox *, inbox_free);

struct adviser *inbox_messenger(struct inbox *x);

/* The oldest, or what came after; NULL at the end. Borrowed until the loop's next turn. */
const struct inbox_item *inbox_next(const struct inbox *x, const struct inbox_item *after);
const struct inbox_item *inbox_find(const struct inbox *x, const char *id);

/*
 * How it ended: error is NULL when the answer has been given, and counts. Else forbidden,
 * approval_required (he would have to prove who he is), approval_timeout, policy_unavailable,
 * rate_limited; invalid_state when the question went away meanwhile.
 */
typedef void inbox_done_fn(const struct ae_error *error, void *userdata);

/*
 * Answers for the item, if polkit lets him. on_done() comes once, from the event loop, never from
 * within, and *ret is gone after it. Returns 0 or a negative errno.
 */
int inbox_decide(struct inbox *x, const struct inbox_item *item, bool approve,
                 const struct inbox_approver *by, inbox_done_fn *on_done, void *userdata,
                 struct inbox_decision **ret);
/* Without calling back; NULL is fine. */
void inbox_decision_cancel(struct inbox_decision *d);
