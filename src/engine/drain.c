/* SPDX-License-Identifier: MIT */
#include "engine/drain.h"

#include <systemd/sd-daemon.h>

#include "action/pipeline.h"
#include "base/clock.h"
#include "base/journal.h"
#include "engine/client.h"
#include "engine/engine.h"
#include "policy/control.h"
#include "vault/vault.h"

/* How long a stop waits for lines that were sent before it, and for answers to be read. */
#define DRAIN_PATIENCE_USEC USEC_PER_SEC
#define DRAIN_LAST_READS_USEC (5 * USEC_PER_SEC)
/* How often the neighbours are looked at while they alone have something to finish. */
#define DRAIN_LOOK_USEC (50 * USEC_PER_MSEC)

static int on_look_again(sd_event_source *source, uint64_t usec, void *userdata) {
        struct engine *e = userdata;

        drain_look(&e->drain);
        return 0;
}

/*
 * A renewal that nobody waits for any more is finished all the same, and Engine Control hears what
 * it has not heard yet.
 */
static bool a_neighbour_is_busy(struct engine *e) {
        if (e->control)
                control_flush(e->control);
        return vault_is_busy(e->vault) || (e->control && control_is_busy(e->control));
}

static void end_or_wait(struct engine *e) {
        if (a_neighbour_is_busy(e) &&
            sd_event_add_time_relative(e->event, NULL, CLOCK_MONOTONIC, DRAIN_LOOK_USEC, 0,
                                       on_look_again, e) >= 0)
                return;
        (void)sd_event_exit(e->event, 0);
}

/* Who has nothing left to wait for is sent off; the last one to go ends the loop. */
static void drain_clients(struct engine *e) {
        struct client *c = e->clients;

        while (c) {
                struct client *next = c->next;

                client_drain(c);
                c = next;
        }
        if (!e->clients)
                end_or_wait(e);
}

/* Not longer than DrainTimeoutSec= says, and not that long for who does not read. */
static void drain_soon(struct engine *e) {
        uint64_t usec = clock_usec(CLOCK_MONOTONIC) + DRAIN_LAST_READS_USEC, deadline;

        if (sd_event_source_get_time(e->drain.deadline, &deadline) >= 0 && usec < deadline)
                (void)sd_event_source_set_time(e->drain.deadline, usec);
}

/*
 * Comes when the loop has nothing else to do: what had reached us before the stop has been read
 * and answered then.
 */
static int on_drain_idle(sd_event_source *source, void *userdata) {
        struct engine *e = userdata;

        if (e->actions.n_in_flight > 0)
                return 0;
        if (e->drain.patience)
                drain_soon(e);
        e->drain.patience = sd_event_source_disable_unref(e->drain.patience);
        drain_clients(e);
        return 0;
}

/* Somebody sends without end, and the loop would never be idle. */
static int on_drain_patience(sd_event_source *source, uint64_t usec, void *userdata) {
        struct engine *e = userdata;

        (void)sd_event_source_set_priority(e->drain.idle, SD_EVENT_PRIORITY_NORMAL);
        (void)sd_event_source_set_enabled(e->drain.idle, SD_EVENT_ONESHOT);
        return 0;
}

static int on_drain_end(sd_event_source *source, uint64_t usec, void *userdata) {
        struct engine *e = userdata;

        if (e->n_clients > 0)
                log_warning("Stopping with %u connections open: they do not read their answers",
                            e->n_clients);
        return sd_event_exit(e->event, 0);
}

/* What is still in flight is told so; a last second is for the answers to be read. */
static int on_drain_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        struct engine *e = userdata;

        if (e->actions.n_in_flight > 0)
                log_warning("Stopping with %u actions in flight: DrainTimeoutSec= has passed",
                            e->actions.n_in_flight);
        pipeline_abandon_all(&e->actions);
        for (struct client *c = e->clients; c; c = c->next)
                client_abandon(c);
        return sd_event_add_time_relative(e->event, NULL, CLOCK_MONOTONIC, USEC_PER_SEC, 0,
                                          on_drain_end, e);
}

int drain_start(struct engine *e) {
        int r;

        if (e->drain.started)
                return 0;
        e->drain.started = true;
        log_info("Stopping: finishing %u actions in flight", e->actions.n_in_flight);
        sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu",
                   (unsigned long long)(e->settings->drain_timeout_usec + 5 * USEC_PER_SEC));
        engine_tell_status(e);
        listener_stop(e->listener);
        pipeline_stop_asking(&e->actions);
        for (struct client *c = e->clients, *next; c; c = next) {
                next = c->next;
                client_stop_waiting(c);
        }

        r = sd_event_add_time_relative(e->event, &e->drain.deadline, CLOCK_MONOTONIC,
                                       e->settings->drain_timeout_usec, 0, on_drain_deadline, e);
        if (r < 0)
                return r;
        r = sd_event_add_defer(e->event, &e->drain.idle, on_drain_idle, e);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(e->drain.idle, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(e->event, &e->drain.patience, CLOCK_MONOTONIC,
                                          DRAIN_PATIENCE_USEC, 0, on_drain_patience, e);
}

void drain_look(struct drain *d) {
        if (d->idle)
                (void)sd_event_source_set_enabled(d->idle, SD_EVENT_ONESHOT);
}

void drain_done(struct drain *d) {
        sd_event_source_disable_unref(d->idle);
        sd_event_source_disable_unref(d->patience);
        sd_event_source_disable_unref(d->deadline);
        *d = (struct drain){ 0 };
}
