/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A call to one of a provider's endpoints other than the person's browser: what is sent, and what
 * the answer means. Pure: whoever has a network sends it, which is action-grant for the embedded
 * vault and the engine for the others. RFC 6749 §4.1.3, §5, §6; RFC 7009; RFC 7523; RFC 8414;
 * RFC 8628.
 */

#include <stdint.h>

#include "http/http.h"
#include "oauth/app.h"

struct cJSON;

enum oauth_grant_kind {
        OAUTH_GRANT_CODE,         /* code, verifier, redirect_uri → tokens */
        OAUTH_GRANT_REFRESH,      /* token (a refresh token) → tokens */
        OAUTH_GRANT_ASSERTION,    /* token (a signed JWT) → tokens */
        OAUTH_GRANT_DEVICE_START, /* scopes → facts */
        OAUTH_GRANT_DEVICE,       /* token (a device code) → tokens */
        OAUTH_GRANT_REVOKE,       /* token (of either kind) → nothing */
        OAUTH_GRANT_TEST,         /* a code that cannot be → whether the client is known */
        OAUTH_GRANT_METADATA,     /* the issuer's, of RFC 8414 or OpenID Connect → facts */
        OAUTH_N_GRANTS,
};

struct oauth_grant {
        enum oauth_grant_kind kind;
        struct oauth_app app;    /* owned */
        struct secret *token;    /* owned, or NULL: as the kind has it */
        struct secret *code;     /* owned, or NULL */
        struct secret *verifier; /* owned, or NULL */
        char *redirect_uri;      /* owned, or NULL */
        char *scopes;            /* owned, or NULL: separated by spaces; the profile's are added */
};

void oauth_grant_done(struct oauth_grant *g);

/*
 * On the wire: {"kind":"refresh","app":{…},"token":"…"}, the kinds spelt code, refresh, assertion,
 * device_start, device, revoke, test, metadata. Strict, as all of it comes from our own vault: an
 * unknown field, or one that the kind lacks, is -EBADMSG. *ret is set on success only. The caller
 * wipes what was printed.
 */
int oauth_grant_parse(const struct json_slice *json, struct oauth_grant *ret);
void oauth_grant_print(const struct oauth_grant *g, struct buffer *to);

/* What came of it. Callers decide by this; it is on the wire in lower case ("grant_refused"). */
enum oauth_result {
        OAUTH_OK,
        OAUTH_PENDING,         /* RFC 8628: the person has not answered yet */
        OAUTH_SLOW_DOWN,       /* the same, and ask less often */
        OAUTH_GRANT_REFUSED,   /* invalid_grant, access_denied, expired_token: it is dead */
        OAUTH_CLIENT_REFUSED,  /* invalid_client, unauthorized_client: the app is wrong */
        OAUTH_REQUEST_REFUSED, /* any other error of RFC 6749 §5.2, or a 4xx without one */
        OAUTH_ADDRESS_REFUSED, /* it leads where the configuration lets nobody go: nothing was sent */
        OAUTH_UNREACHABLE,     /* nothing was sent, or 429: nothing has changed */
        OAUTH_NO_ANSWER,       /* it left, and no answer came, or a 5xx: that is not known */
        OAUTH_NONSENSE,        /* an answer that no provider may give */
        OAUTH_N_RESULTS,
};

#define OAUTH_REASON_SIZE 256

/* What RFC 6749 §5.1 brings, and whose account an id_token or Notion's answer says it is. */
struct oauth_tokens {
        struct secret *access_token;  /* owned; NULL where the kind brings none */
        struct secret *refresh_token; /* owned, or NULL: none came, an old one stays good */
        char *token_type;             /* owned, or NULL: not said; a scheme of HTTP, "Bearer" */
        uint64_t expires_at_usec;     /* CLOCK_REALTIME, whole seconds; 0: not said, or nonsense */
        struct cJSON *scopes;         /* owned: an array of strings, or NULL: as asked for */
        char *identity;               /* owned, or NULL: "user@example.com"; at most 256 bytes */
};

/*
 * The facts of a success. Of device_start: device_code, user_code, verification_uri,
 * verification_uri_complete?, expires_in and interval (seconds). Of metadata, in the words of an
 * app: issuer, token_endpoint, the other endpoints where there are any, client_auth, iss_required?.
 */
struct oauth_answer {
        enum oauth_result result;
        char reason[OAUTH_REASON_SIZE]; /* one sentence unless OAUTH_OK; foreign text is quoted */
        struct oauth_tokens tokens;
        struct cJSON *facts; /* owned: an object, or NULL */
};

void oauth_tokens_done(struct oauth_tokens *t);
void oauth_answer_done(struct oauth_answer *a);

/*
 * The request for a grant. *ret is zero-initialised; what it owns is freed by the caller in every
 * case, and its body wiped. Returns 0, -ENOMEM, or -EOPNOTSUPP: the app has no such endpoint.
 */
int oauth_grant_build(const struct oauth_grant *g, struct http_request *ret);

/*
 * Reads whatever came of it: always an answer. `now_usec` is when it was sent, by CLOCK_REALTIME as
 * that is set now. Returns 0 or -ENOMEM.
 */
int oauth_grant_interpret(const struct oauth_grant *g, const struct http_response *response,
                          uint64_t now_usec, struct oauth_answer *ret);

/* {"result":"ok","tokens":{…}} and the like; as for grants. */
int oauth_answer_parse(const struct json_slice *json, struct oauth_answer *ret);
void oauth_answer_print(const struct oauth_answer *a, struct buffer *to);

/* A line on action-grant's socket, either way. */
#define OAUTH_GRANT_MAX_LINE ((size_t)128 << 10)
