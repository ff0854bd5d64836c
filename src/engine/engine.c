/* SPDX-License-Identifier: MIT */
#include "engine/engine.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "action/pipeline.h"
#include "base/clock.h"
#include "base/daemon.h"
#include "base/journal.h"
#include "engine/client.h"

/* The loop, the vault, the bus, the journal, files that are read: more than these ever are. */
#define OWN_DESCRIPTORS 64

static void on_auth_problem(int priority, const char *sentence, void *userdata) {
        journal_log(priority, "%s", sentence);
}

static int make_auth(struct engine *e, struct ae_error *error) {
        const struct auth_options options = {
                .key_directory = e->settings->key_directory,
                .revocation_file = e->settings->revocation_file,
                .revocation_file_required = e->settings->revocation_file_required,
                .clock_skew_usec = e->settings->clock_skew_usec,
                .cache_entries = e->settings->cache_entries,
                .on_problem = on_auth_problem,
        };

        int r;

        r = auth_new(e->event, &options, &e->auth, error);
        if (r < 0 || !e->settings->dev_login)
                return r;
        log_warning("DevLogin=yes: whoever may connect can be anybody; for development alone");
        return auth_enable_login(e->auth);
}

static int make_registry(struct engine *e, struct ae_error *error) {
        int r;

        r = registry_new(adapters, &e->registry, error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < e->settings->n_adapters; i++) {
                r = registry_set_base_url(e->registry, e->settings->adapters[i].platform,
                                          e->settings->adapters[i].base_url);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_http(struct engine *e) {
        const struct settings *s = e->settings;
        const struct http_options options = {
                .connect_timeout_usec = s->connect_timeout_usec,
                .first_byte_timeout_usec = s->first_byte_timeout_usec,
                .total_timeout_usec = s->total_timeout_usec,
                .max_response_bytes = s->max_response_bytes,
                .max_connections_per_host = s->max_connections_per_host,
                .ca_file = s->ca_file,
                .plain = (const char *const *)s->plain_http,
                .user_agent = "action-engine/" AE_VERSION,
                .web_addresses = &s->web_addresses,
                .mail_addresses = &s->mail_addresses,
        };

        return http_client_new(e->poller, &options, &e->http);
}

static int build(struct engine *e, struct ae_error *error) {
        int r;

        r = sd_event_default(&e->event);
        if (r < 0)
                return r;
        r = poller_new(e->event, &e->poller);
        if (r < 0)
                return r;
        r = users_new(e->settings->max_bytes_per_user, &e->users);
        if (r < 0)
                return r;
        r = make_auth(e, error);
        if (r < 0)
                return r;
        r = make_registry(e, error);
        if (r < 0)
                return r;
        r = make_http(e);
        if (r < 0)
                return r;
        r = flows_new(&e->flows);
        if (r < 0)
                return r;
        r = engine_make_vault(e, error);
        if (r < 0)
                return r;
        r = engine_make_policy(e, error);
        if (r < 0)
                return r;

        e->actions = (struct action_context){
                .event = e->event,
                .auth = e->auth,
                .registry = e->registry,
                .vault = e->vault,
                .http = e->http,
                .policy = e->policy,
                .control = e->control,
                .max_in_flight = e->settings->max_in_flight,
                .max_in_flight_per_uid = users_share(e->settings->max_in_flight),
                .reconcile_usec = e->settings->reconcile_usec,
        };
        return 0;
}

int engine_new(const struct settings *settings, struct engine **ret, struct ae_error *error) {
        _cleanup_(engine_freep) struct engine *e = NULL;
        int r;

        e = calloc(1, sizeof(*e));
        if (!e)
                return ae_error_from_errno(error, -ENOMEM);

        e->settings = settings;
        e->started_usec = clock_usec(CLOCK_MONOTONIC);
        r = build(e, error);
        if (r < 0)
                return ae_error_from_errno(error, r);

        *ret = TAKE_PTR(e);
        return 0;
}

struct engine *engine_free(struct engine *e) {
        if (!e)
                return NULL;

        pipeline_abandon_all(&e->actions);
        while (e->clients)
                client_close(e->clients);
        sd_event_source_disable_unref(e->status_timer);
        drain_done(&e->drain);
        listener_free(e->listener);
        engine_free_policy(e);
        vault_free(e->vault);
        apps_done(&e->apps);
        flows_free(e->flows);
        http_client_free(e->http);
        registry_free(e->registry);
        auth_free(e->auth);
        users_free(e->users);
        poller_free(e->poller);
        sd_event_unref(e->event);
        free(e);
        return NULL;
}

void engine_tell_status(struct engine *e) {
        sd_notifyf(0, "STATUS=%s%u connections, %u actions in flight, %llu succeeded, %llu failed",
                   e->drain.started ? "Stopping: " : "", e->n_clients, e->actions.n_in_flight,
                   (unsigned long long)e->actions.n_succeeded,
                   (unsigned long long)e->actions.n_failed);
}

static int on_status_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        engine_tell_status(userdata);
        return 0;
}

void engine_touch_status(struct engine *e) {
        int enabled;

        /* Once armed it is left alone: it tells what is true when it fires. */
        if (e->status_timer && sd_event_source_get_enabled(e->status_timer, &enabled) == 0) {
                (void)sd_event_source_set_time_relative(e->status_timer, USEC_PER_SEC);
                (void)sd_event_source_set_enabled(e->status_timer, SD_EVENT_ONESHOT);
        }
        drain_look(&e->drain);
}

static void on_accept(int fd, void *userdata) {
        client_accept(userdata, fd);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        struct engine *e = userdata;
        int r;

        r = drain_start(e);
        if (r < 0) {
                log_error("Cannot stop in order, stopping at once: %s", strerror(-r));
                (void)sd_event_exit(e->event, 0);
        }
        return 0;
}

/*
 * What runs stays as it was read at the start: too much of it is wired by then. But a file that
 * would keep the next start from serving is told while somebody looks, not after a power cut.
 */
static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        const struct engine *e = userdata;
        _cleanup_(settings_done) struct settings fresh = { 0 };
        char error[CONFIG_ERROR_SIZE];

        if (settings_load(&fresh, e->settings->path, error) < 0)
                log_error("The configuration is broken, and the next start would fail: %s. What "
                          "was read at the start stays in force",
                          error);
        else
                log_info("The configuration is good. What has changed in it since the start "
                         "counts after a restart; keys and revoked tokens count already");
        return 0;
}

/*
 * Clients are never to have the descriptors that their actions need. Each action has a connection
 * to its platform, and others are kept.
 */
static unsigned affordable_connections(const struct settings *s) {
        uint64_t others =
                        (uint64_t)s->max_in_flight + s->max_connections_per_host + OWN_DESCRIPTORS;
        unsigned n = listener_affordable(s->max_connections, others);

        if (n < s->max_connections)
                log_warning("At most %u connections are served, not MaxConnections=%u, and others "
                            "wait: the limit of descriptors is too low (LimitNOFILE= of the unit)",
                            n, s->max_connections);
        return n;
}

int engine_run(struct engine *e, int listen_fd) {
        _cleanup_(fd_closep) int fd = listen_fd;
        int r;

        r = daemon_watch_signals(e->event, on_stop, on_hangup, e);
        if (r < 0)
                return r;
        r = sd_event_set_watchdog(e->event, true);
        if (r < 0)
                log_warning("Cannot set the watchdog, going on: %s", strerror(-r));
        r = sd_event_add_time_relative(e->event, &e->status_timer, CLOCK_MONOTONIC, USEC_PER_SEC, 0,
                                       on_status_timer, e);
        if (r < 0)
                return r;
        e->max_connections = affordable_connections(e->settings);
        r = listener_new(e->event, fd, e->max_connections, on_accept, e, &e->listener);
        if (r < 0)
                return r;
        TAKE_FD(fd);

        if (auth_n_keys(e->auth) == 0)
                log_warning("No public key in %s: no token will be accepted until one is put there",
                            e->settings->key_directory);
        log_info("Serving");
        (void)sd_notify(0, "READY=1");
        engine_tell_status(e);
        return sd_event_loop(e->event);
}
