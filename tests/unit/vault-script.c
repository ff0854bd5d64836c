/* SPDX-License-Identifier: MIT */
#include "vault-script.h"

#include "test.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "oauth/app.h"

#define LOGIN "200 {\"auth\":{\"client_token\":\"s.1\",\"lease_duration\":0}}"
#define MAX_BODY 4096

static struct {
        pthread_mutex_t mutex;
        const struct line *lines;
        uint64_t over;    /* which of those that are for once have been */
        int n_taken;      /* of all since the vault was made */
        char asked[4096]; /* as assert_asked() has it */
        char written[MAX_BODY], sent[MAX_BODY];
} script = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* Under the mutex. */
static struct line find(const char *request) {
        for (size_t i = 0; script.lines[i].request; i++) {
                if (strcmp(script.lines[i].request, request) != 0 || script.over >> i & 1)
                        continue;
                if (script.lines[i].once)
                        script.over |= UINT64_C(1) << i;
                return script.lines[i];
        }
        return (struct line){ .answer = "500 {}" };
}

/* What is answered is taken before a byte is out: then the test may go on and play other lines. */
static struct line take(const char *request, const char *body) {
        struct line found = { .answer = LOGIN };

        pthread_mutex_lock(&script.mutex);
        script.n_taken++;
        if (strcmp(request, "POST /v1/auth/approle/login") == 0) {
                pthread_mutex_unlock(&script.mutex);
                return found;
        }
        found = find(request);
        strcat(script.asked, request);
        strcat(script.asked, "\n");
        if (strncmp(request, "POST /v1/", 9) == 0 || strncmp(request, "POST /store", 11) == 0)
                snprintf(script.written, MAX_BODY, "%s", body);
        else
                snprintf(script.sent, MAX_BODY, "%s", body);
        pthread_mutex_unlock(&script.mutex);
        return found;
}

static bool serve(struct upstream_request *q) {
        char request[512], head[128], *body;
        struct line found;

        body = calloc(1, q->body_size + 1);
        upstream_read_body(q, body, q->body_size);
        snprintf(request, sizeof(request), "%.*s %s", (int)strcspn(q->head, " "), q->head, q->path);
        found = take(request, body);
        free(body);

        if (!found.answer) {
                upstream_hang(q);
                return false;
        }
        if (found.waits)
                upstream_wait_gate(q);
        snprintf(head, sizeof(head),
                 "HTTP/1.1 %.3s X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 found.answer, strlen(found.answer + 4));
        upstream_puts(q, head);
        upstream_puts(q, found.answer + 4);
        return true;
}

void play(const struct line *lines) {
        pthread_mutex_lock(&script.mutex);
        script.lines = lines;
        script.over = 0;
        script.asked[0] = script.written[0] = script.sent[0] = 0;
        pthread_mutex_unlock(&script.mutex);
}

/* Who fails while holding the mutex would leave it locked. */
void assert_asked(const char *expected) {
        char asked[sizeof(script.asked)];

        pthread_mutex_lock(&script.mutex);
        strcpy(asked, script.asked);
        pthread_mutex_unlock(&script.mutex);
        assert_string_equal(asked, expected);
}

static bool has(const char *body, const char *text) {
        bool found;

        pthread_mutex_lock(&script.mutex);
        found = strstr(body, text);
        pthread_mutex_unlock(&script.mutex);
        return found;
}

bool was_written(const char *text) {
        return has(script.written, text);
}

bool was_sent(const char *text) {
        return has(script.sent, text);
}

static struct vault_http http_of(struct place *p, char url[static 64], const char **plain) {
        plain[0] = p->fixture.address;
        plain[1] = NULL;
        snprintf(url, 64, "http://%s", p->fixture.address);
        return (struct vault_http){ .url = url, .timeout_usec = LONG_USEC, .plain = plain };
}

static int set_up(void **state) {
        struct place *p = calloc(1, sizeof(*p));

        assert_non_null(p);
        script.n_taken = 0;
        fixture_init(&p->fixture, serve, NULL);
        *state = p;
        return 0;
}

int set_up_puraifi(void **state) {
        _cleanup_(secret_freep) struct secret *key = NULL;
        const char *plain[2];
        struct vault_http http;
        struct place *p;
        char url[64];

        set_up(state);
        p = *state;
        http = http_of(p, url, plain);
        assert_int_equal(secret_new("key", 3, &key), 0);
        assert_int_equal(vault_new_puraifi(p->fixture.poller, &http, "id", key, &p->vault), 0);
        return 0;
}

int set_up_kv2(void **state) {
        _cleanup_(secret_freep) struct secret *role = NULL;
        struct vault_kv2 options = { .mount = "secret", .prefix = "action-engine" };
        const char *plain[2];
        struct vault_http http;
        struct place *p;
        char url[64];

        set_up(state);
        p = *state;
        http = http_of(p, url, plain);
        assert_int_equal(secret_new("role", 4, &role), 0);
        options.role_id = options.secret_id = role;
        assert_int_equal(vault_new_kv2(p->fixture.poller, &http, &options, &p->vault), 0);
        return 0;
}

static const struct oauth_app *find_app(const char *name, void *userdata) {
        const struct place *p = userdata;
        bool is_known = strcmp(name, "google") == 0 || strcmp(name, "gmail") == 0;

        return is_known ? p->app : NULL;
}

void add_app(struct place *p) {
        struct json_envelope e;
        struct json_fault fault;
        struct ae_error error = { 0 };
        char text[1024];

        snprintf(text, sizeof(text),
                 "{\"profile\":\"oidc\",\"client_id\":\"id\",\"client_secret\":\"shh\","
                 "\"issuer\":\"http://%s\",\"authorization_endpoint\":\"http://%s/authorize\","
                 "\"token_endpoint\":\"http://%s/token\",\"revocation_endpoint\":\"http://%s/"
                 "revoke\","
                 "\"device_authorization_endpoint\":\"http://%s/device\"}",
                 p->fixture.address, p->fixture.address, p->fixture.address, p->fixture.address,
                 p->fixture.address);
        assert_int_equal(json_scan(text, strlen(text), &e, &fault), 0);
        p->app = calloc(1, sizeof(*p->app));
        assert_non_null(p->app);
        if (oauth_app_parse(&e.root, p->app, &error) < 0)
                fail_msg("%s", error.message);
        vault_set_apps(p->vault, p->fixture.client, find_app, p);
}

int tear_down(void **state) {
        struct place *p = *state;

        vault_free(p->vault);
        if (p->app)
                oauth_app_done(p->app);
        free(p->app);
        fixture_done(&p->fixture);
        free(p);
        return 0;
}

const struct vault_key home = { "u1", "gmail", "default" };

void on_answer(const struct vault_answer *answer, void *userdata) {
        struct outcome *o = userdata;
        struct vault *v = o->ask_again;

        o->n++;
        o->call = NULL;
        o->code = answer->error ? answer->error->code : AE_NONE;
        if (answer->error)
                strcpy(o->message, answer->error->message);
        if (answer->credential) {
                strcpy(o->token, answer->credential->access_token->data);
                strcpy(o->scopes, answer->credential->scopes ?: "-");
                credential_done(answer->credential); /* as one who takes it: the others have theirs */
        }
        if (answer->status) {
                struct buffer text = { 0 };

                free(o->status);
                json_print(answer->status, &text);
                assert_int_equal(buffer_take(&text, &o->status, NULL), 0);
        }
        if (o->cancel)
                vault_call_cancel(TAKE_PTR(o->cancel->call));
        o->ask_again = NULL;
        if (v)
                assert_int_equal(vault_get_token(v, &home, NULL, on_answer, o, &o->call), 0);
}

void get(struct place *p, const struct vault_key *key, struct outcome *o) {
        assert_int_equal(vault_get_token(p->vault, key, NULL, on_answer, o, &o->call), 0);
        assert_int_equal(o->n, 0); /* never from within */
}

void store(struct place *p, const char *credential, struct outcome *o) {
        _cleanup_(json_freep) cJSON *json = cJSON_Parse(credential);

        assert_int_equal(vault_store_token(p->vault, &home, json, on_answer, o, &o->call), 0);
        assert_int_equal(o->n, 0);
}

void wait_for(struct place *p, const struct outcome *o) {
        while (o->n == 0)
                assert_true(sd_event_run(p->fixture.event, UINT64_MAX) >= 0);
        assert_int_equal(o->n, 1);
}

static int n_taken(void) {
        int n;

        pthread_mutex_lock(&script.mutex);
        n = script.n_taken;
        pthread_mutex_unlock(&script.mutex);
        return n;
}

void wait_requests(struct place *p, int n) {
        while (n_taken() < n)
                assert_true(sd_event_run(p->fixture.event, 1000) >= 0);
}
