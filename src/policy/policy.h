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

struct cJSON;
struct policy;
struct policy_call;

/* One name of a fixed list, one value: what a rule may decide by. Borrowed. */
struct policy_fact {
        const char *name; /* "recipient_domains" */
        const char *value;
};

#define POLICY_MAX_FACTS 8
#define POLICY_MAX_VALUE 4096 /* bytes; what is longer is refused, never cut */

/* What is to be let out. All of it is borrowed until policy_ask() returns. */
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
        bool interactive;            /* a person may be asked */
        bool dry_run;                /* nobody is asked, and nobody is told: what would be said? */
        uint64_t deadline_usec;      /* CLOCK_MONOTONIC; until then a person may think */
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
        const struct ae_error *error; /* NULL with POLICY_YES; and of a dry run */
        uid_t approver;               /* of "person"; (uid_t)-1: polkit's agent does not tell */
        const struct cJSON *required_scopes; /* of Engine Control: an array of strings, or NULL */
};

typedef void policy_answer_fn(const struct policy_answer *answer, void *userdata);

/*
 * Asks. on_answer() comes once, from the event loop, never from within, and *ret is gone after it.
 * Errors an answer may carry: forbidden (`details.by` names who), approval_required,
 * approval_denied, approval_timeout, policy_unavailable, rate_limited. Returns 0 or -ENOMEM.
 */
int policy_ask(struct policy *p, const struct policy_question *q, policy_answer_fn *on_answer,
               void *userdata, struct policy_call **ret);
/* Withdraws the question, from polkit and from the inbox too, without calling back. */
void policy_call_cancel(struct policy_call *call);
