/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The descriptors that are busy all the time (clients, libcurl's sockets) on one epoll of their
 * own, which is a single source of the sd-event loop, drained in batches: sd-event dispatches one
 * source per wake-up, which would cost four times the CPU. What is rare is plain sd-event.
 */

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct poller;

/* Embedded in what it watches. The poller keeps a pointer to it between add and remove. */
struct poll_watch {
        int fd; /* borrowed */
        uint32_t events;
        /* Must not fail; handles its peer's faults itself. May add and remove any watch. */
        void (*on_events)(struct poll_watch *w, uint32_t revents);
        struct poller *poller; /* NULL when not added */
};

/* The caller owns *ret and keeps `event` alive. Returns 0 or a negative errno. */
int poller_new(sd_event *event, struct poller **ret);
struct poller *poller_free(struct poller *p);
DEFINE_CLEANUP(struct poller *, poller_free);

sd_event *poller_event(struct poller *p);

/* Level-triggered; events are EPOLLIN and the like. Returns 0 or a negative errno. */
int poller_add(struct poller *p, struct poll_watch *w, int fd, uint32_t events,
               void (*on_events)(struct poll_watch *w, uint32_t revents));
int poller_modify(struct poll_watch *w, uint32_t events);
/* Nothing is delivered to w afterwards, not even what was already fetched. Harmless when not added. */
void poller_remove(struct poll_watch *w);
