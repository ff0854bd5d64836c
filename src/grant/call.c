/* SPDX-License-Identifier: MIT */
#include "grant/call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Room for two of the longest tokens, escaped. What the vault is told of it is hardly longer. */
#define MAX_RESPONSE_BYTES ((size_t)80 << 10)

struct call {
        const struct oauth_grant *grant;
        struct http_request request;
        sd_event *event;
        struct poller *poller;
        struct http_client *client;
        uint64_t sent_usec; /* CLOCK_MONOTONIC */
        int r;              /* of interpreting */
        struct oauth_answer *answer;
        struct call_report *report;
};

static void call_done(struct call *c) {
        http_client_free(c->client);
        poller_free(c->poller);
        sd_event_unref(c->event);
        buffer_wipe(&c->request.body);
        http_request_done(&c->request);
}

static void on_done(const struct http_response *response, void *userdata) {
        struct call *c = userdata;

        c->report->status = response->status;
        snprintf(c->report->trouble, sizeof(c->report->trouble), "%s", response->reason);
        c->r = oauth_grant_interpret(c->grant, response, clock_realtime_at(c->sent_usec),
                                     c->answer);
        (void)sd_event_exit(c->event, 0);
}

/* The part of an address that a person knows it by. */
static void find_host(const char *url, char *ret, size_t size) {
        const char *host = strstr(url, "://");

        host = host ? host + strlen("://") : url;
        snprintf(ret, size, "%.*s", (int)strcspn(host, "/?#"), host);
}

static int open_client(struct call *c, const struct grant_config *config) {
        struct http_options options = {
                .connect_timeout_usec = config->connect_timeout_usec,
                .first_byte_timeout_usec = config->total_timeout_usec,
                .total_timeout_usec = config->total_timeout_usec,
                .max_response_bytes = MAX_RESPONSE_BYTES,
                .max_connections_per_host = 1,
                .ca_file = config->ca_file,
                .plain = (const char *const *)config->plain_http,
                .web_addresses = &config->addresses,
                .user_agent = "action-engine/" AE_VERSION,
        };
        int r;

        r = sd_event_new(&c->event);
        if (r < 0)
                return r;
        r = poller_new(c->event, &c->poller);
        if (r < 0)
                return r;
        return http_client_new(c->poller, &options, &c->client);
}

/* Until it is called, nothing has left. */
static int start(struct call *c, const struct grant_config *config) {
        static const struct http_handler handler = { .on_done = on_done };
        struct http_call *call;
        int r;

        r = oauth_grant_build(c->grant, &c->request);
        if (r < 0)
                return r;
        find_host(c->request.url, c->report->host, sizeof(c->report->host));
        r = open_client(c, config);
        if (r < 0)
                return r;
        c->sent_usec = clock_usec(CLOCK_MONOTONIC);
        return http_call(c->client, &c->request, /* deadline_usec= */ 0, &handler, c, &call);
}

static void fail(struct oauth_answer *answer, enum oauth_result result, const char *what, int r) {
        answer->result = result;
        snprintf(answer->reason, sizeof(answer->reason), "%s: %s", what, strerror(-r));
}

void call_grant(const struct oauth_grant *grant, const struct grant_config *config,
                struct oauth_answer *ret, struct call_report *ret_report) {
        _cleanup_(call_done) struct call c = { .grant = grant,
                                               .answer = ret,
                                               .report = ret_report };
        int r;

        *ret = (struct oauth_answer){ 0 };
        *ret_report = (struct call_report){ 0 };

        r = start(&c, config);
        if (r == -EOPNOTSUPP) {
                ret->result = OAUTH_REQUEST_REFUSED;
                snprintf(ret->reason, sizeof(ret->reason), "the app has no endpoint for this");
                return;
        }
        if (r < 0) {
                fail(ret, OAUTH_UNREACHABLE, "action-grant cannot make the call", r);
                return;
        }

        r = sd_event_loop(c.event);
        if (r >= 0)
                r = c.r;
        if (r < 0) {
                oauth_answer_done(ret);
                *ret = (struct oauth_answer){ 0 };
                fail(ret, OAUTH_NO_ANSWER, "action-grant cannot read the answer", r);
        }
}
