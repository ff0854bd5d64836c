/* SPDX-License-Identifier: MIT */
/*
 * action-vaultd: keeps the users' credentials, each sealed, and hands the engine the one it needs.
 * Here is its life: key, store and socket in, ready, served, drained, gone. The socket comes from
 * systemd, the key as a systemd credential.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/daemon.h"
#include "base/journal.h"
#include "base/secret.h"
#include "base/sync-folder.h"
#include "ipc/listener.h"
#include "vaultd/config.h"
#include "vaultd/grant-link.h"
#include "vaultd/seal.h"
#include "vaultd/server.h"
#include "vaultd/store.h"

#define KEY_NAME "vault-key"
#define MAX_KEY_FILE 256                  /* bytes */
#define MAX_STORE_BYTES ((size_t)1 << 30) /* hundreds of thousands of records */
#define OWN_DESCRIPTORS 64 /* the loop, the store, the journal: more than these are */
#define DRAIN_TIMEOUT_USEC (5 * USEC_PER_SEC)
#define GRANT_WAIT_USEC (20 * USEC_PER_SEC)    /* with the next: less than the engine waits */
#define GRANT_TIMEOUT_USEC (45 * USEC_PER_SEC) /* more than action-grant gives the provider */
#define FLUSH_INTERVAL_USEC (5 * USEC_PER_SEC)
#define STATUS_INTERVAL_USEC USEC_PER_SEC

struct daemon {
        const char *config_path; /* NULL: the usual ones */
        struct vaultd_config config;
        struct secret *key;
        struct store *store;
        sd_event *event;
        struct poller *poller;
        struct desk desk;
        struct server *server;
        sd_event_source *flush; /* on while the store owes what it did not take */
        bool stopping;
        sd_event_source *drain;    /* on while stopping */
        sd_event_source *status;   /* on while what STATUS= says is not so any more */
        unsigned told_connections; /* what it says */
        size_t told_records;
};

static void daemon_done(struct daemon *d) {
        server_free(d->server);
        keeper_flush(&d->desk.keeper);
        desk_done(&d->desk);
        sd_event_source_unref(d->drain);
        sd_event_source_unref(d->flush);
        poller_free(d->poller);
        sd_event_source_unref(d->status);
        sd_event_unref(d->event);
        store_free(d->store);
        secret_free(d->key);
        vaultd_config_done(&d->config);
}

/* What keeps it from starting is told on stderr: the journal's thread begins when all is well. */
#define refuse(r, ...) (log_error(__VA_ARGS__), (r))

static int load_key(struct daemon *d) {
        static const char how[] = "make one with 'head -c 32 /dev/urandom | systemd-creds encrypt "
                                  "--name=" KEY_NAME " - FILE', as action-vaultd(8) tells";
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_(secret_freep) struct secret *file = NULL;
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!directory)
                return refuse(-ENOKEY, "there is no key, for no credentials were passed; %s", how);
        if (asprintf(&path, "%s/" KEY_NAME, directory) < 0)
                return refuse(-ENOMEM, "out of memory");

        r = secret_read_file(path, MAX_KEY_FILE, &file);
        if (r == -ENOENT)
                return refuse(r, "there is no key in %s; %s", path, how);
        if (r == 0)
                r = seal_key_new(file, &d->key);
        if (r == -EINVAL || r == -EFBIG)
                return refuse(r, "the key in %s is not %d bytes, nor %d hex digits; %s", path,
                              SEAL_KEY_SIZE, 2 * SEAL_KEY_SIZE, how);
        if (r < 0)
                return refuse(r, "cannot read the key in %s: %s", path, strerror(-r));
        return 0;
}

static int make_folder(const char *path) {
        int r;

        if (mkdir(path, 0700) < 0)
                return errno == EEXIST ? 0
                                       : refuse(-errno, "cannot make %s: %s", path,
                                                strerror(errno));
        r = sync_folder_of(AT_FDCWD, path);
        return r < 0 ? refuse(r, "cannot keep %s: %s", path, strerror(-r)) : 0;
}

static int open_store(struct daemon *d) {
        _cleanup_(freep) char *path = NULL;
        char error[STORE_ERROR_SIZE];
        int r;

        r = make_folder(d->config.state_directory);
        if (r == 0)
                r = make_folder(d->config.mark_directory);
        if (r < 0)
                return r;
        if (asprintf(&path, "%s/vault.db", d->config.state_directory) < 0)
                return refuse(-ENOMEM, "out of memory");

        r = store_open(path, MAX_STORE_BYTES, &d->store, error);
        if (r == 0)
                r = store_guard(d->store, d->key, d->config.mark_directory, error);
        return r < 0 ? refuse(r, "%s", error) : 0;
}

static int take_socket(void) {
        int fd;

        fd = listener_inherited_fd();
        if (fd == -ENOENT)
                return refuse(fd, "systemd starts this, and passes the socket: "
                                  "systemctl start action-vault.socket");
        if (fd < 0)
                return refuse(fd, "systemd must pass one listening Unix stream socket, and passed "
                                  "something else");
        return fd;
}

static bool is_idle(const struct daemon *d) {
        return server_n_connections(d->server) == 0 && d->desk.n_calls == 0 &&
               grants_count(d->desk.grants) == 0;
}

/* What a provider was asked is waited for, and has a timeout of its own; who does not read is not. */
static int on_drain_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        struct daemon *d = userdata;
        int r;

        if (grants_count(d->desk.grants) > 0) {
                r = sd_event_source_set_time_relative(source, DRAIN_TIMEOUT_USEC);
                if (r >= 0)
                        r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
                if (r >= 0)
                        return 0;
        }
        log_warning("Stopping with %u connections whose peers do not read",
                    server_n_connections(d->server));
        return sd_event_exit(d->event, 0);
}

/* on_turn() ends it when nothing is left. */
static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        struct daemon *d = userdata;
        int r;

        if (d->stopping)
                return sd_event_exit(d->event, 0);

        d->stopping = true;
        (void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping.");
        r = sd_event_add_time_relative(d->event, &d->drain, CLOCK_MONOTONIC, DRAIN_TIMEOUT_USEC, 0,
                                       on_drain_timeout, d);
        if (r < 0)
                return sd_event_exit(d->event, 0);
        server_drain(d->server);
        grants_drain(d->desk.grants);
        return 0;
}

static int on_flush(sd_event_source *source, uint64_t usec, void *userdata) {
        struct daemon *d = userdata;

        keeper_flush(&d->desk.keeper);
        return 0;
}

/* What was read at the start stays in force; a file that the next start would refuse is told now. */
static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        const struct daemon *d = userdata;
        _cleanup_(vaultd_config_done) struct vaultd_config fresh = { 0 };
        char error[CONFIG_ERROR_SIZE];

        if (vaultd_config_load(d->config_path, &fresh, error) < 0)
                log_error("The configuration is broken, and the next start would fail: %s. What "
                          "was read at the start stays in force",
                          error);
        else
                log_info("The configuration is good. What has changed in it since the start "
                         "counts after a restart");
        return 0;
}

static int on_status(sd_event_source *source, uint64_t usec, void *userdata) {
        struct daemon *d = userdata;

        if (d->stopping)
                return 0;
        d->told_records = store_count(d->store);
        d->told_connections = server_n_connections(d->server);
        (void)sd_notifyf(0, "STATUS=Keeping %zu records, serving %u connections.", d->told_records,
                         d->told_connections);
        return 0;
}

/* Rings once, after `usec`, unless it is about to. */
static void set_timer(sd_event_source *source, uint64_t usec) {
        int enabled;

        if (sd_event_source_get_enabled(source, &enabled) < 0 || enabled != SD_EVENT_OFF)
                return;
        (void)sd_event_source_set_time_relative(source, usec);
        (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/*
 * After each turn of the loop. What has changed is told a little later, and all of it at once:
 * sd_notify() waits for systemd, and no answer shall.
 */
static int on_turn(sd_event_source *source, void *userdata) {
        struct daemon *d = userdata;

        if (d->stopping && is_idle(d))
                return sd_event_exit(d->event, 0);
        if (d->desk.keeper.n_held > 0)
                set_timer(d->flush, FLUSH_INTERVAL_USEC);
        if (store_count(d->store) != d->told_records ||
            server_n_connections(d->server) != d->told_connections)
                set_timer(d->status, STATUS_INTERVAL_USEC);
        return 0;
}

static int add_timer(struct daemon *d, sd_event_time_handler_t handler, sd_event_source **ret) {
        int r;

        r = sd_event_add_time(d->event, ret, CLOCK_MONOTONIC, 0, 0, handler, d);
        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static int set_up_loop(struct daemon *d) {
        int r;

        r = sd_event_new(&d->event);
        if (r < 0)
                return r;
        r = daemon_watch_signals(d->event, on_stop, on_hangup, d);
        if (r < 0)
                return r;
        r = add_timer(d, on_status, &d->status);
        if (r == 0)
                r = add_timer(d, on_flush, &d->flush);
        if (r < 0)
                return r;
        r = sd_event_add_post(d->event, NULL, on_turn, d);
        if (r < 0)
                return r;
        r = sd_event_set_watchdog(d->event, true);
        if (r < 0)
                log_warning("Cannot feed the watchdog, going on: %s", strerror(-r));
        return poller_new(d->event, &d->poller);
}

/* Who asks is never to have the descriptors that answering takes. */
static unsigned affordable_connections(unsigned wanted) {
        unsigned n = listener_affordable(wanted, GRANTS_MAX_SENT + OWN_DESCRIPTORS);

        if (n < wanted)
                log_warning("At most %u connections are served, not MaxConnections=%u, and others "
                            "wait: the limit of descriptors is too low (LimitNOFILE= of the unit)",
                            n, wanted);
        return n;
}

static int start_serving(struct daemon *d, int *listen_fd) {
        const struct server_options options = {
                .allow_uid = d->config.allow_uid,
                .admin_uid = d->config.admin_uid,
                .max_connections = affordable_connections(d->config.max_connections),
        };
        const struct grants_options way = {
                .path = d->config.grant_socket,
                .wait_usec = GRANT_WAIT_USEC,
                .timeout_usec = GRANT_TIMEOUT_USEC,
        };
        int r;

        r = set_up_loop(d);
        if (r < 0)
                return r;
        d->desk.event = d->event;
        d->desk.keeper.store = d->store;
        d->desk.keeper.key = d->key;
        r = grants_new(d->poller, &way, &d->desk.grants);
        if (r < 0)
                return r;
        r = server_new(d->poller, *listen_fd, &options, &d->desk, &d->server);
        if (r < 0)
                return r;
        TAKE_FD(*listen_fd);
        return 0;
}

static int serve(struct daemon *d, int *listen_fd) {
        int r;

        (void)umask(0077);
        r = secret_protect_process();
        if (r < 0)
                return refuse(r, "cannot protect the process: %s", strerror(-r));
        r = load_key(d);
        if (r < 0)
                return r;
        r = open_store(d);
        if (r < 0)
                return r;
        r = start_serving(d, listen_fd);
        if (r == 0)
                r = journal_start(JOURNAL_AUTO, LOG_INFO);
        if (r < 0)
                return refuse(r, "cannot start: %s", strerror(-r));

        d->told_records = store_count(d->store);
        (void)sd_notifyf(0, "READY=1\nSTATUS=Keeping %zu records, serving %u connections.",
                         d->told_records, d->told_connections);
        log_info("Serving uid %u, and the administrator's, %u; keeping %zu records in %s",
                 d->config.allow_uid, d->config.admin_uid, d->told_records,
                 d->config.state_directory);
        return sd_event_loop(d->event);
}

static int load_config(struct daemon *d) {
        char error[CONFIG_ERROR_SIZE];
        int r;

        r = vaultd_config_load(d->config_path, &d->config, error);
        return r < 0 ? refuse(r, "%s", error) : 0;
}

static int run(const struct daemon_options *options) {
        _cleanup_(daemon_done) struct daemon d = { .config_path = options->config };
        _cleanup_(fd_closep) int listen_fd = -1;
        int r;

        /* First, so that who starts it by hand hears how to, whatever else is missing. */
        if (!options->check_config) {
                listen_fd = take_socket();
                if (listen_fd < 0)
                        return listen_fd;
        }
        r = load_config(&d);
        if (r < 0 || options->check_config)
                return r;
        r = serve(&d, &listen_fd);
        journal_stop();
        return r;
}

int main(int argc, char **argv) {
        static const struct daemon_program program = {
                .name = "action-vaultd",
                .about = "Keeps the credentials of action-engined, sealed. Started by systemd, by "
                         "its socket.",
                .manuals = "action-vaultd(8)",
        };
        struct daemon_options options;
        int r;

        r = daemon_options_parse(&program, argc, argv, &options);
        if (r == 0)
                r = run(&options);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
