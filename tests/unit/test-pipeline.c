/* SPDX-License-Identifier: MIT */
/*
 * Actions on their way through the stages, with a vault and a platform that do what the test says.
 * An action here has a payload that lists its exchanges: a word each, which is also the path that
 * is asked for, and says what the platform does. Behind a '|' stand the exchanges of looks at what
 * became of it; the last one counts for all that follow.
 */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "action/pipeline.h"
#include "auth/jwk-file.h"
#include "auth/jws.h"
#include "base/json.h"
#include "http-fixture.h"
#include "policy/adviser.h"
#include "vault/backend.h"

#define KEY_FILE "test.jwk"

/* ---- the platform ---- */

static const char *step_of(const struct adapter_input *input, int64_t *ret_n) {
        const cJSON *steps = json_member(input->payload, "steps");

        *ret_n = 0;
        (void)json_integer(input->notes, "done", ret_n);
        return cJSON_GetStringValue(cJSON_GetArrayItem(steps, (int)*ret_n));
}

static int build(const struct adapter_input *input, struct http_request *ret,
                 struct ae_error *error) {
        int64_t n;
        const char *step = step_of(input, &n);

        ret->method = strncmp(step, "read", 4) == 0 || strncmp(step, "query", 5) == 0 ? "GET"
                                                                                      : "POST";
        ret->repeatable = strncmp(step, "read", 4) == 0;
        ret->harmless = strncmp(step, "part", 4) == 0;
        if (strcmp(step, "away") == 0) {
                ret->url = strdup("https://localhost/"); /* that is not where the platform is */
                return ret->url ? 0 : -ENOMEM;
        }
        return asprintf(&ret->url, "%s/%s", input->base_url, step) < 0 ? -ENOMEM : 0;
}

/* Takes the note that there is another step, and keeps something for it. */
static int go_on(const struct adapter_input *input, int r) {
        int64_t n;

        (void)step_of(input, &n);
        assert_int_equal(*input->session != NULL, n > 0);
        if (n == 0)
                assert_int_equal(secret_new("a-session", 9, input->session), 0);
        cJSON_DeleteItemFromObjectCaseSensitive(input->notes, "done");
        cJSON_AddNumberToObject(input->notes, "done", (double)(n + 1));
        return r;
}

/* Of a "last" somebody can be asked what became of it. */
static int lost(const struct adapter_input *input) {
        int64_t n;

        return strncmp(step_of(input, &n), "last", 4) == 0 ? go_on(input, ADAPTER_ASK) : 0;
}

static int interpret(const struct adapter_input *input, const struct http_response *response,
                     cJSON **ret_result, struct ae_error *error) {
        const cJSON *steps = json_member(input->payload, "steps");
        int64_t n;

        (void)step_of(input, &n);
        switch (response->status) {
        case 200:
                break;
        case 297:
                return go_on(input, ADAPTER_ASK);
        case 298:
                return go_on(input, ADAPTER_UNDONE);
        case 299:
                return ae_error_set(error, AE_OUTCOME_UNKNOWN, "299");
        case 401:
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED, "401");
        case 429:
                error->retry_after_msec = 1000;
                return ae_error_set(error, AE_RATE_LIMITED, "429");
        case 500:
                return ae_error_set(error, AE_UPSTREAM_ERROR, "500");
        default:
                return ae_error_set(error, AE_UPSTREAM_REJECTED, "%d", response->status);
        }

        if (n + 1 < cJSON_GetArraySize(steps))
                return go_on(input, ADAPTER_CONTINUE);
        *ret_result = cJSON_CreateObject();
        return 0;
}

static int n_look_exchanges; /* so many were built */

static const char *look_of(const struct adapter_input *input, int n) {
        const cJSON *looks = json_member(input->payload, "looks");
        int last = cJSON_GetArraySize(looks) - 1;

        return cJSON_GetStringValue(cJSON_GetArrayItem(looks, n < last ? n : last));
}

static int build_look(const struct adapter_input *input, struct http_request *ret,
                      struct ae_error *error) {
        assert_true(input->since_attempt_usec < 60 * USEC_PER_SEC);
        assert_null(json_member(input->notes, "done"));
        ret->method = "GET";
        return asprintf(&ret->url, "%s/%s", input->base_url, look_of(input, n_look_exchanges++)) < 0
                               ? -ENOMEM
                               : 0;
}

static int interpret_look(const struct adapter_input *input, const struct http_response *response,
                          cJSON **ret_result, struct ae_error *error) {
        const char *word = look_of(input, n_look_exchanges - 1);

        if (response->status != 200)
                return interpret(input, response, ret_result, error);
        if (strcmp(word, "ask-more") == 0)
                return ADAPTER_CONTINUE;
        if (strcmp(word, "ask-found") != 0)
                return ADAPTER_ABSENT;
        *ret_result = cJSON_CreateObject();
        return 0;
}

static const struct adapter_reconcile look = { build_look, interpret_look, NULL };

#define ACTION(type, class) \
        { \
                .action_type = type, .title = type, .description = type, \
                .payload_schema = "{\"type\":\"object\"}", \
                .result_schema = "{\"type\":\"object\"}", .oauth_scopes = scopes, \
                .idempotency = class, .build = build, .interpret = interpret, .lost = lost, \
                .reconcile = class == IDEMPOTENCY_RECONCILABLE ? &look : NULL, \
        }

static const char *const scopes[] = { NULL };
static const struct adapter_action actions[] = {
        ACTION("once", IDEMPOTENCY_UNREPEATABLE),
        ACTION("safe", IDEMPOTENCY_IDEMPOTENT),
        ACTION("look", IDEMPOTENCY_READ),
        ACTION("told", IDEMPOTENCY_RECONCILABLE),
};
static const struct adapter lab = {
        .platform = "lab",
        .title = "Lab",
        .base_url = "https://lab.example",
        .credential_schema = "{\"type\":\"object\"}",
        .actions = actions,
        .n_actions = ELEMENTSOF(actions),
};
static const struct adapter *const platforms[] = { &lab, NULL };

static atomic_int n_acts; /* requests that do more than read, as they come in */
static atomic_int n_asks; /* requests of looks */

/* "act": yes; "act-429": that status; "act-close": no answer; "act-gate", "act-gate-401": later. */
static bool serve(struct upstream_request *q) {
        const char *how = strchr(q->path, '-'), *status = strrchr(q->path, '-');
        char answer[128];

        if (strncmp(q->path, "/act", 4) == 0 || strncmp(q->path, "/last", 5) == 0)
                n_acts++;
        if (strncmp(q->path, "/ask", 4) == 0)
                n_asks++;
        if (how && strcmp(how, "-close") == 0)
                return false;
        if (how && strncmp(how, "-gate", 5) == 0)
                upstream_wait_gate(q);
        snprintf(answer, sizeof(answer), "HTTP/1.1 %d Status\r\nContent-Length: 2\r\n\r\n{}",
                 status && atoi(status + 1) > 0 ? atoi(status + 1) : 200);
        upstream_puts(q, answer);
        return true;
}

/* ---- the vault ---- */

struct fake_vault {
        struct vault head;
        sd_event *event;
        unsigned n_asked, n_tokens; /* after so many tokens it has none any more */
};

struct fake_call {
        struct vault_call head;
        sd_event_source *source;
        vault_answer_fn *on_answer;
        void *userdata;
};

static void fake_cancel(struct vault_call *call) {
        struct fake_call *c = (struct fake_call *)call;

        sd_event_source_disable_unref(c->source);
        free(c);
}

static int on_asked(sd_event_source *source, void *userdata) {
        struct fake_call *c = userdata;
        struct fake_vault *v = (struct fake_vault *)c->head.vault;
        vault_answer_fn *on_answer = c->on_answer;
        struct credential credential = { 0 };
        struct ae_error error = { 0 };
        void *data = c->userdata;

        if (v->n_asked++ < v->n_tokens)
                assert_int_equal(secret_new("a-secret-token", 14, &credential.access_token), 0);
        else
                (void)ae_error_set(&error, AE_VAULT_UNAVAILABLE, "the vault is empty");
        fake_cancel(&c->head);
        on_answer(&(struct vault_answer){ .error = error.code != AE_NONE ? &error : NULL,
                                          .credential = &credential },
                  data);
        credential_done(&credential);
        return 0;
}

static int fake_call(struct vault *v, const struct vault_question *q, struct vault_call **ret) {
        struct fake_call *c = calloc(1, sizeof(*c));

        assert_non_null(c);
        c->head.vault = v;
        c->on_answer = q->on_answer;
        c->userdata = q->userdata;
        assert_true(sd_event_add_defer(((struct fake_vault *)v)->event, &c->source, on_asked, c) >=
                    0);
        *ret = &c->head;
        return 0;
}

static const struct vault_backend_ops fake_ops = {
        .name = "fake",
        .call = fake_call,
        .cancel = fake_cancel,
};

/* ---- policy: it is asked, and a person is, and each says what the test says ---- */

struct fake_adviser {
        struct adviser head;
        struct adviser_call call;
        sd_event *event;
        sd_event_source *answer;
        enum policy_decision decision;
        enum ae_code code; /* of a no */
        bool silent;
        policy_answer_fn *on_answer;
        void *userdata;
        unsigned n_asked, n_cancelled;
        char summary[64];
};

static int on_advice(sd_event_source *source, void *userdata) {
        struct fake_adviser *f = userdata;
        struct ae_error error = { 0 };
        const struct policy_answer answer = {
                .decision = f->decision,
                .by = f->head.ops->name,
                .error = f->code == AE_NONE ? NULL : &error,
                .approver = 1001,
        };

        f->answer = sd_event_source_disable_unref(f->answer);
        if (f->code != AE_NONE)
                (void)ae_error_set(&error, f->code, "because");
        f->on_answer(&answer, f->userdata);
        ae_error_done(&error);
        return 0;
}

static int advise(struct adviser *a, const struct policy_question *q, policy_answer_fn *on_answer,
                  void *userdata, struct adviser_call **ret, struct ae_error *error) {
        struct fake_adviser *f = (struct fake_adviser *)a;

        f->n_asked++;
        f->on_answer = on_answer;
        f->userdata = userdata;
        f->call.adviser = a;
        snprintf(f->summary, sizeof(f->summary), "%s", q->summary);
        assert_int_equal(strlen(q->digest), ACTION_DIGEST_HEX);
        assert_int_equal(q->peer->uid, 4242);
        *ret = &f->call;
        return f->silent ? 0 : sd_event_add_defer(f->event, &f->answer, on_advice, f);
}

static void advise_cancel(struct adviser_call *call) {
        struct fake_adviser *f = (struct fake_adviser *)call->adviser;

        f->n_cancelled++;
        f->answer = sd_event_source_disable_unref(f->answer);
}

static const struct adviser_ops rules_ops = { "polkit", advise, advise_cancel };
static const struct adviser_ops person_ops = { "person", advise, advise_cancel };

/* ---- the engine around it ---- */

struct world {
        struct fixture http;
        char directory[64];
        struct auth *auth;
        struct identity *identity;
        struct registry *registry;
        struct fake_vault vault;
        struct fake_adviser rules, person;
        struct policy *policy;
        bool dry_run, interactive;
        struct action_context context;
};

/* What became of an action. */
struct outcome {
        int n;
        enum ae_code code;
        char message[AE_MESSAGE_SIZE];
        uint64_t retry_after_msec;
        enum reconciled reconciled;
        char by[16], decision[8], details_by[16];
        uid_t approver;
        struct action *action; /* borrowed until then */
};

static void make_identity(struct world *w) {
        _cleanup_(jwk_freep) struct jwk *key = NULL;
        _cleanup_(secret_freep) struct secret *token = NULL;
        const struct auth_options options = { .key_directory = w->directory, .cache_entries = 1 };
        uint64_t now = clock_usec(CLOCK_REALTIME) / USEC_PER_SEC;
        struct ae_error error = { 0 };
        char text[512];

        assert_int_equal(jwk_generate(&jwk_ed25519, "test", NULL, &key), 0);
        snprintf(text, sizeof(text), "%s/" KEY_FILE, w->directory);
        assert_int_equal(jwk_write_file(AT_FDCWD, text, key, JWK_PUBLIC), 0);
        assert_int_equal(auth_new(w->http.event, &options, &w->auth, &error), 0);

        snprintf(text, sizeof(text),
                 "{\"iss\":\"i\",\"sub\":\"u1\",\"aud\":\"action-engine\",\"scope\":\"*\","
                 "\"iat\":%" PRIu64 ",\"exp\":%" PRIu64 "}",
                 now, now + 3600);
        assert_int_equal(jws_sign(text, strlen(text), key, &token), 0);
        assert_int_equal(auth_verify(w->auth, token->data, token->size, 0, &w->identity, &error),
                         0);
}

static int set_up(void **state) {
        struct world *w = calloc(1, sizeof(*w));
        struct ae_error error = { 0 };
        char url[64];

        assert_non_null(w);
        n_acts = n_asks = n_look_exchanges = 0;
        fixture_init(&w->http, serve, NULL);
        strcpy(w->directory, "/tmp/test-pipeline-XXXXXX");
        assert_non_null(mkdtemp(w->directory));
        make_identity(w);
        assert_int_equal(registry_new(platforms, &w->registry, &error), 0);
        snprintf(url, sizeof(url), "http://%s", w->http.address);
        assert_int_equal(registry_set_base_url(w->registry, "lab", url), 0);
        w->vault = (struct fake_vault){ { &fake_ops }, w->http.event, 0, 1 };
        w->context = (struct action_context){
                .event = w->http.event,
                .auth = w->auth,
                .registry = w->registry,
                .vault = &w->vault.head,
                .http = w->http.client,
                .max_in_flight = 2,
                .max_in_flight_per_uid = 2,
                .reconcile_usec = 60,
        };
        *state = w;
        return 0;
}

static int tear_down(void **state) {
        struct world *w = *state;
        char path[128];

        pipeline_abandon_all(&w->context);
        assert_int_equal(w->context.n_in_flight, 0);
        policy_free(w->policy);
        registry_free(w->registry);
        identity_unref(w->identity);
        auth_free(w->auth);
        fixture_done(&w->http);
        snprintf(path, sizeof(path), "%s/" KEY_FILE, w->directory);
        (void)unlink(path);
        assert_int_equal(rmdir(w->directory), 0);
        free(w);
        return 0;
}

static void on_done(struct action *a, void *userdata) {
        struct outcome *o = userdata;

        o->n++;
        o->code = a->error.code;
        strcpy(o->message, a->error.message);
        o->retry_after_msec = a->error.retry_after_msec;
        o->reconciled = a->reconcile.outcome;
        snprintf(o->by, sizeof(o->by), "%s", a->decided_by ? a->decided_by : "");
        snprintf(o->decision, sizeof(o->decision), "%s", json_string(a->result, "decision") ?: "");
        snprintf(o->details_by, sizeof(o->details_by), "%s",
                 json_string(a->error.details, "by") ?: "");
        o->approver = a->approver;
}

static void start(struct world *w, const char *type, const char *steps, uint64_t deadline_usec,
                  struct outcome *o) {
        struct action_spec spec = {
                .user_id = strdup("u1"),
                .platform = strdup("lab"),
                .action_type = strdup(type),
                .account = strdup("default"),
                .payload = cJSON_CreateObject(),
                .deadline_usec = deadline_usec,
                .dry_run = w->dry_run,
                .interactive = w->interactive,
                .peer = { .uid = 4242, .pid_fd = -1 },
        };
        cJSON *list = cJSON_AddArrayToObject(spec.payload, "steps");
        cJSON *looks = cJSON_AddArrayToObject(spec.payload, "looks");
        _cleanup_(freep) char *words = strdup(steps);
        struct action *a;

        for (char *rest = words, *word; (word = strsep(&rest, " "));)
                if (strcmp(word, "|") == 0)
                        list = looks;
                else
                        assert_true(cJSON_AddItemToArray(list, cJSON_CreateString(word)));
        *o = (struct outcome){ 0 };
        assert_int_equal(action_new(&w->context, &spec, w->identity, &a), 0);
        o->action = a;
        pipeline_start(a, on_done, o);
        action_unref(a);
}

static void wait_for(struct world *w, const struct outcome *o) {
        while (o->n == 0)
                assert_true(sd_event_run(w->http.event, UINT64_MAX) >= 0);
        assert_int_equal(o->n, 1);
}

/* Turns the loop until the platform has seen n requests. */
static void wait_for_requests(struct world *w, int n) {
        while (upstream_requests(w->http.upstream) < n)
                assert_true(sd_event_run(w->http.event, 1000) >= 0);
}

static void lose_key(struct world *w) {
        char path[128];

        snprintf(path, sizeof(path), "%s/" KEY_FILE, w->directory);
        assert_int_equal(unlink(path), 0);
        while (auth_n_keys(w->auth) > 0)
                assert_true(sd_event_run(w->http.event, UINT64_MAX) >= 0);
}

#define LONG (600 * USEC_PER_SEC)

/* A brain sends again what is retryable: that must never do a second time what was done. */
static void test_what_failed_where(void **state) {
        /* clang-format off */
        static const struct {
                const char *type, *steps;
                enum ae_code code;
                int n_acts;
        } cases[] = {
                { "once", "act",                AE_NONE,              1 },
                { "once", "read act",           AE_NONE,              1 },
                { "once", "act read act",       AE_NONE,              2 },
                { "once", "act-400",            AE_UPSTREAM_REJECTED, 1 },
                { "once", "act-429",            AE_RATE_LIMITED,      1 },
                { "once", "act-500",            AE_OUTCOME_UNKNOWN,   1 },
                { "once", "act-close",          AE_OUTCOME_UNKNOWN,   1 },
                { "once", "act-401",            AE_VAULT_UNAVAILABLE, 1 },
                { "once", "read-500 act",       AE_UPSTREAM_ERROR,    0 },
                { "once", "read-429 act",       AE_RATE_LIMITED,      0 },
                { "once", "part part act",      AE_NONE,              1 },
                { "once", "part-500 act",       AE_UPSTREAM_ERROR,    0 },
                { "once", "part part-429 act",  AE_RATE_LIMITED,      0 },
                { "once", "part-close act",     AE_UPSTREAM_ERROR,    0 },
                { "once", "part act-500",       AE_OUTCOME_UNKNOWN,   1 },
                { "once", "act read-400",       AE_UPSTREAM_REJECTED, 1 },
                { "once", "act read-401",       AE_OUTCOME_UNKNOWN,   1 },
                { "once", "act read-429",       AE_OUTCOME_UNKNOWN,   1 },
                { "once", "act read-500",       AE_OUTCOME_UNKNOWN,   1 },
                { "once", "away",               AE_FORBIDDEN,         0 },
                { "once", "act away",           AE_OUTCOME_UNKNOWN,   1 },
                { "once", "act act-429",        AE_OUTCOME_UNKNOWN,   2 },
                { "once", "act read act-500",   AE_OUTCOME_UNKNOWN,   2 },
                { "safe", "act read-500",       AE_UPSTREAM_ERROR,    1 },
                { "safe", "act read-429",       AE_RATE_LIMITED,      1 },
                { "safe", "act-500",            AE_UPSTREAM_ERROR,    1 },
                { "look", "read",               AE_NONE,              0 },
                { "look", "read read-500",      AE_UPSTREAM_ERROR,    0 },
                { "look", "read read read read read read read read",      AE_NONE,            0 },
                { "look", "read read read read read read read read read", AE_INTERNAL,        0 },
                { "once", "act read read read read read read read read",  AE_OUTCOME_UNKNOWN, 1 },
        };
        /* clang-format on */
        struct world *w = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct outcome o;

                n_acts = 0;
                w->vault.n_asked = 0;
                start(w, cases[i].type, cases[i].steps, LONG, &o);
                wait_for(w, &o);
                if (o.code != cases[i].code)
                        fail_msg("%s: %s", cases[i].steps, o.message);
                assert_int_equal(n_acts, cases[i].n_acts);
                assert_int_equal(o.retry_after_msec > 0, o.code == AE_RATE_LIMITED);
        }
}

/* The same when no answer comes at all. libcurl itself repeats what only reads, on a new one. */
static void test_no_answer(void **state) {
        static const struct {
                const char *type, *steps;
                enum ae_code code;
        } cases[] = {
                { "once", "act read-close", AE_OUTCOME_UNKNOWN },
                { "once", "read-close act", AE_UPSTREAM_ERROR },
                { "safe", "act read-close", AE_UPSTREAM_ERROR },
        };
        struct world *w = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct outcome o;

                w->vault.n_asked = 0;
                start(w, cases[i].type, cases[i].steps, LONG, &o);
                wait_for(w, &o);
                if (o.code != cases[i].code)
                        fail_msg("%s: %s", cases[i].steps, o.message);
        }
}

/* A key that goes while the platform is read from stops what has not been done. */
static void test_a_key_that_goes(void **state) {
        struct world *w = *state;
        struct outcome o;

        start(w, "once", "read-gate act", LONG, &o);
        wait_for_requests(w, 1);
        lose_key(w);
        upstream_open_gate(w->http.upstream);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_TOKEN_INVALID);
        assert_int_equal(n_acts, 0);
}

/* What is half done is finished. */
static void test_a_key_that_goes_too_late(void **state) {
        struct world *w = *state;
        struct outcome o;

        start(w, "once", "act-gate read act", LONG, &o);
        wait_for_requests(w, 1);
        lose_key(w);
        upstream_open_gate(w->http.upstream);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_NONE);
        assert_int_equal(n_acts, 2);
}

/* Whoever withdraws an action while it reads is heard; once it has acted, it is finished. */
static void test_withdrawn(void **state) {
        /* clang-format off */
        static const struct { const char *steps; enum ae_code code; int n_acts; bool at_once; int n_requests; } cases[] = {
                { "read-gate act",     AE_CANCELLED, 0, true,  1 },
                { "act-gate",          AE_NONE,      1, false, 1 },
                { "act-gate read act", AE_NONE,      2, false, 1 },
                { "last-298 read-gate last",   AE_CANCELLED, 1, true,  2 },
                { "last-297 query-gate",       AE_NONE,      1, false, 2 },
                { "last-297 query-gate-298 last", AE_CANCELLED, 1, false, 2 },
        };
        /* clang-format on */
        struct world *w = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct outcome o;

                tear_down(state);
                set_up(state);
                w = *state;
                start(w, "once", cases[i].steps, LONG, &o);
                wait_for_requests(w, cases[i].n_requests);
                pipeline_cancel(o.action, AE_CANCELLED, "the client went away");
                assert_int_equal(o.n, cases[i].at_once);
                upstream_open_gate(w->http.upstream);
                wait_for(w, &o);
                assert_int_equal(o.code, cases[i].code);
                assert_int_equal(n_acts, cases[i].n_acts);
        }
}

/* The platform refuses the token when it is too late to go on with another one. */
static void test_withdrawn_and_refused(void **state) {
        struct world *w = *state;
        struct outcome o;

        w->vault.n_tokens = 2;
        start(w, "once", "act-gate-401", LONG, &o);
        wait_for_requests(w, 1);
        pipeline_cancel(o.action, AE_DEADLINE_EXCEEDED, "the deadline passed");
        assert_int_equal(o.n, 0);
        upstream_open_gate(w->http.upstream);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_DEADLINE_EXCEEDED);
        assert_int_equal(w->vault.n_asked, 1);
        assert_int_equal(n_acts, 1);
}

static void test_a_deadline(void **state) {
        struct world *w = *state;
        struct outcome o;

        start(w, "once", "read-gate act", 1, &o);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_DEADLINE_EXCEEDED);
        assert_int_equal(n_acts, 0);
}

static void use_policy(struct world *w) {
        const struct policy_options options = { .approval_timeout_usec = LONG };

        w->rules = (struct fake_adviser){ .head.ops = &rules_ops, .event = w->http.event };
        w->person = (struct fake_adviser){ .head.ops = &person_ops, .event = w->http.event };
        assert_int_equal(policy_new(w->http.event, &options, &w->policy), 0);
        policy_add_adviser(w->policy, &w->rules.head);
        policy_add_messenger(w->policy, &w->person.head);
        w->context.policy = w->policy;
        w->vault.n_tokens = UINT_MAX;
}

/* Nothing leaves unless everybody has said yes, and it is told who has not. */
static void test_what_policy_says(void **state) {
        /* clang-format off */
        static const struct {
                enum policy_decision rules, person;
                enum ae_code rules_code, person_code;
                bool interactive;
                enum ae_code code;
                const char *by;
                uid_t approver;
        } cases[] = {
                { POLICY_YES, POLICY_NO,  AE_NONE,               AE_NONE,            true,  AE_NONE,               "polkit", (uid_t)-1 },
                { POLICY_NO,  POLICY_YES, AE_FORBIDDEN,          AE_NONE,            true,  AE_FORBIDDEN,          "polkit", (uid_t)-1 },
                { POLICY_NO,  POLICY_YES, AE_POLICY_UNAVAILABLE, AE_NONE,            true,  AE_POLICY_UNAVAILABLE, "polkit", (uid_t)-1 },
                { POLICY_ASK, POLICY_YES, AE_NONE,               AE_NONE,            false, AE_APPROVAL_REQUIRED,  "polkit", (uid_t)-1 },
                { POLICY_ASK, POLICY_YES, AE_NONE,               AE_NONE,            true,  AE_NONE,               "person", 1001      },
                { POLICY_ASK, POLICY_NO,  AE_NONE,               AE_APPROVAL_DENIED, true,  AE_APPROVAL_DENIED,    "person", 1001      },
                { POLICY_ASK, POLICY_ASK, AE_NONE,               AE_NONE,            true,  AE_APPROVAL_REQUIRED,  "person", (uid_t)-1 },
        };
        /* clang-format on */
        struct world *w = *state;
        struct outcome o;

        use_policy(w);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                n_acts = 0;
                w->rules.decision = cases[i].rules;
                w->rules.code = cases[i].rules_code;
                w->person.decision = cases[i].person;
                w->person.code = cases[i].person_code;
                w->interactive = cases[i].interactive;
                start(w, "once", "act", LONG, &o);
                assert_int_equal(o.n, 0);
                wait_for(w, &o);
                assert_int_equal(o.code, cases[i].code);
                assert_string_equal(o.by, cases[i].by);
                assert_int_equal(o.approver, cases[i].approver);
                assert_string_equal(o.details_by, o.code == AE_NONE ? "" : cases[i].by);
                assert_int_equal(n_acts, o.code == AE_NONE);
        }
        assert_non_null(strstr(w->rules.summary, ", u1's account 'default')"));
}

static void test_a_dry_run_tells_what_policy_says(void **state) {
        static const struct {
                enum policy_decision rules;
                enum ae_code rules_code, code;
                const char *decision;
        } cases[] = {
                { POLICY_YES, AE_NONE, AE_NONE, "yes" },
                { POLICY_NO, AE_FORBIDDEN, AE_NONE, "no" },
                { POLICY_ASK, AE_NONE, AE_NONE, "ask" },
                { POLICY_NO, AE_POLICY_UNAVAILABLE, AE_POLICY_UNAVAILABLE, "" },
        };
        struct world *w = *state;
        struct outcome o;

        use_policy(w);
        w->dry_run = w->interactive = true;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                w->rules.decision = cases[i].rules;
                w->rules.code = cases[i].rules_code;
                start(w, "once", "act", LONG, &o);
                wait_for(w, &o);
                assert_int_equal(o.code, cases[i].code);
                assert_string_equal(o.decision, cases[i].decision);
                assert_string_equal(o.by, "polkit");
        }
        assert_int_equal(w->person.n_asked, 0);
        assert_int_equal(n_acts, 0);
}

/* However an action ends meanwhile, its question does not outlive it. */
static void test_an_end_while_policy_is_asked(void **state) {
        struct world *w = *state;
        struct outcome o;

        use_policy(w);
        w->rules.silent = true;
        start(w, "once", "act", LONG, &o);
        pipeline_stop_asking(&w->context); /* no person is asked */
        assert_int_equal(o.n, 0);
        pipeline_cancel(o.action, AE_CANCELLED, "gone");
        assert_int_equal(o.code, AE_CANCELLED);
        start(w, "once", "act", 1, &o);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_DEADLINE_EXCEEDED);
        assert_int_equal(w->rules.n_cancelled, 2);

        w->rules.silent = false;
        w->rules.decision = POLICY_ASK;
        w->person.silent = w->interactive = true;
        /* On a busy machine it may be over before the person is asked: then it is tried with more. */
        for (uint64_t usec = 50 * USEC_PER_MSEC; w->person.n_asked == 0; usec *= 2) {
                start(w, "once", "act", usec, &o);
                wait_for(w, &o);
        }
        assert_int_equal(o.code, AE_APPROVAL_TIMEOUT);
        for (unsigned i = 2; i < 5; i++) {
                start(w, "once", "act", LONG, &o);
                while (w->person.n_asked < i)
                        assert_true(sd_event_run(w->http.event, UINT64_MAX) >= 0);
                if (i == 2)
                        pipeline_cancel(o.action, AE_CANCELLED, "gone");
                else if (i == 3)
                        pipeline_stop_asking(&w->context);
                else
                        pipeline_abandon_all(&w->context);
                assert_int_equal(o.n, 1);
                assert_int_equal(o.code, AE_CANCELLED);
        }
        assert_int_equal(w->person.n_cancelled, 4);
        assert_int_equal(n_acts, 0);
}

/* What is told of an action whose request got no clear answer, by what the platform says later. */
static void test_reconciled(void **state) {
        /* clang-format off */
        static const struct {
                const char *type, *steps;
                enum ae_code code;
                enum reconciled reconciled;
                int n_asks; /* 0: it is not told how many, since libcurl may repeat one */
        } cases[] = {
                { "told", "act-500 | ask-found",                    AE_NONE,              RECONCILED_FOUND,   1 },
                { "told", "act-299 | ask-found",                    AE_NONE,              RECONCILED_FOUND,   1 },
                { "told", "act-close | ask-found",                  AE_NONE,              RECONCILED_FOUND,   1 },
                { "told", "act-500 | ask-more ask-more ask-found",  AE_NONE,              RECONCILED_FOUND,   3 },
                { "told", "act-500 | ask-absent ask-found",         AE_NONE,              RECONCILED_FOUND,   2 },
                { "told", "act-500 | ask-500 ask-found",            AE_NONE,              RECONCILED_FOUND,   2 },
                { "told", "act-500 | ask-429 ask-more ask-found",   AE_NONE,              RECONCILED_FOUND,   3 },
                { "told", "act-500 | ask-more ask-500 ask-found",   AE_NONE,              RECONCILED_FOUND,   3 },
                { "told", "act-500 | ask-close ask-found",          AE_NONE,              RECONCILED_FOUND,   0 },
                { "told", "act-500 | ask-401 ask-found",            AE_NONE,              RECONCILED_FOUND,   2 },
                { "told", "act act-500 | ask-found",                AE_NONE,              RECONCILED_FOUND,   1 },
                { "told", "act-500 | ask-absent",                   AE_UPSTREAM_ERROR,    RECONCILED_ABSENT,  5 },
                { "told", "act-close | ask-absent",                 AE_UPSTREAM_ERROR,    RECONCILED_ABSENT,  5 },
                { "told", "act-500 | ask-500 ask-429 ask-absent",   AE_UPSTREAM_ERROR,    RECONCILED_ABSENT,  5 },
                { "told", "act act-500 | ask-absent",               AE_OUTCOME_UNKNOWN,   RECONCILED_ABSENT,  5 },
                { "told", "act-500 | ask-absent ask-absent ask-absent ask-absent ask-500",
                                                                    AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 5 },
                { "told", "act-500 | ask-500",                      AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 5 },
                { "told", "act-500 | ask-429",                      AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 5 },
                { "told", "act-close | ask-close",                  AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 0 },
                { "told", "act-500 | ask-403",                      AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 1 },
                { "told", "act-500 | ask-more ask-403",             AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 2 },
                { "told", "act-500 | ask-absent ask-403",           AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 2 },
                { "told", "act-500 | ask-401",                      AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 2 },
                { "told", "act-500 | ask-more",                     AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN,
                  ADAPTER_MAX_LOOK_EXCHANGES },
                { "told", "act",                                    AE_NONE,              RECONCILED_NOT,     0 },
                { "told", "act-400 | ask-found",                    AE_UPSTREAM_REJECTED, RECONCILED_NOT,     0 },
                { "told", "act-429 | ask-found",                    AE_RATE_LIMITED,      RECONCILED_NOT,     0 },
                { "told", "read-500 act | ask-found",               AE_UPSTREAM_ERROR,    RECONCILED_NOT,     0 },
                { "told", "read-299 act | ask-found",               AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     0 },
                { "once", "act-500 | ask-found",                    AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     0 },
                { "safe", "act-500 | ask-found",                    AE_UPSTREAM_ERROR,    RECONCILED_NOT,     0 },
        };
        /* clang-format on */
        struct world *w = *state;

        w->vault.n_tokens = UINT_MAX;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int n = upstream_requests(w->http.upstream);
                struct outcome o;

                n_acts = n_asks = n_look_exchanges = 0;
                start(w, cases[i].type, cases[i].steps, LONG, &o);
                wait_for(w, &o);
                if (o.code != cases[i].code || o.reconciled != cases[i].reconciled)
                        fail_msg("%s: %s (%d)", cases[i].steps, o.message, o.reconciled);
                assert_int_equal(strstr(o.message, "can be repeated") != NULL,
                                 o.reconciled == RECONCILED_ABSENT && o.code == AE_UPSTREAM_ERROR);
                if (cases[i].n_asks > 0 || cases[i].reconciled == RECONCILED_NOT)
                        assert_int_equal(n_asks, cases[i].n_asks);
                assert_true(n_acts <= (strncmp(cases[i].steps, "act act", 7) == 0 ? 2 : 1));
                assert_int_equal(o.retry_after_msec > 0, o.code == AE_RATE_LIMITED);
                assert_int_equal(n + n_acts + n_asks + (strncmp(cases[i].steps, "read", 4) == 0),
                                 upstream_requests(w->http.upstream));
        }
}

/* One that was lost is asked about before it is given up, and before anybody looks elsewhere. */
static void test_asked_what_became_of_it(void **state) {
        /* clang-format off */
        static const struct {
                const char *type, *steps;
                enum ae_code code;
                enum reconciled reconciled;
                int n_acts;
        } cases[] = {
                { "once", "last-close query",                        AE_NONE,              RECONCILED_NOT,     1 },
                { "once", "last-297 query",                          AE_NONE,              RECONCILED_NOT,     1 },
                { "once", "last-close query-298 last",               AE_NONE,              RECONCILED_NOT,     2 },
                { "once", "last-298 last",                           AE_NONE,              RECONCILED_NOT,     2 },
                { "once", "last-close query-298 last-429",           AE_RATE_LIMITED,      RECONCILED_NOT,     2 },
                { "once", "last-close query-298 read-500",           AE_UPSTREAM_ERROR,    RECONCILED_NOT,     1 },
                { "once", "last-close query-298 last-close query-298 read-429", AE_RATE_LIMITED, RECONCILED_NOT, 2 },
                { "once", "last-close query-500",                    AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     1 },
                { "once", "last-close query-400",                    AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     1 },
                { "once", "last-close query-429",                    AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     1 },
                { "once", "last-close query-close",                  AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     1 },
                { "once", "last-297 query-401",                      AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     1 },
                { "once", "act last-298 read-429",                   AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     2 },
                { "once", "act last-close query-429",                AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     2 },
                { "once", "last-500",                                AE_OUTCOME_UNKNOWN,   RECONCILED_NOT,     1 },
                { "told", "last-close query-500 | ask-found",        AE_NONE,              RECONCILED_FOUND,   1 },
                { "told", "last-close query-400 | ask-found",        AE_NONE,              RECONCILED_FOUND,   1 },
                { "told", "last-close query-500 | ask-absent",       AE_UPSTREAM_ERROR,    RECONCILED_ABSENT,  1 },
                { "told", "last-close query-400 | ask-500",          AE_OUTCOME_UNKNOWN,   RECONCILED_UNKNOWN, 1 },
                { "told", "act last-close query-500 | ask-absent",   AE_OUTCOME_UNKNOWN,   RECONCILED_ABSENT,  2 },
                { "told", "last-close query-298 read-500 | ask-found", AE_UPSTREAM_ERROR,  RECONCILED_NOT,     1 },
        };
        /* clang-format on */
        struct world *w = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct outcome o;

                n_acts = n_asks = n_look_exchanges = 0;
                w->vault.n_asked = 0;
                w->vault.n_tokens = strcmp(cases[i].type, "told") == 0 ? UINT_MAX : 1;
                start(w, cases[i].type, cases[i].steps, LONG, &o);
                wait_for(w, &o);
                if (o.code != cases[i].code || o.reconciled != cases[i].reconciled)
                        fail_msg("%s: %s (%d)", cases[i].steps, o.message, o.reconciled);
                assert_int_equal(n_acts, cases[i].n_acts);
                assert_int_equal(o.retry_after_msec > 0, o.code == AE_RATE_LIMITED);
        }
}

/* The credential went with the answer: the vault is asked for each look, and may come back. */
static void test_reconciled_without_the_vault(void **state) {
        struct world *w = *state;
        struct outcome o;

        start(w, "told", "act-500 | ask-found", LONG, &o);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_OUTCOME_UNKNOWN);
        assert_int_equal(o.reconciled, RECONCILED_UNKNOWN);
        assert_int_equal(w->vault.n_asked, 1 + 5);
        assert_int_equal(n_asks, 0);
}

static void test_not_asked_when_told_so(void **state) {
        struct world *w = *state;
        struct outcome o;

        w->vault.n_tokens = 2;
        w->context.reconcile_usec = 0;
        start(w, "told", "act-500 | ask-found", LONG, &o);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_OUTCOME_UNKNOWN);
        assert_int_equal(o.reconciled, RECONCILED_NOT);
}

static void wait_for_timer(struct world *w, const struct outcome *o) {
        while (!o->action->reconcile.timer)
                assert_true(sd_event_run(w->http.event, UINT64_MAX) >= 0);
}

/* A platform that is late must not be taken at its word too early. */
static void test_when_it_is_looked_again(void **state) {
        static const unsigned sixtieths[] = { 2, 8, 23, 60 };
        struct world *w = *state;
        struct outcome o;

        w->vault.n_tokens = UINT_MAX;
        w->context.reconcile_usec = LONG;
        start(w, "told", "act-500 | ask-absent", LONG, &o);
        for (size_t i = 0; i < ELEMENTSOF(sixtieths); i++) {
                uint64_t usec;

                wait_for_timer(w, &o);
                assert_int_equal(n_asks, i + 1);
                assert_int_equal(w->context.n_in_flight, 1);
                assert_null(o.action->credential.access_token);
                assert_true(sd_event_source_get_time(o.action->reconcile.timer, &usec) >= 0);
                assert_int_equal(usec - o.action->reconcile.began_usec, LONG / 60 * sixtieths[i]);
                assert_int_equal(o.action->reconcile.end_usec - o.action->reconcile.began_usec,
                                 LONG + 30 * USEC_PER_SEC);
                assert_true(sd_event_source_set_time(o.action->reconcile.timer, 0) >= 0);
                while (o.action->reconcile.timer)
                        assert_true(sd_event_run(w->http.event, UINT64_MAX) >= 0);
        }
        wait_for(w, &o);
        assert_int_equal(o.code, AE_UPSTREAM_ERROR);
        assert_int_equal(n_asks, ELEMENTSOF(sixtieths) + 1);
}

/* It has left: whoever withdraws it between two looks, or loses their key, changes nothing. */
static void test_withdrawn_between_looks(void **state) {
        struct world *w = *state;
        struct outcome o;

        w->vault.n_tokens = UINT_MAX;
        w->context.reconcile_usec = LONG;
        start(w, "told", "act-500 | ask-absent ask-found", LONG, &o);
        wait_for_timer(w, &o);
        pipeline_cancel(o.action, AE_CANCELLED, "the client went away");
        lose_key(w);
        assert_int_equal(o.n, 0);
        assert_true(sd_event_source_set_time(o.action->reconcile.timer, 0) >= 0);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_NONE);
}

/* A token that is refused while looking does not make the action one that never left. */
static void test_withdrawn_and_refused_while_looking(void **state) {
        struct world *w = *state;
        struct outcome o;

        w->vault.n_tokens = UINT_MAX;
        start(w, "told", "act-500 | ask-gate-401 ask-found", LONG, &o);
        wait_for_requests(w, 2);
        pipeline_cancel(o.action, AE_CANCELLED, "the client went away");
        upstream_open_gate(w->http.upstream);
        wait_for(w, &o);
        assert_int_equal(o.code, AE_NONE);
        assert_int_equal(o.reconciled, RECONCILED_FOUND);
}

static void test_an_end_between_looks(void **state) {
        _cleanup_(action_unrefp) struct action *a = NULL;
        struct world *w = *state;
        struct outcome o;

        w->vault.n_tokens = UINT_MAX;
        w->context.reconcile_usec = LONG;
        start(w, "told", "act-500 | ask-429", LONG, &o);
        wait_for_timer(w, &o);
        a = action_ref(o.action);
        pipeline_abandon_all(&w->context);
        assert_null(a->reconcile.timer);
        assert_int_equal(o.n, 1);
        assert_int_equal(o.code, AE_OUTCOME_UNKNOWN);
        assert_int_equal(o.reconciled, RECONCILED_UNKNOWN);
        assert_int_equal(o.retry_after_msec, 0);
}

/* One answer and one entry each, however it ends; and those beyond the limit are refused. */
static void test_an_end_at_every_stage(void **state) {
        static const char *const steps[] = { "act-gate", "read-gate act", "read act-gate",
                                             "act-500 | ask-more ask-gate" };
        struct world *w = *state;
        struct outcome o, other, late;

        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                for (unsigned turns = 0; turns < 40; turns++) {
                        w->vault.n_asked = 0;
                        w->vault.n_tokens = 4;
                        start(w, "told", steps[i], LONG, &o);
                        start(w, "told", steps[i], LONG, &other);
                        start(w, "told", steps[i], LONG, &late);
                        assert_int_equal(late.code, AE_OVERLOADED);
                        for (unsigned n = 0; n < turns; n++)
                                assert_true(sd_event_run(w->http.event, 100) >= 0);
                        pipeline_abandon_all(&w->context);
                        assert_int_equal(o.n + other.n, 2);
                        assert_true(o.code == AE_CANCELLED || o.code == AE_OUTCOME_UNKNOWN);
                }
        assert_int_equal(w->context.n_failed, ELEMENTSOF(steps) * 40 * 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                /* clang-format off */
                TEST(test_what_failed_where),
                TEST(test_no_answer),
                TEST(test_a_key_that_goes),
                TEST(test_a_key_that_goes_too_late),
                TEST(test_withdrawn),
                TEST(test_withdrawn_and_refused),
                TEST(test_a_deadline),
                TEST(test_what_policy_says),
                TEST(test_a_dry_run_tells_what_policy_says),
                TEST(test_an_end_while_policy_is_asked),
                TEST(test_reconciled),
                TEST(test_asked_what_became_of_it),
                TEST(test_reconciled_without_the_vault),
                TEST(test_not_asked_when_told_so),
                TEST(test_when_it_is_looked_again),
                TEST(test_withdrawn_between_looks),
                TEST(test_withdrawn_and_refused_while_looking),
                TEST(test_an_end_between_looks),
                TEST(test_an_end_at_every_stage),
                /* clang-format on */
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
