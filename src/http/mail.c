/* SPDX-License-Identifier: MIT */
/*
 * A mail on its way. libcurl looks the host up, connects, does TLS and logs in; from there on the
 * connection is ours, and smtp/dialogue.h says what goes over it. libcurl can send a mail too, but
 * it waits for the server's last word inside one call, for minutes perhaps, and cannot tell which
 * recipients were refused, nor whether the end had left.
 *
 * What libcurl hears while it connects is read along: what the server can, and why it says no.
 *
 * Each has a multi handle to itself: a connection that was handed over looks idle to libcurl, which
 * tidies such away when it starts another in the same handle. Some handles are kept for the next
 * mail, because libcurl reads the authorities into them, which takes longer than all else.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "http/client.h"
#include "smtp/dialogue.h"

/* Of one wake-up; what is left waits in the socket for the next. */
#define MAX_BYTES_AT_ONCE ((size_t)256 * 1024)
#define LOGGED_IN 235
#define DIALOGUE_OVER 2
/* Providers allow few at a time, some three; the others wait for one of them to end. */
#define MAX_MAILS_PER_MAILBOX 3

struct http_mail {
        struct poll_watch watch; /* first, so that it is the same pointer */
        struct http_call *call;
        struct http_multi *multi; /* owned */
        struct smtp_reader heard; /* while libcurl connects */
        struct smtp_features features;
        bool is_garbled, is_logged_in;
        struct smtp_dialogue dialogue;
        struct smtp_answer failure; /* of the connection, where the server said why */
};

static void hear(struct http_mail *mail, const struct smtp_reply *reply) {
        /* Only EHLO is answered so. The last one counts, which libcurl sends behind TLS. */
        if (reply->code == 250)
                smtp_features_read(reply->text, &mail->features);
        if (reply->code == LOGGED_IN)
                mail->is_logged_in = true;
}

/* libcurl makes up its own mind; a line that we cannot read says nothing to us. */
static size_t on_heard(char *data, size_t size, size_t n, void *userdata) {
        struct http_mail *mail = ((struct http_call *)userdata)->mail;
        size_t left = size * n, taken;

        for (int r = 1; r == 1 && left > 0 && !mail->is_garbled; left -= taken, data += taken) {
                r = smtp_reader_feed(&mail->heard, data, left, &taken);
                if (r == 1)
                        hear(mail, &mail->heard.reply);
                if (r < 0) {
                        mail->is_garbled = true;
                        break;
                }
        }
        return size * n;
}

static bool set_login(CURL *e, const struct smtp_envelope *envelope) {
        static const char *const options[] = {
                [SMTP_LOGIN_PASSWORD] = "AUTH=PLAIN;AUTH=LOGIN",
                [SMTP_LOGIN_PLAIN] = "AUTH=PLAIN",
                [SMTP_LOGIN_LOGIN] = "AUTH=LOGIN",
                [SMTP_LOGIN_XOAUTH2] = "AUTH=XOAUTH2",
        };
        CURLoption secret = envelope->login == SMTP_LOGIN_XOAUTH2 ? CURLOPT_XOAUTH2_BEARER
                                                                  : CURLOPT_PASSWORD;

        return curl_easy_setopt(e, CURLOPT_LOGIN_OPTIONS, options[envelope->login]) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_USERNAME, envelope->username) == CURLE_OK &&
               curl_easy_setopt(e, secret, envelope->secret->data) == CURLE_OK;
}

/* It also bounds greeting and login, for which servers take their time. */
static long connect_timeout_msec(const struct http_options *o) {
        uint64_t usec = o->connect_timeout_usec + o->first_byte_timeout_usec;

        return (long)((usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* What the server greets us by is an address literal, and not this machine's name. */
static int make_url(const struct smtp_envelope *e, char **ret) {
        const char *scheme = e->tls_at_once ? "smtps" : "smtp";

        return asprintf(ret, "%s://%s:%u/%%5B127.0.0.1%%5D", scheme, e->host, e->port) < 0 ? -ENOMEM
                                                                                           : 0;
}

static int set_up(struct http_call *call) {
        const struct smtp_envelope *envelope = call->request->mail;
        _cleanup_(freep) char *url = NULL;
        CURL *e = call->easy;

        if (make_url(envelope, &url) < 0 || http_transfer_rules(call, "smtp,smtps") < 0)
                return -ENOMEM;
        if (curl_easy_setopt(e, CURLOPT_URL, url) != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL) != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                             connect_timeout_msec(&call->client->options)) != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_heard) != CURLE_OK ||
            curl_easy_setopt(e, CURLOPT_HEADERDATA, call) != CURLE_OK || !set_login(e, envelope))
                return -ENOMEM;
        return 0;
}

static int prepare(struct http_call *call) {
        struct http_client *c = call->client;
        int r = 0;

        call->mail->call = call;
        if (c->n_idle_mails > 0)
                call->mail->multi = c->idle_mails[--c->n_idle_mails];
        else
                r = http_multi_new(c, &call->mail->multi);
        if (r < 0)
                return r;
        call->multi = call->mail->multi;
        call->easy = curl_easy_init();
        return call->easy ? set_up(call) : -ENOMEM;
}

/* For a call whose call->mail is there: from now on it counts as started. */
static void start(struct http_call *call) {
        if (prepare(call) < 0) {
                curl_easy_cleanup(TAKE_PTR(call->easy)); /* it is in no multi handle */
                http_call_fail(call, HTTP_NOT_CONNECTED, "libcurl cannot start the mail");
        } else if (curl_multi_add_handle(call->multi->curl, call->easy) != CURLM_OK) {
                curl_easy_cleanup(TAKE_PTR(call->easy));
                http_call_fail(call, HTTP_NOT_CONNECTED, "libcurl does not take the mail");
        }
}

static bool is_same_mailbox(const struct smtp_envelope *a, const struct smtp_envelope *b) {
        return a->port == b->port && strcasecmp(a->host, b->host) == 0 &&
               strcmp(a->username, b->username) == 0;
}

static bool may_start(const struct http_call *call) {
        const struct http_call *other;
        size_t n = 0;

        TAILQ_FOREACH(other, &call->client->running, in_client)
        if (other->mail && is_same_mailbox(other->request->mail, call->request->mail) &&
            ++n == MAX_MAILS_PER_MAILBOX)
                return false;
        return true;
}

static struct http_call *find_startable(struct http_client *c) {
        struct http_call *call;

        TAILQ_FOREACH(call, &c->running, in_client)
        if (call->held && may_start(call))
                return call;
        return NULL;
}

void http_mail_start_held(struct http_client *c) {
        struct http_call *call;

        while (c->n_held > 0 && (call = find_startable(c))) {
                call->held = false;
                c->n_held--;
                call->mail = calloc(1, sizeof(*call->mail));
                if (call->mail)
                        start(call);
                else
                        http_call_fail(call, HTTP_NOT_CONNECTED, "no memory for the mail");
        }
}

/* Whatever the server would still say, nobody waits for it. */
static void say_goodbye(struct http_call *call) {
        size_t n;

        if (call->mail->dialogue.phase == SMTP_PHASE_OVER)
                (void)curl_easy_send(call->easy, "QUIT\r\n", strlen("QUIT\r\n"), &n);
}

void http_mail_detach(struct http_call *call) {
        if (!call->mail || !call->mail->watch.poller)
                return;
        poller_remove(&call->mail->watch);
        say_goodbye(call);
}

void http_mail_release(struct http_call *call) {
        struct http_client *c = call->client;
        struct http_mail *mail = TAKE_PTR(call->mail);

        if (!mail)
                return;
        if (c->n_held > 0 && c->web)
                (void)sd_event_source_set_enabled(c->act, SD_EVENT_ONESHOT);
        if (mail->multi && c->web && c->n_idle_mails < MAX_IDLE_MAILS)
                c->idle_mails[c->n_idle_mails++] = mail->multi;
        else
                http_multi_end(mail->multi);
        smtp_dialogue_done(&mail->dialogue);
        free(mail);
}

/* Returns 0 when it may leave, or -ECANCELED. */
static int leave(struct http_call *call) {
        struct http_client *c = call->client;

        if (call->response.left)
                return 0;
        if (call->handler.on_leaving) {
                c->leaving = call;
                call->handler.on_leaving(call->userdata);
                c->leaving = NULL;
                if (call->cancelled)
                        return -ECANCELED;
        }
        call->response.left = true;
        http_call_waits(call);
        return 0;
}

/* Sends what there is to send. Returns 0, 1 when the socket is full, or a negative errno. */
static int send_out(struct http_call *call) {
        struct smtp_dialogue *d = &call->mail->dialogue;
        size_t size, sent, total = 0;
        const char *data;
        bool is_last;
        CURLcode code;
        int r;

        while ((size = smtp_dialogue_output(d, &data, &is_last)) > 0) {
                if (total >= MAX_BYTES_AT_ONCE)
                        return 1;
                if (is_last) {
                        r = leave(call);
                        if (r < 0)
                                return r;
                }
                code = curl_easy_send(call->easy, data, size, &sent);
                if (code == CURLE_AGAIN)
                        return 1;
                if (code != CURLE_OK)
                        return -EPIPE;
                smtp_dialogue_sent(d, sent);
                total += sent;
        }
        return 0;
}

/* Reads until there is no more. Returns 0, 1 when the dialogue is over, or a negative errno. */
static int take_in(struct http_call *call) {
        char data[4096];
        CURLcode code;
        size_t n;
        int r;

        for (size_t total = 0; total < MAX_BYTES_AT_ONCE; total += n) {
                code = curl_easy_recv(call->easy, data, sizeof(data), &n);
                if (code == CURLE_AGAIN)
                        return 0;
                if (code != CURLE_OK || n == 0)
                        return -EPIPE;
                http_call_hears(call);
                r = smtp_dialogue_feed(&call->mail->dialogue, data, n);
                if (r != 0)
                        return r;
        }
        return -EBADMSG;
}

static void break_off(struct http_call *call, int r) {
        enum http_failure failure = call->response.left ? HTTP_NO_ANSWER : HTTP_NOT_CONNECTED;

        switch (r) {
        case -EPIPE:
                http_call_fail(call, failure, "the mail server ended the connection");
                break;
        case -EBADMSG:
                http_call_fail(call, failure, "the mail server answers something else");
                break;
        default:
                http_call_fail(call, failure, "the mail cannot be sent on");
                break;
        }
}

/* What the server says is read first, and last: it may say why it does not listen any more. */
static int exchange(struct http_call *call) {
        int r;

        r = take_in(call);
        if (r != 0)
                return r == 1 ? DIALOGUE_OVER : r;
        r = send_out(call);
        if (r == -EPIPE && take_in(call) == 1)
                return DIALOGUE_OVER;
        return r;
}

/* The call may be gone afterwards. */
static void go_on(struct http_call *call) {
        int r;

        r = exchange(call);
        if (r == DIALOGUE_OVER) {
                http_call_end(call, CURLE_OK);
                return;
        }
        if (r >= 0)
                r = poller_modify(&call->mail->watch, EPOLLIN | (r == 1 ? EPOLLOUT : 0U));
        if (r < 0)
                break_off(call, r);
}

static void on_ready(struct poll_watch *w, uint32_t revents) {
        struct http_mail *mail = (struct http_mail *)w;
        struct http_client *client = http_client_ref(mail->call->client);

        go_on(mail->call); /* may free the client, but for the reference */
        http_client_unref(client);
}

static int begin(struct http_call *call) {
        const struct http_request *q = call->request;
        struct http_mail *mail = call->mail;
        curl_socket_t fd;
        int r;

        r = smtp_dialogue_init(&mail->dialogue, q->mail, q->body.data, q->body.size,
                               &mail->features);
        if (r != 0)
                return r;
        if (curl_easy_getinfo(call->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
            fd == CURL_SOCKET_BAD)
                return -EPIPE;
        return poller_add(call->client->poller, &mail->watch, fd, EPOLLIN, on_ready);
}

void http_mail_go(struct http_call *call) {
        int r = 1;

        if (call->mail->is_logged_in)
                r = begin(call);
        if (r == 0)
                go_on(call);
        else if (r == 1) {
                say_goodbye(call);
                http_call_end(call, CURLE_OK);
        } else
                break_off(call, r);
}

/*
 * Whether the server said why there is no connection, or what is in the way has a name; fills
 * mail->failure then.
 */
static bool explain(struct http_mail *mail, CURLcode code) {
        struct smtp_answer *a = &mail->failure;
        long last = 0;

        if (http_place_is_closed(mail->call, code)) {
                a->obstacle = SMTP_NO_ADDRESS;
                return true;
        }
        if (mail->is_garbled) {
                (void)curl_easy_getinfo(mail->call->easy, CURLINFO_RESPONSE_CODE, &last);
                a->reply.code = (int)last;
        } else
                a->reply = mail->heard.reply;
        if (code == CURLE_OK || code == CURLE_LOGIN_DENIED) {
                a->step = SMTP_STEP_LOGIN;
                /* A 334 in the place of the last word is a refusal, too: XOAUTH2 has its reason in it. */
                if (code == CURLE_OK || a->reply.code < 300)
                        a->obstacle = SMTP_NO_LOGIN;
                return true;
        }
        if (code == CURLE_USE_SSL_FAILED && a->reply.code > 0) {
                a->obstacle = SMTP_NO_TLS;
                return true;
        }
        return a->reply.code >= 400;
}

void http_mail_conclude(struct http_call *call, CURLcode code) {
        struct http_response *a = &call->response;
        struct http_mail *mail = call->mail;

        a->body = a->content_type = a->date = a->retry_after = a->location = a->range = "";
        if (call->verdict.reason) {
                a->failure = call->verdict.failure;
                ae_error_quote(a->reason, sizeof(a->reason), call->verdict.reason);
                return;
        }

        if (mail->dialogue.phase == SMTP_PHASE_OVER)
                a->mail = &mail->dialogue.answer;
        else if (explain(mail, code))
                a->mail = &mail->failure;
        if (a->mail) {
                a->failure = HTTP_ANSWERED;
                a->status = a->mail->reply.code;
                a->reason[0] = 0;
                /* A refusal is clear: what had left was not taken. */
                a->left = a->mail->accepted;
                return;
        }
        a->failure = code == CURLE_OPERATION_TIMEDOUT ? HTTP_CONNECT_TIMEOUT : HTTP_NOT_CONNECTED;
        ae_error_quote(a->reason, sizeof(a->reason),
                       a->reason[0] ? a->reason : curl_easy_strerror(code));
}
