/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Who is asked by policy.c: one of these tables for each. An adviser's own struct has a struct
 * adviser, and its calls begin with struct adviser_call.
 *
 * One that decides by itself answers POLICY_YES, POLICY_NO or POLICY_ASK. A messenger puts the
 * question to a person: POLICY_YES is approved (with `approver`), POLICY_NO is denied, POLICY_ASK
 * that it reaches nobody.
 */

#include "policy/policy.h"

struct adviser;
struct adviser_call;

struct adviser_ops {
        const char *name; /* static: "polkit", for `details.by` */
        /*
         * Returns 0 when on_answer() will come, from the event loop, once, and *ret is gone after
         * it; with POLICY_NO the answer has an error, whose `details.by` policy.c adds. Returns a
         * negative errno, with `error` set, when it is a no at once.
         */
        int (*ask)(struct adviser *a, const struct policy_question *q, policy_answer_fn *on_answer,
                   void *userdata, struct adviser_call **ret, struct ae_error *error);
        /* Without calling back. */
        void (*cancel)(struct adviser_call *call);
};

struct adviser {
        const struct adviser_ops *ops;
};

struct adviser_call {
        struct adviser *adviser;
};
