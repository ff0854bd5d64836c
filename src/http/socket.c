/* SPDX-License-Identifier: MIT */
/*
 * The sockets that libcurl has open. It keeps a connection of HTTP/1 for the next request although
 * something has come that nobody asked for, and would take that for the next answer: so whoever
 * gets the connection looks first whether there is silence. In HTTP/2 every frame says whose it is.
 *
 * libcurl does not tell which socket a request is about to go out by, but which ends it has.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/client.h"

static uint16_t port_of(const struct sockaddr_storage *a) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;

        return ntohs(a->ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
}

static bool is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
        const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)(const void *)a;
        const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)(const void *)b;
        const struct sockaddr_in *a4 = (const struct sockaddr_in *)(const void *)a;
        const struct sockaddr_in *b4 = (const struct sockaddr_in *)(const void *)b;

        if (a->ss_family != b->ss_family || port_of(a) != port_of(b))
                return false;
        if (a->ss_family == AF_INET)
                return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
        return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

curl_socket_t http_socket_open(struct http_client *c, const struct curl_sockaddr *address) {
        struct http_socket *s;

        if (address->addrlen > sizeof(s->peer))
                return CURL_SOCKET_BAD;
        s = calloc(1, sizeof(*s));
        if (!s)
                return CURL_SOCKET_BAD;
        memcpy(&s->peer, &address->addr, address->addrlen);
        s->fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
        if (s->fd < 0) {
                free(s);
                return CURL_SOCKET_BAD;
        }
        LIST_INSERT_HEAD(&c->sockets, s, in_client);
        return s->fd;
}

static int on_socket_over(void *userdata, curl_socket_t fd) {
        struct http_client *c = userdata;
        struct http_socket *s;
        struct http_call *call;

        LIST_FOREACH(s, &c->sockets, in_client)
        if (s->fd == fd)
                break;
        if (s) {
                TAILQ_FOREACH(call, &c->running, in_client)
                if (call->socket == s)
                        call->socket = NULL;
                LIST_REMOVE(s, in_client);
                free(s);
        }
        return close(fd);
}

int http_socket_watch(struct http_call *call) {
        if (curl_easy_setopt(call->easy, CURLOPT_CLOSESOCKETFUNCTION, on_socket_over) != CURLE_OK ||
            curl_easy_setopt(call->easy, CURLOPT_CLOSESOCKETDATA, call->client) != CURLE_OK)
                return -ENOMEM;
        return 0;
}

void http_sockets_done(struct http_client *c) {
        struct http_socket *s;

        while ((s = LIST_FIRST(&c->sockets))) {
                LIST_REMOVE(s, in_client);
                free(s);
        }
}

static void read_address(const char *ip, int port, struct sockaddr_storage *ret) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;
        struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;

        *ret = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
        if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
                v4->sin_family = AF_INET;
                v4->sin_port = htons((uint16_t)port);
        } else if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
                v6->sin6_family = AF_INET6;
                v6->sin6_port = htons((uint16_t)port);
        }
}

/* It has one when it is connected, and no other ever after. */
static const struct sockaddr_storage *own_address(struct http_socket *s) {
        socklen_t size = sizeof(s->own);

        if (port_of(&s->own) == 0)
                (void)getsockname(s->fd, (struct sockaddr *)&s->own, &size);
        return &s->own;
}

void http_socket_find(struct http_call *call, const struct http_ends *ends) {
        struct sockaddr_storage own, peer;
        struct http_socket *s;

        read_address(ends->own_ip, ends->own_port, &own);
        read_address(ends->peer_ip, ends->peer_port, &peer);
        call->socket = NULL;
        if (own.ss_family == AF_UNSPEC)
                return; /* a Unix socket, at which there is only one server */
        LIST_FOREACH(s, &call->client->sockets, in_client)
        if (is_same(&s->peer, &peer) && is_same(own_address(s), &own))
                call->socket = s;
}

/* libcurl reads no more of a record than the answer says that it has; the rest is in there. */
static bool has_decrypted(CURL *easy) {
        struct curl_tlssessioninfo *tls = NULL;

        if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls->internals)
                return false;
        /* Of another library it is not known, so that the connection is not used again. */
        return tls->backend != CURLSSLBACKEND_OPENSSL || SSL_has_pending(tls->internals) == 1;
}

bool http_socket_is_stale(const struct http_call *call) {
        const struct http_socket *s = call->socket;
        struct pollfd p = { .fd = s ? s->fd : -1, .events = POLLIN };

        return s && s->is_http_1 && (poll(&p, 1, 0) != 0 || has_decrypted(call->easy));
}
