/* SPDX-License-Identifier: MIT */
#include "engine/ops.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/op.h"

struct op {
        const char *name;
        int (*run)(struct call *call, struct ae_error *error);
        bool open;             /* needs no token */
        unsigned needs, takes; /* enum request_field */
};

#define ACTION (REQUEST_PLATFORM | REQUEST_ACTION_TYPE | REQUEST_PAYLOAD)
#define RESPONSE (REQUEST_AUTHORIZATION_RESPONSE | REQUEST_CODE | REQUEST_STATE)
#define START (REQUEST_DEVICE | REQUEST_REDIRECT_URI | REQUEST_SCOPES)

/* What is a field of those operations alone that say so. */
#define SPECIAL (REQUEST_APPROVAL_ID | REQUEST_CREDENTIAL | REQUEST_VERIFY | RESPONSE | START)

/* clang-format off */
static const struct op ops[] = {
        { "approve",        op_approve,        false, REQUEST_APPROVAL_ID,                   0                   },
        { "auth_callback",  op_auth_callback,  false, REQUEST_PLATFORM,                      RESPONSE            },
        { "auth_revoke",    op_auth_revoke,    false, REQUEST_PLATFORM,                      0                   },
        { "auth_start",     op_auth_start,     false, REQUEST_PLATFORM,                      START               },
        { "auth_status",    op_auth_status,    false, 0,                                     0                   },
        { "auth_token",     op_auth_token,     false, REQUEST_PLATFORM | REQUEST_CREDENTIAL, REQUEST_VERIFY      },
        { "authenticate",   op_authenticate,   true,  REQUEST_TOKEN,                         0                   },
        { "deny",           op_deny,           false, REQUEST_APPROVAL_ID,                   0                   },
        { "health",         op_health,         false, 0,                                     0                   },
        { "hello",          op_hello,          true,  0,                                     0                   },
        { "list_actions",   op_list_actions,   false, 0,                                     0                   },
        { "list_approvals", op_list_approvals, false, 0,                                     REQUEST_APPROVAL_ID },
        { "login",          op_login,          true,  REQUEST_USER_ID,                       REQUEST_SCOPES      },
        { "perform_action", op_perform_action, false, ACTION,                                0                   },
        { "ping",           op_ping,           true,  0,                                     0                   },
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
        const char *missing = request_field_name(op->needs & ~q->present);
        const char *foreign = request_field_name(q->present & SPECIAL & ~(op->needs | op->takes));

        if (missing)
                return ae_error_set(error, AE_INVALID_REQUEST, "'%s' is required for '%s'", missing,
                                    op->name);
        if (foreign)
                return ae_error_set(error, AE_INVALID_REQUEST, "'%s' is not a field of '%s'",
                                    foreign, op->name);
        return 0;
}

/* Who asks: by a token for this request alone, or by what the connection has proved. */
static int identify(struct call *call, struct ae_error *error) {
        struct client *c = call->client;
        int r;

        if (call->request.token) {
                r = op_verify_token(call, &call->identity, error);
                request_forget_token(&call->request);
                return r;
        }
        if (!c->identity)
                return ae_error_set(error, AE_UNAUTHENTICATED,
                                    "this needs a token: authenticate the connection, or send "
                                    "'token' with the request");

        r = op_check_identity(call, c->identity, error);
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
        if (!op->open) {
                r = identify(call, error);
                if (r < 0)
                        return r;
        }
        r = check_fields(op, q, error);
        if (r < 0)
                return r;
        return op->run(call, error);
}
