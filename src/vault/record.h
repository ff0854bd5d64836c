/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A credential as a vault keeps it: whose it is, what it holds, what may stand in it. Pure:
 * bytes in, values out; knows neither store nor seal.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json-scan.h"
#include "base/secret.h"

#define RECORD_MAX_USER_ID 128   /* bytes */
#define RECORD_MAX_PLATFORM 64   /* bytes */
#define RECORD_MAX_ACCOUNT 64    /* bytes */
#define RECORD_MAX_TOKEN_TYPE 64 /* bytes */
#define RECORD_MAX_SCOPES 128
#define RECORD_MAX_SCOPE 256             /* bytes */
#define RECORD_MAX_IDENTITY 256          /* bytes */
#define RECORD_MAX_SERVICE_ACCOUNT 16384 /* bytes */

/* Whose record. Borrowed strings. */
struct record_id {
        const char *user_id;
        const char *platform;
        const char *account;
};

bool record_user_id_is_valid(const char *text);  /* no control characters */
bool record_platform_is_valid(const char *text); /* of [a-z0-9_] */
bool record_account_is_valid(const char *text);  /* of [A-Za-z0-9._@+-] */
bool record_scopes_are_valid(const char *text);  /* separated by spaces; maybe none */

/* How it is renewed, beside a refresh token, is told in renew.h. */
struct record {
        struct secret *access_token;    /* owned; NULL: none yet, but it can be renewed */
        struct secret *refresh_token;   /* owned, or NULL */
        struct secret *service_account; /* owned: JSON of oauth/assertion.h, or NULL */
        char *provider;                 /* owned: the app it is renewed with, or NULL */
        char *identity;                 /* owned: whose account it is, or NULL: not known */
        char *token_type;               /* owned, or NULL: not said, hence "Bearer" */
        uint64_t expires_at_usec;       /* CLOCK_REALTIME; 0: not known */
        cJSON *scopes;                  /* owned: an array of strings, or NULL: not known */
        bool refused;                   /* the provider has ended the grant: it asks for a person */
};

void record_done(struct record *r);

/*
 * Reads a scanned JSON object {access_token?, refresh_token?, service_account?, provider?,
 * identity?, token_type?, expires_at? | expires_in?, scopes?, refused?}, with `expires_in` counted
 * from `now_usec`. There must be an access token or something to get one with, and the scopes that
 * a service account is used for. A field that is not named here is refused by its name. *ret is set
 * on success only; the caller calls record_done().
 */
int record_parse(const struct json_slice *json, uint64_t now_usec, struct record *ret,
                 struct ae_error *error);

/*
 * Reads what record_print() has written. That a service account's key can sign was proved when it
 * came, and costs a signature. Returns 0, -EBADMSG, -ENOMEM.
 */
int record_reopen(const struct json_slice *json, struct record *ret);

/*
 * Reads a scanned JSON object as somebody else keeps it: as record_reopen(), but fields that nobody
 * knows are passed over, null is as absent, `expires_at` may be seconds since 1970, `expires_in`
 * says nothing (since when?), and where it names its owner that must be `id`. Returns 0; -EBADMSG
 * when it is no credential; -EREMCHG when it is another's; -ENOMEM.
 */
int record_read(const struct json_slice *json, const struct record_id *id, struct record *ret);

/* The JSON that record_parse() reads. The caller wipes it. Out of memory shows in buffer_error(). */
void record_print(const struct record *r, struct buffer *to);

/* The same with its owner, as members of an object that is open. */
void record_print_owned(const struct record *r, const struct record_id *id, struct buffer *to);

/*
 * What may leave the vault, as members of an object that is open: never what renews the access
 * token, which must be there.
 */
void record_print_public(const struct record *r, struct buffer *to);

/* Of these the members that are no secret: expires_at?, scopes?. */
void record_print_facts(const struct record *r, struct buffer *to);

bool record_is_expired(const struct record *r, uint64_t now_usec);

/* Whether `sha256` (32 bytes) is the digest of the access token. */
bool record_token_is(const struct record *r, const unsigned char *sha256);
