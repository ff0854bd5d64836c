/* SPDX-License-Identifier: MIT */
/*
 *     none ──► opening ──► open ◄──► renewing        An AppRole logs in; a token of one's own is
 *      ▲                    │           │            looked up, for how long it is good. Two
 *      └────────────────────┴───────────┘            thirds into that time it is renewed.
 *
 * Whatever becomes of a renewal, the token is used until its time is over or somebody refuses it;
 * then the next job that needs one opens the session again. Nothing here repeats by itself but
 * renewals, and these stop with the token's time.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/kv2.h"

#define TIMER_ACCURACY_USEC (100 * USEC_PER_MSEC)
#define RETRY_USEC (5 * USEC_PER_SEC)

static void forget(struct kv2_session *s) {
        s->token = secret_free(s->token);
        (void)sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        if (s->renewing)
                exchange_done(&s->exchange);
        s->renewing = false;
}

static void set_timer(struct kv2_session *s, uint64_t usec) {
        if (!s->renewable || usec >= s->expires_usec)
                return;
        (void)sd_event_source_set_time(s->timer, usec);
        (void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static void take_lease(struct kv2_session *s, const struct kv2_lease *lease) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC), usec = lease->seconds * USEC_PER_SEC;

        s->renewable = lease->renewable;
        s->expires_usec = usec > 0 ? now + usec : UINT64_MAX;
        if (usec > 0)
                set_timer(s, now + usec / 3 * 2);
}

static int take_opened(struct kv2_session *s, const struct http_response *response,
                       struct ae_error *error) {
        struct kv2_lease lease = { 0 };
        int r;

        if (response->status != 200) {
                /* AppRole says 400 to a role or secret that it does not know. */
                bool refused = response->status == 400 || response->status == 403;

                return refused ? ae_error_set(error, AE_VAULT_UNAVAILABLE,
                                              "the vault does not accept the engine's %s (HTTP %d)",
                                              s->own_token ? "token" : "role and secret",
                                              response->status)
                               : remote_status_error(response->status, error);
        }

        r = s->own_token ? kv2_read_lookup(response->body, response->body_size, &lease)
                         : kv2_read_auth(response->body, response->body_size, &lease);
        if (r == 0 && s->own_token)
                r = secret_new(s->own_token->data, s->own_token->size, &lease.token);
        if (r == 0 && !lease.token)
                r = -EBADMSG;
        if (r < 0)
                return r == -EBADMSG ? remote_nonsense(error) : r;

        s->token = lease.token;
        s->number++;
        take_lease(s, &lease);
        return 0;
}

/* One that was lost, or is not to be had, is asked for again while there is time. */
static void take_renewed(struct kv2_session *s, const struct http_response *response) {
        struct kv2_lease lease = { 0 };

        s->renewing = false;
        if (response->failure == HTTP_ANSWERED && response->status == 200 &&
            kv2_read_auth(response->body, response->body_size, &lease) == 0)
                take_lease(s, &lease);
        else if (response->status < 400 || response->status >= 500)
                set_timer(s, clock_usec(CLOCK_MONOTONIC) + RETRY_USEC);
        secret_free(lease.token);
}

static void on_session_answer(const struct http_response *response, void *userdata) {
        struct kv2_session *s = userdata;
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        int r;

        if (s->renewing) {
                take_renewed(s, response);
                exchange_done(&s->exchange);
                return;
        }

        r = remote_check_failure(response, &error);
        if (r == 0)
                r = take_opened(s, response, &error);
        exchange_done(&s->exchange);
        if (r < 0)
                (void)ae_error_from_errno(&error, r);
        kv2_go_on(s->owner, r < 0 ? &error : NULL);
}

static void print_login(const struct kv2 *k, struct buffer *to) {
        const struct {
                const char *name;
                const struct secret *value;
        } fields[] = {
                { "{\"role_id\":", k->role_id },
                { ",\"secret_id\":", k->secret_id },
        };

        (void)buffer_reserve(to, 2 * (k->role_id->size + k->secret_id->size) + 64);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                buffer_puts(to, fields[i].name);
                json_print_string(fields[i].value->data, fields[i].value->size, to);
        }
        buffer_putc(to, '}');
}

static int prepare_opening(struct kv2 *k) {
        struct kv2_session *s = &k->session;
        struct http_request *q = &s->exchange.request;
        int r;

        r = kv2_prepare(k, &s->exchange, s->own_token ? "GET" : "POST",
                        s->own_token ? "/v1/auth/token/lookup-self" : "/v1/auth/approle/login",
                        KV2_NAMESPACE);
        if (r == 0 && s->own_token)
                return http_request_secret_header(q, "X-Vault-Token", s->own_token);
        if (r == 0)
                print_login(k, &q->body);
        return r;
}

int kv2_session_open(struct kv2 *k, uint64_t deadline_usec) {
        struct kv2_session *s = &k->session;
        int r;

        if (s->token && clock_usec(CLOCK_MONOTONIC) < s->expires_usec)
                return 1;
        forget(s);
        if (s->exchange.call)
                return 0;

        r = prepare_opening(k);
        if (r == 0)
                r = exchange_send(&s->exchange, &k->remote, deadline_usec);
        if (r < 0)
                exchange_done(&s->exchange);
        return r;
}

bool kv2_session_refused(struct kv2 *k, unsigned number) {
        if (k->session.own_token)
                return false;
        if (k->session.number == number)
                forget(&k->session);
        return true;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct kv2_session *s = userdata;
        struct kv2 *k = s->owner;
        int r;

        r = kv2_prepare(k, &s->exchange, "POST", "/v1/auth/token/renew-self",
                        KV2_NAMESPACE | KV2_TOKEN);
        if (r == 0) {
                buffer_puts(&s->exchange.request.body, "{}");
                r = exchange_send(&s->exchange, &k->remote,
                                  clock_usec(CLOCK_MONOTONIC) + k->remote.timeout_usec);
        }
        s->renewing = r == 0;
        if (r < 0)
                exchange_done(&s->exchange);
        return 0;
}

int kv2_session_init(struct kv2_session *s, struct kv2 *k) {
        int r;

        s->own_token = k->own_token;
        s->owner = k;
        s->exchange.on_answer = on_session_answer;
        s->exchange.userdata = s;
        r = sd_event_add_time(k->remote.event, &s->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
                              on_timer, s);
        return r < 0 ? r : sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
}

void kv2_session_done(struct kv2_session *s) {
        sd_event_source_disable_unref(s->timer);
        exchange_done(&s->exchange);
        secret_free(s->token);
}
