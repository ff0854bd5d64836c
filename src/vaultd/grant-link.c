/* SPDX-License-Identifier: MIT */
#include "vaultd/grant-link.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "base/json-scan.h"
#include "ipc/channel.h"
#include "ipc/trusted.h"

#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

struct list {
        struct grant_call *first, *last;
        unsigned size;
};

/* Waits in one list with its line, then in the other with its channel. */
struct grant_call {
        struct grants *grants;
        struct list *list;
        struct buffer line;
        struct channel *channel; /* NULL: it has not left */
        sd_event_source *timer;
        grants_answer_fn *on_answer;
        void *userdata;
        struct grant_call *previous, *next;
};

struct grants {
        struct poller *poller;
        char *path;
        uint64_t wait_usec, timeout_usec;
        struct list waiting, sent;
        sd_event_source *pump; /* on while one that waits might leave */
        bool draining;
        int trouble; /* why it last could not be connected to, as the journal knows; or 0 */
};

static void leave_list(struct grant_call *c) {
        struct list *l = c->list;

        if (!l)
                return;
        if (c->previous)
                c->previous->next = c->next;
        else
                l->first = c->next;
        if (c->next)
                c->next->previous = c->previous;
        else
                l->last = c->previous;
        l->size--;
        c->list = NULL;
        c->previous = c->next = NULL;
}

static void join_list(struct grant_call *c, struct list *l) {
        leave_list(c);
        c->list = l;
        c->previous = l->last;
        if (l->last)
                l->last->next = c;
        else
                l->first = c;
        l->last = c;
        l->size++;
}

static struct grant_call *grant_call_free(struct grant_call *c) {
        if (!c)
                return NULL;
        leave_list(c);
        sd_event_source_disable_unref(c->timer);
        if (c->channel)
                channel_close(c->channel);
        channel_unref(c->channel);
        buffer_wipe(&c->line);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct grant_call *, grant_call_free);

static bool has_work(const struct grants *g) {
        return g->waiting.size > 0 && (g->draining || g->sent.size < GRANTS_MAX_SENT ||
                                       g->waiting.size > GRANTS_MAX_WAITING);
}

static void wake(struct grants *g) {
        if (has_work(g))
                (void)sd_event_source_set_enabled(g->pump, SD_EVENT_ONESHOT);
}

/* The call is gone before its asker hears of it, who may send the next. */
static void answer_call(struct grant_call *c, struct oauth_answer *answer) {
        grants_answer_fn *on_answer = c->on_answer;
        struct grants *g = c->grants;
        void *userdata = c->userdata;

        grant_call_free(c);
        wake(g);
        on_answer(answer, userdata);
}

static void fail_call(struct grant_call *c, const char *reason) {
        struct oauth_answer answer = {
                .result = c->channel ? OAUTH_NO_ANSWER : OAUTH_UNREACHABLE,
        };

        snprintf(answer.reason, sizeof(answer.reason), "%s", reason);
        answer_call(c, &answer);
}

static void on_line(struct channel *channel, const char *line, size_t size, uint64_t number,
                    void *userdata) {
        _cleanup_(oauth_answer_done) struct oauth_answer answer = { 0 };
        struct json_envelope envelope;
        struct json_fault fault;
        int r;

        r = json_scan(line, size, &envelope, &fault);
        if (r == 0)
                r = oauth_answer_parse(&envelope.root, &answer);
        if (r < 0)
                fail_call(userdata, "action-grant gave an answer that makes no sense");
        else
                answer_call(userdata, &answer);
}

static void on_too_large(struct channel *channel, uint64_t number, void *userdata) {
        fail_call(userdata, "action-grant gave an answer that is too long");
}

static void on_closed(struct channel *channel, int r, void *userdata) {
        fail_call(userdata, "action-grant ended without an answer");
}

static const struct channel_handler handler = {
        .on_line = on_line,
        .on_too_large = on_too_large,
        .on_closed = on_closed,
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        const struct grant_call *c = userdata;

        fail_call(userdata, c->channel ? "action-grant did not answer in time"
                                       : "too many grants wait for action-grant");
        return 0;
}

static int connect_call(struct grant_call *c) {
        static const struct channel_options options = {
                .max_line = OAUTH_GRANT_MAX_LINE,
                .asks = true,
        };
        _cleanup_(fd_closep) int fd = -1;
        int r;

        fd = trusted_connect(c->grants->path, /* nonblocking= */ 1);
        if (fd < 0)
                return fd;
        r = sd_event_source_set_time_relative(c->timer, c->grants->timeout_usec);
        if (r < 0)
                return r;
        r = channel_new(c->grants->poller, fd, &options, &handler, c, &c->channel);
        if (r < 0)
                return r;
        TAKE_FD(fd);
        return channel_send(c->channel, &c->line);
}

static void start_call(struct grant_call *c) {
        char reason[OAUTH_REASON_SIZE];
        int r;

        join_list(c, &c->grants->sent);
        r = connect_call(c);
        if (r >= 0)
                c->grants->trouble = 0;
        else {
                snprintf(reason, sizeof(reason), "cannot reach action-grant at %.100s: %s",
                         c->grants->path, trusted_strerror(r));
                if (r != c->grants->trouble)
                        log_warning("No token is renewed until this is over: %s", reason);
                c->grants->trouble = r;
                fail_call(c, reason);
        }
}

/* What fails at once makes room again: not more than a round of it in one turn. */
static int on_pump(sd_event_source *source, void *userdata) {
        struct grants *g = userdata;

        for (unsigned n = 0; n < GRANTS_MAX_SENT && has_work(g); n++)
                if (g->draining)
                        fail_call(g->waiting.first, "the vault is stopping");
                else if (g->waiting.size > GRANTS_MAX_WAITING)
                        fail_call(g->waiting.last, "too many grants wait for action-grant");
                else
                        start_call(g->waiting.first);
        wake(g);
        return 0;
}

int grants_new(struct poller *poller, const struct grants_options *options, struct grants **ret) {
        _cleanup_(grants_freep) struct grants *g = NULL;
        int r;

        g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;
        *g = (struct grants){
                .poller = poller,
                .path = strdup(options->path),
                .wait_usec = options->wait_usec,
                .timeout_usec = options->timeout_usec,
        };
        if (!g->path)
                return -ENOMEM;

        r = sd_event_add_defer(poller_event(poller), &g->pump, on_pump, g);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(g->pump, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(g);
        return 0;
}

struct grants *grants_free(struct grants *g) {
        if (!g)
                return NULL;
        while (g->sent.first)
                grant_call_free(g->sent.first);
        while (g->waiting.first)
                grant_call_free(g->waiting.first);
        sd_event_source_disable_unref(g->pump);
        free(g->path);
        free(g);
        return NULL;
}

int grants_send(struct grants *g, const struct oauth_grant *grant, grants_answer_fn *on_answer,
                void *userdata) {
        _cleanup_(grant_call_freep) struct grant_call *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct grant_call){ .grants = g, .on_answer = on_answer, .userdata = userdata };
        oauth_grant_print(grant, &c->line);
        r = buffer_error(&c->line);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(poller_event(g->poller), &c->timer, CLOCK_MONOTONIC,
                                       g->wait_usec, TIMER_ACCURACY_USEC, on_timer, c);
        if (r < 0)
                return r;

        join_list(TAKE_PTR(c), &g->waiting);
        wake(g);
        return 0;
}

void grants_drain(struct grants *g) {
        g->draining = true;
        wake(g);
}

unsigned grants_count(const struct grants *g) {
        return g->waiting.size + g->sent.size;
}
