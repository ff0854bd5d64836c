/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The room's inside, for its own files:
 *
 *     http.c      the client, its calls and their clocks: who starts, who ends, who is told
 *     transfer.c  one call on one easy handle: its options, its callbacks, what its end means
 *     mail.c      the same for a mail
 *     place.c     which addresses a call may connect to
 *     socket.c    the sockets that libcurl has open, and whether one is still good
 *     multi.c     a multi handle of libcurl's on the event loop
 */

#include <sys/queue.h>

#include "http/address.h"
#include "http/http.h"

TAILQ_HEAD(call_list, http_call);
LIST_HEAD(socket_list, http_socket);

/* More would be idle memory: each handle holds its buffers. */
#define MAX_IDLE_HANDLES 64

/* The same of multi handles for mails: each holds the authorities that it has read. */
#define MAX_IDLE_MAILS 3

/* A multi handle. It goes on after its end until nobody is inside any more. */
struct http_multi {
        unsigned n_refs;
        struct http_client *client;
        CURLM *curl;            /* NULL after the end */
        sd_event_source *timer; /* libcurl's */
};

struct http_client {
        unsigned n_refs; /* a callback may free the client under the hands that called it */
        struct poller *poller;

        struct http_options options; /* what it points to is owned by the client: */
        char *ca_file, *user_agent, *unix_socket;
        char **plain;
        struct http_address_list web_addresses, mail_addresses;

        struct http_multi *web; /* of all but mails; NULL before the first call and after the end */
        sd_event_source *act;   /* as soon as possible: start what is queued, let libcurl act */
        sd_event_source *timeouts; /* ours, for the first of running and waiting */
        uint64_t timeouts_usec;    /* what it is set to; 0: off */

        struct call_list queued;  /* not given to libcurl yet */
        struct call_list running; /* the first to end first */
        struct call_list waiting; /* those of the running that wait for a first byte, in order */
        struct http_multi *idle_mails[MAX_IDLE_MAILS]; /* owned, between two mails */
        size_t n_idle_mails;
        size_t n_held;             /* of the running: mails that wait for another to end */
        struct http_call *leaving; /* on_leaving() is being called, from inside libcurl */

        struct socket_list sockets;

        CURL *idle[MAX_IDLE_HANDLES];
        size_t n_idle;
};

struct http_socket {
        int fd;
        struct sockaddr_storage own, peer; /* own: of no port before it was looked at */
        bool is_http_1;                    /* an answer of HTTP/1 has come from there */
        LIST_ENTRY(http_socket) in_client;
};

enum call_state {
        CALL_QUEUED,
        CALL_RUNNING,
        CALL_OVER, /* on_done() is being called */
};

/* The caller's own, the bearer, and two that keep libcurl from adding its own. */
#define MAX_HEADER_LINES (HTTP_MAX_HEADERS + 3)

struct http_call {
        struct http_client *client;
        const struct http_request *request;
        struct http_handler handler;
        void *userdata;

        enum call_state state;
        bool cancelled; /* by its own on_leaving(): ends without a word when libcurl lets go */
        bool secret_url;
        struct http_multi *multi; /* borrowed from the client, or from `mail` */
        struct http_mail *mail;   /* NULL: HTTP, or not started */
        bool held;                /* a mail that waits for another to end */
        TAILQ_ENTRY(http_call) in_client;
        TAILQ_ENTRY(http_call) in_waiting;
        uint64_t end_usec;        /* its total time is over then */
        uint64_t first_byte_usec; /* 0: not in `waiting` */

        CURL *easy;
        struct curl_slist headers[MAX_HEADER_LINES]; /* libcurl's list, of our own memory */
        size_t n_headers;
        char *header_text; /* owned, wiped: it holds the bearer */
        size_t header_text_size;

        struct {
                bool is_refused; /* an address that it may not go to */
                bool is_tried;   /* another one, to which it may */
        } place;

        struct http_socket *socket; /* which it goes out by; NULL: none, or it is not known */
        bool is_stale;              /* that cannot be had: it starts again, by a new one */

        char length[sizeof("18446744073709551615")]; /* as the answer says it; "": not yet */
        size_t body_taken;
        size_t n_answer_lines, answer_header_bytes;
        bool head_is_whole;
        bool quoted; /* the answer tells a part of our secrets */
        struct buffer answer;
        /* Why we broke it off ourselves; reason is static text, NULL when we did not. */
        struct {
                enum http_failure failure;
                const char *reason;
        } verdict;
        struct http_response response;
};

/* request.c: nothing that would end a header's line, nor any other control character but a tab. */
bool http_is_field_text(const char *text, size_t size);

/* http.c: its last byte was handed over, and its first was received. */
void http_call_waits(struct http_call *call);
void http_call_hears(struct http_call *call);
/* Hands out what libcurl has finished. Both are alive while the caller holds a reference. */
void http_client_deliver(struct http_client *c, struct http_multi *m);
/* Ends the call, and tells. It is gone then, and the client may be. */
void http_call_end(struct http_call *call, CURLcode code);
void http_call_fail(struct http_call *call, enum http_failure failure, const char *reason);
struct http_client *http_client_ref(struct http_client *c);
struct http_client *http_client_unref(struct http_client *c);
DEFINE_CLEANUP(struct http_client *, http_client_unref);

/* transfer.c. What holds for every transfer: TLS, no proxy, where it may go. 0 or -ENOMEM. */
int http_transfer_rules(struct http_call *call, const char *protocols);
/* Writes the header lines. Returns 0, -ENOMEM, -E2BIG, or -EINVAL for a line end. */
int http_transfer_headers(struct http_call *call);
/* Sets call->easy, fresh or idle, up. Returns 0 or -ENOMEM. */
int http_transfer_prepare(struct http_call *call);
/* Gives call->easy, which is in no multi handle, back without a trace of the call. */
void http_transfer_release(struct http_call *call);
/* Fills call->response from how it ended. */
void http_transfer_conclude(struct http_call *call, CURLcode code);

/* place.c. Has every address looked at before call->easy connects to it. Returns 0 or -ENOMEM. */
int http_place_watch(struct http_call *call);
/* Whether it may go over a connection to that address. */
bool http_place_takes_peer(const struct http_call *call, const char *ip, int port);
/* Whether that is its end because there was no other address than those that it may not go to. */
bool http_place_is_closed(const struct http_call *call, CURLcode code);

/* socket.c. For libcurl: the socket, or CURL_SOCKET_BAD. */
curl_socket_t http_socket_open(struct http_client *c, const struct curl_sockaddr *address);
/* Has call->easy's sockets closed here, too. Returns 0 or -ENOMEM. */
int http_socket_watch(struct http_call *call);
/* Forgets those that libcurl has not closed; there are none. */
void http_sockets_done(struct http_client *c);

struct http_ends {
        const char *own_ip, *peer_ip;
        int own_port, peer_port;
};

/* Sets call->socket. */
void http_socket_find(struct http_call *call, const struct http_ends *ends);
/* Whether something has come by it that is no answer to what it will be asked. */
bool http_socket_is_stale(const struct http_call *call);

/*
 * mail.c. Starts those of the running mails that may start. It ends, and tells, what fails.
 */
void http_mail_start_held(struct http_client *c);
/* libcurl has connected and logged in: the mail can go. The call may be gone afterwards. */
void http_mail_go(struct http_call *call);
/* Ends its connection. Harmless when there is none. */
void http_mail_detach(struct http_call *call);
/* Frees call->mail. The response that was concluded is invalid then. */
void http_mail_release(struct http_call *call);
/* As http_transfer_conclude(). */
void http_mail_conclude(struct http_call *call, CURLcode code);

/* multi.c. The caller owns *ret, and ends it. Returns 0 or a negative errno. */
int http_multi_new(struct http_client *c, struct http_multi **ret);
/* Ends it, also from inside an act() of its own, but not from inside libcurl. */
struct http_multi *http_multi_end(struct http_multi *m);
/* Lets libcurl do what is due by its own timer. */
void http_multi_act(struct http_multi *m);
