/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The way through the browser: the URL a person is sent to, and what comes back in the redirect.
 * RFC 6749 §4.1, RFC 7636, RFC 8252, RFC 9207, RFC 9700. Pure, but for random numbers.
 */

#include "oauth/app.h"

#define OAUTH_STATE_SIZE 44    /* 32 random bytes in base64url, and a NUL */
#define OAUTH_VERIFIER_SIZE 44 /* the same; RFC 7636 §4.1 asks for 43 characters at least */

/* Each fills a text of its own; never the same twice. */
void oauth_new_state(char ret[static OAUTH_STATE_SIZE]);
void oauth_new_verifier(char ret[static OAUTH_VERIFIER_SIZE]);

/* The S256 challenge of a verifier (RFC 7636 §4.2). */
void oauth_challenge(const char *verifier, char ret[static OAUTH_VERIFIER_SIZE]);

/*
 * A code is not redeemed without its verifier where the app uses them, whoever asks for it: a
 * provider that was sent no challenge would not miss it. Returns 0 or authorization_failed.
 */
int oauth_check_verifier(const struct oauth_app *app, const struct secret *verifier,
                         struct ae_error *error);

struct oauth_authorize {
        const char *redirect_uri;
        const char *state;
        const char *verifier;      /* the URL gets its challenge */
        const char *const *scopes; /* NULL-terminated; the profile's own are added */
        const char *login_hint;    /* NULL: none */
};

/* Appends the URL. Out of memory shows in buffer_error(). 0, or -EOPNOTSUPP: it has no endpoint. */
int oauth_authorize_url(const struct oauth_app *app, const struct oauth_authorize *a,
                        struct buffer *to);

/*
 * Whether a redirect may be asked for: it is the app's own, or, where that is a loopback address
 * without a port and the profile leaves the port open, the same with one; where the app names none,
 * any loopback address (127.0.0.1 or [::1], http). Pure.
 */
bool oauth_redirect_is_allowed(const struct oauth_app *app, const char *redirect_uri);

#define OAUTH_MAX_RESPONSE 8192 /* bytes, of a redirect's URL */

/* What a redirect brought. Owned; absent members are NULL. */
struct oauth_response {
        struct secret *code;
        char *state;
        char *iss;
        char *error;             /* a code of RFC 6749 §4.1.2.1 */
        char *error_description; /* foreign text: quote it */
};

void oauth_response_done(struct oauth_response *r);

/*
 * Reads the redirect's URL, or what follows its '?'. A parameter that stands there twice is refused
 * (RFC 6749 §3.1), unknown ones are passed over. Returns 0; -EBADMSG for what is none, or has
 * not exactly one of code and error; -E2BIG; -ENOMEM.
 */
int oauth_response_parse(const char *url, struct oauth_response *ret);

/*
 * Whether it may be believed: an `iss` must be the app's, where one is demanded it must be there
 * (RFC 9207 §2.4); an error is told as what it is. State is the caller's to compare. Returns 0 or
 * authorization_failed.
 */
int oauth_response_check(const struct oauth_response *r, const struct oauth_app *app,
                         struct ae_error *error);
