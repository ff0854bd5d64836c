/* SPDX-License-Identifier: MIT */
/*
 * Who calls, and an entry in the journal for whoever is not believed: so that an administrator sees
 * who knocks. The token itself is never in it.
 */
#include "engine/op.h"

#include <string.h>

#include "base/clock.h"
#include "base/journal.h"

/* Explained by the message catalogue. */
#define MESSAGE_ID_REFUSED "28a837db33b98f88d1a472cc9ee5730d"

static void tell(const struct call *call, const char *kid, const char *jti, unsigned n_untold,
                 const struct ae_error *error) {
        const struct peer *peer = &call->client->peer;
        struct journal_entry *e;

        e = journal_entry_new(LOG_NOTICE, MESSAGE_ID_REFUSED);
        journal_entry_printf(e, "MESSAGE", "refused a token of uid %u, pid %d: %s",
                             (unsigned)peer->uid, (int)peer->pid, error->message);
        journal_entry_add(e, "ACTION_REQUEST_ID", call->request.request_id);
        journal_entry_add(e, "ACTION_ERROR_CODE", ae_code_name(error->code));
        if (*kid)
                journal_entry_add(e, "ACTION_TOKEN_KID", kid);
        if (jti)
                journal_entry_add(e, "ACTION_TOKEN_JTI", jti);
        journal_entry_printf(e, "ACTION_TOKENS_UNTOLD", "%u", n_untold);
        journal_entry_printf(e, "ACTION_PEER_UID", "%u", (unsigned)peer->uid);
        journal_entry_printf(e, "ACTION_PEER_PID", "%d", (int)peer->pid);
        if (peer->unit[0])
                journal_entry_add(e, "ACTION_PEER_UNIT", peer->unit);
        journal_commit(e);
}

/* Whether it is the token that is at fault, this uid may be told of, and there is a place for it. */
static bool admit(struct call *call, const struct ae_error *error, unsigned *ret_n_untold) {
        const struct client *c = call->client;

        return (error->code == AE_TOKEN_INVALID || error->code == AE_TOKEN_EXPIRED) &&
               refusals_admit(&c->engine->refusals, c->peer.uid, clock_usec(CLOCK_MONOTONIC),
                              ret_n_untold) &&
               journal_reserve() >= 0;
}

int op_verify_token(struct call *call, struct identity **ret, struct ae_error *error) {
        const char *token = call->request.token;
        char kid[AUTH_KID_SIZE];
        unsigned n_untold;
        int r;

        r = auth_verify(call->client->engine->auth, token, strlen(token), call->client->peer.uid,
                        ret, error);
        if (r < 0 && admit(call, error, &n_untold)) {
                auth_claimed_kid(token, strlen(token), kid);
                tell(call, kid, /* jti= */ NULL, n_untold, error);
        }
        return r;
}

/* That time is over is nothing to be told of who has proved himself. */
int op_check_identity(struct call *call, const struct identity *id, struct ae_error *error) {
        unsigned n_untold;
        int r;

        r = auth_still_valid(call->client->engine->auth, id, error);
        if (r < 0 && error->code != AE_TOKEN_EXPIRED && admit(call, error, &n_untold))
                tell(call, identity_kid(id), identity_jti(id), n_untold, error);
        return r;
}
