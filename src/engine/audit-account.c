/* SPDX-License-Identifier: MIT */
/*
 * What became of an account, for the journal: who connected it, and who had it forgotten.
 */
#include "engine/op.h"

#include "base/journal.h"

/* Explained by the message catalogue. */
static const struct {
        const char *message_id, *done;
} events[] = {
        [ACCOUNT_CONNECTED] = { "6e74ff5da8bb47ae995db5611a5a9a62", "connected" },
        [ACCOUNT_REVOKED] = { "ccd791b6531441e5a7cba7eb010f01f8", "revoked" },
};

int op_reserve_audit(struct call *call, struct ae_error *error) {
        if (journal_reserve() < 0) {
                error->retry_after_msec = 1000;
                return ae_error_set(error, AE_OVERLOADED,
                                    "the journal does not keep up, and nothing is done without an "
                                    "audit entry; try again in a moment");
        }
        call->reserved = true;
        return 0;
}

void op_release_audit(struct call *call) {
        if (call->reserved)
                journal_unreserve();
        call->reserved = false;
}

void op_audit_account(struct call *call, enum account_event event, const struct vault_key *key,
                      const char *identity) {
        const struct peer *peer = &call->client->peer;
        struct journal_entry *e;

        e = journal_entry_new(LOG_INFO, events[event].message_id);
        journal_entry_printf(e, "MESSAGE", "%s/%s of %s was %s by uid %u, pid %d", key->platform,
                             key->account, key->user_id, events[event].done, (unsigned)peer->uid,
                             (int)peer->pid);
        journal_entry_add(e, "ACTION_REQUEST_ID", call->request.request_id);
        journal_entry_add(e, "ACTION_USER_ID", key->user_id);
        journal_entry_add(e, "ACTION_PLATFORM", key->platform);
        journal_entry_add(e, "ACTION_ACCOUNT", key->account);
        journal_entry_add(e, "ACTION_ACCOUNT_EVENT", events[event].done);
        if (identity)
                journal_entry_add(e, "ACTION_ACCOUNT_IDENTITY", identity);
        journal_entry_printf(e, "ACTION_PEER_UID", "%u", (unsigned)peer->uid);
        journal_entry_printf(e, "ACTION_PEER_PID", "%d", (int)peer->pid);
        if (peer->unit[0])
                journal_entry_add(e, "ACTION_PEER_UNIT", peer->unit);
        journal_commit(e);
        call->reserved = false;
}
