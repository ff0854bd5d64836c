/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The inside of the kv2 backend, for its own files:
 *
 *     kv2.c          jobs: which requests one is, in which order
 *     kv2-status.c   the one job that is many requests: what a user has connected
 *     kv2-session.c  the client token: how it is had, kept alive, and had anew
 *     kv2-text.c     the API's texts
 */

#include "vault/kv2-text.h"
#include "vault/remote.h"

struct kv2;

/*
 * The client token. One exchange at a time is under way for it: a login (AppRole) or a look at
 * what there is (a token of one's own), or a renewal while jobs go on with it. Jobs that need a
 * token when there is none wait here.
 */
struct kv2_session {
        struct kv2 *owner;
        const struct secret *own_token; /* NULL: AppRole */
        struct secret *token;           /* what is sent; NULL: none */
        unsigned number;                /* of the token: another one has another */
        uint64_t expires_usec;          /* CLOCK_MONOTONIC; UINT64_MAX: never */
        bool renewable, renewing;
        struct exchange exchange;
        sd_event_source *timer;
};

struct kv2 {
        struct remote remote;
        char *mount, *prefix;
        char *namespace_path; /* NULL: none */
        struct secret *own_token, *role_id, *secret_id;
        char engine[KV2_ENGINE_SIZE]; /* whose claims are its own */
        struct kv2_session session;
};

enum kv2_turn {
        KV2_READ,
        KV2_CLAIM,
        KV2_WRITE,
        KV2_DELETE,
        KV2_HEALTH,
        KV2_LIST, /* kv2-status.c's, to the end */
};

struct kv2_job {
        struct job head;
        enum kv2_turn turn;
        unsigned session;     /* the number of the token that was sent */
        bool has_logged_in;   /* because this job was refused */
        bool waits;           /* for the session */
        int64_t version;      /* of what was read, or written since */
        struct cJSON *listed; /* KV2_LIST: [{platform?, account?}], what is to be looked at */
};

enum kv2_flags {
        KV2_NAMESPACE = 1 << 0,
        KV2_TOKEN = 1 << 1, /* the session's */
};

/* Begins a request with its headers. Returns 0 or a negative errno. */
int kv2_prepare(const struct kv2 *k, struct exchange *x, const char *method, const char *path,
                enum kv2_flags flags);

/* Job steps. Asks what the job's turn is, when the session is open. */
int kv2_ask(struct job *j, struct ae_error *error);
/* kv2-status.c: begins, asks, and takes what came. */
int kv2_status_begin(struct kv2_job *j, struct ae_error *error);
int kv2_status_ask(struct kv2_job *j);
int kv2_status_take(struct kv2_job *j, const struct http_response *response,
                    struct ae_error *error);

int kv2_session_init(struct kv2_session *s, struct kv2 *k);
void kv2_session_done(struct kv2_session *s);
/*
 * Returns 1 when there is a token; 0 when one is being asked for, and kv2_go_on() will be called;
 * a negative errno.
 */
int kv2_session_open(struct kv2 *k, uint64_t deadline_usec);
/* A request with that token was refused. Returns whether another attempt makes sense. */
bool kv2_session_refused(struct kv2 *k, unsigned number);

/* kv2.c: all that wait go on, or fail if `error` says so. */
void kv2_go_on(struct kv2 *k, const struct ae_error *error);
