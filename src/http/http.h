/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Outbound HTTP on libcurl's multi socket interface, driven by the poller: many calls at once,
 * connections reused, HTTP/2 where the peer has it, TLS verified, no redirects, no proxy from the
 * environment. Plain http:// goes only to loopback addresses that the configuration names, and to
 * Unix sockets. And what the configuration has not named itself leads only to public addresses, and
 * to those that it lists: nobody sends the client into the networks that only this machine reaches.
 *
 * A request is never sent twice behind the caller's back: libcurl would repeat one that a reused
 * connection swallowed, and that is stopped unless the request says that a repeat does no harm.
 *
 * It carries mails, too, by SMTP, each over a connection of its own and never without TLS.
 */

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/poller.h"
#include "base/secret.h"

struct http_client;
struct http_call;
struct http_address_list;
struct smtp_answer;
struct smtp_envelope;

struct http_options {
        uint64_t connect_timeout_usec;    /* name, TCP and TLS */
        uint64_t first_byte_timeout_usec; /* from the request's last byte to the answer's first */
        uint64_t total_timeout_usec;
        size_t max_response_bytes;
        unsigned max_connections_per_host;
        const char *ca_file;      /* NULL: the system's */
        const char *const *plain; /* NULL-terminated "127.0.0.1:4100"; NULL: none */
        const char *user_agent;
        const char *unix_socket; /* a path, to which all that is asked goes; NULL: to the hosts */
        /* Beside public ones; NULL: none. */
        const struct http_address_list *web_addresses, *mail_addresses;
};

#define HTTP_MAX_HEADERS 16

struct http_header {
        const char *name; /* static text */
        char *value;      /* owned */
        bool secret;      /* the value is a credential: it is wiped, shown nowhere, and goes by
                             HTTP/1.1, since a connection of HTTP/2 would remember it */
};

/*
 * What an adapter prepares. Zero-initialised is valid but for method and url. With an envelope it
 * is a mail, and `body` the message: then method, url and headers are only for people to see.
 */
struct http_request {
        const char *method; /* static text */
        char *url;          /* owned */
        struct http_header headers[HTTP_MAX_HEADERS];
        size_t n_headers;
        /* Goes out as `Authorization: Bearer …`. Borrowed: lives until the call is over. */
        const struct secret *bearer;
        struct buffer body;         /* owned */
        bool repeatable;            /* sent twice does no harm, and may be by libcurl itself */
        bool harmless;              /* sent, it has done nothing yet; for the caller's own use */
        bool configured;            /* the configuration or the program says where it leads: its
                                       address may be any */
        bool secret_url;            /* the URL is a credential, treated as such a header is */
        bool secret_answer;         /* and so is what will be answered: tokens */
        struct smtp_envelope *mail; /* owned; NULL: HTTP */
};

void http_request_done(struct http_request *q);
/* Copies the value. Returns 0, -ENOMEM, -E2BIG, or -EINVAL for CR, LF or NUL in it. */
int http_request_header(struct http_request *q, const char *name, const char *value);
int http_request_secret_header(struct http_request *q, const char *name,
                               const struct secret *value);

enum http_failure {
        HTTP_ANSWERED,        /* there is a status */
        HTTP_REFUSED_URL,     /* not https, and no address that the configuration names */
        HTTP_REFUSED_ADDRESS, /* not public, and not listed: nothing was sent */
        HTTP_NOT_CONNECTED,   /* no name, no connection, no TLS: nothing was sent */
        HTTP_CONNECT_TIMEOUT, /* the same, by time */
        HTTP_NO_ANSWER,       /* the request left, and no whole answer came */
        HTTP_ANSWER_TIMEOUT,  /* the same, by time */
        HTTP_ANSWER_TOO_LARGE,
};

/*
 * Borrowed by on_done() until it returns. A header that was said twice, or with a value of more than
 * 8 KiB, counts as none.
 */
struct http_response {
        enum http_failure failure;
        char reason[CURL_ERROR_SIZE]; /* why it failed, for the journal */
        int status;       /* 0: none came; one that came stands here even if the rest did not */
        const char *body; /* NUL-terminated behind its size; "" when there is none */
        size_t body_size;
        const char *content_type; /* "" when there is none */
        const char *date;         /* the same, as is each below: the other end's clock */
        const char *retry_after;
        const char *location; /* never followed */
        const char *range;
        bool left; /* the request began to leave: it may have been carried out */
        const struct smtp_answer *mail; /* of a mail that was answered, or could not be asked for
                                           a reason that has a name; its code is `status` */
};

/* `event`'s poller; the caller owns *ret. Initialises libcurl at the first call. 0 or -errno. */
int http_client_new(struct poller *poller, const struct http_options *options,
                    struct http_client **ret);
/* Ends all calls without calling back. */
struct http_client *http_client_free(struct http_client *c);
DEFINE_CLEANUP(struct http_client *, http_client_free);

/*
 * Whether the client would go to that URL: https://, or http:// to an address that is listed.
 * No user information, no fragment, a host, no control characters. Pure. Returns 0 or -EPERM;
 * -EINVAL for what is no URL.
 */
int http_url_check(const char *url, const char *const *plain);
/* The same over a Unix socket: http:// goes too, since nothing leaves the machine. */
int http_url_check_local(const char *url);

/* Whether a URL has a path, and before it the scheme, host and port of another, letter by letter. */
bool http_url_is_of_same_origin(const char *url, const char *other);

#define HTTP_MAX_PLAIN 16

/*
 * PlainHttp=, for a table of configuration keys: `target` is a char *[HTTP_MAX_PLAIN + 1], owned. A
 * list replaces the one before it, so that a drop-in can empty it.
 */
int http_parse_plain(const char *section, const char *value, void *target, const char **ret_reason);
void http_plain_done(char **list);

/*
 * Both may start calls. on_done() may cancel any, and free the client. on_leaving() comes from
 * inside libcurl: it may cancel its own call, whose request then stays here, and no other.
 */
struct http_handler {
        /* The request begins to leave, of a mail its end; may be NULL. */
        void (*on_leaving)(void *userdata);
        void (*on_done)(const struct http_response *response, void *userdata); /* once */
};

/*
 * Starts the call. `request` is borrowed and must stay until on_done() or http_call_cancel().
 * `deadline_usec` (CLOCK_MONOTONIC, 0: none) shortens the total time. on_done() is never called
 * from within this call. *ret is borrowed: it is gone after on_done(). Returns 0 or -errno;
 * -EINVAL when the bearer or a value has a control character.
 */
int http_call(struct http_client *c, const struct http_request *request, uint64_t deadline_usec,
              const struct http_handler *handler, void *userdata, struct http_call **ret);
/* Ends it without calling back. */
void http_call_cancel(struct http_call *call);
