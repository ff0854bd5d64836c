/* SPDX-License-Identifier: MIT */
#include "actionctl/call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "actionctl/input.h"
#include "actionctl/output.h"
#include "base/secret.h"
#include "ipc/client.h"

#define AUTHENTICATE_ID "authenticate"
#define QUICK_SEC 30

struct call {
        const struct ctl *ctl;
        struct client *client;
        unsigned flags;
        bool authenticating; /* that answer is still to come */
        cJSON *refusal;      /* owned: the answer to `authenticate`, if it was no */
        cJSON *response;     /* owned */
};

static void call_done(struct call *c) {
        client_free(c->client);
        cJSON_Delete(c->refusal);
        cJSON_Delete(c->response);
}

void call_begin(struct request *q, const char *op) {
        request_begin(q, CALL_ID, op);
}

/* Whom a call goes to. */
struct peer {
        const char *name;
        const char *variable;
        const char *path;
        const char *denied;
        const char *absent;
};

static const struct peer engine = {
        .name = "engine",
        .variable = "ACTION_ENGINE_SOCKET",
        .path = "/run/action-engine/engine.sock",
        .denied = "You must be in the group action-engine to use it.\n",
        .absent = "Is it running? See 'systemctl status action-engine.socket', or name another "
                  "socket with --socket.\n",
};

static const struct peer vault = {
        .name = "vault",
        .variable = "ACTION_VAULT_SOCKET",
        .path = "/run/action-engine/vault.sock",
        .denied = "Only the administrator may, whom AdminUser= of action-vault.conf names: root, "
                  "unless it says otherwise.\n",
        .absent = "Is it running? See 'systemctl status action-vault.socket', or name another "
                  "socket with --vault-socket.\nOther vaults keep no apps: 'actionctl provider add "
                  "KIND --print' shows what takes their place.\n",
};

static const struct peer *peer_of(const struct call *c) {
        return c->flags & CALL_VAULT ? &vault : &engine;
}

static const char *socket_path(const struct call *c) {
        const char *named = c->flags & CALL_VAULT ? c->ctl->vault_socket : c->ctl->socket;
        const char *path = getenv(peer_of(c)->variable);

        if (named)
                return named;
        return path && *path ? path : peer_of(c)->path;
}

static int unreachable(const struct call *c, int r) {
        const struct peer *p = peer_of(c);

        if (c->flags & CALL_TRY)
                return CTL_UNREACHABLE;
        output_error("cannot reach the %s at '%s': %s", p->name, socket_path(c), strerror(-r));
        fputs(r == -EACCES ? p->denied : p->absent, stderr);
        return CTL_UNREACHABLE;
}

static int connect_peer(struct call *c) {
        _cleanup_(fd_closep) int fd = client_connect(socket_path(c), /* nonblocking= */ 0);
        const struct timeval timeout = { .tv_sec = QUICK_SEC };
        int r;

        if (fd < 0)
                return unreachable(c, fd);
        if (c->flags & CALL_QUICK)
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        r = client_new(fd, CALL_MAX_LINE, &c->client);
        if (r < 0)
                return unreachable(c, r);
        TAKE_FD(fd);
        return 0;
}

/* Returns 0 or a negative errno. */
static int send_request(struct call *c, struct request *q) {
        int r;

        r = request_end(q);
        if (r < 0)
                return r;
        if (c->ctl->verbose)
                output_request(q->shown.data);
        return client_send(c->client, q->line.data, q->line.size);
}

static int send_authenticate(struct call *c, const struct secret *token) {
        _cleanup_(request_done) struct request q = { 0 };

        if (!token)
                return 0;
        c->authenticating = true;
        request_begin(&q, AUTHENTICATE_ID, "authenticate");
        request_secret_string(&q, "token", token->data, token->size);
        return send_request(c, &q);
}

/* The request was sent, and then the connection ended, or what came is no protocol. */
static int lost(const struct call *c, int r) {
        const char *why = r == -EAGAIN    ? "was silent for too long"
                          : r == -EBADMSG ? "said something that is no answer"
                                          : "ended the connection";

        if (c->flags & CALL_ACTS) {
                output_error("the engine %s before it answered: nobody here knows what became of "
                             "the action",
                             why);
                fputs("It may have happened: look at the platform before you send it again.\n",
                      stderr);
                return CTL_UNKNOWN;
        }
        if (c->flags & CALL_TRY)
                return CTL_UNREACHABLE;
        output_error("the %s %s before it answered", peer_of(c)->name, why);
        fprintf(stderr, "See the %s's journal, and try again.\n", peer_of(c)->name);
        return CTL_UNREACHABLE;
}

/* Only what says that it went well did. */
bool call_failed(const cJSON *response) {
        const char *status = json_string(response, "status");

        return strcmp(status, "success") != 0 && strcmp(status, "accepted") != 0;
}

/* One response. What concerns `authenticate` is noted, the other one kept and, with --json, shown. */
static int take_response(struct call *c, const char *line, size_t size) {
        _cleanup_(json_freep) cJSON *response = NULL;
        const char *id;
        int r;

        r = json_parse(line, size, &response, NULL);
        if (r < 0)
                return r;
        if (!json_string(response, "status"))
                return -EBADMSG;

        id = json_string(response, "id");
        if (id && strcmp(id, AUTHENTICATE_ID) == 0) {
                c->authenticating = false;
                if (call_failed(response))
                        c->refusal = TAKE_PTR(response);
                return 0;
        }
        if (c->ctl->json && !(c->flags & CALL_SILENT))
                output_line(line, size);
        c->response = TAKE_PTR(response);
        return 0;
}

/* A refused token is why the request failed, so that answer is waited for. */
static bool waits(const struct call *c) {
        return !c->response || (c->authenticating && call_failed(c->response));
}

static int receive(struct call *c) {
        const char *line;
        size_t size;
        int r;

        while (waits(c)) {
                r = client_receive(c->client, &line, &size);
                if (r >= 0)
                        r = size > 0 ? take_response(c, line, size) : 0;
                if (r < 0)
                        return c->response ? 0 : r;
        }
        return 0;
}

static int converse(struct call *c, struct request *q, const struct secret *token) {
        int sent, r;

        sent = send_authenticate(c, token);
        if (sent >= 0)
                sent = send_request(c, q);
        if (sent < 0 && sent != -EPIPE && sent != -ECONNRESET)
                return unreachable(c, sent);

        /* Who was hung up on while sending may have been told why. */
        r = receive(c);
        if (r == 0)
                return 0;
        if (sent < 0)
                return unreachable(c, sent);
        return lost(c, r);
}

int call_ask(const struct ctl *ctl, struct request *q, unsigned flags, cJSON **ret) {
        _cleanup_(call_done) struct call c = { .ctl = ctl, .flags = flags };
        _cleanup_(secret_freep) struct secret *token = NULL;
        int r = 0;

        if (!(flags & CALL_VAULT))
                r = input_token(ctl, &token);
        if (r != 0)
                return r;
        r = connect_peer(&c);
        if (r != 0)
                return r;
        r = converse(&c, q, token);
        if (r != 0)
                return r;

        if (c.refusal && call_failed(c.response)) {
                cJSON_Delete(c.response);
                c.response = TAKE_PTR(c.refusal);
        } else if (c.refusal)
                output_note("the token was refused, which this request does not need: %s",
                            json_string(json_member(c.refusal, "error"), "message") ?: "no reason");
        *ret = TAKE_PTR(c.response);
        return 0;
}

int call_engine(const struct ctl *ctl, struct request *q, unsigned flags,
                int (*print)(const struct ctl *ctl, const cJSON *response)) {
        _cleanup_(json_freep) cJSON *response = NULL;
        int r;

        r = call_ask(ctl, q, flags, &response);
        if (r != 0)
                return r;
        if (call_failed(response))
                return output_failure(ctl, response);
        return ctl->json ? CTL_SUCCESS : print(ctl, response);
}
