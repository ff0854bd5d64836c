/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The person's browser: whether there is one to open, and opening it.
 */

#include <stddef.h>

#include "base/cleanup.h"

/* What decides. NULL, or empty: not set. */
struct browser_environment {
        const char *display;
        const char *wayland_display;
        const char *ssh_connection;
};

/* NULL: a browser can be opened. Else why not, as half a sentence. Pure. */
const char *browser_obstacle(const struct browser_environment *e);
/* For our own environment. */
const char *browser_obstacle_here(void);

/* Whether a browser may be given this text: http or https, and nothing that no URL holds. Pure. */
int browser_check_url(const char *url);

#define BROWSER_MAX_WORDS 32

/*
 * One command of $BROWSER: words between blanks; %s is the URL, which else comes last. Writes its
 * words into `copy`, which holds at least strlen(command) + 1 bytes, and points argv there; one
 * that is no more than "%s" points to url. Returns how many there are, 0 for an empty one, -E2BIG.
 * Pure.
 */
int browser_words(const char *command, const char *url, char *copy,
                  char *ret_argv[static BROWSER_MAX_WORDS + 1]);

/*
 * Starts $BROWSER (commands between colons, the first that can be started), else xdg-open, with
 * nothing of our environment but what a desktop needs. Returns 0 or a negative errno.
 */
int browser_open(const char *url);
