/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "http-fixture.h"

#include <stdio.h>
#include <string.h>

const struct http_options default_options = {
        .connect_timeout_usec = 60 * USEC_PER_SEC,
        .first_byte_timeout_usec = 60 * USEC_PER_SEC,
        .total_timeout_usec = 60 * USEC_PER_SEC,
        .max_response_bytes = MAX_RESPONSE_BYTES,
        .max_connections_per_host = 256,
        .user_agent = "test/1",
};

void fixture_init(struct fixture *f, upstream_serve_fn *serve, const struct http_options *options) {
        struct http_options o = options ? *options : default_options;
        const char *const plain[] = { f->address, NULL };

        *f = (struct fixture){ .upstream = upstream_new(serve) };
        snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", upstream_port(f->upstream));
        o.plain = plain;
        assert_int_equal(sd_event_new(&f->event), 0);
        assert_int_equal(poller_new(f->event, &f->poller), 0);
        assert_int_equal(http_client_new(f->poller, &o, &f->client), 0);
}

void fixture_done(struct fixture *f) {
        f->client = http_client_free(f->client);
        f->upstream = upstream_free(f->upstream);
        f->poller = poller_free(f->poller);
        f->event = sd_event_unref(f->event);
}

static void on_leaving(void *userdata) {
        struct try *t = userdata;

        t->n_leaving++;
        assert_non_null(t->call); /* so it never comes from within http_call() */
        if (t->on_leaving)
                t->on_leaving(t);
}

static void on_done(const struct http_response *response, void *userdata) {
        struct try *t = userdata;

        t->n_done++;
        assert_non_null(t->call);
        t->call = NULL;
        t->response = *response;
        t->response.body = t->body = strdup(response->body);
        t->response.content_type = t->content_type = strdup(response->content_type);
        t->response.retry_after = t->retry_after = strdup(response->retry_after);
        t->response.location = t->location = strdup(response->location);
        t->response.range = t->range = strdup(response->range);
        assert_int_equal(response->body[response->body_size], 0);
        if (t->on_done)
                t->on_done(t);
}

void try_init(struct try *t, struct fixture *f, const char *method, const char *path) {
        *t = (struct try){ .fixture = f, .request.method = method };
        assert_true(asprintf(&t->request.url, "http://%s%s", f->address, path) > 0);
}

void try_done(struct try *t) {
        http_request_done(&t->request);
        free(t->body);
        free(t->content_type);
        free(t->retry_after);
        free(t->location);
        free(t->range);
}

void try_body(struct try *t, const char *data, size_t size) {
        buffer_append(&t->request.body, data, size);
}

void try_start(struct try *t) {
        static const struct http_handler handler = { on_leaving, on_done };
        struct http_call *call;

        assert_int_equal(http_call(t->fixture->client, &t->request, 0, &handler, t, &call), 0);
        assert_int_equal(t->n_done, 0);
        t->call = call;
}

void try_wait(struct try *t) {
        while (t->n_done == 0)
                assert_true(sd_event_run(t->fixture->event, UINT64_MAX) >= 0);
}

void try_get(struct try *t, struct fixture *f, const char *path) {
        try_init(t, f, "GET", path);
        try_start(t);
        try_wait(t);
}
