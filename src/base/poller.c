/* SPDX-License-Identifier: MIT */
#include "base/poller.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

#define BATCH_SIZE 64

struct poller {
        sd_event *event;
        sd_event_source *source;
        int epoll_fd;
        struct epoll_event batch[BATCH_SIZE];
        int n_batch, next;
};

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct poller *p = userdata;

        p->n_batch = epoll_wait(p->epoll_fd, p->batch, BATCH_SIZE, 0);
        for (p->next = 0; p->next < p->n_batch;) {
                struct epoll_event e = p->batch[p->next++];
                struct poll_watch *w = e.data.ptr;

                if (w)
                        w->on_events(w, e.events);
        }
        p->n_batch = 0;
        return 0;
}

int poller_new(sd_event *event, struct poller **ret) {
        _cleanup_(poller_freep) struct poller *p = NULL;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        p->event = event;
        p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (p->epoll_fd < 0)
                return -errno;

        r = sd_event_add_io(event, &p->source, p->epoll_fd, EPOLLIN, on_ready, p);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(p);
        return 0;
}

struct poller *poller_free(struct poller *p) {
        if (!p)
                return NULL;
        sd_event_source_disable_unref(p->source);
        fd_close(p->epoll_fd);
        free(p);
        return NULL;
}

sd_event *poller_event(struct poller *p) {
        return p->event;
}

int poller_add(struct poller *p, struct poll_watch *w, int fd, uint32_t events,
               void (*on_events)(struct poll_watch *w, uint32_t revents)) {
        struct epoll_event e = { .events = events, .data.ptr = w };

        if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
                return -errno;

        *w = (struct poll_watch){ .fd = fd, .events = events, .on_events = on_events, .poller = p };
        return 0;
}

int poller_modify(struct poll_watch *w, uint32_t events) {
        struct epoll_event e = { .events = events, .data.ptr = w };

        if (w->events == events)
                return 0;
        if (epoll_ctl(w->poller->epoll_fd, EPOLL_CTL_MOD, w->fd, &e) < 0)
                return -errno;
        w->events = events;
        return 0;
}

void poller_remove(struct poll_watch *w) {
        struct poller *p = w->poller;

        if (!p)
                return;

        (void)epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
        for (int i = p->next; i < p->n_batch; i++)
                if (p->batch[i].data.ptr == w)
                        p->batch[i].data.ptr = NULL;
        w->poller = NULL;
}
