/* SPDX-License-Identifier: MIT */
/*
 * libcurl's sockets on the poller, and its one timer on the event loop. Knows nothing of calls:
 * after each step the client is told to look what has finished.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "http/client.h"

struct socket_watch {
        struct poll_watch watch; /* first, so that it is the same pointer */
        struct http_client *client;
};

static void act(struct http_client *c, curl_socket_t fd, int events) {
        _cleanup_(http_client_unrefp) struct http_client *keep = http_client_ref(c);
        int n_running;

        (void)curl_multi_socket_action(c->multi, fd, events, &n_running);
        http_client_deliver(keep);
}

void http_socket_act(struct http_client *c) {
        act(c, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket(struct poll_watch *w, uint32_t revents) {
        struct socket_watch *s = (struct socket_watch *)w;
        int events = 0;

        if (revents & EPOLLIN)
                events |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                events |= CURL_CSELECT_OUT;
        /* It finds out by itself what is wrong, after it has read what there is to read. */
        if (revents & (EPOLLERR | EPOLLHUP))
                events |= CURL_CSELECT_IN | CURL_CSELECT_OUT;
        act(s->client, w->fd, events);
}

static uint32_t epoll_events(int what) {
        return (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
}

static void watch_socket(struct http_client *c, curl_socket_t fd, uint32_t events) {
        struct socket_watch *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return;
        if (poller_add(c->poller, &s->watch, fd, events, on_socket) < 0) {
                free(s);
                return;
        }
        s->client = c;
        (void)curl_multi_assign(c->multi, fd, s);
}

/*
 * A failure here is not passed on, since libcurl would break off every call of the client for it.
 * The one that uses this socket hears nothing any more and ends by its time.
 */
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket) {
        struct http_client *c = userdata;
        struct socket_watch *s = socket;

        if (what == CURL_POLL_REMOVE) {
                if (s)
                        poller_remove(&s->watch);
                free(s);
        } else if (s)
                (void)poller_modify(&s->watch, epoll_events(what));
        else
                watch_socket(c, fd, epoll_events(what));
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        http_socket_act(userdata);
        return 0;
}

static int on_timer_wanted(CURLM *multi, long timeout_msec, void *userdata) {
        struct http_client *c = userdata;

        if (timeout_msec <= 0)
                (void)sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        if (timeout_msec == 0) /* cheaper than a timer that is over at once */
                (void)sd_event_source_set_enabled(c->act, SD_EVENT_ONESHOT);
        if (timeout_msec > 0) {
                uint64_t usec = (uint64_t)timeout_msec * USEC_PER_MSEC;

                (void)sd_event_source_set_time(c->timer, clock_usec(CLOCK_MONOTONIC) + usec);
                (void)sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
        }
        return 0;
}

int http_socket_attach(struct http_client *c) {
        CURLM *m = c->multi;
        int r;

        r = sd_event_add_time(poller_event(c->poller), &c->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC,
                              on_timer, c);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        if (curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket_wanted) != CURLM_OK ||
            curl_multi_setopt(m, CURLMOPT_SOCKETDATA, c) != CURLM_OK ||
            curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer_wanted) != CURLM_OK ||
            curl_multi_setopt(m, CURLMOPT_TIMERDATA, c) != CURLM_OK)
                return -ENOMEM;
        return 0;
}
