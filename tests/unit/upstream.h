/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An upstream for tests, on 127.0.0.1: a thread for each connection reads requests and lets the
 * test answer them, as wrongly as it likes. Bounded: 512 connections in its life.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct upstream;

struct upstream_request {
        struct upstream *upstream;
        int fd;
        int n_connection; /* from 1, by upstream */
        int n_request;    /* from 1, on this connection */
        char *head;       /* up to the empty line, NUL-terminated */
        char *path;
        size_t body_size; /* as announced, not read yet */
        char *rest;       /* what was read beyond the head */
        size_t rest_size;
};

/* Returns whether the connection is kept. */
typedef bool upstream_serve_fn(struct upstream_request *q);

struct upstream *upstream_new(upstream_serve_fn *serve);
/* Breaks all connections off and waits for their threads. */
struct upstream *upstream_free(struct upstream *u);
DEFINE_CLEANUP(struct upstream *, upstream_free);

int upstream_port(struct upstream *u);
int upstream_connections(struct upstream *u);
/* How many heads have arrived. */
int upstream_requests(struct upstream *u);
/* Waits until n connections have been ended by this side. */
void upstream_wait_closed(struct upstream *u, int n);

/* A gate that some answers wait behind. */
void upstream_open_gate(struct upstream *u);

/* For serving. All end early when the peer is gone. */
void upstream_read_body(struct upstream_request *q, char *ret, size_t size);
void upstream_send(struct upstream_request *q, const char *data, size_t size);
void upstream_puts(struct upstream_request *q, const char *text);
void upstream_wait_gate(struct upstream_request *q);
/* Reads until the peer closes. */
void upstream_hang(struct upstream_request *q);
