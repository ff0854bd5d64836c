/* SPDX-License-Identifier: MIT */
/*
 * A load on a line-based Unix socket: so many connections, so many requests open on each.
 *
 *      load SOCKET CONNECTIONS DEPTH REQUESTS [FIRST-LINE-FILE] <REQUEST-LINE
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "figures.h"

#define MAX_LINE 65536
#define MAX_DEPTH 1024

struct connection {
        int fd;
        size_t n_in; /* bytes of an unfinished answer */
        char in[MAX_LINE];
        uint64_t sent_usec[MAX_DEPTH]; /* a ring: answers are taken to come in order */
        unsigned first, n_open;
};

static char request[MAX_LINE];
static size_t request_size;
static size_t n_sent, n_wanted;
static struct figures figures;

static void die(const char *what) {
        fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
        exit(1);
}

static int connect_to(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                die("socket");
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                die(path);
        return fd;
}

static void send_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0)
                        die("write");
                data += n;
                size -= (size_t)n;
        }
}

static void send_requests(struct connection *c, unsigned n) {
        static char batch[MAX_LINE * 4];
        size_t size = 0;

        for (; n > 0 && n_sent < n_wanted; n--, n_sent++) {
                if (size + request_size > sizeof(batch)) {
                        send_all(c->fd, batch, size);
                        size = 0;
                }
                memcpy(batch + size, request, request_size);
                size += request_size;
                c->sent_usec[(c->first + c->n_open++) % MAX_DEPTH] = clock_usec(CLOCK_MONOTONIC);
        }
        send_all(c->fd, batch, size);
}

static unsigned take_answers(struct connection *c) {
        char *line = c->in, *end;
        unsigned n = 0;
        ssize_t k;

        k = read(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in);
        if (k <= 0)
                die("the server closed a connection");
        c->n_in += (size_t)k;

        while ((end = memchr(line, '\n', c->n_in - (size_t)(line - c->in)))) {
                *end = 0;
                if (strstr(line, "\"status\":\"error\""))
                        figures.n_failed++;
                figures_add(&figures, c->sent_usec[c->first]);
                c->first = (c->first + 1) % MAX_DEPTH;
                c->n_open--;
                n++;
                line = end + 1;
        }
        c->n_in -= (size_t)(line - c->in);
        memmove(c->in, line, c->n_in);
        return n;
}

static void introduce(struct connection *c, const char *file) {
        char line[MAX_LINE];
        FILE *f = fopen(file, "re");
        size_t n;

        if (!f)
                die(file);
        n = fread(line, 1, sizeof(line), f);
        fclose(f);
        send_all(c->fd, line, n);
        if (read(c->fd, line, sizeof(line) - 1) <= 0 || !strstr(line, "\"success\"")) {
                fprintf(stderr, "load: the first line was refused\n");
                exit(1);
        }
}

static void run(int epoll_fd) {
        struct epoll_event events[64];

        while (figures.n_done < n_wanted) {
                int n = epoll_wait(epoll_fd, events, 64, 30000);

                if (n <= 0)
                        die("no answer for 30 seconds");
                for (int i = 0; i < n; i++)
                        send_requests(events[i].data.ptr, take_answers(events[i].data.ptr));
        }
}

int main(int argc, char **argv) {
        struct connection *connections;
        unsigned n_connections, depth;
        int epoll_fd;

        if (argc < 5 || argc > 6) {
                fprintf(stderr, "load SOCKET CONNECTIONS DEPTH REQUESTS [FIRST-LINE-FILE] "
                                "<REQUEST-LINE\n");
                return 2;
        }
        n_connections = (unsigned)atoi(argv[2]);
        depth = (unsigned)atoi(argv[3]);
        n_wanted = (size_t)atol(argv[4]);
        request_size = fread(request, 1, sizeof(request), stdin);
        connections = calloc(n_connections, sizeof(*connections));
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (depth < 1 || depth > MAX_DEPTH || n_connections < 1 || n_wanted < 1 ||
            request_size == 0 || !connections || epoll_fd < 0)
                die("bad arguments");

        for (unsigned i = 0; i < n_connections; i++) {
                struct epoll_event e = { .events = EPOLLIN, .data.ptr = &connections[i] };

                connections[i].fd = connect_to(argv[1]);
                if (argc == 6)
                        introduce(&connections[i], argv[5]);
                if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connections[i].fd, &e) < 0)
                        die("epoll_ctl");
        }

        figures_start(&figures, n_wanted);
        for (unsigned i = 0; i < n_connections; i++)
                send_requests(&connections[i], depth);
        run(epoll_fd);
        figures_print(&figures);
        return 0;
}
