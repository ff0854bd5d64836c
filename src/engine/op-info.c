/* SPDX-License-Identifier: MIT */
/*
 * Operations that tell how things are: hello, ping, list_actions, health.
 */
#include "engine/op.h"
#include "engine/ops.h"

#include "base/clock.h"
#include "policy/control.h"

#define PROTOCOL_VERSION 1

int op_hello(struct call *call, struct ae_error *error) {
        const struct settings *s = call->client->engine->settings;
        struct buffer *to = &call->result;

        buffer_printf(to, "{\"protocol\":%d", PROTOCOL_VERSION);
        op_add_string(to, ",", "version", AE_VERSION);
        buffer_puts(to, ",\"features\":[");
        op_names(to);
        buffer_printf(to,
                      "],\"limits\":{\"max_message_bytes\":%zu,"
                      "\"max_in_flight_per_connection\":%u,\"request_timeout_ms\":%llu}}",
                      s->max_message_bytes, s->max_in_flight_per_connection,
                      (unsigned long long)(s->request_timeout_usec / USEC_PER_MSEC));
        return 0;
}

int op_ping(struct call *call, struct ae_error *error) {
        buffer_puts(&call->result, "{\"pong\":true}");
        return 0;
}

int op_list_actions(struct call *call, struct ae_error *error) {
        const struct registry *registry = call->client->engine->registry;
        const struct platform *platform = NULL;
        int r;

        if (call->request.platform) {
                r = registry_find_platform(registry, call->request.platform, &platform, error);
                if (r < 0)
                        return r;
        }
        buffer_puts(&call->result, "{\"actions\":");
        registry_describe(registry, platform, &call->result);
        buffer_putc(&call->result, '}');
        return 0;
}

static void add_adapters(const struct engine *e, struct buffer *to) {
        const struct platform *platforms;
        size_t n;

        buffer_puts(to, ",\"adapters\":[");
        platforms = registry_platforms(e->registry, &n);
        for (size_t i = 0; i < n; i++) {
                op_add_string(to, i > 0 ? ",{" : "{", "platform", platforms[i].adapter->platform);
                op_add_string(to, ",", "state", "ok");
                buffer_printf(to, ",\"actions\":%zu}", platforms[i].adapter->n_actions);
        }
        buffer_putc(to, ']');
}

static void add_control(const struct control_health *h, struct buffer *to) {
        static const char *const states[] = {
                [CONTROL_NOT_ASKED] = "not_asked",
                [CONTROL_OK] = "ok",
                [CONTROL_UNAVAILABLE] = "unavailable",
        };

        op_add_string(to, ",\"engine_control\":{", "state", states[h->state]);
        if (h->message)
                op_add_string(to, ",", "message", h->message);
        buffer_printf(to, ",\"events_waiting\":%zu,\"events_lost\":%llu}", h->n_waiting, h->n_lost);
}

static void on_vault_status(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        const struct engine *e = call->client->engine;
        struct buffer *to = &call->result;
        struct control_health control = { .state = CONTROL_OK };
        bool good;

        call->vault_call = NULL;
        if (e->control)
                control_tell_health(e->control, &control);
        good = !answer->error && control.state != CONTROL_UNAVAILABLE && auth_n_keys(e->auth) > 0 &&
               !e->drain.started;

        op_add_string(to, "{", "status", good ? "ok" : e->drain.started ? "stopping" : "degraded");
        op_add_string(to, ",", "version", AE_VERSION);
        buffer_printf(to, ",\"uptime_sec\":%llu",
                      (unsigned long long)((clock_usec(CLOCK_MONOTONIC) - e->started_usec) /
                                           USEC_PER_SEC));
        buffer_printf(to, ",\"connections\":%u,\"in_flight\":%u", e->n_clients,
                      e->actions.n_in_flight);
        buffer_printf(to, ",\"token_keys\":%zu,\"revoked_tokens\":%zu", auth_n_keys(e->auth),
                      auth_n_revoked(e->auth));
        op_add_string(to, ",\"vault\":{", "backend", vault_backend(e->vault));
        op_add_string(to, ",", "state", answer->error ? "unavailable" : "ok");
        if (answer->error)
                op_add_string(to, ",", "message", answer->error->message);
        buffer_putc(to, '}');
        if (e->control)
                add_control(&control, to);
        add_adapters(e, to);
        buffer_putc(to, '}');
        call_succeed(call);
}

int op_health(struct call *call, struct ae_error *error) {
        int r;

        r = vault_status(call->client->engine->vault, on_vault_status, call, &call->vault_call);
        return r < 0 ? r : CALL_PENDING;
}
