/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a platform is: a table. An adapter is data plus a few pure functions per action. They
 * do no I/O, keep no state and never see the network, the vault or the client, so that tests reach
 * them with strings. The engine validates, authorises, fetches the credential, sends and answers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "http/http.h"

struct cJSON;

/*
 * What a repeat by the client would do: the same payload, as another action with another action_id.
 */
enum idempotency {
        IDEMPOTENCY_READ,
        IDEMPOTENCY_IDEMPOTENT,   /* nothing that the first has not done */
        IDEMPOTENCY_RECONCILABLE, /* the platform can be asked what became of it */
        IDEMPOTENCY_UNREPEATABLE,
};

/* What build() works from. All borrowed. */
struct adapter_input {
        const struct cJSON *payload; /* valid: schema and check() have passed */
        const char *base_url;        /* without a slash at its end */
        const char *action_id;       /* 32 hex digits, random: the marker of this action, one for
                                        all its attempts */
        uint64_t now_usec;           /* CLOCK_REALTIME */
        /*
         * How long ago a request that acts first left; 0: none has. On a clock of its own, since
         * ours may be set meanwhile, and the platform's is another one anyway.
         */
        uint64_t since_attempt_usec;
        const struct secret *credential; /* an access token, or whatever the platform has instead */
        /*
         * An object, empty at first, in which one exchange leaves notes for the next: ids that it
         * was told, never a secret. What stands in it tells which exchange this is.
         */
        struct cJSON *notes;
        /*
         * The place for the one note that is a credential, such as the URL of an upload that was
         * begun: NULL at first, or owned by the action and wiped at its end.
         */
        struct secret **session;
        unsigned n_exchanges_left; /* so many may follow this one */
};

/* What interpret() may return beside 0 and a negative errno. */
#define ADAPTER_CONTINUE 1 /* the notes are taken: build the next exchange */
#define ADAPTER_ABSENT 2   /* of struct adapter_reconcile alone: it was not carried out */
#define ADAPTER_ASK 3      /* as CONTINUE: the next one asks whether this one was carried out */
#define ADAPTER_UNDONE 4   /* as CONTINUE: this one, or that which was asked about, was not */

/* An action takes at most so many; one more is a fault of the adapter. */
#define ADAPTER_MAX_EXCHANGES 8
/* The same of one look at what became of it. */
#define ADAPTER_MAX_LOOK_EXCHANGES 64

typedef int adapter_build_fn(const struct adapter_input *input, struct http_request *ret,
                             struct ae_error *error);
typedef int adapter_interpret_fn(const struct adapter_input *input,
                                 const struct http_response *response, struct cJSON **ret_result,
                                 struct ae_error *error);

/*
 * A look at what became of an action whose request left and got no clear answer. It may take some
 * exchanges, of which each only reads, and has notes of its own, empty at first. As those of an
 * action, but that interpret() returns
 *
 *      0               it was carried out: *ret_result is what interpret() of the action would give
 *      ADAPTER_ABSENT  there is no trace of it in all that was to be looked at. The engine looks
 *                      again some times before it believes that, since platforms index late
 *      -errno          that cannot be told. What `error` says decides: after a retryable code the
 *                      engine looks again, after any other it does not
 */
struct adapter_reconcile {
        adapter_build_fn *build;
        adapter_interpret_fn *interpret;
        /*
         * Any one of them lets a credential look; NULL-terminated. The platform is asked only with
         * one that is known to have it. NULL: whoever may act may look.
         */
        const char *const *oauth_scopes;
};

#define ADAPTER_MAX_FACTS 8

/*
 * One sentence that says what will happen ("Send an e-mail to user@example.com, subject 'Hello!'"),
 * foreign text in it quoted; and facts by name, lists joined by a space, which no element may
 * hold. Owned by the caller.
 */
struct adapter_explanation {
        struct buffer summary;
        struct {
                const char *name; /* static text: "recipients" */
                struct buffer value;
        } facts[ADAPTER_MAX_FACTS];
        size_t n_facts;
};

struct adapter_action {
        const char *action_type; /* "send_email" */
        const char *title;
        const char *description;
        const char *payload_schema; /* JSON Schema, as text */
        const char *result_schema;
        /* Any one of them is enough; a login asks for the first. NULL-terminated. */
        const char *const *oauth_scopes;
        bool scope_on_request; /* it opens more than most need: no login asks for it untold */
        enum idempotency idempotency;

        /*
         * What a schema cannot say: adds a finding for each fault. May be NULL. Returns 0 or a
         * negative errno for our own failures.
         */
        int (*check)(const struct cJSON *payload, struct ae_error *error);

        /*
         * What a person is asked, and what a rule may decide by. NULL: a sentence of the title
         * alone, and no facts. Returns 0 or -ENOMEM; -E2BIG when a value would have to be cut.
         */
        int (*explain)(const struct cJSON *payload, struct adapter_explanation *ret);

        /*
         * Payload → request. The engine adds the credential (unless the adapter brings it itself),
         * X-Request-Id, traceparent and User-Agent. It sets `repeatable` where the class says so;
         * an exchange that only reads sets it by itself, and is then told as such when it fails; one
         * that does nothing as long as no other follows, but may not be sent twice, sets `harmless`.
         * *ret is zero-initialised; what it owns is freed by the caller in every case. Returns 0,
         * or a negative errno with `error` filled.
         */
        adapter_build_fn *build;

        /*
         * Answer (HTTP_ANSWERED, any status) → result or error. Returns 0 with *ret_result, an
         * object that the caller owns (the engine adds `timestamp` where it is missing);
         * ADAPTER_CONTINUE; or a negative errno with `error` filled. A 5xx is told as
         * `upstream_error`: the engine makes `outcome_unknown` of it where a repeat would do harm.
         */
        adapter_interpret_fn *interpret;

        /*
         * The request left and no whole answer came. Returns ADAPTER_ASK, with a note of that
         * taken, when an exchange can find out what became of it, or ADAPTER_UNDONE when that does
         * not matter; 0 when there is none. May be NULL: there never is.
         */
        int (*lost)(const struct adapter_input *input);

        /* Of IDEMPOTENCY_RECONCILABLE, and of no other: how to ask. */
        const struct adapter_reconcile *reconcile;
};

/*
 * One harmless look with a credential: does the platform take it, and whose account is it? As the
 * functions of an action, with an empty payload and a single exchange. The result has `identity`,
 * a string ("user@example.com"), where the platform tells.
 */
struct adapter_identify {
        adapter_build_fn *build;
        adapter_interpret_fn *interpret;
        bool brings_credential; /* as of an adapter */
};

struct adapter {
        const char *platform; /* "gmail" */
        const char *title;
        const char *base_url;          /* where the platform is, unless configured */
        const char *credential_schema; /* of auth_token's `credential` */
        const char *credential_member; /* which member of it is the secret; NULL: access_token */
        bool credential_whole;         /* all of it is the secret: build() reads it as JSON */
        /*
         * The app (oauth/app.h) that accounts are connected by, "google"; NULL: with none. A login
         * asks for the first scope of each action, but for those on request, unless it is told.
         */
        const char *provider;
        const struct adapter_identify *identify; /* NULL: there is no harmless look */
        bool brings_credential; /* build() puts it where it belongs, for example in the URL */
        const struct adapter_action *actions;
        size_t n_actions;
};

/* Made by adapters/meson.build from its list of folders; NULL-terminated. */
extern const struct adapter *const adapters[];
