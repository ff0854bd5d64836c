/* SPDX-License-Identifier: MIT */
#include "actionctl/browser.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- whether ---- */

static const char *or_null(const char *text) {
        return text && *text ? text : NULL;
}

const char *browser_obstacle(const struct browser_environment *e) {
        if (or_null(e->ssh_connection))
                return "this is a session over SSH";
        if (!or_null(e->display) && !or_null(e->wayland_display))
                return "there is no display here";
        return NULL;
}

const char *browser_obstacle_here(void) {
        return browser_obstacle(&(struct browser_environment){
                        .display = getenv("DISPLAY"),
                        .wayland_display = getenv("WAYLAND_DISPLAY"),
                        .ssh_connection = getenv("SSH_CONNECTION"),
        });
}

int browser_check_url(const char *url) {
        if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
                return -EINVAL;
        for (const char *p = url; *p; p++)
                if (*p <= 0x20 || *p >= 0x7f || strchr("\"'<>\\`{}|^", *p))
                        return -EINVAL;
        return 0;
}

/* ---- how ---- */

/* What a desktop needs to find itself. Above all not the caller's token. */
static const char *const passed_on[] = {
        "BROWSER",
        "DBUS_SESSION_BUS_ADDRESS",
        "DESKTOP_SESSION",
        "DISPLAY",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_MESSAGES",
        "LOGNAME",
        "PATH",
        "USER",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
        "XDG_CONFIG_DIRS",
        "XDG_CONFIG_HOME",
        "XDG_CURRENT_DESKTOP",
        "XDG_DATA_DIRS",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_SESSION_TYPE",
};

static void clean_environment(char *ret[static ELEMENTSOF(passed_on) + 1]) {
        size_t n = 0;

        for (char **e = environ; *e; e++)
                for (size_t i = 0; i < ELEMENTSOF(passed_on) && n < ELEMENTSOF(passed_on); i++) {
                        size_t size = strlen(passed_on[i]);

                        if (strncmp(*e, passed_on[i], size) == 0 && (*e)[size] == '=')
                                ret[n++] = *e;
                }
        ret[n] = NULL;
}

/* In a session of its own, so that Ctrl-C here is none there, and silent. */
static int spawn(char *const argv[]) {
        char *environment[ELEMENTSOF(passed_on) + 1];
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t none;
        pid_t pid;
        int r;

        clean_environment(environment);
        sigemptyset(&none);
        if (posix_spawn_file_actions_init(&files) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                posix_spawn_file_actions_destroy(&files);
                return -ENOMEM;
        }
        r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&files, 1, 2);
        if (r == 0)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes,
                                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
        if (r == 0)
                r = posix_spawnp(&pid, argv[0], &files, &attributes, argv, environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
        return -r;
}

int browser_words(const char *command, const char *url, char *copy,
                  char *ret_argv[static BROWSER_MAX_WORDS + 1]) {
        bool placed = false;
        char *at = copy, *word;
        int n = 0;

        strcpy(copy, command);
        while ((word = strsep(&at, " \t"))) {
                if (!*word)
                        continue;
                if (n + 1 >= BROWSER_MAX_WORDS)
                        return -E2BIG;
                if (n > 0 && strcmp(word, "%s") == 0) {
                        word = (char *)url;
                        placed = true;
                }
                ret_argv[n++] = word;
        }
        if (n > 0 && !placed)
                ret_argv[n++] = (char *)url;
        ret_argv[n] = NULL;
        return n;
}

static int open_with(const char *command, const char *url) {
        char *argv[BROWSER_MAX_WORDS + 1];
        _cleanup_(freep) char *copy = malloc(strlen(command) + 1);
        int r;

        if (!copy)
                return -ENOMEM;
        r = browser_words(command, url, copy, argv);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        return spawn(argv);
}

int browser_open(const char *url) {
        const char *list = or_null(getenv("BROWSER"));
        _cleanup_(freep) char *copy = strdup(list ? list : "xdg-open");
        char *at = copy, *command;
        int r = -ENOENT;

        if (!copy)
                return -ENOMEM;
        if (browser_check_url(url) < 0)
                return -EINVAL;
        while (r < 0 && (command = strsep(&at, ":")))
                r = open_with(command, url);
        return r;
}
