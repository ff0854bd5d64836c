/* SPDX-License-Identifier: MIT */
#include "action/stages.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "action/describe.h"
#include "action/outcome.h"
#include "action/scopes.h"
#include "base/clock.h"
#include "base/journal.h"
#include "base/json.h"

static unsigned max_exchanges(const struct action *a) {
        return a->reconcile.looking ? ADAPTER_MAX_LOOK_EXCHANGES : ADAPTER_MAX_EXCHANGES;
}

static uint64_t since_attempt(const struct action *a) {
        return a->attempt_usec > 0 ? clock_usec(CLOCK_MONOTONIC) - a->attempt_usec : 0;
}

static struct adapter_input input_of(struct action *a) {
        return (struct adapter_input){
                .payload = a->spec.payload,
                .base_url = a->type->platform->base_url,
                .action_id = a->action_id,
                .now_usec = clock_usec(CLOCK_REALTIME),
                .since_attempt_usec = since_attempt(a),
                .credential = a->credential.access_token,
                .notes = a->notes,
                .session = &a->session,
                .n_exchanges_left = max_exchanges(a) - a->n_exchanges,
        };
}

int stage_authenticate(struct action *a) {
        int r;

        if (a->acted || a->unclear || a->reconcile.looking)
                return STAGE_NEXT; /* what is half done is finished, and what was done is told */
        r = auth_still_valid(a->context->auth, a->identity, &a->error);
        return r < 0 ? r : STAGE_NEXT;
}

int stage_resolve(struct action *a) {
        const struct action_spec *s = &a->spec;
        int r;

        r = registry_find_action(a->context->registry, s->platform, s->action_type, &a->type,
                                 &a->error);
        if (r < 0)
                return r;

        r = identity_permits(a->identity, s->user_id, s->platform, s->action_type, &a->error);
        if (r < 0)
                return r;
        a->decided_by = "scope";
        return STAGE_NEXT;
}

/* All findings at once: those made while reading, the schema's, and the adapter's own. */
int stage_validate(struct action *a) {
        const struct adapter_action *t = a->type->adapter;
        int r;

        schema_validate(a->type->payload_schema, a->spec.payload, &a->error);
        /* What the adapter looks at has the right types then. */
        if (ae_error_count(&a->error) == 0 && t->check) {
                r = t->check(a->spec.payload, &a->error);
                if (r < 0)
                        return r;
        }
        if (ae_error_count(&a->error) > 0)
                return ae_error_set(&a->error, AE_INVALID_PAYLOAD,
                                    "payload does not match the schema of %s.%s", a->spec.platform,
                                    a->spec.action_type);
        return STAGE_NEXT;
}

static const char *missing_scope(const struct action *a) {
        const char *const *any_of = a->type->adapter->oauth_scopes;

        return any_of[0] && !scopes_hold_any(a->credential.scopes, any_of) ? any_of[0] : NULL;
}

/* Of those that Engine Control wants, which are no alternatives. */
static const char *missing_required_scope(const struct action *a) {
        const cJSON *scope;

        cJSON_ArrayForEach (scope, a->required_scopes)
                if (!scopes_hold(a->credential.scopes, scope->valuestring))
                        return scope->valuestring;
        return NULL;
}

/*
 * Nothing is sent that the platform or Engine Control would have to refuse; what is not known is
 * left to the platform. Either way a person can help, by connecting the account once more.
 */
static int check_scopes(struct action *a) {
        const char *granted = a->credential.scopes, *missing, *by = NULL;

        if (a->reconcile.looking || !granted || !*granted)
                return STAGE_NEXT;
        missing = missing_scope(a);
        if (!missing) {
                missing = missing_required_scope(a);
                by = "engine_control";
        }
        if (!missing)
                return STAGE_NEXT;

        credential_done(&a->credential);
        if (by)
                ae_error_detail(&a->error, "by", by);
        return ae_error_set(&a->error, AE_REAUTHORIZATION_REQUIRED,
                            "account '%s' of %s was connected without the scope '%s', which "
                            "%s%s.%s needs",
                            a->spec.account, a->spec.platform, missing,
                            by ? "Engine Control says that " : "", a->spec.platform,
                            a->spec.action_type);
}

/* Where there is a login, whoever asked adds the way to it. */
static int not_connected(struct action *a) {
        const struct action_spec *s = &a->spec;

        if (a->type->platform->adapter->provider)
                return ae_error_set(&a->error, AE_NOT_CONNECTED,
                                    "account '%s' of %s is not connected for user '%s'", s->account,
                                    s->platform, s->user_id);
        return ae_error_set(&a->error, AE_NOT_CONNECTED,
                            "account '%s' of %s is not connected for user '%s': store its "
                            "credential with auth_token, or 'actionctl auth import %s'",
                            s->account, s->platform, s->user_id, s->platform);
}

static void on_token(const struct vault_answer *answer, void *userdata) {
        struct action *a = userdata;
        int r = STAGE_NEXT;

        a->vault_call = NULL;
        if (answer->error && answer->error->code == AE_NOT_CONNECTED)
                r = not_connected(a);
        else if (answer->error) {
                if (answer->error->code == AE_FORBIDDEN)
                        ae_error_detail(&a->error, "by", "configuration");
                r = ae_error_set(&a->error, answer->error->code, "%s", answer->error->message);
        } else {
                a->credential = *answer->credential;
                *answer->credential = (struct credential){ 0 };
                reconcile_note_credential(a);
                r = check_scopes(a);
        }
        pipeline_resume(a, r);
}

int stage_credential(struct action *a) {
        const struct vault_key key = {
                .user_id = a->spec.user_id,
                .platform = a->spec.platform,
                .account = a->spec.account,
        };
        int r;

        r = vault_get_token(a->context->vault, &key, a->rejected[0] ? a->rejected : NULL, on_token,
                            a, &a->vault_call);
        return r < 0 ? r : STAGE_PENDING;
}

int stage_build(struct action *a) {
        const struct adapter_action *t = a->type->adapter;
        bool looking = a->reconcile.looking;
        struct adapter_input input;
        int r;

        if (!a->notes)
                a->notes = cJSON_CreateObject();
        if (!a->notes)
                return -ENOMEM;
        if (a->n_exchanges == max_exchanges(a))
                return -ELOOP;
        a->n_exchanges++;

        http_request_done(&a->request);
        input = input_of(a);
        r = (looking ? t->reconcile->build : t->build)(&input, &a->request, &a->error);
        if (r < 0)
                return r;

        a->only_reads = looking || a->request.repeatable || a->request.harmless ||
                        t->idempotency == IDEMPOTENCY_READ;
        if (looking || idempotency_is_repeatable(t->idempotency))
                a->request.repeatable = true;
        if (!a->type->platform->adapter->brings_credential)
                a->request.bearer = a->credential.access_token;

        a->request.configured = http_url_is_of_same_origin(a->request.url, input.base_url);
        if (a->request.mail)
                return STAGE_NEXT; /* it has no headers but the message's */
        r = http_request_header(&a->request, "X-Request-Id", a->request_id);
        if (r >= 0 && a->spec.traceparent)
                r = http_request_header(&a->request, "traceparent", a->spec.traceparent);
        return r < 0 ? r : STAGE_NEXT;
}

static void on_leaving(void *userdata) {
        struct action *a = userdata;

        if (a->only_reads)
                return;
        a->leaving = true;
        if (a->attempt_usec == 0)
                a->attempt_usec = clock_usec(CLOCK_MONOTONIC);
}

/* The platform refused the token: the vault may have a newer one, and is asked once. */
static bool may_renew(const struct action *a, const struct http_response *response) {
        return response->failure == HTTP_ANSWERED && response->status == 401 && !a->rejected[0];
}

static int renew(struct action *a) {
        unsigned char digest[crypto_hash_sha256_BYTES];
        const struct secret *token = a->credential.access_token;

        crypto_hash_sha256(digest, (const unsigned char *)token->data, token->size);
        sodium_bin2hex(a->rejected, sizeof(a->rejected), digest, sizeof(digest));
        credential_done(&a->credential);
        if (!a->reconcile.looking)
                a->leaving = a->acted || a->unclear; /* the platform has done nothing this time */
        a->n_exchanges--;
        return STAGE_RENEW;
}

/* There is another exchange: what has it been until here? */
static int go_further(struct action *a, int r) {
        switch (r) {
        case ADAPTER_ASK:
                a->unclear = a->leaving && !a->acted;
                break;
        case ADAPTER_UNDONE:
                a->unclear = false;
                a->leaving = a->acted;
                break;
        default:
                a->unclear = false;
                a->acted = a->leaving;
        }
        return STAGE_FURTHER;
}

static int interpret(struct action *a, const struct http_response *response) {
        const struct adapter_action *t = a->type->adapter;
        const struct adapter_input input = input_of(a);
        bool looking = a->reconcile.looking;
        int r;

        if (response->failure == HTTP_ANSWERED && !looking)
                a->upstream_status = response->status;
        if (response->failure != HTTP_ANSWERED)
                log_info("%s.%s, request %s: %s", a->spec.platform, a->spec.action_type,
                         a->request_id, response->reason);

        if (may_renew(a, response))
                return renew(a);

        if (response->failure != HTTP_ANSWERED && response->left && !looking && t->lost) {
                r = t->lost(&input);
                if (r != 0)
                        return r < 0 ? r : go_further(a, r);
        }

        r = outcome_of_response(looking ? t->reconcile->interpret : t->interpret, &input,
                                a->request.repeatable || a->request.harmless, response, &a->result,
                                &a->error);
        outcome_withhold(a->credential.access_token, a->result, &a->error);
        if (looking)
                return reconcile_look_result(a, r);
        return r <= 0 ? r : go_further(a, r);
}

/* The response lives only until we return, so this is `interpret` for what came from the network. */
static void on_response(const struct http_response *response, void *userdata) {
        struct action *a = userdata;
        int r;

        a->http_call = NULL;
        r = interpret(a, response);
        a->request.bearer = NULL;
        if (r != STAGE_FURTHER)
                credential_done(&a->credential);
        pipeline_resume(a, r);
}

int stage_send(struct action *a) {
        static const struct http_handler handler = { on_leaving, on_response };
        int r;

        if (a->spec.dry_run) {
                r = describe_dry_run(a, &a->result);
                return r < 0 ? r : STAGE_ANSWER;
        }

        if (!a->reconcile.looking)
                a->n_attempts++;
        r = http_call(a->context->http, &a->request, a->reconcile.end_usec, &handler, a,
                      &a->http_call);
        return r < 0 ? r : STAGE_PENDING;
}

/* What is left to do for a result: every executed action has a timestamp. */
int stage_interpret(struct action *a) {
        char now[RFC3339_SIZE];

        if (json_string(a->result, "timestamp"))
                return STAGE_NEXT;

        clock_format_rfc3339(clock_usec(CLOCK_REALTIME), now);
        if (!cJSON_AddStringToObject(a->result, "timestamp", now)) {
                (void)ae_error_set(&a->error, AE_OUTCOME_UNKNOWN,
                                   "the platform answered, and memory ran out before its answer "
                                   "was told");
                return -ENOMEM;
        }
        return STAGE_NEXT;
}
