/* SPDX-License-Identifier: MIT */
/*
 * Where a call may get to. What is looked at is the address that is connected to, in the callback
 * that opens the socket: a name that was looked up before could say something else by then. A
 * connection that is used again was perhaps opened by a call that may go further, so that its peer
 * is looked at before the request leaves.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <strings.h>
#include <sys/socket.h>

#include "http/client.h"

static bool is_allowed(const struct http_call *call, const struct sockaddr *address) {
        const struct http_request *q = call->request;
        const struct http_client *c = call->client;

        if (q->mail)
                return http_address_is_allowed(address, HTTP_ADDRESS_MAIL, &c->mail_addresses);
        /* Without TLS it goes to listed addresses alone: check_url() has seen to it. */
        if (q->configured || c->unix_socket || strncasecmp(q->url, "http:", 5) == 0)
                return true;
        return http_address_is_allowed(address, HTTP_ADDRESS_WEB, &c->web_addresses);
}

static curl_socket_t on_socket_wanted(void *userdata, curlsocktype purpose,
                                      struct curl_sockaddr *address) {
        struct http_call *call = userdata;

        if (!is_allowed(call, &address->addr)) {
                call->place.is_refused = true;
                return CURL_SOCKET_BAD;
        }
        call->place.is_tried = true;
        return http_socket_open(call->client, address);
}

int http_place_watch(struct http_call *call) {
        if (curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket_wanted) !=
                            CURLE_OK ||
            curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call) != CURLE_OK)
                return -ENOMEM;
        return http_socket_watch(call);
}

bool http_place_takes_peer(const struct http_call *call, const char *ip, int port) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
        struct sockaddr unknown = { .sa_family = AF_UNSPEC };

        if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1)
                return is_allowed(call, (struct sockaddr *)&v4);
        if (inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1)
                return is_allowed(call, (struct sockaddr *)&v6);
        return is_allowed(call, &unknown);
}

bool http_place_is_closed(const struct http_call *call, CURLcode code) {
        return code == CURLE_COULDNT_CONNECT && call->place.is_refused && !call->place.is_tried &&
               !call->response.left;
}
