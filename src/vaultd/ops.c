/* SPDX-License-Identifier: MIT */
#include "vaultd/ops.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/json-scan.h"

#define RECORD (FIELD_USER_ID | FIELD_PLATFORM)
#define REDEEMED (FIELD_CODE | FIELD_CODE_VERIFIER | FIELD_REDIRECT_URI | FIELD_DEVICE_CODE)
#define BOTH (ROLE_ENGINE | ROLE_ADMINISTRATOR)

/* clang-format off */
static const struct op {
        struct request_shape shape; /* its name, what it needs, what it may have */
        unsigned roles;             /* who may ask */
        call_step_fn *run;
} ops[] = {
        { { "delete_provider", FIELD_PROVIDER,                         0                              }, ROLE_ADMINISTRATOR, op_delete_provider },
        { { "delete_token",    RECORD,                                 FIELD_ACCOUNT | FIELD_REVOKE   }, ROLE_ENGINE,        op_delete_token    },
        { { "discover",        FIELD_ISSUER,                           0                              }, ROLE_ADMINISTRATOR, op_discover        },
        { { "exchange",        RECORD | FIELD_PROVIDER | FIELD_SCOPES, FIELD_ACCOUNT | REDEEMED       }, ROLE_ENGINE,        op_exchange        },
        { { "get_provider",    FIELD_PROVIDER,                         0                              }, BOTH,               op_get_provider    },
        { { "get_token",       RECORD,                                 FIELD_ACCOUNT | FIELD_REJECTED }, ROLE_ENGINE,        op_get_token       },
        { { "list_providers",  0,                                      0                              }, ROLE_ADMINISTRATOR, op_list_providers  },
        { { "set_provider",    FIELD_PROVIDER | FIELD_APP,             0                              }, ROLE_ADMINISTRATOR, op_set_provider    },
        { { "start_device",    FIELD_PROVIDER | FIELD_SCOPES,          0                              }, ROLE_ENGINE,        op_start_device    },
        { { "status",          0,                                      FIELD_USER_ID                  }, ROLE_ENGINE,        op_status          },
        { { "store_token",     RECORD | FIELD_CREDENTIAL,              FIELD_ACCOUNT                  }, ROLE_ENGINE,        op_store_token     },
        { { "test_provider",   FIELD_PROVIDER,                         0                              }, ROLE_ADMINISTRATOR, op_test_provider   },
};
/* clang-format on */

static int find_op(const struct json_envelope *e, unsigned roles, const struct op **ret,
                   struct ae_error *error) {
        const struct json_slice *s = json_envelope_find(e, "op");
        _cleanup_(freep) char *name = NULL;
        int r;

        if (!s || s->type != JSON_STRING)
                return ae_error_set(error, AE_INVALID_REQUEST, "'op' must be there, a string");
        for (size_t i = 0; i < ELEMENTSOF(ops); i++) {
                if (!json_slice_equals(s, ops[i].shape.op))
                        continue;
                if (!(ops[i].roles & roles))
                        return ae_error_set(error, AE_FORBIDDEN, "'%s' is for %s alone",
                                            ops[i].shape.op,
                                            ops[i].roles & ROLE_ENGINE
                                                            ? "the engine (AllowUser=)"
                                                            : "the administrator (AdminUser=)");
                *ret = &ops[i];
                return 0;
        }

        r = json_slice_string(s, &name);
        if (r < 0)
                return r;
        return ae_error_set(error, AE_UNKNOWN_OP, "there is no operation '%.64s'", name);
}

/* A line that is read: what is to be run. */
struct reading {
        struct json_envelope envelope;
        const struct json_slice *id;
        const struct op *op;
        struct request request;
};

static void reading_done(struct reading *g) {
        request_done(&g->request);
}

static int read_line(struct reading *g, unsigned roles, const char *line, size_t size,
                     struct ae_error *error) {
        int r;

        r = request_scan(line, size, &g->envelope, &g->id, error);
        if (r < 0)
                return r;
        r = find_op(&g->envelope, roles, &g->op, error);
        if (r < 0)
                return r;
        return request_read(&g->request, &g->envelope, &g->op->shape, error);
}

void ops_run(struct desk *d, unsigned roles, const char *line, size_t size, uint64_t number,
             call_answer_fn *on_answer, void *userdata) {
        _cleanup_(reading_done) struct reading g = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer answer = { 0 };
        struct call *c;
        int r;

        r = read_line(&g, roles, line, size, &error);
        if (r == 0)
                r = call_new(d, &g.request, g.id, on_answer, userdata, &c);
        if (r == 0) {
                call_step(c, g.op->run);
                return;
        }
        if (error.code == AE_NONE)
                (void)ae_error_set(&error, AE_INTERNAL, "the vault failed: %s", strerror(-r));
        call_print_error(g.id ? g.id->text : NULL, g.id ? g.id->size : 0, number, &error, &answer);
        on_answer(&answer, userdata);
}

void ops_refuse(const struct ae_error *error, uint64_t number, struct buffer *to) {
        call_print_error(NULL, 0, number, error, to);
}
