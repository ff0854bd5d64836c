/* SPDX-License-Identifier: MIT */
/*
 * action-engined: options, configuration, the socket from systemd.
 */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/daemon.h"
#include "base/journal.h"
#include "base/secret.h"
#include "engine/engine.h"
#include "ipc/listener.h"

/* From here on memory is mapped for itself, and given back when it is freed. */
#define LARGE_BLOCK (1 << 20)

static const struct daemon_program program = {
        .name = "action-engined",
        .about = "Carries out actions for local programs: takes requests on a Unix socket, asks "
                 "the vault\n"
                 "for the credential, sends, answers. Started by systemd, by its socket.",
        .manuals = "action-engined(8), action-engine.conf(5), action-engine-protocol(7)",
};

static const char no_socket[] =
                "action-engined: no listening socket was passed\n"
                "It is started by systemd: systemctl enable --now action-engine.socket\n"
                "To try it by hand: systemd-socket-activate -l ./engine.sock action-engined "
                "--config FILE\n";

/*
 * Who waits already gets an end instead of an answer. Were they left to wait, systemd would start
 * this again for the same connections, to fail in the same way, without a pause.
 */
static int refuse_to_start(int listen_fd) {
        int fd;

        if (listen_fd < 0 || fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
                return EXIT_FAILURE;
        while ((fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
                fd_close(fd);
        return EX_CONFIG;
}

static int take_socket(void) {
        int fd = listener_inherited_fd();

        if (fd == -ENOENT)
                fputs(no_socket, stderr);
        else if (fd < 0)
                fputs("action-engined: what was passed is not one listening Unix stream socket\n",
                      stderr);
        return fd;
}

/* Returns an exit status. */
static int serve(const struct settings *settings, int *listen_fd) {
        _cleanup_(engine_freep) struct engine *e = NULL;
        struct ae_error error = { 0 };
        int r;

        r = engine_new(settings, &e, &error);
        if (r < 0) {
                log_error("Cannot start: %s", error.message);
                ae_error_done(&error);
                return refuse_to_start(*listen_fd);
        }
        r = engine_run(e, TAKE_FD(*listen_fd));
        if (r < 0)
                log_error("Cannot go on: %s", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        _cleanup_(settings_done) struct settings settings = { 0 };
        _cleanup_(fd_closep) int fd = -1;
        char error[CONFIG_ERROR_SIZE];
        struct daemon_options options;
        int r;

        r = daemon_options_parse(&program, argc, argv, &options);
        if (r != 0)
                return r < 0 ? 2 : EXIT_SUCCESS;

        r = secret_protect_process();
        if (r < 0) {
                fprintf(stderr, "action-engined: cannot protect its memory: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }

        r = settings_load(&settings, options.config, error);
        if (r < 0) {
                fprintf(stderr, "action-engined: %s\n", error);
                if (!options.check_config)
                        fd = listener_inherited_fd();
                return refuse_to_start(fd);
        }
        if (options.check_config) {
                puts("The configuration is good.");
                return EXIT_SUCCESS;
        }
        fd = take_socket();
        if (fd < 0)
                return EXIT_FAILURE;

        (void)signal(SIGPIPE, SIG_IGN);
        /* Else glibc learns from the first large message to keep such memory for good. */
        (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
        r = journal_start(settings.log_target, settings.log_level);
        if (r < 0) {
                fprintf(stderr, "action-engined: cannot start its journal thread: %s\n",
                        strerror(-r));
                return EXIT_FAILURE;
        }
        r = serve(&settings, &fd);
        journal_stop();
        return r;
}
