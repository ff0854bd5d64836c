/* SPDX-License-Identifier: MIT */
/*
 * The embedded backend: questions to action-vaultd over one connection, matched to their answers
 * by id. What the lines say is told in wire.h; writing them is question.c, reading them reply.c.
 *
 * A call is `sent` until its answer, or `failed` until the loop comes by to say so, which is why
 * nothing is ever answered from within a call. What ends the connection fails all that were sent:
 * its loss, an answer that makes no sense, or a vault that is deaf. A call that is cancelled, or
 * that was told it took too long, stays in its list, with nobody to tell, until its answer comes:
 * that is then no surprise. The next call after an end connects anew.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "base/json.h"
#include "ipc/channel.h"
#include "ipc/trusted.h"
#include "vault/embedded-calls.h"
#include "vault/question.h"
#include "vault/reply.h"
#include "vault/wire.h"

/* Calls that wait at once, the cancelled among them. More than a vault that is well ever sees. */
#define MAX_CALLS 4096
/* Of questions that the vault has not read yet. */
#define MAX_UNSENT ((size_t)16 << 20)
#define TIMER_ACCURACY_USEC (5 * USEC_PER_MSEC)

struct embedded {
        struct vault head;
        struct poller *poller;
        char *path;
        uint64_t timeout_usec;
        struct channel *channel; /* NULL: not connected */
        uint64_t last_id;
        struct embedded_queue sent; /* by id */
        struct embedded_queue failed;
        uint64_t heard_usec;       /* when a line came, or was sent and nothing else waited */
        sd_event_source *timer;    /* on while something waits: for when that may be too long */
        sd_event_source *deferred; /* on while something has failed */
        int trouble; /* why it last could not be connected to, as the journal knows; or 0 */
};

/* The loop will tell the caller. */
static void fail_call(struct embedded *e, struct embedded_call *c, enum ae_code code,
                      const char *reason) {
        c->failure = code;
        ae_error_quote(c->reason, sizeof(c->reason), reason);
        embedded_queue_put(&e->failed, c);
        (void)sd_event_source_set_enabled(e->deferred, SD_EVENT_ONESHOT);
}

/* Ends the connection, if there is one, and fails what was sent on it. */
static void hang_up(struct embedded *e, const char *reason) {
        if (e->channel)
                channel_close(e->channel);
        e->channel = channel_unref(e->channel);

        while (e->sent.first)
                fail_call(e, embedded_queue_take(&e->sent, e->sent.first->id), AE_VAULT_UNAVAILABLE,
                          reason);
}

static void call_answer(const struct embedded_call *c, const struct vault_answer *answer) {
        if (c->on_answer)
                c->on_answer(answer, c->userdata);
}

static void call_answer_error(const struct embedded_call *c, enum ae_code code,
                              const char *reason) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        (void)ae_error_set(&error, code, "%s", reason);
        call_answer(c, &(struct vault_answer){ .error = &error });
}

/* What failed while this runs, since a caller tries again at once, waits for the next turn. */
static int on_deferred(sd_event_source *source, void *userdata) {
        struct embedded *e = userdata;

        for (unsigned n = e->failed.size; n > 0; n--) {
                _cleanup_(embedded_call_freep) struct embedded_call *c =
                                embedded_queue_take(&e->failed, e->failed.first->id);

                call_answer_error(c, c->failure, c->reason);
        }
        return 0;
}

/* Answers a call that is in no list any more. Returns 0, or what vault_reply_credential() says. */
static int answer_success(const struct embedded_call *c, const struct json_slice *result) {
        _cleanup_(credential_done) struct credential credential = { 0 };
        _cleanup_(json_freep) cJSON *status = NULL;
        struct vault_answer answer = { 0 };
        int r = 0;

        switch (c->op) {
        case VAULT_GET_TOKEN:
                r = vault_reply_credential(result, &c->key, &credential);
                answer.credential = &credential;
                break;
        case VAULT_FIND_PROVIDER:
                r = vault_reply_app(result, &status);
                answer.status = status;
                break;
        case VAULT_EXCHANGE:
        case VAULT_REVOKE:
        case VAULT_START_DEVICE:
        case VAULT_STATUS:
                r = json_slice_tree(result, &status);
                answer.status = status;
                break;
        case VAULT_DELETE_TOKEN:
        case VAULT_STORE_TOKEN:
                break;
        }
        if (r < 0)
                return r;
        call_answer(c, &answer);
        return 0;
}

static const char unreadable[] = "the vault gave an answer that makes no sense";

static void take_reply(struct embedded *e, const struct vault_reply *reply) {
        _cleanup_(embedded_call_freep) struct embedded_call *c =
                        embedded_queue_take(&e->sent, (uint64_t)reply->id);
        int r;

        if (!c) {
                hang_up(e, "the vault answered what nobody asked");
                return;
        }
        if (reply->error.code != AE_NONE) {
                call_answer(c, &(struct vault_answer){ .error = &reply->error });
                return;
        }

        r = answer_success(c, &reply->result);
        if (r == -ENOMEM)
                call_answer_error(c, AE_INTERNAL, "out of memory");
        else if (r < 0) {
                fail_call(e, TAKE_PTR(c), AE_VAULT_UNAVAILABLE, unreadable);
                hang_up(e, unreadable);
        }
}

static void on_line(struct channel *channel, const char *line, size_t size, uint64_t number,
                    void *userdata) {
        struct embedded *e = userdata;
        struct vault_reply reply;
        char reason[CALL_REASON_SIZE];
        int r;

        e->heard_usec = clock_usec(CLOCK_MONOTONIC);
        r = vault_reply_read(line, size, &reply);
        if (r < 0) {
                hang_up(e, unreadable);
                return;
        }
        if (reply.id > 0)
                take_reply(e, &reply);
        else {
                /* It does not serve this user, or could not read what it was sent. */
                snprintf(reason, sizeof(reason), "the vault refuses the connection: %.150s",
                         reply.error.message);
                hang_up(e, reason);
        }
        ae_error_done(&reply.error);
}

static void on_too_large(struct channel *channel, uint64_t number, void *userdata) {
        hang_up(userdata, "the vault gave an answer that is too long");
}

static void on_closed(struct channel *channel, int r, void *userdata) {
        hang_up(userdata, "the connection to the vault was lost");
}

static const struct channel_handler handler = {
        .on_line = on_line,
        .on_too_large = on_too_large,
        .on_closed = on_closed,
};

static int make_connection(struct embedded *e) {
        static const struct channel_options options = { .max_line = VAULT_WIRE_MAX_LINE,
                                                        .asks = true };
        _cleanup_(fd_closep) int fd = -1;
        int r;

        if (e->channel)
                return 0;
        fd = trusted_connect(e->path, /* nonblocking= */ 1);
        if (fd < 0)
                return fd;
        r = channel_new(e->poller, fd, &options, &handler, e, &e->channel);
        if (r < 0)
                return r;
        TAKE_FD(fd);
        e->trouble = 0;
        return 0;
}

static uint64_t next_look(const struct embedded *e) {
        return embedded_queue_next_look(&e->sent, e->heard_usec, e->timeout_usec);
}

static void set_timer(struct embedded *e, uint64_t usec) {
        (void)sd_event_source_set_time(e->timer, usec);
        (void)sd_event_source_set_enabled(e->timer,
                                          usec == CALL_NEVER ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* Sends the call, or fails it. Takes it over, unless memory is out. */
static int submit(struct embedded *e, struct embedded_call *c, struct buffer *line) {
        char reason[CALL_REASON_SIZE];
        int r;

        if (line->size > VAULT_WIRE_MAX_LINE) {
                fail_call(e, c, AE_INVALID_REQUEST, "the credential is too large for the vault");
                return 0;
        }
        if (e->sent.size >= MAX_CALLS || (e->channel && channel_unsent(e->channel) > MAX_UNSENT)) {
                fail_call(e, c, AE_VAULT_UNAVAILABLE, "too many calls wait for the vault");
                return 0;
        }
        r = make_connection(e);
        if (r < 0) {
                snprintf(reason, sizeof(reason), "cannot connect to the vault at %.100s: %s",
                         e->path, trusted_strerror(r));
                if (r != e->trouble)
                        log_warning("No credentials until this is over: %s", reason);
                e->trouble = r;
                fail_call(e, c, AE_VAULT_UNAVAILABLE, reason);
                return 0;
        }

        r = channel_send(e->channel, line);
        if (r < 0)
                return r;
        if (!e->sent.first)
                e->heard_usec = clock_usec(CLOCK_MONOTONIC);
        embedded_queue_put(&e->sent, c);
        if (sd_event_source_get_enabled(e->timer, NULL) == 0)
                set_timer(e, next_look(e));
        return 0;
}

static int embedded_call(struct vault *v, const struct vault_question *q, struct vault_call **ret) {
        _cleanup_(buffer_wipe) struct buffer line = { 0 };
        _cleanup_(embedded_call_freep) struct embedded_call *c = NULL;
        struct embedded *e = (struct embedded *)v;
        int r;

        r = embedded_call_new(v, q, ++e->last_id, clock_usec(CLOCK_MONOTONIC), e->timeout_usec, &c);
        if (r < 0)
                return r;
        vault_question_print(q, c->id, &line);
        r = buffer_error(&line);
        if (r == 0)
                r = submit(e, c, &line);
        if (r < 0)
                return r;

        *ret = &TAKE_PTR(c)->head;
        return 0;
}

static void on_sign_of_life(const struct vault_answer *answer, void *userdata) {
        /* That it came is all: embedded.heard_usec says so. */
}

static void ask_for_life(struct embedded *e) {
        const struct vault_question q = { .op = VAULT_STATUS, .on_answer = on_sign_of_life };
        struct vault_call *call;

        e->heard_usec = clock_usec(CLOCK_MONOTONIC); /* it gets its time to answer */
        if (embedded_call(&e->head, &q, &call) < 0)
                hang_up(e, "memory ran out");
}

/* It is set once for many calls: what it was set for has mostly been answered when it rings. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        static const char late[] = "the vault did not answer in time";
        struct embedded *e = userdata;
        uint64_t now_usec = clock_usec(CLOCK_MONOTONIC), next;
        struct embedded_call *c;

        /* Whoever is told may ask again, so that each look begins anew. */
        while ((c = embedded_queue_late(&e->sent, now_usec))) {
                struct embedded_call told = *c;

                if (!embedded_call_is_slow(c)) {
                        hang_up(e, late);
                        return 0;
                }
                c->deadline_usec = CALL_NEVER;
                c->on_answer = NULL;
                call_answer_error(&told, AE_VAULT_UNAVAILABLE, late);
        }

        next = next_look(e);
        if (next <= now_usec) {
                ask_for_life(e);
                next = next_look(e);
        }
        set_timer(e, next);
        return 0;
}

static void embedded_cancel(struct vault_call *call) {
        ((struct embedded_call *)call)->on_answer = NULL;
}

static void embedded_free(struct vault *v) {
        struct embedded *e = (struct embedded *)v;

        sd_event_source_disable_unref(e->deferred);
        sd_event_source_disable_unref(e->timer);
        if (e->channel)
                channel_close(e->channel);
        channel_unref(e->channel);
        embedded_queue_done(&e->failed);
        embedded_queue_done(&e->sent);
        free(e->path);
        free(e);
}

static const struct vault_backend_ops embedded_ops = {
        .name = "embedded",
        .call = embedded_call,
        .cancel = embedded_cancel,
        .free = embedded_free,
};

int vault_new_embedded(struct poller *poller, const char *path, uint64_t timeout_usec,
                       struct vault **ret) {
        _cleanup_(vault_freep) struct vault *v = NULL;
        sd_event *event = poller_event(poller);
        struct embedded *e;
        int r;

        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;

        *e = (struct embedded){
                .head.ops = &embedded_ops,
                .poller = poller,
                .timeout_usec = timeout_usec,
        };
        v = &e->head;
        e->path = strdup(path);
        if (!e->path)
                return -ENOMEM;

        r = sd_event_add_defer(event, &e->deferred, on_deferred, e);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(e->deferred, SD_EVENT_OFF);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &e->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC, on_timer,
                              e);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(v);
        return 0;
}
