/* SPDX-License-Identifier: MIT */
/*
 * What a person's consent brings: exchange and start_device.
 */

#include <errno.h>
#include <string.h>

#include "base/journal.h"
#include "base/json.h"
#include "oauth/authorize.h"
#include "vault/renew.h"
#include "vaultd/ops.h"

/* Whether both are the same account's, for all that is known; not known is not the same. */
static bool is_same_account(const struct record *old, const struct call *c) {
        return old->provider && strcmp(old->provider, c->request.provider) == 0 &&
               record_is_of_same(old, &c->answer->tokens);
}

/*
 * The new record. A provider that gives a refresh token only once leaves the old one good: it is
 * kept, but never beside an access token that may be another account's.
 */
static int make_record(struct call *c, struct record *old, struct record *ret) {
        if (is_same_account(old, c) && !c->answer->tokens.refresh_token)
                ret->refresh_token = TAKE_PTR(old->refresh_token);
        ret->provider = TAKE_PTR(c->request.provider);
        return record_take_tokens(ret, &c->answer->tokens, c->request.scopes);
}

static int keep(struct call *c, struct record *old, struct buffer *to, struct ae_error *error) {
        static const struct keeper_writing over = { .only_if = NULL };
        _cleanup_(record_done) struct record new = { 0 };
        int r;

        r = make_record(c, old, &new);
        if (r < 0)
                return r;
        r = keeper_write(&c->desk->keeper, &c->id, &new, &over, error);
        if (r < 0)
                return r;

        log_info("Connected %s/%s/%s", c->id.user_id, c->id.platform, c->id.account);
        call_print_id(c, to);
        buffer_puts(to, ",\"status\":\"active\"");
        record_print_facts(&new, to);
        if (new.identity) {
                buffer_puts(to, ",\"identity\":");
                json_print_string(new.identity, strlen(new.identity), to);
        }
        return CALL_ANSWERED;
}

static int refuse_another(struct call *c, const struct record *old, struct ae_error *error) {
        const struct oauth_tokens *tokens = &c->answer->tokens;

        if (!call_grant_is_shared(c, &c->app, c->request.provider, tokens->identity))
                desk_revoke(c->desk, &c->app, tokens->refresh_token ?: tokens->access_token);
        return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                            "its account '%s' is '%.100s', but '%.100s' consented: choose the "
                            "right one, or give this one an account name of its own",
                            c->id.account, old->identity, tokens->identity);
}

/* The record that is there, or an empty one. */
static int read_old(struct call *c, struct record *ret, struct ae_error *error) {
        int r;

        r = keeper_read(&c->desk->keeper, &c->id, ret, NULL, error);
        if (r < 0 && error->code == AE_NOT_CONNECTED) {
                ae_error_done(error);
                return 0;
        }
        return r;
}

static int take_tokens(struct call *c, struct buffer *to, struct ae_error *error) {
        _cleanup_(record_done) struct record old = { 0 };
        int r;

        r = read_old(c, &old, error);
        if (r < 0)
                return r;
        if (record_is_anothers(&old, &c->answer->tokens))
                return refuse_another(c, &old, error);
        return keep(c, &old, to, error);
}

static int after_exchange(struct call *c, struct buffer *to, struct ae_error *error) {
        enum oauth_result result = c->answer->result;
        bool is_device = c->request.device_code;

        if (result == OAUTH_OK && c->answer->tokens.access_token)
                return take_tokens(c, to, error);
        if (is_device && (result == OAUTH_PENDING || result == OAUTH_SLOW_DOWN)) {
                call_print_id(c, to);
                buffer_printf(to, ",\"status\":\"%s\"",
                              result == OAUTH_PENDING ? "pending" : "slow_down");
                return CALL_ANSWERED;
        }
        return call_grant_error(c->answer, c->request.provider, AE_AUTHORIZATION_FAILED, error);
}

static void on_exchanged(struct oauth_answer *answer, void *userdata) {
        struct call *c = userdata;

        c->answer = answer;
        call_step(c, after_exchange);
}

/* A code with where it was sent to, or a device's code. */
static int check_fields(const struct request *q, struct ae_error *error) {
        static const unsigned code = FIELD_CODE | FIELD_REDIRECT_URI;
        static const unsigned all = FIELD_CODE | FIELD_REDIRECT_URI | FIELD_CODE_VERIFIER;

        if (q->given & FIELD_DEVICE_CODE ? !(q->given & all) : (q->given & code) == code)
                return 0;
        return ae_error_set(error, AE_INVALID_REQUEST,
                            "'exchange' needs 'code' and 'redirect_uri', or 'device_code' and none "
                            "of these");
}

int op_exchange(struct call *c, struct buffer *to, struct ae_error *error) {
        struct request *q = &c->request;
        struct oauth_grant grant;
        _cleanup_(record_done) struct record old = { 0 };
        int r;

        r = check_fields(q, error);
        if (r < 0)
                return r;
        r = keeper_read_app(&c->desk->keeper, q->provider, &c->app, error);
        if (r == 0 && q->code)
                r = oauth_check_verifier(&c->app, q->verifier, error);
        if (r < 0)
                return r;
        r = read_old(c, &old, error); /* what could not be kept is not redeemed */
        if (r < 0)
                return r;

        grant = (struct oauth_grant){
                .kind = q->device_code ? OAUTH_GRANT_DEVICE : OAUTH_GRANT_CODE,
                .app = c->app, /* all of it borrowed: it is printed at once */
                .token = q->device_code,
                .code = q->code,
                .verifier = q->verifier,
                .redirect_uri = q->redirect_uri,
        };
        return call_send(c, &grant, on_exchanged);
}

static int after_device_start(struct call *c, struct buffer *to, struct ae_error *error) {
        if (c->answer->result != OAUTH_OK || !c->answer->facts)
                return call_grant_error(c->answer, c->request.provider, AE_AUTHORIZATION_FAILED,
                                        error);
        call_print_facts(c->answer, to);
        return CALL_ANSWERED;
}

static void on_device_started(struct oauth_answer *answer, void *userdata) {
        struct call *c = userdata;

        c->answer = answer;
        call_step(c, after_device_start);
}

int op_start_device(struct call *c, struct buffer *to, struct ae_error *error) {
        struct oauth_grant grant = { .kind = OAUTH_GRANT_DEVICE_START };
        int r;

        r = keeper_read_app(&c->desk->keeper, c->request.provider, &c->app, error);
        if (r < 0)
                return r;
        if (!c->app.endpoints[OAUTH_DEVICE_AUTHORIZATION])
                return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                    "the provider '%s' has no endpoint for devices",
                                    c->request.provider);

        grant.app = c->app; /* borrowed: it is printed at once */
        grant.scopes = *c->request.scopes ? c->request.scopes : NULL;
        return call_send(c, &grant, on_device_started);
}
