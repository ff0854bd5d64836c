/* SPDX-License-Identifier: MIT */
/*
 * login: a token for whoever asks, where DevLogin=yes says so.
 */
#include "engine/op.h"

#include <errno.h>

#include "engine/connect.h"

/* Of a login that names no scopes: it is for trying things out. */
#define ALL_SCOPES "*"

int op_login(struct call *call, struct ae_error *error) {
        const struct engine *e = call->client->engine;
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct auth_login login = {
                .user_id = call->request.user_id,
                .scopes = ALL_SCOPES,
                .uid = call->client->peer.uid,
        };
        uint64_t expires_at_usec;
        int r;

        if (!e->settings->dev_login) {
                ae_error_detail(error, "by", "configuration");
                return ae_error_set(error, AE_FORBIDDEN,
                                    "'login' is for development, with DevLogin=yes; else tokens "
                                    "are made by actionctl token, or by an issuer");
        }
        if (call->request.present & REQUEST_SCOPES) {
                r = connect_read_scopes(&call->request.scopes, &call->scopes, error);
                if (r < 0)
                        return r;
                login.scopes = call->scopes;
        }

        r = auth_login(e->auth, &login, &token, &expires_at_usec);
        if (r == -EMSGSIZE)
                return ae_error_set(error, AE_INVALID_REQUEST, "'scopes' are too many for a token");
        if (r < 0)
                return r;
        op_add_string(&call->result, "{", "token", token->data);
        op_add_time(&call->result, ",", "expires_at", expires_at_usec);
        buffer_putc(&call->result, '}');
        return 0;
}
