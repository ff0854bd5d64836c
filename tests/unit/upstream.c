/* SPDX-License-Identifier: MIT */
#include "upstream.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define MAX_CONNECTIONS 512
#define MAX_HEAD 65536

struct connection {
        struct upstream *upstream;
        pthread_t thread;
        int fd; /* -1 once closed */
        int number;
};

struct upstream {
        upstream_serve_fn *serve;
        int listen_fd, port;
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        bool stopping, gate_open;
        int n_connections, n_requests, n_closed;
        struct connection connections[MAX_CONNECTIONS];
};

static void must(bool ok) {
        if (!ok)
                abort();
}

/* Reads until the head is whole. Returns what there is, or 0 when there will be no more. */
static size_t read_head(int fd, char *buffer, size_t n) {
        for (;;) {
                ssize_t k;

                buffer[n] = 0;
                if (strstr(buffer, "\r\n\r\n"))
                        return n;
                k = n < MAX_HEAD - 1 ? recv(fd, buffer + n, MAX_HEAD - 1 - n, 0) : 0;
                if (k <= 0)
                        return 0;
                n += (size_t)k;
        }
}

static size_t content_length(const char *head) {
        const char *field = strcasestr(head, "\r\ncontent-length:");

        return field ? strtoul(field + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

static bool serve_one(struct connection *c, int n_request, char *buffer, size_t *n) {
        struct upstream *u = c->upstream;
        struct upstream_request q = {
                .upstream = u, .fd = c->fd, .n_connection = c->number, .n_request = n_request
        };
        char path[1024] = "";
        char *end;
        bool keep;

        *n = read_head(c->fd, buffer, *n);
        if (*n == 0)
                return false;

        end = strstr(buffer, "\r\n\r\n") + 4;
        q.rest_size = *n - (size_t)(end - buffer);
        q.rest = memcpy(malloc(q.rest_size + 1), end, q.rest_size);
        *end = 0;
        q.head = buffer;
        q.path = path;
        (void)sscanf(buffer, "%*s %1023s", path);
        q.body_size = content_length(buffer);

        pthread_mutex_lock(&u->mutex);
        u->n_requests++;
        pthread_mutex_unlock(&u->mutex);

        keep = u->serve(&q);
        free(q.rest);
        *n = 0; /* none of the clients here sends ahead */
        return keep;
}

static void *run_connection(void *userdata) {
        struct connection *c = userdata;
        struct upstream *u = c->upstream;
        char *buffer = malloc(MAX_HEAD);
        size_t n = 0;

        for (int i = 1; serve_one(c, i, buffer, &n); i++)
                ;
        free(buffer);

        pthread_mutex_lock(&u->mutex);
        c->fd = fd_close(c->fd);
        u->n_closed++;
        pthread_cond_broadcast(&u->changed);
        pthread_mutex_unlock(&u->mutex);
        return NULL;
}

static void *run_listener(void *userdata) {
        struct upstream *u = userdata;

        for (;;) {
                int fd = accept4(u->listen_fd, NULL, NULL, SOCK_CLOEXEC);
                struct connection *c;

                if (fd < 0)
                        return NULL;

                pthread_mutex_lock(&u->mutex);
                if (u->stopping || u->n_connections == MAX_CONNECTIONS)
                        fd_close(fd);
                else {
                        c = &u->connections[u->n_connections++];
                        *c = (struct connection){ .upstream = u,
                                                  .fd = fd,
                                                  .number = u->n_connections };
                        must(pthread_create(&c->thread, NULL, run_connection, c) == 0);
                }
                pthread_mutex_unlock(&u->mutex);
        }
}

struct upstream *upstream_new(upstream_serve_fn *serve) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        struct upstream *u = calloc(1, sizeof(*u));

        must(u);
        u->serve = serve;
        u->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        must(bind(u->listen_fd, (struct sockaddr *)&address, size) == 0);
        must(listen(u->listen_fd, MAX_CONNECTIONS) == 0);
        must(getsockname(u->listen_fd, (struct sockaddr *)&address, &size) == 0);
        u->port = ntohs(address.sin_port);
        pthread_mutex_init(&u->mutex, NULL);
        pthread_cond_init(&u->changed, NULL);
        must(pthread_create(&u->thread, NULL, run_listener, u) == 0);
        return u;
}

struct upstream *upstream_free(struct upstream *u) {
        if (!u)
                return NULL;

        pthread_mutex_lock(&u->mutex);
        u->stopping = true;
        for (int i = 0; i < u->n_connections; i++)
                if (u->connections[i].fd >= 0)
                        (void)shutdown(u->connections[i].fd, SHUT_RDWR);
        pthread_cond_broadcast(&u->changed);
        pthread_mutex_unlock(&u->mutex);

        (void)shutdown(u->listen_fd, SHUT_RDWR);
        pthread_join(u->thread, NULL);
        for (int i = 0; i < u->n_connections; i++)
                pthread_join(u->connections[i].thread, NULL);

        fd_close(u->listen_fd);
        pthread_cond_destroy(&u->changed);
        pthread_mutex_destroy(&u->mutex);
        free(u);
        return NULL;
}

int upstream_port(struct upstream *u) {
        return u->port;
}

static int locked(struct upstream *u, const int *counter) {
        int n;

        pthread_mutex_lock(&u->mutex);
        n = *counter;
        pthread_mutex_unlock(&u->mutex);
        return n;
}

int upstream_connections(struct upstream *u) {
        return locked(u, &u->n_connections);
}

int upstream_requests(struct upstream *u) {
        return locked(u, &u->n_requests);
}

void upstream_wait_closed(struct upstream *u, int n) {
        pthread_mutex_lock(&u->mutex);
        while (u->n_closed < n)
                pthread_cond_wait(&u->changed, &u->mutex);
        pthread_mutex_unlock(&u->mutex);
}

void upstream_open_gate(struct upstream *u) {
        pthread_mutex_lock(&u->mutex);
        u->gate_open = true;
        pthread_cond_broadcast(&u->changed);
        pthread_mutex_unlock(&u->mutex);
}

void upstream_wait_gate(struct upstream_request *q) {
        struct upstream *u = q->upstream;

        pthread_mutex_lock(&u->mutex);
        while (!u->gate_open && !u->stopping)
                pthread_cond_wait(&u->changed, &u->mutex);
        pthread_mutex_unlock(&u->mutex);
}

void upstream_read_body(struct upstream_request *q, char *ret, size_t size) {
        size_t n = q->rest_size;
        char spill[16384];

        must(n <= q->body_size);
        if (ret)
                memcpy(ret, q->rest, n < size ? n : size);
        while (n < q->body_size) {
                size_t left = q->body_size - n;
                ssize_t k = recv(q->fd, spill, left < sizeof(spill) ? left : sizeof(spill), 0);

                if (k <= 0)
                        return;
                for (size_t i = 0; ret && i < (size_t)k && n + i < size; i++)
                        ret[n + i] = spill[i];
                n += (size_t)k;
        }
}

void upstream_send(struct upstream_request *q, const char *data, size_t size) {
        while (size > 0) {
                ssize_t k = send(q->fd, data, size, MSG_NOSIGNAL);

                if (k <= 0)
                        return;
                data += k;
                size -= (size_t)k;
        }
}

void upstream_puts(struct upstream_request *q, const char *text) {
        upstream_send(q, text, strlen(text));
}

void upstream_hang(struct upstream_request *q) {
        char spill[16384];

        while (recv(q->fd, spill, sizeof(spill), 0) > 0)
                ;
}
