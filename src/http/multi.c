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
        struct http_multi *multi;
};

static struct http_multi *http_multi_ref(struct http_multi *m) {
        m->n_refs++;
        return m;
}

static struct http_multi *http_multi_unref(struct http_multi *m) {
        if (!m || --m->n_refs > 0)
                return NULL;
        if (m->curl)
                (void)curl_multi_cleanup(m->curl);
        sd_event_source_disable_unref(m->timer);
        free(m);
        return NULL;
}
DEFINE_CLEANUP(struct http_multi *, http_multi_unref);

static void act(struct http_multi *m, curl_socket_t fd, int events) {
        _cleanup_(http_client_unrefp) struct http_client *client = http_client_ref(m->client);
        _cleanup_(http_multi_unrefp) struct http_multi *keep = http_multi_ref(m);
        int n_running;

        (void)curl_multi_socket_action(m->curl, fd, events, &n_running);
        http_client_deliver(client, keep);
}

void http_multi_act(struct http_multi *m) {
        act(m, CURL_SOCKET_TIMEOUT, 0);
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
        act(s->multi, w->fd, events);
}

static uint32_t epoll_events(int what) {
        return (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
}

static void watch_socket(struct http_multi *m, curl_socket_t fd, uint32_t events) {
        struct socket_watch *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return;
        if (poller_add(m->client->poller, &s->watch, fd, events, on_socket) < 0) {
                free(s);
                return;
        }
        s->multi = m;
        (void)curl_multi_assign(m->curl, fd, s);
}

/*
 * A failure here is not passed on, since libcurl would break off every call of the client for it.
 * The one that uses this socket hears nothing any more and ends by its time.
 */
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket) {
        struct http_multi *m = userdata;
        struct socket_watch *s = socket;

        if (what == CURL_POLL_REMOVE) {
                if (s)
                        poller_remove(&s->watch);
                free(s);
        } else if (s)
                (void)poller_modify(&s->watch, epoll_events(what));
        else
                watch_socket(m, fd, epoll_events(what));
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        http_multi_act(userdata);
        return 0;
}

static int on_timer_wanted(CURLM *multi, long timeout_msec, void *userdata) {
        struct http_multi *m = userdata;

        if (timeout_msec < 0)
                (void)sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
        else if (timeout_msec == 0 && m == m->client->web) { /* cheaper than a timer that is over */
                (void)sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
                (void)sd_event_source_set_enabled(m->client->act, SD_EVENT_ONESHOT);
        } else {
                uint64_t usec = (uint64_t)timeout_msec * USEC_PER_MSEC;

                (void)sd_event_source_set_time(m->timer, clock_usec(CLOCK_MONOTONIC) + usec);
                (void)sd_event_source_set_enabled(m->timer, SD_EVENT_ONESHOT);
        }
        return 0;
}

static int attach(struct http_multi *m) {
        int r;

        r = sd_event_add_time(poller_event(m->client->poller), &m->timer, CLOCK_MONOTONIC, 0,
                              USEC_PER_MSEC, on_timer, m);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(m->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        if (curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted) != CURLM_OK ||
            curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m) != CURLM_OK ||
            curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_timer_wanted) != CURLM_OK ||
            curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m) != CURLM_OK)
                return -ENOMEM;
        return 0;
}

int http_multi_new(struct http_client *c, struct http_multi **ret) {
        _cleanup_(http_multi_unrefp) struct http_multi *m = NULL;
        int r;

        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;

        m->n_refs = 1;
        m->client = c;
        m->curl = curl_multi_init();
        if (!m->curl)
                return -ENOMEM;
        r = attach(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

struct http_multi *http_multi_end(struct http_multi *m) {
        if (!m)
                return NULL;
        (void)curl_multi_cleanup(TAKE_PTR(m->curl)); /* it closes its sockets, by our callbacks */
        m->timer = sd_event_source_disable_unref(m->timer);
        return http_multi_unref(m);
}
