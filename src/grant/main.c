/* SPDX-License-Identifier: MIT */
/*
 * action-grant: the vault has no network, and this has nothing else. For one connection it reads
 * one line, makes the one call that the line asks for, answers with one line, and is gone, so that
 * what parses bytes of strangers never sees the secrets of two people.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/daemon.h"
#include "base/journal.h"
#include "base/secret.h"
#include "grant/call.h"
#include "grant/config.h"
#include "ipc/client.h"
#include "ipc/peer.h"

#define PEER_TIMEOUT_SEC 5

/* What keeps it from serving is told on stderr: the journal's thread begins when all is well. */
#define refuse(r, ...) (log_error(__VA_ARGS__), (r))

static const char *const kind_names[OAUTH_N_GRANTS] = {
        [OAUTH_GRANT_CODE] = "code",           [OAUTH_GRANT_REFRESH] = "refresh",
        [OAUTH_GRANT_ASSERTION] = "assertion", [OAUTH_GRANT_DEVICE_START] = "device_start",
        [OAUTH_GRANT_DEVICE] = "device",       [OAUTH_GRANT_REVOKE] = "revoke",
        [OAUTH_GRANT_TEST] = "test",           [OAUTH_GRANT_METADATA] = "metadata",
};

static const struct {
        const char *name;
        int priority;
} results[OAUTH_N_RESULTS] = {
        [OAUTH_OK] = { "ok", LOG_INFO },
        [OAUTH_PENDING] = { "pending", LOG_INFO },
        [OAUTH_SLOW_DOWN] = { "slow_down", LOG_INFO },
        [OAUTH_GRANT_REFUSED] = { "grant_refused", LOG_NOTICE },
        [OAUTH_CLIENT_REFUSED] = { "client_refused", LOG_WARNING },
        [OAUTH_REQUEST_REFUSED] = { "request_refused", LOG_WARNING },
        [OAUTH_ADDRESS_REFUSED] = { "address_refused", LOG_WARNING },
        [OAUTH_UNREACHABLE] = { "unreachable", LOG_WARNING },
        [OAUTH_NO_ANSWER] = { "no_answer", LOG_WARNING },
        [OAUTH_NONSENSE] = { "nonsense", LOG_WARNING },
};

/* Who asked for what, and what came of it. A provider's own words may quote a secret: not here. */
static void report(const struct oauth_grant *grant, const struct oauth_answer *answer,
                   const struct call_report *call, uint64_t duration_usec) {
        const char *result = results[answer->result].name;
        struct journal_entry *e;

        if (journal_reserve() < 0)
                return;
        e = journal_entry_new(results[answer->result].priority, NULL);
        journal_entry_printf(e, "MESSAGE", "%s at %s: %s in %" PRIu64 " ms%s%s",
                             kind_names[grant->kind], call->host[0] ? call->host : "nobody's",
                             result, duration_usec / USEC_PER_MSEC, call->trouble[0] ? ": " : "",
                             call->trouble);
        journal_entry_add(e, "GRANT_KIND", kind_names[grant->kind]);
        journal_entry_add(e, "GRANT_HOST", call->host);
        journal_entry_add(e, "GRANT_CLIENT_ID", grant->app.client_id ?: "");
        journal_entry_add(e, "GRANT_RESULT", result);
        journal_entry_printf(e, "GRANT_UPSTREAM_STATUS", "%d", call->status);
        journal_entry_printf(e, "GRANT_DURATION_USEC", "%" PRIu64, duration_usec);
        journal_commit(e);
}

static int take_connection(void) {
        int n, r;

        n = sd_listen_fds(true);
        if (n == 1 && (r = sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 0, NULL, 0)) > 0)
                return SD_LISTEN_FDS_START;
        if (n == 0)
                return refuse(-ENOENT, "systemd starts this, for each connection to its socket: "
                                       "systemctl start action-grant.socket");
        return refuse(-EINVAL, "systemd must pass one connected Unix stream socket (Accept=yes), "
                               "and passed something else");
}

/* Before a byte of it is read. */
static int check_peer(int fd, uid_t allowed) {
        struct peer peer;
        int r;

        r = peer_read(fd, &peer);
        if (r < 0)
                return refuse(r, "cannot tell who asks: %s", strerror(-r));
        peer_done(&peer);
        if (!peer_is_somebody(&peer))
                return refuse(-EPERM, "uid %u asks, which may be anybody's", peer.uid);
        if (peer.uid != allowed)
                return refuse(-EPERM, "uid %u asks, and only %u may (AllowUser=)", peer.uid,
                              allowed);
        return 0;
}

static int limit_waiting(int fd) {
        static const struct timeval time = { .tv_sec = PEER_TIMEOUT_SEC };

        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) < 0)
                return -errno;
        return 0;
}

/* Returns 0, -EBADMSG for what is no grant, or a negative errno of the connection. */
static int read_grant(struct client *peer, struct oauth_grant *ret) {
        struct json_envelope envelope;
        struct json_fault fault;
        const char *line;
        size_t size;
        int r;

        r = client_receive(peer, &line, &size);
        if (r == -EMSGSIZE)
                return -EBADMSG;
        if (r < 0)
                return r;
        r = json_scan(line, size, &envelope, &fault);
        return r < 0 ? r : oauth_grant_parse(&envelope.root, ret);
}

static void make_nonsense(struct oauth_answer *answer, const char *reason) {
        oauth_answer_done(answer);
        *answer = (struct oauth_answer){ .result = OAUTH_NONSENSE };
        snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
}

static int send_answer(struct client *peer, struct oauth_answer *answer) {
        _cleanup_(buffer_wipe) struct buffer line = { 0 };
        int r;

        oauth_answer_print(answer, &line);
        r = buffer_error(&line);
        return r < 0 ? r : client_send(peer, line.data, line.size);
}

static int serve_peer(struct client *peer, const struct grant_config *config) {
        _cleanup_(oauth_answer_done) struct oauth_answer answer = { 0 };
        _cleanup_(oauth_grant_done) struct oauth_grant grant = { 0 };
        struct call_report call;
        uint64_t start_usec;
        int r;

        r = read_grant(peer, &grant);
        if (r == -EBADMSG) {
                make_nonsense(&answer, "action-grant does not understand what it was asked");
                log_error("What the vault asks is no grant: are both of the same version?");
                return send_answer(peer, &answer);
        }
        if (r < 0)
                return refuse(r, "the vault asks for nothing: %s",
                              r == -EAGAIN ? "it does not write" : strerror(-r));

        /* A rotated token is lost if its answer is: a stop waits, as TimeoutStopSec= says. */
        (void)signal(SIGTERM, SIG_IGN);

        start_usec = clock_usec(CLOCK_MONOTONIC);
        call_grant(&grant, config, &answer, &call);
        report(&grant, &answer, &call, clock_usec(CLOCK_MONOTONIC) - start_usec);
        r = send_answer(peer, &answer);
        if (r < 0)
                log_error("The vault does not take the answer: %s", strerror(-r));
        return r;
}

static int serve(const struct grant_config *config, int *fd) {
        _cleanup_(client_freep) struct client *peer = NULL;
        int r;

        r = secret_protect_process();
        if (r < 0)
                return refuse(r, "cannot protect the process: %s", strerror(-r));
        r = check_peer(*fd, config->allow_uid);
        if (r < 0)
                return r;
        r = limit_waiting(*fd);
        if (r == 0)
                r = client_new(*fd, OAUTH_GRANT_MAX_LINE, &peer);
        if (r == 0) {
                TAKE_FD(*fd);
                r = journal_start(JOURNAL_AUTO, LOG_INFO);
        }
        if (r < 0)
                return refuse(r, "cannot start: %s", strerror(-r));
        return serve_peer(peer, config);
}

static int run(const struct daemon_options *options) {
        _cleanup_(grant_config_done) struct grant_config config = { 0 };
        _cleanup_(fd_closep) int fd = -1;
        char error[CONFIG_ERROR_SIZE];
        int r;

        /* First, so that who starts it by hand hears how to, whatever else is missing. */
        if (!options->check_config) {
                fd = take_connection();
                if (fd < 0)
                        return fd;
        }
        r = grant_config_load(options->config, &config, error);
        if (r < 0)
                return refuse(r, "%s", error);
        if (options->check_config)
                return 0;
        r = serve(&config, &fd);
        journal_stop();
        return r;
}

int main(int argc, char **argv) {
        static const struct daemon_program program = {
                .name = "action-grant",
                .about = "Makes one call to an OAuth provider, for action-vaultd. Started by "
                         "systemd, for each connection.",
                .manuals = "action-grant(8)",
        };
        struct daemon_options options;
        int r;

        r = daemon_options_parse(&program, argc, argv, &options);
        if (r == 0)
                r = run(&options);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
