/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Stopping in order: no new connections and no new actions, what is in flight is finished, what
 * had reached the engine is answered, and who does not read its answers does not hold it up.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

struct engine;

/* Embedded in the engine. */
struct drain {
        bool started;              /* nothing new is begun */
        sd_event_source *idle;     /* when the loop has nothing else to do */
        sd_event_source *patience; /* when it never has */
        sd_event_source *deadline;
};

/* Begins; the event loop ends when it is over. Harmless a second time. 0 or a negative errno. */
int drain_start(struct engine *e);
/* Something was finished: looks, as soon as the loop is idle, whether that was the last. */
void drain_look(struct drain *d);
void drain_done(struct drain *d);
