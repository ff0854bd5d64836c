/* SPDX-License-Identifier: MIT */
#include "ipc/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"

/* Per wake-up, so that a crowd at the door does not keep those inside waiting. */
#define ACCEPTS_PER_TURN 32
/* How long to wait for descriptors or memory. */
#define PAUSE_USEC (100 * USEC_PER_MSEC)
#define PAUSE_ACCURACY_USEC (10 * USEC_PER_MSEC)

#define FDS_PER_CONNECTION 2

struct listener {
        int fd;
        sd_event_source *io;
        sd_event_source *pause; /* on while accepting makes no sense */
        unsigned n_open, max_open;
        bool pausing;
        bool stopped;
        void (*on_accept)(int fd, void *userdata);
        void *userdata;
};

int listener_inherited_fd(void) {
        int n;

        n = sd_listen_fds(/* unset_environment= */ 1);
        if (n < 0)
                return n;
        if (n == 0)
                return -ENOENT;
        if (n > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0) {
                for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++)
                        fd_close(fd);
                return -EINVAL;
        }
        return SD_LISTEN_FDS_START;
}

unsigned listener_affordable(unsigned max, uint64_t n_others) {
        struct rlimit limit;
        rlim_t others, n;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return max;
        if (limit.rlim_cur < limit.rlim_max) {
                const struct rlimit highest = { limit.rlim_max, limit.rlim_max };

                /* A sandbox may forbid it; the unit has set both then. */
                if (setrlimit(RLIMIT_NOFILE, &highest) == 0)
                        limit = highest;
        }
        others = n_others < limit.rlim_cur / 2 ? n_others : limit.rlim_cur / 2;
        n = (limit.rlim_cur - others) / FDS_PER_CONNECTION;
        return n < max ? (unsigned)n : max;
}

static bool listener_may_accept(const struct listener *l) {
        return !l->stopped && !l->pausing && l->n_open < l->max_open;
}

/* Looks away from the backlog, or at it again. Changing a source that exists does not fail. */
static void listener_watch(struct listener *l) {
        (void)sd_event_source_set_enabled(l->io,
                                          listener_may_accept(l) ? SD_EVENT_ON : SD_EVENT_OFF);
}

void listener_pause(struct listener *l) {
        l->pausing = true;
        (void)sd_event_source_set_time_relative(l->pause, PAUSE_USEC);
        (void)sd_event_source_set_enabled(l->pause, SD_EVENT_ONESHOT);
        listener_watch(l);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
        struct listener *l = userdata;

        l->pausing = false;
        listener_watch(l);
        return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct listener *l = userdata;

        for (unsigned n = 0; n < ACCEPTS_PER_TURN && listener_may_accept(l); n++) {
                int peer = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (peer >= 0) {
                        l->n_open++;
                        l->on_accept(peer, l->userdata);
                } else if (errno == EAGAIN)
                        break;
                else if (errno != EINTR && errno != ECONNABORTED)
                        listener_pause(l); /* the connection stays, and would wake us at once */
        }
        listener_watch(l);
        return 0;
}

int listener_new(sd_event *event, int fd, unsigned max_connections,
                 void (*on_accept)(int fd, void *userdata), void *userdata, struct listener **ret) {
        _cleanup_(listener_freep) struct listener *l = NULL;
        int flags, r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        *l = (struct listener){
                .fd = -1,
                .max_open = max_connections,
                .on_accept = on_accept,
                .userdata = userdata,
        };

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;

        r = sd_event_add_time_relative(event, &l->pause, CLOCK_MONOTONIC, 0, PAUSE_ACCURACY_USEC,
                                       on_pause_over, l);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(l->pause, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &l->io, fd, EPOLLIN, on_connection, l);
        if (r < 0)
                return r;

        l->fd = fd;
        *ret = TAKE_PTR(l);
        return 0;
}

struct listener *listener_free(struct listener *l) {
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->io);
        sd_event_source_disable_unref(l->pause);
        fd_close(l->fd);
        free(l);
        return NULL;
}

void listener_connection_closed(struct listener *l) {
        assert(l->n_open > 0);

        l->n_open--;
        listener_watch(l);
}

void listener_stop(struct listener *l) {
        l->stopped = true;
        listener_watch(l);
}
