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
        struct connection *previous, *next;
};

struct server {
        struct poller *poller;
        struct listener *listener;
        struct server_options options;
        struct connection *connections;
        unsigned n_connections;
        void (*on_idle)(void *userdata); /* while draining */
        void *idle_userdata;
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
        if (s->on_idle && s->n_connections == 0)
                s->on_idle(s->idle_userdata);
        return NULL;
}
DEFINE_CLEANUP(struct connection *, connection_free);

/* An answer that cannot be sent is owed for ever: such a connection is over. */
static void connection_answer(struct connection *c, struct buffer *answer) {
        int r;

        r = buffer_error(answer);
        if (r == 0)
                r = channel_send(c->channel, answer);
        if (r < 0) {
                log_error("Cannot answer, closing the connection: %s", strerror(-r));
                connection_free(c);
        }
}

static void on_line(struct channel *channel, const char *line, size_t size, uint64_t number,
                    void *userdata) {
        _cleanup_(buffer_done) struct buffer answer = { 0 };
        struct connection *c = userdata;

        ops_answer(&c->server->options.keeper, line, size, number, &answer);
        connection_answer(c, &answer);
}

static void on_too_large(struct channel *channel, uint64_t number, void *userdata) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer answer = { 0 };

        (void)ae_error_set(&error, AE_MESSAGE_TOO_LARGE, "a line has at most %zu bytes",
                           VAULT_WIRE_MAX_LINE);
        ops_refuse(&error, number, &answer);
        connection_answer(userdata, &answer);
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

        (void)ae_error_set(&error, AE_FORBIDDEN,
                           "uid %u is not served by the vault; AllowUser= says who is", peer->uid);
        log_warning("Refused uid %u, pid %d: AllowUser= names another user", peer->uid, peer->pid);
        ops_refuse(&error, 0, &line);
        buffer_putc(&line, '\n');
        if (buffer_error(&line) == 0)
                (void)send(fd, line.data, line.size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool is_allowed(const struct server *s, int fd) {
        _cleanup_(peer_done) struct peer peer = { .pid_fd = -1 };
        int r;

        r = peer_read(fd, &peer);
        if (r < 0) {
                log_warning("Cannot tell who connects, refusing: %s", strerror(-r));
                return false;
        }
        if (peer.uid == s->options.allow_uid)
                return true;
        refuse(fd, &peer);
        return false;
}

/* fd stays the caller's on failure. */
static int connection_new(struct server *s, int fd) {
        static const struct channel_options options = { .max_line = VAULT_WIRE_MAX_LINE };
        _cleanup_(connection_freep) struct connection *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c) {
                listener_connection_closed(s->listener);
                return -ENOMEM;
        }
        c->server = s;
        c->next = s->connections;
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
        int r;

        if (!is_allowed(s, fd)) {
                fd_close(fd);
                listener_connection_closed(s->listener);
                return;
        }
        r = connection_new(s, fd);
        if (r < 0) {
                log_error("Cannot serve a connection: %s", strerror(-r));
                fd_close(fd);
        }
}

int server_new(struct poller *poller, int listen_fd, const struct server_options *options,
               struct server **ret) {
        _cleanup_(server_freep) struct server *s = NULL;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        *s = (struct server){ .poller = poller, .options = *options };
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
        s->on_idle = NULL;
        while (s->connections)
                connection_free(s->connections);
        listener_free(s->listener);
        free(s);
        return NULL;
}

unsigned server_n_connections(const struct server *s) {
        return s->n_connections;
}

void server_drain(struct server *s, void (*on_idle)(void *userdata), void *userdata) {
        listener_stop(s->listener);
        if (s->n_connections == 0) {
                on_idle(userdata);
                return;
        }

        s->on_idle = on_idle;
        s->idle_userdata = userdata;
        for (struct connection *c = s->connections, *next; c; c = next) {
                next = c->next;
                channel_drain(c->channel);
        }
}
