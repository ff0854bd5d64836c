/* SPDX-License-Identifier: MIT */
/*
 * The client and its calls: who starts, who ends, who is told, and when it has taken too long.
 *
 *     queued ──► running ──► over        A call is in one list at a time. While it runs and has been
 *                  │  ▲                  sent, but nothing has come back, it stands in `waiting` too.
 *                  ▼  │
 *                waiting
 *
 * Nothing starts inside http_call(): the `act` source gives libcurl what is queued, once per turn of
 * the loop. So no callback ever comes from within a call of the caller's, and calls can be started
 * from everywhere, from inside libcurl too. libcurl times only the connecting: the total it would
 * not watch while a call waits for a free connection, and a first byte's time it does not know.
 */
#include "http/http.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "http/client.h"

struct http_client *http_client_ref(struct http_client *c) {
        c->n_refs++;
        return c;
}

struct http_client *http_client_unref(struct http_client *c) {
        if (!c || --c->n_refs > 0)
                return NULL;
        sd_event_source_disable_unref(c->act);
        sd_event_source_disable_unref(c->timeouts);
        http_sockets_done(c);
        for (char **p = c->plain; p && *p; p++)
                free(*p);
        free(c->plain);
        free(c->ca_file);
        free(c->user_agent);
        free(c->unix_socket);
        free(c);
        return NULL;
}

static void call_unlink(struct http_call *call) {
        struct http_client *c = call->client;

        http_call_hears(call);
        c->n_held -= call->held;
        call->held = false;
        if (call->state == CALL_QUEUED)
                TAILQ_REMOVE(&c->queued, call, in_client);
        if (call->state == CALL_RUNNING) {
                http_mail_detach(call);
                if (call->easy)
                        (void)curl_multi_remove_handle(call->multi->curl, call->easy);
                TAILQ_REMOVE(&c->running, call, in_client);
        }
        call->state = CALL_OVER;
}

static void call_free(struct http_call *call) {
        call_unlink(call);
        http_transfer_release(call);
        http_mail_release(call);
        if (call->header_text)
                explicit_bzero(call->header_text, call->header_text_size);
        free(call->header_text);
        buffer_done(&call->answer);
        free(call);
}

/* Unlinked first: on_done() may start, cancel, and end the client. */
void http_call_end(struct http_call *call, CURLcode code) {
        call_unlink(call);
        if (call->mail)
                http_mail_conclude(call, code);
        else
                http_transfer_conclude(call, code);
        if (!call->cancelled)
                call->handler.on_done(&call->response, call->userdata);
        call_free(call);
}

void http_call_fail(struct http_call *call, enum http_failure failure, const char *reason) {
        call->verdict.failure = failure;
        call->verdict.reason = reason;
        http_call_end(call, CURLE_OK);
}

static void call_time_out(struct http_call *call) {
        if (call->response.left)
                http_call_fail(call, HTTP_ANSWER_TIMEOUT,
                               call->first_byte_usec > 0 ? "the answer did not begin in time"
                                                         : "the answer was not whole in time");
        else
                http_call_fail(call, HTTP_CONNECT_TIMEOUT, "there was no connection in time");
}

/* The source is left alone while it is set to an earlier time: it looks again when that comes. */
static void arm(struct http_client *c, uint64_t usec) {
        if (c->timeouts_usec > 0 && c->timeouts_usec <= usec)
                return;
        c->timeouts_usec = usec;
        (void)sd_event_source_set_time(c->timeouts, usec);
        (void)sd_event_source_set_enabled(c->timeouts, SD_EVENT_ONESHOT);
}

static int on_timeouts(sd_event_source *source, uint64_t usec, void *userdata) {
        _cleanup_(http_client_unrefp) struct http_client *c = http_client_ref(userdata);
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        struct http_call *call;

        c->timeouts_usec = 0;
        while ((call = TAILQ_FIRST(&c->waiting)) && call->first_byte_usec <= now)
                call_time_out(call);
        while ((call = TAILQ_FIRST(&c->running)) && call->end_usec <= now)
                call_time_out(call);

        call = TAILQ_FIRST(&c->waiting);
        if (call)
                arm(c, call->first_byte_usec);
        call = TAILQ_FIRST(&c->running);
        if (call)
                arm(c, call->end_usec);
        return 0;
}

void http_call_waits(struct http_call *call) {
        struct http_client *c = call->client;

        http_call_hears(call);
        call->first_byte_usec = clock_usec(CLOCK_MONOTONIC) + c->options.first_byte_timeout_usec;
        TAILQ_INSERT_TAIL(&c->waiting, call, in_waiting);
        arm(c, call->first_byte_usec);
}

void http_call_hears(struct http_call *call) {
        if (call->first_byte_usec == 0)
                return;
        call->first_byte_usec = 0;
        TAILQ_REMOVE(&call->client->waiting, call, in_waiting);
}

/* From the end: nearly all have the same total time, so that the last is where it belongs. */
static void insert_running(struct http_client *c, struct http_call *call) {
        struct http_call *before;

        TAILQ_FOREACH_REVERSE(before, &c->running, call_list, in_client)
        if (before->end_usec <= call->end_usec)
                break;
        if (before)
                TAILQ_INSERT_AFTER(&c->running, before, call, in_client);
        else
                TAILQ_INSERT_HEAD(&c->running, call, in_client);
        arm(c, call->end_usec);
}

/* A mail's address is looked at when it is connected to. */
static int check_url(const struct http_call *call) {
        const struct http_client *c = call->client;

        if (call->request->mail)
                return 0;
        return c->unix_socket ? http_url_check_local(call->request->url)
                              : http_url_check(call->request->url, c->options.plain);
}

static int start_transfer(struct http_call *call) {
        int r;

        call->multi = call->client->web;
        r = http_transfer_prepare(call);
        if (r < 0)
                return r;
        return curl_multi_add_handle(call->multi->curl, call->easy) == CURLM_OK ? 0 : -ENOMEM;
}

/* A mail is only lined up. */
static void call_start(struct http_call *call) {
        struct http_client *c = call->client;
        int r;

        r = check_url(call);
        if (r == -EINVAL || r == -EPERM) {
                http_call_fail(call, HTTP_REFUSED_URL,
                               r == -EINVAL ? "that is no URL"
                                            : "that URL is neither https nor a listed address");
                return;
        }
        if (call->end_usec <= clock_usec(CLOCK_MONOTONIC)) {
                call_time_out(call);
                return;
        }

        if (r >= 0 && !call->request->mail)
                r = start_transfer(call);
        if (r < 0) {
                http_call_fail(call, HTTP_NOT_CONNECTED, "libcurl cannot start the call");
                return;
        }
        call->held = call->request->mail != NULL;
        c->n_held += call->held;
        TAILQ_REMOVE(&c->queued, call, in_client);
        call->state = CALL_RUNNING;
        insert_running(c, call);
}

/* What the callbacks queue while this runs is for the next turn. */
static int on_act(sd_event_source *source, void *userdata) {
        _cleanup_(http_client_unrefp) struct http_client *c = http_client_ref(userdata);
        struct http_call *call;
        size_t n = 0;

        TAILQ_FOREACH(call, &c->queued, in_client)
        n++;
        for (; n > 0 && (call = TAILQ_FIRST(&c->queued)); n--)
                call_start(call);
        http_mail_start_held(c);
        if (c->web)
                http_multi_act(c->web);
        return 0;
}

/* Nothing has left: it takes a connection of its own. */
static void call_restart(struct http_call *call) {
        CURLM *curl = call->multi->curl;

        call->is_stale = false;
        call->response.reason[0] = 0;
        (void)curl_multi_remove_handle(curl, call->easy);
        if (curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L) != CURLE_OK ||
            curl_multi_add_handle(curl, call->easy) != CURLM_OK)
                http_call_fail(call, HTTP_NOT_CONNECTED, "libcurl cannot start the call again");
}

void http_client_deliver(struct http_client *c, struct http_multi *multi) {
        struct http_call *call;
        CURLMsg *m;
        int n_left;

        while (multi->curl && (m = curl_multi_info_read(multi->curl, &n_left)))
                if (m->msg == CURLMSG_DONE) {
                        CURLcode code = m->data.result;

                        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
                        if (call->is_stale)
                                call_restart(call);
                        else if (call->mail && code == CURLE_OK)
                                http_mail_go(call);
                        else
                                http_call_end(call, code);
                }
}

/* Late, because libcurl and its TLS library take a while and some memory to begin. */
static int client_start(struct http_client *c) {
        long n_connections = (long)c->options.max_connections_per_host;
        static bool initialised;
        int r;

        if (c->web)
                return 0;
        /* libcurl would write the keys of its TLS sessions to the file that this names. */
        (void)unsetenv("SSLKEYLOGFILE");
        if (!initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -EIO;
        initialised = true;

        r = http_multi_new(c, &c->web);
        if (r >= 0 &&
            (curl_multi_setopt(c->web->curl, CURLMOPT_MAX_HOST_CONNECTIONS, n_connections) !=
                             CURLM_OK ||
             curl_multi_setopt(c->web->curl, CURLMOPT_MAXCONNECTS, n_connections) != CURLM_OK)) {
                c->web = http_multi_end(c->web);
                r = -ENOMEM;
        }
        return r;
}

static int copy_text(const char *text, char **ret) {
        if (!text)
                return 0;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int copy_options(struct http_client *c, const struct http_options *options) {
        size_t n_plain = 0;
        int r;

        c->options = *options;
        r = copy_text(options->ca_file, &c->ca_file);
        if (r >= 0)
                r = copy_text(options->user_agent, &c->user_agent);
        if (r >= 0)
                r = copy_text(options->unix_socket, &c->unix_socket);

        while (options->plain && options->plain[n_plain])
                n_plain++;
        c->plain = calloc(n_plain + 1, sizeof(*c->plain));
        if (!c->plain)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_plain; i++)
                r = copy_text(options->plain[i], &c->plain[i]);

        if (options->mail_addresses)
                c->mail_addresses = *options->mail_addresses;
        if (options->web_addresses)
                c->web_addresses = *options->web_addresses;
        c->options.web_addresses = &c->web_addresses;
        c->options.mail_addresses = &c->mail_addresses;
        c->options.ca_file = c->ca_file;
        c->options.user_agent = c->user_agent;
        c->options.unix_socket = c->unix_socket;
        c->options.plain = (const char *const *)c->plain;
        return r;
}

int http_client_new(struct poller *poller, const struct http_options *options,
                    struct http_client **ret) {
        _cleanup_(http_client_unrefp) struct http_client *c = NULL;
        sd_event *event = poller_event(poller);
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->n_refs = 1;
        c->poller = poller;
        TAILQ_INIT(&c->queued);
        TAILQ_INIT(&c->running);
        TAILQ_INIT(&c->waiting);
        LIST_INIT(&c->sockets);

        r = copy_options(c, options);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &c->act, on_act, c);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(c->act, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &c->timeouts, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timeouts,
                              c);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(c->timeouts, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

struct http_client *http_client_free(struct http_client *c) {
        struct http_call *call;

        if (!c)
                return NULL;
        assert(!c->leaving);

        while ((call = TAILQ_FIRST(&c->queued)) || (call = TAILQ_FIRST(&c->running)))
                call_free(call);
        while (c->n_idle > 0)
                curl_easy_cleanup(c->idle[--c->n_idle]);
        while (c->n_idle_mails > 0)
                http_multi_end(c->idle_mails[--c->n_idle_mails]);
        /* Last, since it closes its sockets; a call that is over may still hold c. */
        c->web = http_multi_end(c->web);
        (void)sd_event_source_set_enabled(c->act, SD_EVENT_OFF);
        return http_client_unref(c);
}

int http_call(struct http_client *c, const struct http_request *request, uint64_t deadline_usec,
              const struct http_handler *handler, void *userdata, struct http_call **ret) {
        uint64_t end_usec = clock_usec(CLOCK_MONOTONIC) + c->options.total_timeout_usec;
        struct http_call *call;
        int r;

        r = client_start(c);
        if (r < 0)
                return r;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;

        call->client = c;
        call->request = request;
        call->secret_url = request->secret_url;
        call->handler = *handler;
        call->userdata = userdata;
        call->end_usec = deadline_usec > 0 && deadline_usec < end_usec ? deadline_usec : end_usec;
        TAILQ_INSERT_TAIL(&c->queued, call, in_client);

        r = http_transfer_headers(call);
        if (r >= 0)
                r = sd_event_source_set_enabled(c->act, SD_EVENT_ONESHOT);
        if (r < 0) {
                call_free(call);
                return r;
        }
        *ret = call;
        return 0;
}

void http_call_cancel(struct http_call *call) {
        if (!call || call->state == CALL_OVER)
                return;

        /* libcurl lets nothing be taken away from inside, but ends this one when we return. */
        if (call->client->leaving) {
                assert(call->client->leaving == call || call->state == CALL_QUEUED);
                if (call->client->leaving == call) {
                        call->cancelled = true;
                        return;
                }
        }
        call_free(call);
}
