/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A folder, or one file in it, that is read again whenever it changes, before the next request is
 * looked at. What the reading does is its owner's business.
 */

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct watch;

struct watch_options {
        const char *directory;
        const char *name; /* of the file in it; NULL: any */
        /*
         * Reads, after a watch_begin(). Returns 0, or a negative errno when it is to be called
         * again in a second. One call may stand for many changes.
         */
        int (*read)(void *userdata);
        void *userdata;
};

/* Watches nothing yet. The caller owns *ret. Returns 0 or a negative errno. */
int watch_new(sd_event *event, const struct watch_options *options, struct watch **ret);
struct watch *watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch *, watch_free);

/*
 * Watches, if it does not yet: always before a reading, so that what changes meanwhile is seen
 * again. Returns 0, or a negative errno when the folder cannot be watched.
 */
int watch_begin(struct watch *w);

/* Has it read in a second, as after a reading that failed. */
void watch_retry(struct watch *w);
