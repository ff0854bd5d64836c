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

#define DEFAULT_SOCKET "/run/action-engine/engine.sock"
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

static const char *socket_path(const struct ctl *ctl) {
        const char *path = getenv("ACTION_ENGINE_SOCKET");

        if (ctl->socket)
                return ctl->socket;
        return path && *path ? path : DEFAULT_SOCKET;
}

static int unreachable(const struct call *c, int r) {
        const char *path = socket_path(c->ctl);

        output_error("cannot reach the engine at '%s': %s", path, strerror(-r));
        fputs(r == -EACCES ? "You must be in the group action-engine to use it.\n"
                           : "Is it running? See 'systemctl status action-engine.socket', or name "
                             "another socket with --socket.\n",
              stderr);
        return CTL_UNREACHABLE;
}

static int connect_engine(struct call *c) {
        _cleanup_(fd_closep) int fd = client_connect(socket_path(c->ctl), /* nonblocking= */ 0);
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
static int lost(const struct call *c, const char *why) {
        if (c->flags & CALL_ACTS) {
                output_error("%s before it answered: nobody here knows what became of the action",
                             why);
                fputs("It may have happened: look at the platform before you send it again.\n",
                      stderr);
                return CTL_UNKNOWN;
        }
        output_error("%s before it answered", why);
        fputs("See the engine's journal, and try again.\n", stderr);
        return CTL_UNREACHABLE;
}

/* Only what says that it went well did. */
static bool failed(const cJSON *response) {
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
                if (failed(response))
                        c->refusal = TAKE_PTR(response);
                return 0;
        }
        if (c->ctl->json)
                output_line(line, size);
        c->response = TAKE_PTR(response);
        return 0;
}

/* A refused token is why the request failed, so that answer is waited for. */
static bool waits(const struct call *c) {
        return !c->response || (c->authenticating && failed(c->response));
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
        return lost(c, r == -EAGAIN    ? "the engine was silent for too long"
                       : r == -EBADMSG ? "the engine said something that is no answer"
                                       : "the engine ended the connection");
}

int call_engine(const struct ctl *ctl, struct request *q, unsigned flags,
                int (*print)(const struct ctl *ctl, const cJSON *response)) {
        _cleanup_(call_done) struct call c = { .ctl = ctl, .flags = flags };
        _cleanup_(secret_freep) struct secret *token = NULL;
        int r;

        r = input_token(ctl, &token);
        if (r != 0)
                return r;
        r = connect_engine(&c);
        if (r != 0)
                return r;
        r = converse(&c, q, token);
        if (r != 0)
                return r;

        if (failed(c.response))
                return output_failure(ctl, c.refusal ?: c.response);
        if (c.refusal)
                output_note("the token was refused, which this request does not need: %s",
                            json_string(json_member(c.refusal, "error"), "message") ?: "no reason");
        return ctl->json ? CTL_SUCCESS : print(ctl, c.response);
}
