/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Who calls: signed tokens (JWS compact form RFC 7515, Ed25519 RFC 8037), checked against a folder
 * of public keys, and what a token has proved. A token that was verified once is recognised by its
 * hash until it expires, its key changes or it is pushed out of the bounded cache.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"

struct auth;
struct identity;

struct auth_options {
        const char *key_directory; /* public keys: KID.jwk, and sets NAME.jwks; watched */
        /*
         * The list of revoked tokens (auth/revocation.h); watched as well. NULL: there is none. It
         * may be absent in the beginning, unless it is required.
         */
        const char *revocation_file;
        bool revocation_file_required;
        uint64_t clock_skew_usec; /* at most a day */
        size_t cache_entries;

        /*
         * Hears, in one sentence, why a key, a file or (later on) the whole folder is not used, so
         * that somebody logs it with that syslog(3) priority; may be NULL. Called by auth_new() and
         * from the loop.
         */
        void (*on_problem)(int priority, const char *sentence, void *userdata);
        void *userdata;
};

/*
 * Reads the keys, and again whenever something changes in their folder: a key that is gone takes
 * effect before the next request is looked at. A folder that can no longer be read means no keys,
 * and is tried again every second. A list of revoked tokens that is broken, or gone, leaves the one
 * before it in force. The caller owns *ret. Returns 0 or a negative errno, told in `error`, when
 * the folder cannot be read, or the list is there and cannot be.
 */
int auth_new(sd_event *event, const struct auth_options *options, struct auth **ret,
             struct ae_error *error);
struct auth *auth_free(struct auth *a);
DEFINE_CLEANUP(struct auth *, auth_free);

size_t auth_n_keys(const struct auth *a);
size_t auth_n_revoked(const struct auth *a);

/*
 * Verifies a token that a peer of this uid presents. The caller owns one reference in *ret.
 * Returns 0, or a negative errno with `error` set: token_invalid, token_expired, internal.
 */
int auth_verify(struct auth *a, const char *token, size_t size, uid_t uid, struct identity **ret,
                struct ae_error *error);

#define AUTH_KID_SIZE 65

/*
 * Which key a token says that it was signed with, for the records; nothing of it is verified. ""
 * when it names none that there could be.
 */
void auth_claimed_kid(const char *token, size_t size, char ret[static AUTH_KID_SIZE]);

/*
 * Whether what was proved still holds: not expired, not revoked, its key still there and
 * unchanged.
 * Returns 0, or a negative errno with `error` set.
 */
int auth_still_valid(struct auth *a, const struct identity *id, struct ae_error *error);

/*
 * For development: makes a key that lives in memory alone, and is known here beside those of the
 * folder. Returns 0 or -ENOMEM.
 */
int auth_enable_login(struct auth *a);

/* Whom a token of that key is for. Borrowed. */
struct auth_login {
        const char *user_id;
        const char *scopes; /* separated by spaces */
        uid_t uid;          /* the only one that may present it */
};

#define AUTH_LOGIN_SEC 3600

/*
 * Makes a token that is good for an hour. The caller owns *ret. Returns 0; -ENOKEY before
 * auth_enable_login(); -EMSGSIZE when the scopes are too many for a token; -ENOMEM.
 */
int auth_login(struct auth *a, const struct auth_login *login, struct secret **ret,
               uint64_t *ret_expires_at_usec);

struct identity *identity_ref(struct identity *id);
struct identity *identity_unref(struct identity *id);
DEFINE_CLEANUP(struct identity *, identity_unref);

const char *identity_user(const struct identity *id); /* the subject */
const char *identity_jti(const struct identity *id);  /* NULL when there is none */
const char *identity_kid(const struct identity *id);
uint64_t identity_expires_at_usec(const struct identity *id);
const char *const *identity_scopes(const struct identity *id); /* NULL-terminated */

/* Whether the token covers that user: its subject, one of `users`, or any by "*". */
bool identity_covers_user(const struct identity *id, const char *user_id);
/*
 * Whether both come from one token, as far as its claims tell. Of two that were issued to the same
 * user, expire in the same second and have no `jti` nobody can tell.
 */
bool identity_is_same_token(const struct identity *a, const struct identity *b);
/*
 * Whether a scope grants `name` in `area`: "area:name", "area:*" or "*". The areas `auth`, `jobs`,
 * `engine` and `approvals` are never platforms, so "*" grants them by that word alone, as it does
 * everything.
 */
bool identity_has_scope(const struct identity *id, const char *area, const char *name);
/*
 * The same as a refusal: the first question, and both of them. Each returns 0, or -EPERM with
 * `error` set to forbidden and details.by to `user` or `scope`.
 */
int identity_permits_user(const struct identity *id, const char *user_id, struct ae_error *error);
int identity_permits(const struct identity *id, const char *user_id, const char *area,
                     const char *name, struct ae_error *error);
