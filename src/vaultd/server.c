/* SPDX-License-Identifier: MIT */
#include "vaultd/server.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/journal.h"
#include "ipc/channel.h"
#include "ipc/listener.h"
#include "ipc/peer.h"
#include "vault/wire.h"

struct connection {
        struct server *server;
        struct channel *channel;
        unsigned roles;
        struct connection *previous, *next;
};

struct server {
        struct poller *poller;
        struct listener *listener;
        struct server_options options;
        struct desk *desk;
        struct connection *connections;
        unsigned n_connections;
};

/* Of a connection, as many as the engine ever has: what is more waits in its socket. */
#define MAX_OPEN 4096

/* A line that is not answered yet. The channel outlives its connection for it. */
struct question {
        struct channel *channel;
        size_t held;
};

static struct connection *connection_free(struct connection *c) {
        struct server *s;

        if (!c)
                return NULL;

        s = c->server;
        if (c->previous)
                c->previous->next = c->next;
        else
                s->connections = c->next;
        if (c->next)
                c->next->previous = c->previous;
        s->n_connections--;
        listener_connection_closed(s->listener);

        if (c->channel)
                channel_close(c->channel);
        channel_unref(c->channel);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct connection *, connection_free);

/* An answer that cannot be sent ends the connection. */
static void send_answer(struct channel *channel, struct buffer *answer) {
        int r;

        r = channel_send(channel, answer);
        if (r < 0)
                log_error("Cannot answer, closing the connection: %s", strerror(-r));
}

static void on_answer(struct buffer *answer, void *userdata) {
        struct question *q = userdata;

        if (answer)
                send_answer(q->channel, answer);
        channel_request_done(q->channel, q->held);
        channel_unref(q->channel);
        free(q);
}

static void on_line(struct channel *channel, const char *line, size_t size, uint64_t number,
                    void *userdata) {
        struct connection *c = userdata;
        struct question *q;

        q = malloc(sizeof(*q));
        if (!q) {
                log_error("Cannot take a question, closing the connection: out of memory");
                connection_free(c);
                return;
        }
        *q = (struct question){
                .channel = channel_ref(channel),
                .held = channel_request_open(channel),
        };
        ops_run(c->server->desk, c->roles, line, size, number, on_answer, q);
}

static void on_too_large(struct channel *channel, uint64_t number, void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer answer = { 0 };

        (void)ae_error_set(&error, AE_MESSAGE_TOO_LARGE, "a line has at most %zu bytes",
                           VAULT_WIRE_MAX_LINE);
        ops_refuse(&error, number, &answer);
        send_answer(channel, &answer);
}

static void on_closed(struct channel *channel, int r, void *userdata) {
        connection_free(userdata);
}

static const struct channel_handler handler = {
        .on_line = on_line,
        .on_too_large = on_too_large,
        .on_closed = on_closed,
};

/* Best effort: a new connection has room for one line, and who is refused may not listen. */
static void refuse(int fd, const struct peer *peer) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer line = { 0 };

        if (!peer_is_somebody(peer))
                (void)ae_error_set(&error, AE_FORBIDDEN, "uid %u may be anybody's", peer->uid);
        else
                (void)ae_error_set(&error, AE_FORBIDDEN,
                                   "uid %u is not served by the vault; AllowUser= and AdminUser= "
                                   "say who is",
                                   peer->uid);
        log_warning("Refused uid %u, pid %d: %s", peer->uid, peer->pid,
                    peer_is_somebody(peer) ? "neither AllowUser= nor AdminUser="
                                           : "it may be anybody's");
        ops_refuse(&error, 0, &line);
        buffer_putc(&line, '\n');
        if (buffer_error(&line) == 0)
                (void)send(fd, line.data, line.size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What the peer may ask for; 0: nothing. */
static unsigned peer_roles(const struct server *s, const struct peer *peer) {
        if (!peer_is_somebody(peer))
                return 0;
        return (peer->uid == s->options.allow_uid ? ROLE_ENGINE : 0) |
               (peer->uid == s->options.admin_uid ? ROLE_ADMINISTRATOR : 0);
}

/* Returns 0, after telling the peer if it is refused; a negative errno for who cannot be told. */
static int find_roles(const struct server *s, int fd, unsigned *ret) {
        _cleanup_(peer_done) struct peer peer = { .pid_fd = -1 };
        int r;

        r = peer_read(fd, &peer);
        if (r < 0)
                return r;
        *ret = peer_roles(s, &peer);
        if (!*ret)
                refuse(fd, &peer);
        return 0;
}

/* fd stays the caller's on failure. */
static int connection_new(struct server *s, int fd, unsigned roles) {
        static const struct channel_options options = {
                .max_line = VAULT_WIRE_MAX_LINE,
                .max_open = MAX_OPEN,
        };
        _cleanup_(connection_freep) struct connection *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c) {
                listener_connection_closed(s->listener);
                return -ENOMEM;
        }
        *c = (struct connection){ .server = s, .roles = roles, .next = s->connections };
        if (c->next)
                c->next->previous = c;
        s->connections = c;
        s->n_connections++;

        r = channel_new(s->poller, fd, &options, &handler, c, &c->channel);
        if (r < 0)
                return r;
        TAKE_PTR(c);
        return 0;
}

static void on_accept(int fd, void *userdata) {
        struct server *s = userdata;
        unsigned roles = 0;
        int r;

        r = find_roles(s, fd, &roles);
        if (r == 0 && roles)
                r = connection_new(s, fd, roles);
        else
                listener_connection_closed(s->listener);
        if (r < 0) {
                log_error("Cannot serve a connection, closing it: %s", strerror(-r));
                listener_pause(s->listener);
        }
        if (r < 0 || !roles)
                fd_close(fd);
}

int server_new(struct poller *poller, int listen_fd, const struct server_options *options,
               struct desk *desk, struct server **ret) {
        _cleanup_(server_freep) struct server *s = NULL;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        *s = (struct server){ .poller = poller, .options = *options, .desk = desk };
        r = listener_new(poller_event(poller), listen_fd, options->max_connections, on_accept, s,
                         &s->listener);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

struct server *server_free(struct server *s) {
        if (!s)
                return NULL;
        while (s->connections)
                connection_free(s->connections);
        listener_free(s->listener);
        free(s);
        return NULL;
}

unsigned server_n_connections(const struct server *s) {
        return s->n_connections;
}

void server_drain(struct server *s) {
        listener_stop(s->listener);
        for (struct connection *c = s->connections; c; c = c->next)
                channel_drain(c->channel);
}
