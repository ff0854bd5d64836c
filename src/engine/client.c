/* SPDX-License-Identifier: MIT */
#include "engine/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "action/pipeline.h"
#include "base/clock.h"
#include "base/journal.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "policy/inbox.h"

static struct client *client_unref(struct client *c) {
        if (!c || --c->n_refs > 0)
                return NULL;

        channel_unref(c->channel);
        identity_unref(c->identity);
        user_release(c->user);
        peer_done(&c->peer);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct client *, client_unref);

static int call_new(struct client *c, struct call **ret) {
        struct call *call = calloc(1, sizeof(*call));

        if (!call)
                return -ENOMEM;

        call->client = c;
        c->n_refs++;
        call->next = c->calls;
        if (call->next)
                call->next->previous = call;
        c->calls = call;
        *ret = call;
        return 0;
}

static void call_free(struct call *call) {
        struct client *c = call->client;

        if (call->vault_call)
                vault_call_cancel(call->vault_call);
        verification_free(call->verification);
        device_wait_free(call->device_wait);
        inbox_decision_cancel(call->decision);
        action_unref(call->action);
        flow_free(call->flow);
        free(call->scopes);
        op_release_audit(call);

        if (call->previous)
                call->previous->next = call->next;
        else
                c->calls = call->next;
        if (call->next)
                call->next->previous = call->previous;

        identity_unref(call->identity);
        request_done(&call->request);
        buffer_done(&call->result);
        free(call);
        client_unref(c);
}

static void call_answer(struct call *call, const struct ae_error *error) {
        struct channel *channel = call->client->channel;
        struct buffer line = { 0 };

        if (error)
                request_write_error(&call->request, error, &line);
        else
                request_write_result(&call->request, call->result.data, call->result.size, &line);

        if (buffer_error(&line) < 0) {
                log_error("Memory ran out over an answer; closing the connection");
                channel_drain(channel);
        }
        (void)channel_send(channel, &line); /* a failure has ended the connection */
        buffer_done(&line);
        channel_request_done(channel, call->held);
        engine_touch_status(call->client->engine);
        call_free(call);
}

void call_succeed(struct call *call) {
        struct ae_error error = { 0 };
        int r;

        r = buffer_error(&call->result);
        if (r < 0) {
                (void)ae_error_from_errno(&error, r);
                call_answer(call, &error);
        } else
                call_answer(call, NULL);
}

void call_fail(struct call *call, const struct ae_error *error) {
        call_answer(call, error);
}

static void on_line(struct channel *channel, const char *line, size_t size, uint64_t number,
                    void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct client *c = userdata;
        struct call *call;
        int r;

        r = call_new(c, &call);
        if (r < 0) {
                log_error("Memory ran out over a request; closing the connection");
                channel_drain(channel);
                return;
        }
        call->held = channel_request_open(channel);

        r = request_parse(line, size, number, &call->request, &error);
        if (r >= 0)
                r = op_run(call, &error);
        if (r == CALL_PENDING)
                return;
        if (r < 0) {
                (void)ae_error_from_errno(&error, r);
                call_fail(call, &error);
        } else
                call_succeed(call);
}

/* A line of which nothing was read but that it is there. */
static void refuse_line(struct channel *channel, uint64_t number, const struct ae_error *error) {
        struct request q = { .line = number };
        struct buffer line = { 0 };

        id_uuid7(q.request_id);
        request_write_error(&q, error, &line);
        (void)channel_send(channel, &line);
        buffer_done(&line);
}

static void on_too_large(struct channel *channel, uint64_t number, void *userdata) {
        const struct client *c = userdata;
        struct ae_error error = { 0 };

        (void)ae_error_set(&error, AE_MESSAGE_TOO_LARGE,
                           "the line is longer than MaxMessageBytes=, %zu bytes",
                           c->engine->settings->max_message_bytes);
        refuse_line(channel, number, &error);
}

static void on_too_late(struct channel *channel, uint64_t number, void *userdata) {
        const struct client *c = userdata;
        struct ae_error error = { 0 };

        (void)ae_error_set(&error, AE_DEADLINE_EXCEEDED,
                           "the line was not whole within LineTimeoutSec=, %g seconds; write it at "
                           "once",
                           (double)c->engine->settings->line_timeout_usec / USEC_PER_SEC);
        refuse_line(channel, number, &error);
}

/*
 * Nobody waits for the answers any more: what has not left is cancelled. What is leaving goes on,
 * and its call keeps the client alive until then, so that the journal tells what became of it.
 */
static void abandon_calls(struct client *c) {
        struct call *call = c->calls;

        while (call) {
                struct call *next = call->next;

                if (call->leaving)
                        log_debug("Request %s goes on without its client",
                                  call->request.request_id);
                else if (call->action && !call->vault_call)
                        pipeline_cancel(call->action, AE_CANCELLED, "the client went away");
                else if (call->device_wait)
                        device_wait_stop(call->device_wait);
                else
                        call_free(call);
                call = next;
        }
}

static void client_end(struct client *c) {
        struct engine *e = c->engine;

        if (c->previous)
                c->previous->next = c->next;
        else
                e->clients = c->next;
        if (c->next)
                c->next->previous = c->previous;
        e->n_clients--;

        listener_connection_closed(e->listener);
        engine_touch_status(e);
        c->gone = true;
        abandon_calls(c);
        client_unref(c); /* the list's */
}

static void on_closed(struct channel *channel, int r, void *userdata) {
        client_end(userdata);
}

static const struct channel_handler handler = {
        .on_line = on_line,
        .on_too_large = on_too_large,
        .on_too_late = on_too_late,
        .on_closed = on_closed,
};

/* With a user namespace around the engine, all peers would share this uid, and what is a uid's. */
static int check_peer(struct engine *e, const struct peer *peer) {
        unsigned n_untold;

        if (peer_is_somebody(peer))
                return 0;
        if (refusals_admit(&e->refusals, peer->uid, clock_usec(CLOCK_MONOTONIC), &n_untold))
                log_warning("Refused a connection of uid %u, pid %d: that uid tells of nobody who "
                            "it is (%u before it untold)",
                            (unsigned)peer->uid, (int)peer->pid, n_untold);
        return -EPERM;
}

static int client_new(struct engine *e, int fd, struct client **ret) {
        _cleanup_(client_unrefp) struct client *c = NULL;
        struct channel_options options;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct client){ .n_refs = 1, .engine = e, .peer.pid_fd = -1 };

        r = peer_read(fd, &c->peer);
        if (r < 0)
                return r;
        r = check_peer(e, &c->peer);
        if (r < 0)
                return r;
        r = users_acquire(e->users, c->peer.uid, &c->user);
        if (r < 0)
                return r;
        if (user_n_connections(c->user) > users_share(e->max_connections))
                return -EDQUOT;

        options = (struct channel_options){
                .max_line = e->settings->max_message_bytes,
                .max_open = e->settings->max_in_flight_per_connection,
                .quota = user_quota(c->user),
                .line_timeout_usec = e->settings->line_timeout_usec,
        };
        r = channel_new(e->poller, fd, &options, &handler, c, &c->channel);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

static void write_refusal(int r, struct request *q, struct buffer *to) {
        struct ae_error error = { 0 };

        if (r == -EPERM)
                (void)ae_error_set(&error, AE_FORBIDDEN,
                                   "uid %u may be anybody's; connect with a uid of your own",
                                   (unsigned)PEER_OVERFLOW_UID);
        else {
                error.retry_after_msec = 1000;
                (void)ae_error_set(&error, AE_OVERLOADED, "%s",
                                   r == -EDQUOT ? "this user has as many connections as one may "
                                                  "have; close some"
                                                : "there is no room for another connection; try "
                                                  "again in a moment");
        }
        id_uuid7(q->request_id);
        request_write_error(q, &error, to);
}

/* Best effort: a new connection has room for one line. */
static void refuse(int fd, int r) {
        struct request q = { .line = 1 };
        struct buffer line = { 0 };

        write_refusal(r, &q, &line);
        buffer_putc(&line, '\n');
        if (buffer_error(&line) == 0)
                (void)send(fd, line.data, line.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        buffer_done(&line);
}

void client_accept(struct engine *e, int fd) {
        struct client *c;
        int r;

        r = client_new(e, fd, &c);
        if (r < 0) {
                refuse(fd, r);
                fd_close(fd);
                if (r != -EDQUOT && r != -EPERM) {
                        log_warning("Cannot serve a connection, closing it: %s", strerror(-r));
                        listener_pause(e->listener);
                }
                listener_connection_closed(e->listener);
                return;
        }

        c->next = e->clients;
        if (c->next)
                c->next->previous = c;
        e->clients = c;
        e->n_clients++;
        engine_touch_status(e);
}

void client_drain(struct client *c) {
        channel_drain(c->channel);
}

void client_abandon(struct client *c) {
        struct call *call = c->calls;

        while (call) {
                struct call *next = call->next;
                struct ae_error error = { 0 };

                if (call->vault_call) {
                        vault_call_cancel(TAKE_PTR(call->vault_call));
                        (void)ae_error_set(&error, AE_VAULT_UNAVAILABLE,
                                           "the engine stopped before the vault answered; try "
                                           "again in a moment");
                        call_fail(call, &error);
                } else if (call->verification) {
                        (void)ae_error_set(&error, AE_UPSTREAM_UNREACHABLE,
                                           "the engine stopped before the platform answered, and "
                                           "nothing was stored; try again in a moment");
                        call_fail(call, &error);
                }
                call = next;
        }
}

void client_stop_waiting(struct client *c) {
        struct call *call = c->calls;

        while (call) {
                struct call *next = call->next;

                if (call->device_wait)
                        device_wait_stop(call->device_wait);
                call = next;
        }
}

void client_close(struct client *c) {
        channel_close(c->channel);
        while (c->calls)
                call_free(c->calls);
        client_end(c);
}
