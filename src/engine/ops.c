/* SPDX-License-Identifier: MIT */
#include "engine/ops.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/op.h"

enum op_flags {
        OP_OPEN = 1 << 0, /* needs no token */
        OP_PLATFORM = 1 << 1,
        OP_ACTION_TYPE = 1 << 2,
        OP_PAYLOAD = 1 << 3,
        OP_CREDENTIAL = 1 << 4,
        OP_TOKEN = 1 << 5,
};

struct op {
        const char *name;
        int (*run)(struct call *call, struct ae_error *error);
        unsigned flags;
};

/* clang-format off */
static const struct op ops[] = {
        { "auth_status",    op_auth_status,    0                                           },
        { "auth_token",     op_auth_token,     OP_PLATFORM | OP_CREDENTIAL                 },
        { "authenticate",   op_authenticate,   OP_OPEN | OP_TOKEN                          },
        { "health",         op_health,         0                                           },
        { "hello",          op_hello,          OP_OPEN                                     },
        { "list_actions",   op_list_actions,   0                                           },
        { "perform_action", op_perform_action, OP_PLATFORM | OP_ACTION_TYPE | OP_PAYLOAD   },
        { "ping",           op_ping,           OP_OPEN                                     },
};
/* clang-format on */

const char *call_account(const struct call *call) {
        return call->request.account ? call->request.account : "default";
}

const char *call_user(const struct call *call) {
        return call->request.user_id ? call->request.user_id : identity_user(call->identity);
}

void op_add_string(struct buffer *to, const char *separator, const char *name, const char *value) {
        buffer_printf(to, "%s\"%s\":", separator, name);
        json_print_string(value, strlen(value), to);
}

void op_add_time(struct buffer *to, const char *separator, const char *name,
                 uint64_t realtime_usec) {
        char text[RFC3339_SIZE];

        clock_format_rfc3339(realtime_usec, text);
        op_add_string(to, separator, name, text);
}

void op_names(struct buffer *to) {
        for (size_t i = 0; i < ELEMENTSOF(ops); i++)
                buffer_printf(to, "%s\"%s\"", i > 0 ? "," : "", ops[i].name);
}

static const struct op *find_op(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(ops); i++)
                if (strcmp(ops[i].name, name) == 0)
                        return &ops[i];
        return NULL;
}

/* What an op cannot do without; and a field that only some op knows is for no other. */
static int check_fields(const struct op *op, const struct request *q, struct ae_error *error) {
        const struct {
                unsigned flag;
                bool present, of_every_op;
                const char *name;
        } fields[] = {
                { OP_PLATFORM, q->platform != NULL, true, "platform" },
                { OP_ACTION_TYPE, q->action_type != NULL, true, "action_type" },
                { OP_PAYLOAD, q->payload.text != NULL, true, "payload" },
                { OP_CREDENTIAL, q->credential.text != NULL, false, "credential" },
                { OP_TOKEN, q->token != NULL, true, "token" },
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                bool needed = op->flags & fields[i].flag;

                if (needed && !fields[i].present)
                        return ae_error_set(error, AE_INVALID_REQUEST, "'%s' is required for '%s'",
                                            fields[i].name, op->name);
                if (!needed && fields[i].present && !fields[i].of_every_op)
                        return ae_error_set(error, AE_INVALID_REQUEST,
                                            "'%s' is not a field of '%s'", fields[i].name,
                                            op->name);
        }
        return 0;
}

/* Who asks: by a token for this request alone, or by what the connection has proved. */
static int identify(struct call *call, struct ae_error *error) {
        struct client *c = call->client;
        struct auth *auth = c->engine->auth;
        int r;

        if (call->request.token) {
                r = auth_verify(auth, call->request.token, strlen(call->request.token), c->peer.uid,
                                &call->identity, error);
                request_forget_token(&call->request);
                return r;
        }
        if (!c->identity)
                return ae_error_set(error, AE_UNAUTHENTICATED,
                                    "this needs a token: authenticate the connection, or send "
                                    "'token' with the request");

        r = auth_still_valid(auth, c->identity, error);
        if (r < 0) {
                c->identity = identity_unref(c->identity);
                return r;
        }
        call->identity = identity_ref(c->identity);
        return 0;
}

int op_run(struct call *call, struct ae_error *error) {
        const struct request *q = &call->request;
        const char *name = q->op ? q->op : "perform_action";
        const struct op *op = find_op(name);
        int r;

        if (!op)
                return ae_error_set(error, AE_UNKNOWN_OP,
                                    "there is no operation '%.64s'; hello lists what there is",
                                    name);
        if (!(op->flags & OP_OPEN)) {
                r = identify(call, error);
                if (r < 0)
                        return r;
        }
        r = check_fields(op, q, error);
        if (r < 0)
                return r;
        return op->run(call, error);
}
