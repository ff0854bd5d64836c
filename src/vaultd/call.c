/* SPDX-License-Identifier: MIT */
#include "vaultd/call.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/journal.h"
#include "base/json.h"
#include "vault/wire.h"

static struct call *call_free(struct call *c) {
        if (!c)
                return NULL;
        if (c->previous)
                c->previous->next = c->next;
        else if (c->desk->calls == c)
                c->desk->calls = c->next;
        if (c->next)
                c->next->previous = c->previous;
        c->desk->n_calls--;
        sd_event_source_disable_unref(c->patience);
        request_done(&c->request);
        oauth_app_done(&c->app);
        free(c->wire_id);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct call *, call_free);

void desk_done(struct desk *d) {
        d->grants = grants_free(d->grants);
        jobs_done(&d->jobs);
        while (d->calls) {
                d->calls->on_answer(NULL, d->calls->userdata);
                call_free(d->calls);
        }
        keeper_done(&d->keeper);
}

int call_new(struct desk *d, struct request *q, const struct json_slice *wire_id,
             call_answer_fn *on_answer, void *userdata, struct call **ret) {
        _cleanup_(call_freep) struct call *c = NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct call){
                .desk = d,
                .wire_id = strndup(wire_id->text, wire_id->size),
                .on_answer = on_answer,
                .userdata = userdata,
                .next = d->calls,
        };
        if (c->next)
                c->next->previous = c;
        d->calls = c;
        d->n_calls++;
        if (!c->wire_id)
                return -ENOMEM;

        c->request = *q;
        *q = (struct request){ 0 };
        c->id = (struct record_id){
                .user_id = c->request.user_id,
                .platform = c->request.platform,
                .account = c->request.account ?: "default",
        };
        *ret = TAKE_PTR(c);
        return 0;
}

static int run_step(struct call *c, call_step_fn *step, struct buffer *to, struct ae_error *error) {
        int r;

        buffer_printf(to, "{\"id\":%s,\"status\":\"success\",\"result\":{", c->wire_id);
        r = step(c, to, error);
        buffer_puts(to, "}}");
        if (r >= 0 && to->size > VAULT_WIRE_MAX_LINE)
                return ae_error_set(error, AE_INTERNAL, "the answer is too long for a line");
        return r;
}

void call_step(struct call *c, call_step_fn *step) {
        _cleanup_(buffer_wipe) struct buffer answer = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        int r;

        r = run_step(c, step, &answer, &error);
        c->answer = NULL;
        c->failure = NULL;
        if (r == CALL_WAITS) {
                c->request.credential = c->request.app = NULL; /* the line goes */
                return;
        }
        if (r < 0) {
                if (error.code == AE_NONE)
                        (void)ae_error_set(&error, AE_INTERNAL, "the vault failed: %s",
                                           strerror(-r));
                buffer_wipe(&answer);
                call_print_error(c->wire_id, strlen(c->wire_id), 0, &error, &answer);
        }
        c->on_answer(&answer, c->userdata);
        call_free(c);
}

int call_send(struct call *c, const struct oauth_grant *grant, grants_answer_fn *on_answer) {
        int r;

        r = grants_send(c->desk->grants, grant, on_answer, c);
        return r < 0 ? r : CALL_WAITS;
}

int call_grant_error(const struct oauth_answer *answer, const char *provider, enum ae_code refused,
                     struct ae_error *error) {
        /* clang-format off */
        const struct {
                enum ae_code code;
                const char *what;
        } errors[OAUTH_N_RESULTS] = {
                [OAUTH_OK]              = { AE_UPSTREAM_ERROR,       "gave an answer without what was asked for" },
                [OAUTH_PENDING]         = { AE_UPSTREAM_ERROR,       "gave an answer to another question"        },
                [OAUTH_SLOW_DOWN]       = { AE_UPSTREAM_ERROR,       "gave an answer to another question"        },
                [OAUTH_GRANT_REFUSED]   = { refused,                 "does not take the grant"                   },
                [OAUTH_CLIENT_REFUSED]  = { refused,                 "refuses the app itself, which an administrator must correct" },
                [OAUTH_REQUEST_REFUSED] = { refused,                 "refuses the request"                       },
                [OAUTH_ADDRESS_REFUSED] = { AE_FORBIDDEN,            "is where action-grant may not go"          },
                [OAUTH_UNREACHABLE]     = { AE_UPSTREAM_UNREACHABLE, "cannot be asked now"                       },
                [OAUTH_NO_ANSWER]       = { AE_UPSTREAM_ERROR,       "gave no answer that can be used"           },
                [OAUTH_NONSENSE]        = { AE_UPSTREAM_ERROR,       "gave an answer that makes no sense"        },
        };
        /* clang-format on */

        return ae_error_set(error, errors[answer->result].code, "%s %s%s%s", provider,
                            errors[answer->result].what, *answer->reason ? ": " : "",
                            answer->reason);
}

void call_print_id(const struct call *c, struct buffer *to) {
        buffer_puts(to, "\"user_id\":");
        json_print_string(c->id.user_id, strlen(c->id.user_id), to);
        buffer_printf(to, ",\"platform\":\"%s\",\"account\":\"%s\"", c->id.platform, c->id.account);
}

void call_unwrap(struct buffer *to, size_t start) {
        if (buffer_error(to) < 0)
                return;
        memmove(to->data + start, to->data + start + 1, to->size - start - 2);
        to->size -= 2;
        to->data[to->size] = 0;
}

void call_print_facts(const struct oauth_answer *answer, struct buffer *to) {
        size_t start = to->size;

        json_print(answer->facts, to);
        call_unwrap(to, start);
}

void call_print_error(const char *wire_id, size_t size, uint64_t number,
                      const struct ae_error *error, struct buffer *to) {
        buffer_putc(to, '{');
        if (wire_id) {
                buffer_puts(to, "\"id\":");
                buffer_append(to, wire_id, size);
                buffer_putc(to, ',');
        } else if (number > 0)
                buffer_printf(to, "\"line\":%" PRIu64 ",", number);
        buffer_printf(to, "\"status\":\"error\",\"error\":{\"code\":\"%s\",\"message\":",
                      ae_code_name(error->code));
        json_print_string(error->message, strlen(error->message), to);
        buffer_printf(to, ",\"retryable\":%s}}", ae_code_retryable(error->code) ? "true" : "false");
}

/* Whose grant, and which record does not count. */
struct grant_search {
        const struct record_id *id;
        const char *provider, *identity;
        bool found;
};

static bool is_same(const char *text, const char *other) {
        return text && strcmp(text, other) == 0;
}

static int look_at_record(const struct record_id *id, const struct record *r, void *userdata) {
        struct grant_search *s = userdata;
        bool is_own = is_same(id->platform, s->id->platform) &&
                      is_same(id->account, s->id->account);

        s->found |= !is_own && !r->refused && is_same(r->provider, s->provider) &&
                    is_same(r->identity, s->identity);
        return 0;
}

bool call_grant_is_shared(const struct call *c, const struct oauth_app *app, const char *provider,
                          const char *identity) {
        struct grant_search s = { .id = &c->id, .provider = provider, .identity = identity };
        _cleanup_(ae_error_done) struct ae_error unheard = { 0 }; /* and logged */

        if (!identity || !(app->profile->flags & OAUTH_REVOKES_ALL))
                return false;
        (void)keeper_list(&c->desk->keeper, c->id.user_id, look_at_record, &s, &unheard);
        return s.found;
}

static void on_revoked(struct oauth_answer *answer, void *userdata) {
        if (answer->result != OAUTH_OK)
                log_warning("Could not revoke a token that nobody is to have: %s", answer->reason);
}

void desk_revoke(struct desk *d, const struct oauth_app *app, const struct secret *token) {
        struct oauth_grant grant = { .kind = OAUTH_GRANT_REVOKE };
        int r;

        if (!token || !app->endpoints[OAUTH_REVOCATION])
                return;
        grant.app = *app; /* both borrowed: it is printed at once */
        grant.token = (struct secret *)token;
        r = grants_send(d->grants, &grant, on_revoked, NULL);
        if (r < 0)
                log_warning("Could not revoke a token that nobody is to have: %s", strerror(-r));
}
