/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a daemon's command line and its signals are: the same for all of ours.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

struct daemon_program {
        const char *name;    /* "action-vaultd" */
        const char *about;   /* what it does, and who starts it */
        const char *manuals; /* "action-vaultd(8)" */
};

struct daemon_options {
        const char *config; /* of argv; NULL: where configurations are */
        bool check_config;
};

/* Returns 1 when all is done and said, 0 to go on, -EINVAL when stderr has been told why. */
int daemon_options_parse(const struct daemon_program *program, int argc, char **argv,
                         struct daemon_options *ret);

/*
 * on_stop() hears SIGTERM and SIGINT, on_hangup() SIGHUP, from within the loop. The three are blocked
 * from now on, also when the loop is gone, in the thread that calls this and in those to come.
 * Returns 0 or a negative errno.
 */
int daemon_watch_signals(sd_event *event, sd_event_signal_handler_t on_stop,
                         sd_event_signal_handler_t on_hangup, void *userdata);
