/* SPDX-License-Identifier: MIT */
#include "policy/control-log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/journal.h"

#define MAX_SENDING 4
#define MIN_PAUSE_USEC USEC_PER_SEC
#define MAX_PAUSE_USEC (60 * USEC_PER_SEC)
#define TELL_USEC (60 * USEC_PER_SEC)

struct event {
        struct buffer body;
        TAILQ_ENTRY(event) in_log;
};
TAILQ_HEAD(event_list, event);

/* A request that is on its way, with the event that it has taken the body of. */
struct sending {
        struct control_log *log;
        struct event *event; /* NULL: it is free */
        struct http_request request;
        struct http_call *call;
};

struct control_log {
        const struct control_link *link;
        struct event_list waiting; /* the oldest first */
        size_t n_waiting;
        struct sending sending[MAX_SENDING];

        uint64_t pause_usec;    /* 0: the last was taken */
        sd_event_source *pause; /* on while nothing is sent */
        bool pausing;
        bool flushing;

        unsigned long long n_lost, n_untold;
        sd_event_source *tell; /* on for a while after it was told */
        bool telling;
        char reason[128]; /* why the last was not taken */
};

static struct event *event_free(struct event *e) {
        if (!e)
                return NULL;
        buffer_done(&e->body);
        free(e);
        return NULL;
}

/* Now, if it is long enough since it was told, or else when it will be. */
static void tell(struct control_log *l) {
        if (l->n_untold == 0 || l->telling)
                return;
        log_warning("Events that Engine Control was not told of: %llu; %s", l->n_untold, l->reason);
        l->n_untold = 0;
        l->telling = sd_event_source_set_time_relative(l->tell, TELL_USEC) >= 0 &&
                     sd_event_source_set_enabled(l->tell, SD_EVENT_ONESHOT) >= 0;
}

static int on_tell(sd_event_source *source, uint64_t usec, void *userdata) {
        struct control_log *l = userdata;

        l->telling = false;
        tell(l);
        return 0;
}

static void lose(struct control_log *l, struct event *e) {
        event_free(e);
        l->n_lost++;
        l->n_untold++;
}

static struct event *take_oldest(struct control_log *l) {
        struct event *e = TAILQ_FIRST(&l->waiting);

        if (e) {
                TAILQ_REMOVE(&l->waiting, e, in_log);
                l->n_waiting--;
        }
        return e;
}

static void make_room(struct control_log *l) {
        if (l->n_waiting < CONTROL_LOG_MAX_WAITING)
                return;
        if (!l->reason[0])
                snprintf(l->reason, sizeof(l->reason), "it takes them too slowly");
        lose(l, take_oldest(l));
}

static void give_up(struct control_log *l) {
        struct event *e;

        while ((e = take_oldest(l)))
                lose(l, e);
}

static void begin_pause(struct control_log *l) {
        if (l->pausing)
                return;
        l->pause_usec = l->pause_usec == 0 ? MIN_PAUSE_USEC : 2 * l->pause_usec;
        if (l->pause_usec > MAX_PAUSE_USEC)
                l->pause_usec = MAX_PAUSE_USEC;
        l->pausing = sd_event_source_set_time_relative(l->pause, l->pause_usec) >= 0 &&
                     sd_event_source_set_enabled(l->pause, SD_EVENT_ONESHOT) >= 0;
}

/* What was on its way in vain is the oldest again. */
static void take_back(struct control_log *l, struct event *e) {
        if (l->n_waiting == CONTROL_LOG_MAX_WAITING)
                lose(l, e);
        else {
                TAILQ_INSERT_HEAD(&l->waiting, e, in_log);
                l->n_waiting++;
        }
        if (l->flushing)
                give_up(l);
        else
                begin_pause(l);
        tell(l);
}

static struct event *release(struct sending *s) {
        s->event->body = s->request.body;
        s->request.body = (struct buffer){ 0 };
        http_request_done(&s->request);
        return TAKE_PTR(s->event);
}

static void send_waiting(struct control_log *l);

/* These say that the event itself is at fault: a repeat would fare no better. */
static bool is_refused(const struct http_response *response) {
        int status = response->failure == HTTP_ANSWERED ? response->status : 0;

        return status == 400 || status == 413 || status == 422;
}

static bool is_taken(const struct http_response *response) {
        return response->status >= 200 && response->status <= 299;
}

static void note_reason(struct control_log *l, const struct http_response *response) {
        if (response->failure == HTTP_ANSWERED)
                snprintf(l->reason, sizeof(l->reason), "it answered HTTP %d", response->status);
        else
                snprintf(l->reason, sizeof(l->reason), "%.100s", response->reason);
}

static void on_sent(const struct http_response *response, void *userdata) {
        struct sending *s = userdata;
        struct control_log *l = s->log;
        struct event *e = release(s);

        s->call = NULL;
        if (is_taken(response)) {
                l->pause_usec = 0;
                if (l->n_untold == 0)
                        l->reason[0] = 0;
                event_free(e);
        } else {
                note_reason(l, response);
                if (is_refused(response)) {
                        lose(l, e);
                        tell(l);
                } else
                        take_back(l, e);
        }
        send_waiting(l);
}

static int send_one(struct sending *s, struct event *e) {
        static const struct http_handler handler = { .on_done = on_sent };
        int r;

        s->event = e;
        r = control_link_prepare(s->log->link, "/log/engine_event", &s->request);
        s->request.body = e->body;
        e->body = (struct buffer){ 0 };
        if (r == 0)
                r = http_call(s->log->link->http, &s->request, /* deadline_usec= */ 0, &handler, s,
                              &s->call);
        return r;
}

static void send_waiting(struct control_log *l) {
        for (size_t i = 0; i < MAX_SENDING && l->n_waiting > 0 && !l->pausing; i++) {
                struct sending *s = &l->sending[i];
                int r;

                if (s->event)
                        continue;
                r = send_one(s, take_oldest(l));
                if (r < 0) {
                        snprintf(l->reason, sizeof(l->reason), "%s", strerror(-r));
                        take_back(l, release(s));
                }
        }
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
        struct control_log *l = userdata;

        l->pausing = false;
        send_waiting(l);
        return 0;
}

void control_log_add(struct control_log *l, struct buffer *body) {
        struct event *e = buffer_error(body) == 0 ? calloc(1, sizeof(*e)) : NULL;

        if (!e) {
                snprintf(l->reason, sizeof(l->reason), "memory ran out");
                lose(l, NULL);
                buffer_done(body);
        } else {
                make_room(l);
                e->body = *body;
                *body = (struct buffer){ 0 };
                TAILQ_INSERT_TAIL(&l->waiting, e, in_log);
                l->n_waiting++;
        }
        tell(l);
        send_waiting(l);
}

void control_log_flush(struct control_log *l) {
        l->flushing = true;
        l->pausing = false;
        send_waiting(l);
}

bool control_log_is_busy(const struct control_log *l) {
        for (size_t i = 0; i < MAX_SENDING; i++)
                if (l->sending[i].event)
                        return true;
        return false;
}

size_t control_log_n_waiting(const struct control_log *l) {
        return l->n_waiting;
}

unsigned long long control_log_n_lost(const struct control_log *l) {
        return l->n_lost;
}

static int add_timer(sd_event *event, sd_event_source **ret, sd_event_time_handler_t on_time,
                     struct control_log *l) {
        int r;

        r = sd_event_add_time_relative(event, ret, CLOCK_MONOTONIC, 0, USEC_PER_SEC / 10, on_time,
                                       l);
        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int control_log_new(sd_event *event, const struct control_link *link, struct control_log **ret) {
        _cleanup_(control_log_freep) struct control_log *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->link = link;
        TAILQ_INIT(&l->waiting);
        for (size_t i = 0; i < MAX_SENDING; i++)
                l->sending[i].log = l;
        r = add_timer(event, &l->pause, on_pause_over, l);
        if (r >= 0)
                r = add_timer(event, &l->tell, on_tell, l);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(l);
        return 0;
}

struct control_log *control_log_free(struct control_log *l) {
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->pause);
        for (size_t i = 0; i < MAX_SENDING; i++) {
                struct sending *s = &l->sending[i];

                http_call_cancel(TAKE_PTR(s->call));
                if (s->event)
                        lose(l, release(s));
        }
        give_up(l);
        if (!l->reason[0])
                snprintf(l->reason, sizeof(l->reason), "the engine ends");
        l->telling = false;
        tell(l);
        sd_event_source_disable_unref(l->tell);
        free(l);
        return NULL;
}
