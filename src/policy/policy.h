/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * May they? What is allowed beyond the token's scope is asked of others, each where it is
 * configured: polkit, and a person if polkit says that one must be asked; then Engine Control. Any
 * no is a no, and so is whoever cannot be asked (`policy_unavailable`). Nothing here blocks, and
 * nothing is remembered: the digest of the very payload is part of each question.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/id.h"
#include "ipc/peer.h"

struct adviser;
struct cJSON;
struct identity;
struct policy;
struct policy_call;

/* One name of a fixed list, one value: what a rule may decide by. Borrowed. */
struct policy_fact {
        const char *name; /* "recipient_domains" */
        const char *value;
};

#define POLICY_MAX_FACTS 8
/* In bytes; what is longer is refused, never cut: a rule must not decide by half a list. */
#define POLICY_MAX_VALUE 32768

/* What is to be let out. All of it is borrowed until the answer came or the call was cancelled. */
struct policy_question {
        const struct peer *peer; /* pinned at accept */
        const char *request_id;
        const char *user_id;
        const char *platform;
        const char *action_type;
        const char *account;
        bool built_in;       /* polkit knows it by an action id of its own */
        const char *summary; /* one sentence for a person, written by the adapter */
        const char *digest;  /* of the action, in hex */
        const struct policy_fact *facts;
        size_t n_facts;
        const struct cJSON *payload; /* for whoever wants to see all of it before he approves */
        /* Whose token it is, to tell an approver from who asks. Nothing here looks into it. */
        const struct identity *identity;
        bool approves;          /* it is about who answers for another: see inbox.h */
        bool interactive;       /* a person may be asked */
        bool dry_run;           /* nobody is asked, and nobody is told: what would be said? */
        uint64_t deadline_usec; /* CLOCK_MONOTONIC; until then a person may think */
};

enum policy_decision {
        POLICY_YES,
        POLICY_NO,
        POLICY_ASK, /* a person would have to be asked */
};

/* Borrowed by the callback. */
struct policy_answer {
        enum policy_decision decision;
        /* Static: "scope" (nobody else is configured), "polkit", "person", "engine_control". */
        const char *by;
        /* NULL with POLICY_YES, and of a dry run that could be decided. */
        const struct ae_error *error;
        uid_t approver; /* of "person"; (uid_t)-1: polkit's agent does not tell */
        const struct cJSON *required_scopes; /* of Engine Control: an array of strings, or NULL */
};

typedef void policy_answer_fn(const struct policy_answer *answer, void *userdata);

struct policy_options {
        uint64_t approval_timeout_usec; /* so long a person may think, within the deadline */
        uint64_t approval_pause_usec; /* after a no nobody is asked for the same uid: see person.h */
};

#define POLICY_MAX_ADVISERS 4

/* The caller owns *ret. Returns 0 or -ENOMEM. */
int policy_new(sd_event *event, const struct policy_options *options, struct policy **ret);
/* No call may be under way. */
struct policy *policy_free(struct policy *p);
DEFINE_CLEANUP(struct policy *, policy_free);

/*
 * The chain: each is asked when the one before has said yes, and all of them must. Those who reach a
 * person are asked at the same time, once an adviser has said that one must be asked, and the first
 * answer counts. Borrowed for the policy's life; see policy/adviser.h. At the start alone.
 */
void policy_add_adviser(struct policy *p, struct adviser *a);
void policy_add_messenger(struct policy *p, struct adviser *a);

/*
 * Asks. on_answer() comes once, from the event loop, never from within, and *ret is gone after it.
 * Errors an answer may carry: forbidden (`details.by` names who), approval_required,
 * approval_denied, approval_timeout, policy_unavailable, rate_limited. Returns 0 or -ENOMEM.
 */
int policy_ask(struct policy *p, const struct policy_question *q, policy_answer_fn *on_answer,
               void *userdata, struct policy_call **ret);
/* Withdraws the question, from polkit and from the inbox too, without calling back. */
void policy_call_cancel(struct policy_call *call);
/* Whether a person thinks about it at this moment. */
bool policy_call_waits_for_person(const struct policy_call *call);
