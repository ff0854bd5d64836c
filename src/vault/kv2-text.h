/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the HTTP API of Vault and OpenBao says, as text: paths out, answers in. Pure. See
 * developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, …/auth/approle and …/auth/token.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json-scan.h"
#include "base/secret.h"
#include "vault/record.h"

struct cJSON;

/*
 * "/v1/MOUNT/KIND/PREFIX/USER/PLATFORM/ACCOUNT", as far as `id` has parts; KIND is "data" or
 * "metadata". Of one that is a folder the path ends in a slash.
 */
void kv2_print_path(const char *mount, const char *kind, const char *prefix,
                    const struct record_id *id, struct buffer *to);

/* Who renews a record, which stands in it as {"engine":"…","until":"…"} while it is renewed. */
#define KV2_ENGINE_SIZE 33 /* 16 random bytes in hex, and a NUL */

struct kv2_claim {
        char engine[KV2_ENGINE_SIZE]; /* "": nobody does */
        uint64_t until_usec;          /* CLOCK_REALTIME */
};

/*
 * {"options":{"cas":VERSION},"data":{…}}, with `renewing` where `claim` is not NULL. The caller
 * wipes it.
 */
void kv2_print_write(const struct record *r, const struct record_id *id, int64_t version,
                     const struct kv2_claim *claim, struct buffer *to);

/* Reads who renews the record that `data` is. What is no claim is none. Returns 0 or -ENOMEM. */
int kv2_read_claim(const struct json_slice *data, struct kv2_claim *ret);

/* What a read found. A slice is in the body. */
struct kv2_version {
        int64_t version;        /* 0: there is none, not even a deleted one */
        struct json_slice data; /* an object; size 0: deleted, or none */
};

/*
 * Reads the answer to GET …/data/…, with its status: 200 or 404. Returns 0; -EBADMSG when it is
 * neither a version, nor a deleted one, nor the plain word that there is none; -ENOMEM.
 */
int kv2_read_version(int status, const char *body, size_t size, struct kv2_version *ret);

/* Whether a 400 says that somebody else has written meanwhile. */
bool kv2_is_mismatch(const char *body, size_t size);

struct kv2_lease {
        struct secret *token; /* owned; NULL: the answer holds none */
        uint64_t seconds;     /* 0: for ever */
        bool renewable;
};

/*
 * Reads what login and renew-self (`auth`: client_token, lease_duration) or lookup-self (`data`:
 * ttl) say. Returns 0, -EBADMSG, -ENOMEM.
 */
int kv2_read_auth(const char *body, size_t size, struct kv2_lease *ret);
int kv2_read_lookup(const char *body, size_t size, struct kv2_lease *ret);

/* The keys that a LIST answers with: an array of strings. The caller owns *ret. As above. */
int kv2_read_keys(const char *body, size_t size, struct cJSON **ret);
