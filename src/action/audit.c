/* SPDX-License-Identifier: MIT */
#include "action/audit.h"

#include <string.h>

#include "action/action.h"
#include "action/digest.h"
#include "base/clock.h"
#include "base/journal.h"
#include "policy/control.h"

/* Explained by the message catalogue. */
#define MESSAGE_ID_SUCCEEDED "9109053448b54a099dfa84b15218ba28"
#define MESSAGE_ID_FAILED "7b66f2b8a1b44536afc7f320a1e289e3"
#define MESSAGE_ID_REHEARSED "e367b3f733704171a302342678e93076"

/* The trace id is the second field of a traceparent: 00-<32 hex>-<16 hex>-<2 hex>. */
#define TRACE_ID_OFFSET 3
#define TRACE_ID_SIZE 32

static void add_optional(struct journal_entry *e, const char *field, const char *value) {
        if (value && *value)
                journal_entry_add(e, field, value);
}

static void add_who_and_what(struct journal_entry *e, struct action *a) {
        journal_entry_add(e, "ACTION_REQUEST_ID", a->request_id);
        journal_entry_add(e, "ACTION_USER_ID", a->spec.user_id);
        journal_entry_add(e, "ACTION_PLATFORM", a->spec.platform);
        journal_entry_add(e, "ACTION_TYPE", a->spec.action_type);
        journal_entry_add(e, "ACTION_ACCOUNT", a->spec.account);
        journal_entry_printf(e, "ACTION_PEER_UID", "%u", (unsigned)a->spec.peer.uid);
        journal_entry_printf(e, "ACTION_PEER_PID", "%d", (int)a->spec.peer.pid);
        add_optional(e, "ACTION_PEER_UNIT", a->spec.peer.unit);
        if (a->digest[0] || digest_action(a) >= 0)
                journal_entry_add(e, "ACTION_DIGEST", a->digest);
        add_optional(e, "ACTION_DECISION", a->decided_by);
        if (a->approver != (uid_t)-1)
                journal_entry_printf(e, "ACTION_APPROVER_UID", "%u", (unsigned)a->approver);
        if (a->spec.traceparent)
                journal_entry_printf(e, "ACTION_TRACE_ID", "%.*s", TRACE_ID_SIZE,
                                     a->spec.traceparent + TRACE_ID_OFFSET);
}

static const char *const reconciled_names[] = {
        [RECONCILED_NOT] = NULL,
        [RECONCILED_UNKNOWN] = "unknown",
        [RECONCILED_ABSENT] = "absent",
        [RECONCILED_FOUND] = "yes",
};

static void add_outcome(struct journal_entry *e, const struct action *a, uint64_t duration_usec) {
        bool failed = a->error.code != AE_NONE;

        journal_entry_add(e, "ACTION_STATUS", failed ? "error" : "success");
        if (failed)
                journal_entry_add(e, "ACTION_ERROR_CODE", ae_code_name(a->error.code));
        journal_entry_printf(e, "ACTION_DURATION_USEC", "%llu", (unsigned long long)duration_usec);
        journal_entry_printf(e, "ACTION_ATTEMPT", "%u", a->n_attempts);
        if (a->upstream_status != 0)
                journal_entry_printf(e, "ACTION_UPSTREAM_STATUS", "%d", a->upstream_status);
        add_optional(e, "ACTION_RECONCILED", reconciled_names[a->reconcile.outcome]);
        if (a->spec.dry_run)
                journal_entry_add(e, "ACTION_DRY_RUN", "yes");
}

/* Of what was to be done: a dry run was not. */
static void tell_control(const struct action *a, uint64_t duration_usec) {
        bool failed = a->error.code != AE_NONE;
        const struct control_event event = {
                .request_id = a->request_id,
                .user_id = a->spec.user_id,
                .platform = a->spec.platform,
                .action_type = a->spec.action_type,
                .error_code = failed ? ae_code_name(a->error.code) : NULL,
                .duration_usec = duration_usec,
        };

        if (a->context->control && !a->spec.dry_run)
                control_report(a->context->control, &event);
}

static const char *message_id(const struct action *a) {
        if (a->error.code != AE_NONE)
                return MESSAGE_ID_FAILED;
        return a->spec.dry_run ? MESSAGE_ID_REHEARSED : MESSAGE_ID_SUCCEEDED;
}

void audit_finished(struct action *a) {
        uint64_t duration_usec = clock_usec(CLOCK_MONOTONIC) - a->started_usec;
        bool failed = a->error.code != AE_NONE;
        struct journal_entry *e;

        e = journal_entry_new(failed ? LOG_NOTICE : LOG_INFO, message_id(a));
        journal_entry_printf(e, "MESSAGE", "%s.%s for %s%s: %s", a->spec.platform,
                             a->spec.action_type, a->spec.user_id,
                             a->spec.dry_run ? " (dry run)" : "",
                             failed ? ae_code_name(a->error.code) : "success");
        add_who_and_what(e, a);
        add_outcome(e, a, duration_usec);
        journal_commit(e);
        a->reserved = false;
        tell_control(a, duration_usec);
}
