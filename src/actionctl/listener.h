/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The end of a consent in the browser: 127.0.0.1, one port, as long as it is waited for. Takes one
 * redirect, that of our own flow; whatever else anybody sends (other pages in the browser can) gets
 * a 404, and is bounded in size, number and time. RFC 8252 §7.3, §8.3.
 */

#include <stdint.h>

#include "actionctl/redirect.h"
#include "base/buffer.h"
#include "base/cleanup.h"

struct listener;

/* `port` 0: any free one. The caller owns *ret. Returns 0 or a negative errno. */
int listener_open(uint16_t port, struct listener **ret);
struct listener *listener_free(struct listener *l);
DEFINE_CLEANUP(struct listener *, listener_free);

uint16_t listener_port(const struct listener *l);

struct listener_wait {
        const struct redirect *redirect;
        const char *state;
        uint64_t until_usec; /* CLOCK_BOOTTIME */
        int input_fd;        /* -1, or what ends the wait by becoming readable */

        /* About every second. */
        void (*on_tick)(void *userdata);
        /* Once: the request's target, and the page that answers it. It may block. */
        void (*on_redirect)(const char *target, struct buffer *page, void *userdata);
        void *userdata;
};

enum listener_end {
        LISTENER_ANSWERED, /* on_redirect() was called, and the browser has its page */
        LISTENER_INPUT,
        LISTENER_EXPIRED,
        LISTENER_INTERRUPTED, /* SIGINT, SIGTERM or SIGHUP */
};

/* Waits. Returns an enum listener_end, or a negative errno. */
int listener_wait(struct listener *l, const struct listener_wait *w);
