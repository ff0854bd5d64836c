/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An event loop with a client on it that may talk to one upstream.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "http/http.h"
#include "upstream.h"

struct fixture {
        sd_event *event;
        struct poller *poller;
        struct http_client *client;
        struct upstream *upstream;
        char address[32]; /* "127.0.0.1:4100" */
};

#define MAX_RESPONSE_BYTES 10000

/* Times that no test waits for, unless it shortens one of them. */
extern const struct http_options default_options;

/* NULL: default_options. `plain` is the upstream's address in any case. */
void fixture_init(struct fixture *f, upstream_serve_fn *serve, const struct http_options *options);
void fixture_done(struct fixture *f);

/* A call and what became of it. */
struct try {
        struct fixture *fixture;
        struct http_request request;
        struct http_call *call; /* NULL when it is over */
        int n_done, n_leaving;
        struct http_response response; /* its texts: */
        char *body, *content_type, *retry_after, *location, *range;
        /* Instead of only taking notes: */
        void (*on_leaving)(struct try * t);
        void (*on_done)(struct try * t);
        struct try *other;
};

void try_init(struct try *t, struct fixture *f, const char *method, const char *path);
void try_done(struct try *t);
void try_body(struct try *t, const char *data, size_t size);
void try_start(struct try *t);
/* Runs the loop until it is over. */
void try_wait(struct try *t);

/* GET `path`, waited for. */
void try_get(struct try *t, struct fixture *f, const char *path);
