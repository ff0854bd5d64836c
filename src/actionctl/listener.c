/* SPDX-License-Identifier: MIT */
#include "actionctl/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "actionctl/page.h"
#include "base/clock.h"

#define MAX_CONNECTIONS 32
#define MAX_REQUEST ((size_t)16 << 10) /* of memory, for a request's head */
#define IDLE_SEC 5
#define CONNECTION_USEC (10 * USEC_PER_SEC) /* in all, however it drips */
#define DELIVERY_USEC (3 * USEC_PER_SEC)
#define TICK_MSEC 1000

struct connection {
        int fd; /* borrowed; 0: a free place */
        uint64_t until_usec;
};

struct listener {
        int fd; /* until the daemon has it */
        uint16_t port;
        struct MHD_Daemon *daemon;
        const struct listener_wait *wait;
        struct connection connections[MAX_CONNECTIONS];
        sigset_t signals, before;
        bool taken;     /* the redirect is there */
        bool delivered; /* so is its answer */
};

/* What libmicrohttpd keeps for us with each request. */
struct request_of {
        char *target; /* owned: as it came, not decoded */
        bool seen;
        bool is_redirect;
};

/* ---- one request ---- */

static void *on_request(void *userdata, const char *uri, struct MHD_Connection *connection) {
        struct request_of *q = calloc(1, sizeof(*q));

        if (q)
                q->target = strdup(uri);
        return q;
}

static void on_request_end(void *userdata, struct MHD_Connection *connection, void **request,
                           enum MHD_RequestTerminationCode code) {
        struct listener *l = userdata;
        struct request_of *q = *request;

        if (!q)
                return;
        if (q->is_redirect)
                l->delivered = true;
        free(q->target);
        free(q);
        *request = NULL;
}

struct host_search {
        const char *authority;
        unsigned n, n_right;
};

static enum MHD_Result look_at_header(void *userdata, enum MHD_ValueKind kind, const char *name,
                                      const char *value) {
        struct host_search *s = userdata;

        if (strcasecmp(name, "Host") == 0) {
                s->n++;
                s->n_right += value && strcmp(value, s->authority) == 0;
        }
        return MHD_YES;
}

/* A name that somebody made resolve to 127.0.0.1 would make us a part of his site. */
static bool host_is_ours(const struct listener *l, struct MHD_Connection *connection) {
        struct host_search s = { .authority = l->wait->redirect->authority };

        (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_header, &s);
        return s.n == 1 && s.n_right == 1;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              const char *text, size_t size) {
        /* clang-format off */
        const char *const headers[][2] = {
                { "Cache-Control",           "no-store" },
                { "Connection",              "close" },
                { "Content-Security-Policy", page_security_policy() },
                { "Content-Type",            type },
                { "Referrer-Policy",         "no-referrer" },
                { "X-Content-Type-Options",  "nosniff" },
                { "X-Frame-Options",         "DENY" },
        };
        /* clang-format on */
        struct MHD_Response *response =
                        MHD_create_response_from_buffer(size, (void *)text, MHD_RESPMEM_MUST_COPY);
        enum MHD_Result result = response ? MHD_YES : MHD_NO;

        for (size_t i = 0; result == MHD_YES && i < ELEMENTSOF(headers); i++)
                result = MHD_add_response_header(response, headers[i][0], headers[i][1]);
        if (result == MHD_YES)
                result = MHD_queue_response(connection, status, response);
        if (response)
                MHD_destroy_response(response);
        return result;
}

static enum MHD_Result answer_not_found(struct MHD_Connection *connection) {
        static const char text[] = "There is nothing here.\n";

        return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8", text,
                      strlen(text));
}

static enum MHD_Result answer_redirect(struct listener *l, struct MHD_Connection *connection,
                                       struct request_of *q) {
        _cleanup_(buffer_done) struct buffer page = { 0 };

        l->taken = true;
        q->is_redirect = true;
        /* The engine takes its time, which is not the browser's fault. */
        (void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0);
        (void)sigprocmask(SIG_SETMASK, &l->before, NULL);
        l->wait->on_redirect(q->target, &page, l->wait->userdata);
        (void)sigprocmask(SIG_BLOCK, &l->signals, NULL);
        if (buffer_error(&page) < 0)
                return MHD_NO;
        return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", page.data, page.size);
}

static enum MHD_Result on_access(void *userdata, struct MHD_Connection *connection,
                                 const char *path, const char *method, const char *version,
                                 const char *data, size_t *data_size, void **request) {
        struct listener *l = userdata;
        struct request_of *q = *request;

        if (!q || !q->target)
                return MHD_NO;
        if (!q->seen || *data_size > 0) {
                q->seen = true;
                *data_size = 0; /* whatever it is */
                return MHD_YES;
        }
        if (l->taken || strcmp(method, "GET") != 0 || !host_is_ours(l, connection) ||
            redirect_check_target(l->wait->redirect, q->target, l->wait->state) < 0)
                return answer_not_found(connection);
        return answer_redirect(l, connection, q);
}

/* ---- connections ---- */

static void on_connection(void *userdata, struct MHD_Connection *connection, void **place,
                          enum MHD_ConnectionNotificationCode code) {
        struct listener *l = userdata;
        struct connection *c = *place;

        if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
                if (c)
                        c->fd = 0;
                return;
        }
        for (c = l->connections; c < l->connections + MAX_CONNECTIONS && c->fd > 0; c++)
                ;
        if (c == l->connections + MAX_CONNECTIONS)
                return;
        *c = (struct connection){
                .fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                                      ->connect_fd,
                .until_usec = clock_usec(CLOCK_BOOTTIME) + CONNECTION_USEC,
        };
        *place = c;
}

/* libmicrohttpd counts from the last byte alone. */
static void end_old_connections(struct listener *l) {
        uint64_t now_usec = clock_usec(CLOCK_BOOTTIME);

        for (size_t i = 0; i < MAX_CONNECTIONS && !l->taken; i++)
                if (l->connections[i].fd > 0 && now_usec >= l->connections[i].until_usec)
                        (void)shutdown(l->connections[i].fd, SHUT_RDWR);
}

/* ---- the listener ---- */

static int listen_on(uint16_t port, int *ret_fd, uint16_t *ret_port) {
        _cleanup_(fd_closep) int fd =
                        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons(port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);
        const int on = 1;

        if (fd < 0)
                return -errno;
        /* Only against the TIME_WAIT of the last time: nobody else can listen where we do. */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, MAX_CONNECTIONS) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                return -errno;
        *ret_port = ntohs(address.sin_port);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int listener_open(uint16_t port, struct listener **ret) {
        _cleanup_(listener_freep) struct listener *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->fd = -1;
        r = listen_on(port, &l->fd, &l->port);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

struct listener *listener_free(struct listener *l) {
        if (!l)
                return NULL;
        if (l->daemon)
                MHD_stop_daemon(l->daemon);
        fd_close(l->fd);
        free(l);
        return NULL;
}

uint16_t listener_port(const struct listener *l) {
        return l->port;
}

/* Without threads: it runs when we call it. */
static int start(struct listener *l) {
        /* clang-format off */
        l->daemon = MHD_start_daemon(MHD_USE_EPOLL, l->port, NULL, NULL, on_access, l,
                MHD_OPTION_LISTEN_SOCKET, l->fd,
                MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS,
                MHD_OPTION_CONNECTION_MEMORY_LIMIT, MAX_REQUEST,
                MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SEC,
                MHD_OPTION_STRICT_FOR_CLIENT, 1,
                MHD_OPTION_NOTIFY_COMPLETED, on_request_end, l,
                MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
                MHD_OPTION_URI_LOG_CALLBACK, on_request, l,
                MHD_OPTION_END);
        /* clang-format on */
        if (!l->daemon)
                return -EIO;
        l->fd = -1;
        return 0;
}

static uint64_t remaining_msec(const struct listener *l) {
        uint64_t now_usec = clock_usec(CLOCK_BOOTTIME), left = TICK_MSEC;

        if (now_usec >= l->wait->until_usec)
                return 0;
        if ((l->wait->until_usec - now_usec) / USEC_PER_MSEC + 1 < left)
                left = (l->wait->until_usec - now_usec) / USEC_PER_MSEC + 1;
        return left;
}

static int timeout_msec(struct listener *l) {
        uint64_t left = remaining_msec(l);
        MHD_UNSIGNED_LONG_LONG theirs;

        if (MHD_get_timeout(l->daemon, &theirs) == MHD_YES && theirs < left)
                left = theirs;
        return (int)left;
}

static void deliver(struct listener *l) {
        uint64_t until_usec = clock_usec(CLOCK_BOOTTIME) + DELIVERY_USEC;

        while (!l->delivered && clock_usec(CLOCK_BOOTTIME) < until_usec)
                if (MHD_run_wait(l->daemon, 100) != MHD_YES)
                        break;
}

static int serve(struct listener *l, int signal_fd) {
        int epoll_fd = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
        struct pollfd fds[] = {
                { .fd = epoll_fd, .events = POLLIN },
                { .fd = signal_fd, .events = POLLIN },
                { .fd = l->wait->input_fd, .events = POLLIN },
        };
        struct signalfd_siginfo signal;

        for (;;) {
                if (poll(fds, ELEMENTSOF(fds), timeout_msec(l)) < 0 && errno != EINTR)
                        return -errno;
                if (read(signal_fd, &signal, sizeof(signal)) > 0)
                        return LISTENER_INTERRUPTED;
                if (MHD_run(l->daemon) != MHD_YES)
                        return -EIO;
                if (l->taken) {
                        deliver(l);
                        return LISTENER_ANSWERED;
                }
                if (fds[2].revents)
                        return LISTENER_INPUT;
                if (clock_usec(CLOCK_BOOTTIME) >= l->wait->until_usec)
                        return LISTENER_EXPIRED;
                end_old_connections(l);
                l->wait->on_tick(l->wait->userdata);
        }
}

int listener_wait(struct listener *l, const struct listener_wait *w) {
        _cleanup_(fd_closep) int signal_fd = -1;
        int r;

        l->wait = w;
        sigemptyset(&l->signals);
        sigaddset(&l->signals, SIGHUP);
        sigaddset(&l->signals, SIGINT);
        sigaddset(&l->signals, SIGTERM);
        signal_fd = signalfd(-1, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (signal_fd < 0)
                return -errno;
        if (!l->daemon) {
                r = start(l);
                if (r < 0)
                        return r;
        }
        if (sigprocmask(SIG_BLOCK, &l->signals, &l->before) < 0)
                return -errno;
        r = serve(l, signal_fd);
        (void)sigprocmask(SIG_SETMASK, &l->before, NULL);
        return r;
}
