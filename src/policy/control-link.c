/* SPDX-License-Identifier: MIT */
#include "policy/control-link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An answer to a check with all that it may hold, and no more. */
#define MAX_RESPONSE_BYTES ((size_t)64 << 10)
#define MAX_CONNECTIONS 64

static int copy_url(const char *url, char **ret) {
        size_t n = strlen(url);

        while (n > 0 && url[n - 1] == '/')
                n--;
        *ret = strndup(url, n);
        return *ret ? 0 : -ENOMEM;
}

int control_link_init(struct control_link *l, struct poller *poller,
                      const struct control_options *options) {
        const struct http_options http = {
                .connect_timeout_usec = options->timeout_usec,
                .first_byte_timeout_usec = options->timeout_usec,
                .total_timeout_usec = options->timeout_usec,
                .max_response_bytes = MAX_RESPONSE_BYTES,
                .max_connections_per_host = MAX_CONNECTIONS,
                .ca_file = options->ca_file,
                .plain = options->plain,
                .user_agent = options->user_agent,
                .unix_socket = options->unix_socket,
        };
        int r;

        r = copy_url(options->url, &l->url);
        if (r < 0)
                return r;
        l->engine_id = strdup(options->engine_id);
        if (!l->engine_id)
                return -ENOMEM;
        r = secret_new(options->key->data, options->key->size, &l->key);
        return r < 0 ? r : http_client_new(poller, &http, &l->http);
}

void control_link_done(struct control_link *l) {
        http_client_free(l->http);
        secret_free(l->key);
        free(l->engine_id);
        free(l->url);
        *l = (struct control_link){ 0 };
}

int control_link_prepare(const struct control_link *l, const char *path, struct http_request *ret) {
        int r;

        ret->method = "POST";
        ret->configured = true;
        ret->repeatable = true; /* asked or told twice is asked or told once */
        if (asprintf(&ret->url, "%s%s", l->url, path) < 0) {
                ret->url = NULL;
                return -ENOMEM;
        }
        r = http_request_header(ret, "Content-Type", "application/json");
        if (r == 0)
                r = http_request_header(ret, "X-Engine-ID", l->engine_id);
        if (r == 0)
                r = http_request_secret_header(ret, "X-Engine-Key", l->key);
        return r;
}
