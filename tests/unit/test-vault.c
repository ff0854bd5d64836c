/* SPDX-License-Identifier: MIT */
/*
 * The engine's side against a vault that says what the test tells it to: a listening socket in the
 * same process. What a call writes is there when it returns, so the test reads it at once.
 */
#include "test.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/vault.h"
#include "vault/wire.h"

#define LONG_USEC (600 * USEC_PER_SEC) /* never comes */

struct place {
        char directory[64];
        struct sockaddr_un address;
        int listen_fd, peer_fd;
        sd_event *event;
        struct poller *poller;
        struct vault *vault;
};

/* What came of a call. */
struct outcome {
        int n;
        enum ae_code code; /* AE_NONE: success */
        char message[AE_MESSAGE_SIZE];
        char token[64], scopes[64];
        uint64_t expires_at_usec;
        int n_records;
        const char *member; /* of the object, to be kept in: */
        char text[64];
        struct vault_call *call;
        /* To be done from within on_answer(): ask again, or cancel another. */
        struct vault *ask_again;
        struct vault_call *cancel;
};

static const struct vault_key home = { "u1", "gmail", "default" };

static void on_answer(const struct vault_answer *answer, void *userdata) {
        struct outcome *o = userdata;
        struct vault *v = o->ask_again;
        int64_t n;

        o->n++;
        if (answer->error) {
                o->code = answer->error->code;
                strcpy(o->message, answer->error->message);
        }
        if (answer->credential) {
                strcpy(o->token, answer->credential->access_token->data);
                strcpy(o->scopes, answer->credential->scopes ?: "-");
                o->expires_at_usec = answer->credential->expires_at_usec;
        }
        if (answer->status && json_integer(answer->status, "records", &n) == 0)
                o->n_records = (int)n;
        if (answer->status && o->member)
                snprintf(o->text, sizeof(o->text), "%s", json_string(answer->status, o->member));

        if (o->cancel)
                vault_call_cancel(TAKE_PTR(o->cancel));
        o->ask_again = NULL;
        if (v)
                assert_int_equal(vault_get_token(v, &home, NULL, on_answer, o, &o->call), 0);
}

static void start_vault(struct place *p, uint64_t timeout_usec) {
        p->vault = vault_free(p->vault);
        assert_int_equal(
                        vault_new_embedded(p->poller, p->address.sun_path, timeout_usec, &p->vault),
                        0);
}

static void listen_again(struct place *p) {
        p->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(p->listen_fd >= 0);
        assert_int_equal(bind(p->listen_fd, (struct sockaddr *)&p->address, sizeof(p->address)), 0);
        assert_int_equal(listen(p->listen_fd, 8), 0);
}

static void stop_listening(struct place *p) {
        p->listen_fd = fd_close(p->listen_fd);
        assert_int_equal(unlink(p->address.sun_path), 0);
}

static int set_up(void **state) {
        struct place *p = calloc(1, sizeof(*p));

        assert_non_null(p);
        p->peer_fd = -1;
        strcpy(p->directory, "/tmp/test-vault-XXXXXX");
        assert_non_null(mkdtemp(p->directory));
        p->address.sun_family = AF_UNIX;
        snprintf(p->address.sun_path, sizeof(p->address.sun_path), "%s/socket", p->directory);
        listen_again(p);
        assert_int_equal(sd_event_new(&p->event), 0);
        assert_int_equal(poller_new(p->event, &p->poller), 0);
        start_vault(p, LONG_USEC);
        *state = p;
        return 0;
}

static int tear_down(void **state) {
        struct place *p = *state;

        vault_free(p->vault);
        poller_free(p->poller);
        sd_event_unref(p->event);
        fd_close(p->peer_fd);
        if (p->listen_fd >= 0)
                stop_listening(p);
        assert_int_equal(rmdir(p->directory), 0);
        free(p);
        return 0;
}

static void get(struct place *p, struct outcome *o) {
        assert_int_equal(vault_get_token(p->vault, &home, NULL, on_answer, o, &o->call), 0);
        assert_int_equal(o->n, 0); /* never from within */
}

/* Turns the loop until `o` has been told. The test's own time-out ends a wait in vain. */
static void wait_for(struct place *p, const struct outcome *o) {
        while (o->n == 0)
                assert_true(sd_event_run(p->event, UINT64_MAX) >= 0);
        assert_int_equal(o->n, 1);
}

/* Turns the loop until it has nothing to do. */
static void settle(struct place *p) {
        while (sd_event_run(p->event, 0) > 0)
                ;
}

static void accept_peer(struct place *p) {
        fd_close(p->peer_fd);
        p->peer_fd = accept(p->listen_fd, NULL, NULL);
        assert_true(p->peer_fd >= 0);
}

static int accepted(struct place *p) {
        if (p->peer_fd < 0)
                accept_peer(p);
        return p->peer_fd;
}

/* What the vault reads next, a line at a time; connects when it has to. */
static const char *hear(struct place *p) {
        static char line[VAULT_WIRE_MAX_LINE + 1];
        size_t n = 0;

        do
                assert_int_equal(read(accepted(p), line + n, 1), 1);
        while (line[n++] != '\n');
        line[n - 1] = 0;
        return line;
}

static void say(struct place *p, const char *text) {
        assert_int_equal(write(p->peer_fd, text, strlen(text)), (ssize_t)strlen(text));
}

#define TOKEN(id, rest) \
        "{\"id\":" id ",\"status\":\"success\",\"result\":{\"user_id\":\"u1\",\"platform\":" \
        "\"gmail\",\"account\":\"default\",\"access_token\":\"at" id "\",\"token_type\":" \
        "\"Bearer\"" rest "}}\n"
#define ERROR(id, code, message) \
        "{\"id\":" id ",\"status\":\"error\",\"error\":{\"code\":\"" code "\",\"message\":" \
        "\"" message "\",\"retryable\":false}}\n"
#define DONE(id) "{\"id\":" id ",\"status\":\"success\",\"result\":{\"records\":3}}\n"

static void test_each_question_and_its_answer(void **state) {
        _cleanup_(json_freep) cJSON *credential = cJSON_Parse("{\"access_token\":\"x\"}");
        struct outcome a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, e = { 0 };
        struct place *p = *state;

        assert_int_equal(vault_get_token(p->vault, &home, "5c", on_answer, &a, &a.call), 0);
        assert_string_equal(hear(p), "{\"id\":1,\"op\":\"get_token\",\"user_id\":\"u1\","
                                     "\"platform\":\"gmail\",\"account\":\"default\","
                                     "\"rejected\":\"5c\"}");
        say(p, TOKEN("1", ",\"expires_at\":\"2025-07-25T15:21:00Z\",\"scopes\":[\"a\",\"b:c\"]"));
        wait_for(p, &a);
        assert_int_equal(a.code, AE_NONE);
        assert_string_equal(a.token, "at1");
        assert_string_equal(a.scopes, "a b:c");
        assert_int_equal(a.expires_at_usec, UINT64_C(1753456860) * USEC_PER_SEC);

        assert_int_equal(vault_store_token(p->vault, &home, credential, on_answer, &b, &b.call), 0);
        assert_string_equal(hear(p), "{\"id\":2,\"op\":\"store_token\",\"user_id\":\"u1\","
                                     "\"platform\":\"gmail\",\"account\":\"default\","
                                     "\"credential\":{\"access_token\":\"x\"}}");
        say(p, DONE("2"));
        wait_for(p, &b);
        assert_int_equal(b.code, AE_NONE);

        assert_int_equal(vault_delete_token(p->vault, &home, on_answer, &c, &c.call), 0);
        assert_string_equal(hear(p), "{\"id\":3,\"op\":\"delete_token\",\"user_id\":\"u1\","
                                     "\"platform\":\"gmail\",\"account\":\"default\"}");
        say(p, DONE("3"));
        wait_for(p, &c);

        assert_int_equal(vault_status(p->vault, on_answer, &d, &d.call), 0);
        assert_string_equal(hear(p), "{\"id\":4,\"op\":\"status\"}");
        say(p, DONE("4"));
        wait_for(p, &d);
        assert_int_equal(d.n_records, 3);

        assert_int_equal(vault_user_status(p->vault, "\"u\n", on_answer, &e, &e.call), 0);
        assert_string_equal(hear(p), "{\"id\":5,\"op\":\"status\",\"user_id\":\"\\\"u\\n\"}");
        say(p, DONE("5"));
        wait_for(p, &e);
        assert_int_equal(e.n_records, 3);
        assert_string_equal(vault_backend(p->vault), "embedded");
}

/* What an answer's object holds is handed on as it stands. */
static void expect_status(struct place *p, struct outcome *o, const char *question,
                          const char *answer, const char *member) {
        char line[512];

        o->member = member;
        assert_string_equal(hear(p), question);
        snprintf(line, sizeof(line), "%s\n", answer);
        say(p, line);
        wait_for(p, o);
        assert_int_equal(o->code, AE_NONE);
}

static void test_what_a_provider_is_asked_for(void **state) {
        _cleanup_(secret_freep) struct secret *code = NULL, *verifier = NULL, *device = NULL;
        struct vault_exchange x = { .provider = "google",
                                    .redirect_uri = "http://127.0.0.1/",
                                    .scopes = "a b" };
        struct outcome o[5] = { { 0 } };
        struct place *p = *state;

        assert_int_equal(secret_new("4/\"c", 4, &code), 0);
        assert_int_equal(secret_new("verify", 6, &verifier), 0);
        assert_int_equal(secret_new("device", 6, &device), 0);

        x.code = code;
        x.verifier = verifier;
        assert_int_equal(vault_exchange(p->vault, &home, &x, on_answer, &o[0], &o[0].call), 0);
        expect_status(p, &o[0],
                      "{\"id\":1,\"op\":\"exchange\",\"user_id\":\"u1\",\"platform\":\"gmail\","
                      "\"account\":\"default\",\"provider\":\"google\",\"code\":\"4/\\\"c\","
                      "\"code_verifier\":\"verify\",\"redirect_uri\":\"http://127.0.0.1/\","
                      "\"scopes\":\"a b\"}",
                      "{\"id\":1,\"status\":\"success\",\"result\":{\"status\":\"active\"}}",
                      "status");
        assert_string_equal(o[0].text, "active");

        x = (struct vault_exchange){ .provider = "google", .device_code = device, .scopes = "a" };
        assert_int_equal(vault_exchange(p->vault, &home, &x, on_answer, &o[1], &o[1].call), 0);
        expect_status(p, &o[1],
                      "{\"id\":2,\"op\":\"exchange\",\"user_id\":\"u1\",\"platform\":\"gmail\","
                      "\"account\":\"default\",\"provider\":\"google\",\"device_code\":"
                      "\"device\",\"scopes\":\"a\"}",
                      "{\"id\":2,\"status\":\"success\",\"result\":{\"status\":\"pending\"}}",
                      "status");
        assert_string_equal(o[1].text, "pending");

        assert_int_equal(vault_revoke(p->vault, &home, on_answer, &o[2], &o[2].call), 0);
        expect_status(p, &o[2],
                      "{\"id\":3,\"op\":\"delete_token\",\"user_id\":\"u1\",\"platform\":\"gmail\","
                      "\"account\":\"default\",\"revoke\":true}",
                      "{\"id\":3,\"status\":\"success\",\"result\":{\"revoked\":false,"
                      "\"reason\":\"why\"}}",
                      "reason");
        assert_string_equal(o[2].text, "why");

        assert_int_equal(vault_find_provider(p->vault, "google", on_answer, &o[3], &o[3].call), 0);
        expect_status(p, &o[3], "{\"id\":4,\"op\":\"get_provider\",\"provider\":\"google\"}",
                      "{\"id\":4,\"status\":\"success\",\"result\":{\"provider\":\"google\","
                      "\"app\":{\"client_id\":\"c\"}}}",
                      "client_id");
        assert_string_equal(o[3].text, "c");

        assert_int_equal(
                        vault_start_device(p->vault, "google", "a b", on_answer, &o[4], &o[4].call),
                        0);
        expect_status(p, &o[4],
                      "{\"id\":5,\"op\":\"start_device\",\"provider\":\"google\",\"scopes\":"
                      "\"a b\"}",
                      "{\"id\":5,\"status\":\"success\",\"result\":{\"user_code\":\"AB\"}}",
                      "user_code");
        assert_string_equal(o[4].text, "AB");
}

static void test_an_answer_without_an_app(void **state) {
        static const char *const cases[] = { "{}", "{\"app\":7}", "{\"app\":[]}" };
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct outcome o = { 0 };
                char line[128];

                p->peer_fd = fd_close(p->peer_fd);
                start_vault(p, LONG_USEC);
                assert_int_equal(vault_find_provider(p->vault, "x", on_answer, &o, &o.call), 0);
                (void)hear(p);
                snprintf(line, sizeof(line), "{\"id\":1,\"status\":\"success\",\"result\":%s}\n",
                         cases[i]);
                say(p, line);
                wait_for(p, &o);
                assert_int_equal(o.code, AE_VAULT_UNAVAILABLE);
        }
}

/* A machine that stands still lets time pass: what is to come before it is over is tried with more. */
static void with_time_enough(struct place *p, bool (*is_in_time)(struct place *, uint64_t)) {
        for (uint64_t usec = 20 * USEC_PER_MSEC;; usec *= 2) {
                assert_true(usec < 60 * USEC_PER_SEC);
                p->peer_fd = fd_close(p->peer_fd);
                start_vault(p, usec);
                if (is_in_time(p, usec))
                        return;
        }
}

static bool slow_provider(struct place *p, uint64_t usec) {
        struct outcome slow = { 0 }, quick = { 0 };

        get(p, &slow);
        (void)hear(p);
        for (int id = 2; id < 5; id++) {
                char line[128];
                ssize_t n;

                while ((n = recv(accepted(p), line, 1, MSG_PEEK | MSG_DONTWAIT)) < 0 && slow.n == 0)
                        assert_true(sd_event_run(p->event, UINT64_MAX) >= 0);
                if (n == 0 || slow.n > 0)
                        return false;
                snprintf(line, sizeof(line), "{\"id\":%d,\"op\":\"status\"}", id);
                assert_string_equal(hear(p), line);
                snprintf(line, sizeof(line), "{\"id\":%d,\"status\":\"success\",\"result\":{}}\n",
                         id);
                say(p, line);
        }

        assert_int_equal(vault_status(p->vault, on_answer, &quick, &quick.call), 0);
        (void)hear(p);
        say(p, DONE("5") TOKEN("1", ""));
        wait_for(p, &slow);
        wait_for(p, &quick);
        if (slow.code == AE_VAULT_UNAVAILABLE && strstr(slow.message, "in time"))
                return false;
        assert_string_equal(slow.token, "at1");
        assert_int_equal(quick.code, AE_NONE);
        return true;
}

/* Who waits for a provider is waited for, as long as the vault is there; and holds up nobody. */
static void test_a_slow_provider_is_not_silence(void **state) {
        with_time_enough(*state, slow_provider);
}

static void test_answers_in_any_order(void **state) {
        struct outcome o[3] = { { 0 } };
        struct place *p = *state;

        for (int i = 0; i < 3; i++)
                get(p, &o[i]);
        for (int i = 0; i < 3; i++)
                (void)hear(p);
        say(p, TOKEN("2", ""));
        wait_for(p, &o[1]);
        assert_int_equal(o[0].n + o[2].n, 0);
        say(p, TOKEN("3", "") TOKEN("1", ""));
        wait_for(p, &o[0]);
        wait_for(p, &o[2]);
        assert_string_equal(o[0].token, "at1");
        assert_string_equal(o[1].token, "at2");
        assert_string_equal(o[2].token, "at3");
        assert_string_equal(o[2].scopes, "-");
}

static void test_error_codes(void **state) {
        static const struct {
                const char *said;
                enum ae_code heard;
        } cases[] = {
                { "not_connected", AE_NOT_CONNECTED },
                { "reauthorization_required", AE_REAUTHORIZATION_REQUIRED },
                { "authorization_failed", AE_AUTHORIZATION_FAILED },
                { "not_found", AE_NOT_FOUND },
                { "upstream_unreachable", AE_UPSTREAM_UNREACHABLE },
                { "upstream_timeout", AE_UPSTREAM_TIMEOUT },
                { "upstream_error", AE_UPSTREAM_ERROR },
                { "store_unavailable", AE_VAULT_UNAVAILABLE },
                { "vault_unavailable", AE_VAULT_UNAVAILABLE },
                { "invalid_request", AE_INVALID_REQUEST },
                { "internal", AE_INTERNAL },
                { "forbidden", AE_FORBIDDEN },
                { "none", AE_INTERNAL },
                { "no_such_code", AE_INTERNAL },
                { "", AE_INTERNAL },
        };
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct outcome o = { 0 };
                char line[256];

                get(p, &o);
                (void)hear(p);
                snprintf(line, sizeof(line), ERROR("%zu", "%s", "why\\nnot"), i + 1, cases[i].said);
                say(p, line);
                wait_for(p, &o);
                assert_int_equal(o.code, cases[i].heard);
                assert_string_equal(o.message, "why?not");
        }
}

/* Whatever is no answer to what was asked ends the connection, and the next call has a new one. */
static void test_nonsense_ends_the_connection(void **state) {
        static const char *const cases[] = {
                "\x01\x02\xff\n",
                "{}\n",
                "[]\n",
                "7\n",
                "{\"id\":1\n",
                "{\"id\":1,\"status\":\"success\"}\n",
                "{\"id\":1,\"status\":\"success\",\"result\":[]}\n",
                "{\"id\":1,\"status\":\"accepted\",\"result\":{}}\n",
                "{\"id\":1,\"status\":\"error\"}\n",
                "{\"id\":1,\"status\":\"error\",\"error\":{}}\n",
                "{\"id\":1,\"status\":\"error\",\"error\":{\"code\":\"internal\"}}\n",
                "{\"id\":1,\"status\":\"error\",\"error\":{\"code\":1,\"message\":\"\"}}\n",
                "{\"status\":\"success\",\"result\":{}}\n",
                DONE("1"), /* no token in it */
                DONE("0"),
                DONE("2"), /* which nobody asked */
                DONE("-1"),
                DONE("\"1\""),
                DONE("1.5"),
                DONE("9007199254740993"),
                TOKEN("1", ",\"scopes\":\"a\""),
                TOKEN("1", ",\"scopes\":[1]"),
                TOKEN("1", ",\"expires_at\":\"soon\""),
                TOKEN("1", ",\"expires_at\":1"),
                TOKEN("1", ",\"access_token\":\"twice\""),
                "{\"id\":1,\"status\":\"success\",\"result\":{\"user_id\":\"u2\",\"platform\":"
                "\"gmail\",\"account\":\"default\",\"access_token\":\"at\"}}\n",
                "{\"id\":1,\"status\":\"success\",\"result\":{\"user_id\":\"u1\",\"platform\":"
                "\"gmail2\",\"account\":\"default\",\"access_token\":\"at\"}}\n",
                "{\"id\":1,\"status\":\"success\",\"result\":{\"user_id\":\"u1\",\"platform\":"
                "\"gmail\",\"account\":\"work\",\"access_token\":\"at\"}}\n",
                "{\"id\":1,\"status\":\"success\",\"result\":{\"user_id\":\"u1\",\"platform\":"
                "\"gmail\",\"account\":1,\"access_token\":\"at\"}}\n",
                "{\"id\":1,\"status\":\"success\",\"result\":{\"user_id\":\"u1\",\"platform\":"
                "\"gmail\",\"account\":\"default\",\"access_token\":\"a\\r\\nb\"}}\n",
                "{\"id\":1,\"status\":\"success\",\"result\":{\"user_id\":\"u1\",\"platform\":"
                "\"gmail\",\"account\":\"default\",\"access_token\":\"\"}}\n",
        };
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct outcome o = { 0 }, next = { 0 };
                char byte;

                start_vault(p, LONG_USEC);
                p->peer_fd = fd_close(p->peer_fd);
                get(p, &o);
                (void)hear(p);
                say(p, cases[i]);
                wait_for(p, &o);
                assert_int_equal(o.code, AE_VAULT_UNAVAILABLE);
                assert_null(strstr(o.message, "refuses"));
                assert_int_equal(read(p->peer_fd, &byte, 1), 0);

                p->peer_fd = fd_close(p->peer_fd);
                get(p, &next);
                (void)hear(p);
                say(p, TOKEN("2", ""));
                wait_for(p, &next);
                assert_string_equal(next.token, "at2");
        }
}

static void test_a_line_over_the_limit(void **state) {
        struct place *p = *state;
        struct outcome o = { 0 };
        char chunk[4096];

        get(p, &o);
        (void)hear(p);
        memset(chunk, ' ', sizeof(chunk));
        for (size_t n = 0; n <= VAULT_WIRE_MAX_LINE && o.n == 0; n += sizeof(chunk)) {
                assert_int_equal(write(p->peer_fd, chunk, sizeof(chunk)), sizeof(chunk));
                settle(p);
        }
        wait_for(p, &o);
        assert_int_equal(o.code, AE_VAULT_UNAVAILABLE);
        assert_non_null(strstr(o.message, "too long"));
}

/* Who set AllowUser= wrong must be able to read so. */
static void test_a_refusal_is_passed_on(void **state) {
        struct place *p = *state;
        struct outcome o = { 0 };

        get(p, &o);
        (void)hear(p);
        say(p, "{\"status\":\"error\",\"error\":{\"code\":\"forbidden\",\"message\":\"uid 7 is "
               "not served\",\"retryable\":false}}\n");
        wait_for(p, &o);
        assert_int_equal(o.code, AE_VAULT_UNAVAILABLE);
        assert_non_null(strstr(o.message, "uid 7 is not served"));
}

static void test_a_lost_connection_fails_all_and_is_made_again(void **state) {
        struct outcome o[3] = { { 0 } }, next = { 0 };
        struct place *p = *state;

        for (int i = 0; i < 3; i++)
                get(p, &o[i]);
        for (int i = 0; i < 3; i++)
                (void)hear(p);
        say(p, TOKEN("1", ""));
        wait_for(p, &o[0]);
        o[1].ask_again = p->vault; /* at once, from within: must not be answered from within */
        p->peer_fd = fd_close(p->peer_fd);
        while (o[2].n == 0)
                assert_true(sd_event_run(p->event, UINT64_MAX) >= 0);
        assert_int_equal(o[0].code, AE_NONE);
        assert_int_equal(o[1].code, AE_VAULT_UNAVAILABLE);
        assert_int_equal(o[2].code, AE_VAULT_UNAVAILABLE);
        assert_int_equal(o[1].n, 1);

        get(p, &next);
        assert_non_null(strstr(hear(p), "\"id\":4,"));
        assert_non_null(strstr(hear(p), "\"id\":5,"));
        say(p, TOKEN("4", "") TOKEN("5", ""));
        wait_for(p, &next);
        assert_int_equal(o[1].n, 2);
        assert_string_equal(o[1].token, "at4");
}

/* The vault restarts while nothing is asked: the next call must not be the one to pay for it. */
static void test_a_connection_lost_while_idle(void **state) {
        struct outcome a = { 0 }, b = { 0 };
        struct place *p = *state;

        get(p, &a);
        (void)hear(p);
        say(p, TOKEN("1", ""));
        wait_for(p, &a);
        p->peer_fd = fd_close(p->peer_fd);
        settle(p);
        get(p, &b);
        (void)hear(p);
        say(p, TOKEN("2", ""));
        wait_for(p, &b);
        assert_string_equal(b.token, "at2");
}

static void test_nobody_listens(void **state) {
        struct outcome o = { 0 }, again = { 0 };
        struct place *p = *state;

        stop_listening(p);
        o.ask_again = p->vault; /* fails at once, again: a loop would never end */
        get(p, &o);
        wait_for(p, &o);
        assert_int_equal(o.code, AE_VAULT_UNAVAILABLE);
        assert_non_null(strstr(o.message, p->address.sun_path));
        assert_non_null(strstr(o.message, strerror(ENOENT)));
        settle(p);
        assert_int_equal(o.n, 2);

        listen_again(p);
        get(p, &again);
        (void)hear(p);
        say(p, TOKEN("3", ""));
        wait_for(p, &again);
        assert_string_equal(again.token, "at3");
}

static void test_silence_ends_in_time(void **state) {
        struct outcome o[2] = { { 0 } };
        struct place *p = *state;

        start_vault(p, 20 * USEC_PER_MSEC);
        get(p, &o[0]);
        get(p, &o[1]);
        (void)hear(p);
        wait_for(p, &o[0]);
        wait_for(p, &o[1]);
        assert_int_equal(o[0].code, AE_VAULT_UNAVAILABLE);
        assert_int_equal(o[1].code, AE_VAULT_UNAVAILABLE);
        assert_non_null(strstr(o[0].message, "in time"));
}

static bool timer_that_rings_early(struct place *p, uint64_t usec) {
        uint64_t start = clock_usec(CLOCK_MONOTONIC);
        struct outcome a = { 0 }, b = { 0 };

        get(p, &a);
        while (clock_usec(CLOCK_MONOTONIC) < start + usec / 10)
                ;
        get(p, &b);
        (void)hear(p);
        say(p, TOKEN("1", ""));
        wait_for(p, &a);
        if (a.code != AE_NONE)
                return false;
        wait_for(p, &b);
        assert_non_null(strstr(b.message, "in time"));
        assert_true(clock_usec(CLOCK_MONOTONIC) >= start + usec + usec / 10);
        return true;
}

/* The timer is set for the first of two calls, which is answered: the second has its own time. */
static void test_a_timer_that_rings_early(void **state) {
        with_time_enough(*state, timer_that_rings_early);
}

static void test_cancelled_calls_are_not_told(void **state) {
        struct outcome a = { 0 }, b = { 0 }, c = { 0 };
        struct place *p = *state;

        /* The late answer of a cancelled call is no surprise. */
        get(p, &a);
        get(p, &b);
        (void)hear(p);
        vault_call_cancel(a.call);
        say(p, TOKEN("1", "") TOKEN("2", ""));
        wait_for(p, &b);
        assert_int_equal(a.n, 0);
        assert_int_equal(b.code, AE_NONE);

        /* Nor is the end of its connection anything to tell; one may cancel from within. */
        a = b = (struct outcome){ 0 };
        get(p, &a);
        get(p, &b);
        get(p, &c);
        vault_call_cancel(a.call);
        b.cancel = c.call;
        p->peer_fd = fd_close(p->peer_fd);
        wait_for(p, &b);
        settle(p);
        assert_int_equal(a.n + c.n, 0);

        /* One that has failed already, and was not told yet. */
        c = (struct outcome){ 0 };
        stop_listening(p);
        get(p, &c);
        vault_call_cancel(c.call);
        settle(p);
        assert_int_equal(c.n, 0);
}

static void test_free_tells_nobody(void **state) {
        struct outcome a = { 0 }, b = { 0 };
        struct place *p = *state;

        get(p, &a);
        p->vault = vault_free(p->vault);
        settle(p);
        stop_listening(p);
        start_vault(p, LONG_USEC);
        get(p, &b);
        p->vault = vault_free(p->vault);
        settle(p);
        assert_int_equal(a.n + b.n, 0);
}

/* One user's giant must fail alone: on the wire it would end the connection for all. */
static void test_a_credential_that_is_too_large(void **state) {
        _cleanup_(json_freep) cJSON *credential = cJSON_CreateObject();
        _cleanup_(freep) char *giant = calloc(1, VAULT_WIRE_MAX_LINE + 1);
        struct outcome a = { 0 }, b = { 0 };
        struct place *p = *state;

        memset(giant, 'x', VAULT_WIRE_MAX_LINE);
        assert_non_null(cJSON_AddStringToObject(credential, "access_token", giant));
        get(p, &a);
        assert_int_equal(vault_store_token(p->vault, &home, credential, on_answer, &b, &b.call), 0);
        assert_int_equal(b.n, 0);
        wait_for(p, &b);
        assert_int_equal(b.code, AE_INVALID_REQUEST);
        (void)hear(p);
        say(p, TOKEN("1", ""));
        wait_for(p, &a);
        assert_int_equal(a.code, AE_NONE);
}

static void test_calls_have_a_limit(void **state) {
        enum { MAX = 4096 };
        struct outcome *o = calloc(MAX + 1, sizeof(*o));
        struct place *p = *state;

        assert_non_null(o);
        for (int i = 0; i <= MAX; i++)
                get(p, &o[i]);
        vault_call_cancel(o[0].call); /* makes no room: its answer is still to come */
        wait_for(p, &o[MAX]);
        assert_int_equal(o[MAX].code, AE_VAULT_UNAVAILABLE);
        assert_non_null(strstr(o[MAX].message, "too many"));
        assert_int_equal(o[1].n + o[MAX - 1].n, 0);

        (void)hear(p);
        say(p, TOKEN("1", ""));
        settle(p);
        o[MAX] = (struct outcome){ 0 };
        get(p, &o[MAX]);
        settle(p);
        assert_int_equal(o[MAX].n, 0);
        p->vault = vault_free(p->vault);
        free(o);
}

/* Answers are read whatever waits to be asked, so that what waits needs a bound of its own. */
static void test_questions_have_a_limit(void **state) {
        enum { MAX = (16 << 20) / 100000 + 8 };
        _cleanup_(json_freep) cJSON *credential = cJSON_CreateObject();
        _cleanup_(freep) char *large = calloc(1, 100000);
        struct outcome o[MAX] = { 0 };
        struct place *p = *state;

        memset(large, 'x', 99999);
        assert_non_null(cJSON_AddStringToObject(credential, "access_token", large));
        for (int i = 0; i < MAX; i++)
                assert_int_equal(vault_store_token(p->vault, &home, credential, on_answer, &o[i],
                                                   &o[i].call),
                                 0);
        settle(p);
        assert_int_equal(o[0].n + o[MAX - 8].n, 0);
        assert_int_equal(o[MAX - 1].code, AE_VAULT_UNAVAILABLE);
        assert_non_null(strstr(o[MAX - 1].message, "too many"));
        p->vault = vault_free(p->vault);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_each_question_and_its_answer),
                TEST(test_what_a_provider_is_asked_for),
                TEST(test_an_answer_without_an_app),
                TEST(test_a_slow_provider_is_not_silence),
                TEST(test_answers_in_any_order),
                TEST(test_error_codes),
                TEST(test_nonsense_ends_the_connection),
                TEST(test_a_line_over_the_limit),
                TEST(test_a_refusal_is_passed_on),
                TEST(test_a_lost_connection_fails_all_and_is_made_again),
                TEST(test_a_connection_lost_while_idle),
                TEST(test_nobody_listens),
                TEST(test_silence_ends_in_time),
                TEST(test_a_timer_that_rings_early),
                TEST(test_cancelled_calls_are_not_told),
                TEST(test_free_tells_nobody),
                TEST(test_a_credential_that_is_too_large),
                TEST(test_calls_have_a_limit),
                TEST(test_questions_have_a_limit),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
