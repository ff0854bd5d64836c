/* SPDX-License-Identifier: MIT */
#include "base/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "base/cleanup.h"

static const char help[] =
                "%s [OPTION…]\n"
                "\n"
                "%s\n"
                "\n"
                "  --config FILE   read FILE (and FILE.d/*.conf) and no other configuration\n"
                "  --check-config  read the configuration, say what is wrong with it, and end\n"
                "  --version       print the version and end\n"
                "  --help          print this and end\n"
                "\n"
                "See %s.\n";

int daemon_options_parse(const struct daemon_program *program, int argc, char **argv,
                         struct daemon_options *ret) {
        static const struct option known[] = {
                { "check-config", no_argument, NULL, 'k' },
                { "config", required_argument, NULL, 'c' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { 0 },
        };
        int option;

        *ret = (struct daemon_options){ 0 };
        while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1)
                switch (option) {
                case 'k':
                        ret->check_config = true;
                        break;
                case 'c':
                        ret->config = optarg;
                        break;
                case 'h':
                        printf(help, program->name, program->about, program->manuals);
                        return 1;
                case 'v':
                        printf("%s " AE_VERSION "\n", program->name);
                        return 1;
                default:
                        return -EINVAL;
                }
        if (optind < argc) {
                fprintf(stderr, "%s: takes no argument '%s'; see --help\n", program->name,
                        argv[optind]);
                return -EINVAL;
        }
        return 0;
}

int daemon_watch_signals(sd_event *event, sd_event_signal_handler_t on_stop,
                         sd_event_signal_handler_t on_hangup, void *userdata) {
        const struct {
                int signal;
                sd_event_signal_handler_t handler;
        } signals[] = {
                { SIGHUP, on_hangup },
                { SIGINT, on_stop },
                { SIGTERM, on_stop },
        };
        sigset_t blocked;
        int r;

        /* sd-event's own flag would let them through again as soon as the loop is gone. */
        sigemptyset(&blocked);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                sigaddset(&blocked, signals[i].signal);
        if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
                return -errno;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                r = sd_event_add_signal(event, NULL, signals[i].signal, signals[i].handler,
                                        userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}
