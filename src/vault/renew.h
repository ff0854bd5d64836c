/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * When a record's access token must be renewed, with what, and what becomes of the record. Shared
 * by the embedded vault and by the backends behind HTTP. Pure.
 */

#include "oauth/grant.h"
#include "vault/record.h"

/* So long before its end a token is renewed, if it can be. */
#define RENEW_AHEAD_USEC (60 * USEC_PER_SEC)

enum renew_need {
        RENEW_NOT,   /* the access token is good */
        RENEW_EARLY, /* it is about to end: if it cannot be renewed now, it still serves */
        RENEW_NOW, /* there is none, it has ended, or it is the `rejected` one (32 bytes, or NULL) */
        RENEW_NEVER, /* the same, and only a person can renew it */
};

enum renew_need record_renewal(const struct record *r, uint64_t now_usec,
                               const unsigned char *rejected);

/*
 * The grant that renews it: its refresh token, or an assertion by its service account. The app is
 * copied; NULL will do for a service account, whose endpoint is its profile's then. *ret is set on
 * success only. Returns 0, -ENOMEM, -ENOKEY: nothing to renew it with, -EKEYREJECTED.
 */
int record_renewal_grant(const struct record *r, const struct oauth_app *app, uint64_t now_usec,
                         struct oauth_grant *ret);

/* Whether both would be renewed with the same refresh token. */
bool record_renews_like(const struct record *r, const struct record *other);

/*
 * Takes over what came. A refresh token or an identity that did not come stays as it was; scopes
 * that did not come are `asked` (separated by spaces; NULL: as they were). 0 or -ENOMEM.
 */
int record_take_tokens(struct record *r, struct oauth_tokens *tokens, const char *asked);

/*
 * Whether the tokens are of another account than the record, as far as both tell; and whether they
 * are of the same beyond doubt. "Acme (T1)" and "Umbra (T1)" are one account, since the id counts,
 * and neither is known of "Acme" and "Acme (T1)".
 */
bool record_is_anothers(const struct record *r, const struct oauth_tokens *tokens);
bool record_is_of_same(const struct record *r, const struct oauth_tokens *tokens);
