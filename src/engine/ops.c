/* SPDX-License-Identifier: MIT */
#include "engine/ops.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "action/pipeline.h"
#include "base/clock.h"
#include "base/journal.h"
#include "base/json.h"

#define PROTOCOL_VERSION 1

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

static const char *account_of(const struct request *q) {
        return q->account ? q->account : "default";
}

static const char *user_of(const struct call *call) {
        return call->request.user_id ? call->request.user_id : identity_user(call->identity);
}

static void add_string(struct buffer *to, const char *separator, const char *name,
                       const char *value) {
        buffer_printf(to, "%s\"%s\":", separator, name);
        json_print_string(value, strlen(value), to);
}

static void add_time(struct buffer *to, const char *name, uint64_t realtime_usec) {
        char text[RFC3339_SIZE];

        clock_format_rfc3339(realtime_usec, text);
        add_string(to, ",", name, text);
}

static int op_ping(struct call *call, struct ae_error *error) {
        buffer_puts(&call->result, "{\"pong\":true}");
        return 0;
}

static int op_authenticate(struct call *call, struct ae_error *error) {
        struct client *c = call->client;
        struct buffer *to = &call->result;
        const char *separator = "";
        int r;

        /* Whoever asks to be somebody else must not go on as who he was if that fails. */
        c->identity = identity_unref(c->identity);
        r = auth_verify(c->engine->auth, call->request.token, strlen(call->request.token),
                        c->peer.uid, &c->identity, error);
        if (r < 0)
                return r;

        add_string(to, "{", "user_id", identity_user(c->identity));
        buffer_puts(to, ",\"scopes\":[");
        for (const char *const *s = identity_scopes(c->identity); *s; s++) {
                buffer_puts(to, separator);
                json_print_string(*s, strlen(*s), to);
                separator = ",";
        }
        buffer_putc(to, ']');
        add_time(to, "expires_at", identity_expires_at_usec(c->identity));
        buffer_printf(to, ",\"peer\":{\"uid\":%u,\"gid\":%u,\"pid\":%d}}", (unsigned)c->peer.uid,
                      (unsigned)c->peer.gid, (int)c->peer.pid);
        return 0;
}

static int op_list_actions(struct call *call, struct ae_error *error) {
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

static void on_action_done(struct action *a, void *userdata) {
        struct call *call = userdata;

        /* The journal, the upstream request and the response share it. */
        memcpy(call->request.request_id, a->request_id, UUID_SIZE);

        if (a->error.code != AE_NONE)
                call_fail(call, &a->error);
        else {
                json_print(a->result, &call->result);
                call_succeed(call);
        }
}

static void on_big_integer(const char *pointer, void *userdata) {
        ae_error_add(userdata, pointer, "is an integer beyond ±2^53: send it as a string");
}

static int make_spec(struct call *call, struct action_spec *ret) {
        const struct request *q = &call->request;
        const struct client *c = call->client;
        int r;

        *ret = (struct action_spec){
                .user_id = strdup(user_of(call)),
                .platform = strdup(q->platform),
                .action_type = strdup(q->action_type),
                .account = strdup(account_of(q)),
                .deadline_usec = q->deadline_usec > 0 ? q->deadline_usec
                                                      : c->engine->settings->request_timeout_usec,
                .dry_run = q->dry_run,
                .peer_uid = c->peer.uid,
                .peer_pid = c->peer.pid,
        };
        memcpy(ret->peer_unit, c->peer.unit, sizeof(ret->peer_unit));
        r = json_slice_tree(&q->payload, &ret->payload);
        if (q->traceparent)
                ret->traceparent = strdup(q->traceparent);

        if (r < 0 || !ret->user_id || !ret->platform || !ret->action_type || !ret->account ||
            (q->traceparent && !ret->traceparent)) {
                action_spec_done(ret);
                return -ENOMEM;
        }
        return 0;
}

static int op_perform_action(struct call *call, struct ae_error *error) {
        struct engine *e = call->client->engine;
        struct action_spec spec;
        struct action *a;
        int r;

        if (e->draining) {
                error->retry_after_msec = 1000;
                return ae_error_set(error, AE_OVERLOADED,
                                    "the engine is stopping; try again in a moment");
        }
        /* Taking the key and not honouring it would be worse than saying so. */
        if (call->request.idempotency_key)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'idempotency_key' is not kept by this version of the engine; "
                                    "leave it out, and repeat only what is retryable");

        r = make_spec(call, &spec);
        if (r < 0)
                return r;
        r = action_new(&e->actions, &spec, call->identity, &a);
        if (r < 0)
                return r;
        call->action = a;

        if (call->request.has_big_integer) {
                r = json_slice_big_integers(&call->request.payload, on_big_integer, &a->error);
                if (r < 0)
                        return r;
        }
        call->request.payload = (struct json_slice){ 0 }; /* the line will not live as long */

        pipeline_start(a, on_action_done, call);
        return CALL_PENDING;
}

static int check_credential(const struct platform *platform, const cJSON *credential,
                            struct ae_error *error) {
        if (schema_validate(platform->credential_schema, credential, error) == 0)
                return 0;
        return ae_error_set(error, AE_INVALID_PAYLOAD,
                            "credential does not match what %s takes; the paths are within it",
                            platform->adapter->platform);
}

/* The vault knows one name for what is secret, whatever the platform calls it. */
static int rename_secret(const struct adapter *adapter, cJSON *credential) {
        cJSON *secret;

        if (!adapter->credential_member)
                return 0;
        secret = cJSON_DetachItemFromObjectCaseSensitive(credential, adapter->credential_member);
        if (!cJSON_AddItemToObject(credential, "access_token", secret)) {
                cJSON_Delete(secret);
                return -ENOMEM;
        }
        return 0;
}

static void on_stored(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        const struct request *q = &call->request;

        call->vault_call = NULL;
        if (answer->error) {
                call_fail(call, answer->error);
                return;
        }

        log_info("The credential of %s for %s/%s was stored", user_of(call), q->platform,
                 account_of(q));
        add_string(&call->result, "{", "platform", q->platform);
        add_string(&call->result, ",", "account", account_of(q));
        add_string(&call->result, ",", "status", "active");
        buffer_putc(&call->result, '}');
        call_succeed(call);
}

static int op_auth_token(struct call *call, struct ae_error *error) {
        struct engine *e = call->client->engine;
        const struct request *q = &call->request;
        _cleanup_(json_freep) cJSON *credential = NULL;
        const struct platform *platform;
        struct vault_key key;
        int r;

        r = registry_find_platform(e->registry, q->platform, &platform, error);
        if (r < 0)
                return r;
        if (!identity_covers_user(call->identity, user_of(call))) {
                ae_error_detail(error, "by", "user");
                return ae_error_set(error, AE_FORBIDDEN,
                                    "the token does not speak for user '%.128s'", user_of(call));
        }
        if (!identity_has_scope(call->identity, "auth", q->platform)) {
                ae_error_detail(error, "by", "scope");
                return ae_error_set(error, AE_FORBIDDEN, "the token's scope does not grant auth:%s",
                                    q->platform);
        }

        r = json_slice_tree(&q->credential, &credential);
        if (r < 0)
                return r;
        r = check_credential(platform, credential, error);
        if (r < 0)
                return r;
        r = rename_secret(platform->adapter, credential);
        if (r < 0)
                return r;

        key = (struct vault_key){ user_of(call), q->platform, account_of(q) };
        r = vault_store_token(e->vault, &key, credential, on_stored, call, &call->vault_call);
        return r < 0 ? r : CALL_PENDING;
}

static void add_adapters(const struct engine *e, struct buffer *to) {
        const struct platform *platforms;
        size_t n;

        buffer_puts(to, ",\"adapters\":[");
        platforms = registry_platforms(e->registry, &n);
        for (size_t i = 0; i < n; i++) {
                add_string(to, i > 0 ? ",{" : "{", "platform", platforms[i].adapter->platform);
                add_string(to, ",", "state", "ok");
                buffer_printf(to, ",\"actions\":%zu}", platforms[i].adapter->n_actions);
        }
        buffer_putc(to, ']');
}

static void on_vault_status(const struct vault_answer *answer, void *userdata) {
        struct call *call = userdata;
        const struct engine *e = call->client->engine;
        struct buffer *to = &call->result;
        bool good = !answer->error && auth_n_keys(e->auth) > 0 && !e->draining;

        call->vault_call = NULL;

        add_string(to, "{", "status", good ? "ok" : e->draining ? "stopping" : "degraded");
        add_string(to, ",", "version", AE_VERSION);
        buffer_printf(to, ",\"uptime_sec\":%llu",
                      (unsigned long long)((clock_usec(CLOCK_MONOTONIC) - e->started_usec) /
                                           USEC_PER_SEC));
        buffer_printf(to, ",\"connections\":%u,\"in_flight\":%u", e->n_clients,
                      e->actions.n_in_flight);
        buffer_printf(to, ",\"token_keys\":%zu", auth_n_keys(e->auth));
        add_string(to, ",\"vault\":{", "backend", vault_backend(e->vault));
        add_string(to, ",", "state", answer->error ? "unavailable" : "ok");
        if (answer->error)
                add_string(to, ",", "message", answer->error->message);
        buffer_putc(to, '}');
        add_adapters(e, to);
        buffer_putc(to, '}');
        call_succeed(call);
}

static int op_health(struct call *call, struct ae_error *error) {
        int r;

        r = vault_status(call->client->engine->vault, on_vault_status, call, &call->vault_call);
        return r < 0 ? r : CALL_PENDING;
}

static int op_hello(struct call *call, struct ae_error *error);

/* clang-format off */
static const struct op ops[] = {
        { "auth_token",     op_auth_token,     OP_PLATFORM | OP_CREDENTIAL                 },
        { "authenticate",   op_authenticate,   OP_OPEN | OP_TOKEN                          },
        { "health",         op_health,         0                                           },
        { "hello",          op_hello,          OP_OPEN                                     },
        { "list_actions",   op_list_actions,   0                                           },
        { "perform_action", op_perform_action, OP_PLATFORM | OP_ACTION_TYPE | OP_PAYLOAD   },
        { "ping",           op_ping,           OP_OPEN                                     },
};
/* clang-format on */

static int op_hello(struct call *call, struct ae_error *error) {
        const struct settings *s = call->client->engine->settings;
        struct buffer *to = &call->result;

        buffer_printf(to, "{\"protocol\":%d", PROTOCOL_VERSION);
        add_string(to, ",", "version", AE_VERSION);
        buffer_puts(to, ",\"features\":[");
        for (size_t i = 0; i < ELEMENTSOF(ops); i++)
                buffer_printf(to, "%s\"%s\"", i > 0 ? "," : "", ops[i].name);
        buffer_printf(to,
                      "],\"limits\":{\"max_message_bytes\":%zu,"
                      "\"max_in_flight_per_connection\":%u,\"request_timeout_ms\":%llu}}",
                      s->max_message_bytes, s->max_in_flight_per_connection,
                      (unsigned long long)(s->request_timeout_usec / USEC_PER_MSEC));
        return 0;
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
