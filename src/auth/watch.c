/* SPDX-License-Identifier: MIT */
#include "auth/watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/clock.h"

#define RETRY_USEC USEC_PER_SEC
#define SETTLE_USEC (100 * USEC_PER_MSEC)

#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
#define WATCHED_EVENTS \
        (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | \
         SELF_EVENTS | IN_ONLYDIR)

/* Both before clients (priority 0), so that no request is judged by what is no longer true. */
#define WATCH_PRIORITY SD_EVENT_PRIORITY_IMPORTANT
#define READ_PRIORITY (WATCH_PRIORITY + 1)

struct watch {
        sd_event *event;
        char *directory;
        char *name;
        sd_event_source *changes; /* NULL: the folder is not there at the moment */
        sd_event_source *timer;   /* so that many changes cost one reading */
        int (*read)(void *userdata);
        void *userdata;
};

static void schedule(struct watch *w, uint64_t delay_usec) {
        uint64_t at = clock_usec(CLOCK_MONOTONIC) + delay_usec, pending;

        if (sd_event_source_get_enabled(w->timer, NULL) > 0 &&
            sd_event_source_get_time(w->timer, &pending) >= 0 && pending <= at)
                return;
        (void)sd_event_source_set_time(w->timer, at);
        (void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

void watch_retry(struct watch *w) {
        w->changes = sd_event_source_disable_unref(w->changes);
        schedule(w, RETRY_USEC);
}

/*
 * A file that was just created is most likely still being written, and tells when it is closed;
 * only links do not. What takes something away may not wait.
 */
static int on_change(sd_event_source *source, const struct inotify_event *e, void *userdata) {
        struct watch *w = userdata;

        if (w->name && e->len > 0 && strcmp(e->name, w->name) != 0)
                return 0;
        if (e->mask & (SELF_EVENTS | IN_IGNORED | IN_UNMOUNT))
                w->changes = sd_event_source_disable_unref(w->changes);
        schedule(w, e->mask & IN_CREATE ? SETTLE_USEC : 0);
        return 0;
}

int watch_begin(struct watch *w) {
        int r;

        if (w->changes)
                return 0;
        r = sd_event_add_inotify(w->event, &w->changes, w->directory, WATCHED_EVENTS, on_change, w);
        if (r < 0)
                return r;
        return sd_event_source_set_priority(w->changes, WATCH_PRIORITY);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct watch *w = userdata;

        if (w->read(w->userdata) < 0)
                watch_retry(w);
        return 0;
}

static int add_timer(struct watch *w) {
        int r;

        r = sd_event_add_time(w->event, &w->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, w);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(w->timer, READ_PRIORITY);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
}

int watch_new(sd_event *event, const struct watch_options *options, struct watch **ret) {
        _cleanup_(watch_freep) struct watch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->event = sd_event_ref(event);
        w->read = options->read;
        w->userdata = options->userdata;
        w->directory = strdup(options->directory);
        if (!w->directory)
                return -ENOMEM;
        if (options->name) {
                w->name = strdup(options->name);
                if (!w->name)
                        return -ENOMEM;
        }
        r = add_timer(w);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(w);
        return 0;
}

struct watch *watch_free(struct watch *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->timer);
        sd_event_source_disable_unref(w->changes);
        sd_event_unref(w->event);
        free(w->name);
        free(w->directory);
        free(w);
        return NULL;
}
