/* SPDX-License-Identifier: MIT */
/*
 * Renewal, consent and revocation behind HTTP: what the vault and the provider are asked, in which
 * order, and what the vault holds before anybody is told.
 */
#include "test.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "vault-script.h"

/* Records of kv2, by what they were renewed from. */
#define KEPT(access, refresh, more) \
        "{\"user_id\":\"u1\",\"access_token\":\"" access "\",\"refresh_token\":\"" refresh \
        "\",\"provider\":\"google\"" more "}"
#define ENDED ",\"expires_at\":1"
#define GOOD ",\"expires_at\":\"2999-01-01T00:00:00Z\""
#define ANN ",\"identity\":\"ann@example.com\""
#define OLD "200 " VERSION("1", KEPT("at1", "rt1", ENDED))
#define WINNER "200 " VERSION("3", KEPT("at9", "rt9", GOOD))
#define TOKENS(more) \
        "200 {\"access_token\":\"at2\",\"token_type\":\"Bearer\",\"expires_in\":3600" more "}"
#define ROTATED TOKENS(",\"refresh_token\":\"rt2\"")
#define REFUSED "400 {\"error\":\"invalid_grant\"}"
#define MISMATCH "400 {\"errors\":[\"check-and-set parameter did not match the current version\"]}"

#define READ "GET " KV "\n"
#define WRITE "POST " KV "\n"
#define TOKEN "POST /token\n"

static void assert_renewal(struct place *p, const struct line *lines, enum ae_code code,
                           const char *token, const char *asked) {
        struct outcome o = { 0 };

        play(lines);
        get(p, &home, &o);
        wait_for(p, &o);
        if (o.code != code)
                fail_msg("%d: %s", o.code, o.message);
        assert_string_equal(o.token, token);
        assert_asked(asked);
}

static void test_a_token_is_renewed(void **state) {
        static const struct line rotated[] = {
                { "GET " KV, OLD }, { "POST " KV, "200 {}" }, { "POST /token", ROTATED }, { NULL }
        };
        static const struct line kept[] = {
                { "GET " KV, OLD }, { "POST " KV, "204 " }, { "POST /token", TOKENS("") }, { NULL }
        };
        struct place *p = *state;

        add_app(p);
        assert_renewal(p, rotated, AE_NONE, "at2", READ WRITE TOKEN WRITE);
        assert_true(was_sent("rt1"));
        assert_true(was_written("\"cas\":2"));
        assert_true(was_written("\"access_token\":\"at2\""));
        assert_true(was_written("\"refresh_token\":\"rt2\""));
        assert_true(was_written("\"provider\":\"google\""));
        assert_false(was_written("renewing"));

        assert_renewal(p, kept, AE_NONE, "at2", READ WRITE TOKEN WRITE);
        assert_true(was_written("\"refresh_token\":\"rt1\""));
}

static void test_what_is_good_is_not_renewed(void **state) {
        static const struct line good[] = {
                { "GET " KV, "200 " VERSION("1", KEPT("at", "rt", GOOD)) }, { NULL }
        };
        static const struct line refused[] = {
                { "GET " KV, "200 " VERSION("1", KEPT("at", "rt", ENDED ",\"refused\":true")) },
                { NULL }
        };
        static const struct line alone[] = {
                { "GET " KV, "200 " VERSION("1", RECORD("u1", ENDED)) }, { NULL }
        };
        struct place *p = *state;

        add_app(p);
        assert_renewal(p, good, AE_NONE, "at", READ);
        assert_renewal(p, refused, AE_REAUTHORIZATION_REQUIRED, "", READ);
        assert_renewal(p, alone, AE_REAUTHORIZATION_REQUIRED, "", READ);
}

/* Nothing is claimed where nothing can be renewed. */
static void test_without_an_app(void **state) {
        static const struct line lines[] = { { "GET " KV, OLD }, { NULL } };

        assert_renewal(*state, lines, AE_INTERNAL, "", READ);
}

static void test_what_a_provider_says(void **state) {
        static const struct {
                const char *answer;
                enum ae_code code;
        } cases[] = {
                { "500 {}", AE_UPSTREAM_ERROR },
                { "503 {}", AE_UPSTREAM_ERROR },
                { "429 {}", AE_UPSTREAM_UNREACHABLE },
                { "200 {}", AE_UPSTREAM_ERROR },
                { "200 []", AE_UPSTREAM_ERROR },
                { "200 <html>", AE_UPSTREAM_ERROR },
                { "200 {\"access_token\":\"a\\nb\",\"token_type\":\"Bearer\"}", AE_UPSTREAM_ERROR },
                { "401 {\"error\":\"invalid_client\"}", AE_INTERNAL },
                { "400 {\"error\":\"invalid_scope\"}", AE_INTERNAL },
        };
        struct place *p;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct line lines[] = { { "GET " KV, OLD },
                                              { "POST " KV, "200 {}" },
                                              { "POST /token", cases[i].answer },
                                              { NULL } };

                tear_down(state);
                set_up_kv2(state);
                p = *state;
                add_app(p);
                assert_renewal(p, lines, cases[i].code, "", READ WRITE TOKEN WRITE);
                assert_true(was_written("rt1")); /* it is released */
                assert_false(was_written("renewing"));
        }
}

/* Nor is it asked again and again by those who come a moment later. */
static void test_a_failure_holds_for_a_moment(void **state) {
        static const struct line lines[] = {
                { "GET " KV, OLD }, { "POST " KV, "200 {}" }, { "POST /token", "503 {}" }, { NULL }
        };
        uint64_t begin_usec = clock_usec(CLOCK_MONOTONIC);
        struct outcome o = { 0 };

        add_app(*state);
        assert_renewal(*state, lines, AE_UPSTREAM_ERROR, "", READ WRITE TOKEN WRITE);
        play(lines);
        get(*state, &home, &o);
        wait_for(*state, &o);
        assert_int_equal(o.code, AE_UPSTREAM_ERROR);
        if (clock_usec(CLOCK_MONOTONIC) - begin_usec < 2 * USEC_PER_SEC) /* else it was long ago */
                assert_asked(READ);
}

/* One question to the provider, whatever else is asked. */
static void test_a_grant_that_is_dead(void **state) {
        static const struct line lines[] = {
                { "GET " KV, OLD }, { "POST " KV, "200 {}" }, { "POST /token", REFUSED }, { NULL }
        };
        static const struct line unmarked[] = { { "GET " KV, OLD },
                                                { "POST " KV, "200 {}", .once = true },
                                                { "POST " KV, "500 {}" },
                                                { "POST /token", REFUSED },
                                                { NULL } };
        static const struct line again[] = { { "GET " KV, OLD }, { NULL } };
        struct place *p = *state;

        add_app(p);
        assert_renewal(p, lines, AE_REAUTHORIZATION_REQUIRED, "", READ WRITE TOKEN READ WRITE);
        assert_true(was_written("\"refused\":true"));
        assert_renewal(p, again, AE_REAUTHORIZATION_REQUIRED, "", READ); /* it is remembered, too */
        assert_renewal(p, again, AE_REAUTHORIZATION_REQUIRED, "", READ);

        p->vault = vault_free(p->vault);
        tear_down(state);
        set_up_kv2(state);
        p = *state;
        add_app(p);
        assert_renewal(p, unmarked, AE_REAUTHORIZATION_REQUIRED, "", READ WRITE TOKEN READ WRITE);
        assert_renewal(p, again, AE_REAUTHORIZATION_REQUIRED, "", READ);
}

/* Another engine has had it renewed, which is why the old one is dead. */
static void test_the_winners_token_is_used(void **state) {
        static const struct line refused[] = { { "GET " KV, OLD, .once = true },
                                               { "GET " KV, WINNER },
                                               { "POST " KV, "200 {}" },
                                               { "POST /token", REFUSED },
                                               { NULL } };
        static const struct line claimed[] = { { "GET " KV, OLD, .once = true },
                                               { "GET " KV, WINNER },
                                               { "POST " KV, MISMATCH },
                                               { NULL } };
        static const struct line written[] = { { "GET " KV, OLD, .once = true },
                                               { "GET " KV, WINNER },
                                               { "POST " KV, "200 {}", .once = true },
                                               { "POST " KV, MISMATCH },
                                               { "POST /token", ROTATED },
                                               { NULL } };
        struct place *p = *state;

        add_app(p);
        assert_renewal(p, refused, AE_NONE, "at9", READ WRITE TOKEN READ);
        assert_renewal(p, claimed, AE_NONE, "at9", READ WRITE READ);
        assert_renewal(p, written, AE_NONE, "at9", READ WRITE TOKEN WRITE READ);
}

/* The record is the same, and only its version is another: ours is what belongs there. */
static void test_a_mismatch_that_changed_nothing(void **state) {
        static const struct line lines[] = {
                { "GET " KV, OLD, .once = true },
                { "GET " KV, "200 " VERSION("7", KEPT("at1", "rt1", ENDED)) },
                { "POST " KV, "200 {}", .once = true },
                { "POST " KV, MISMATCH, .once = true },
                { "POST " KV, "200 {}" },
                { "POST /token", ROTATED },
                { NULL },
        };
        static const struct line gone[] = { { "GET " KV, OLD, .once = true },
                                            { "GET " KV, "404 {\"errors\":[]}" },
                                            { "POST " KV, "200 {}", .once = true },
                                            { "POST " KV, MISMATCH },
                                            { "POST /token", ROTATED },
                                            { NULL } };
        struct place *p = *state;

        add_app(p);
        assert_renewal(p, lines, AE_NONE, "at2", READ WRITE TOKEN WRITE READ WRITE);
        assert_true(was_written("\"cas\":7"));
        assert_renewal(p, gone, AE_NOT_CONNECTED, "", READ WRITE TOKEN WRITE READ);
}

static void test_who_is_always_late_gives_up(void **state) {
        static const struct line lines[] = { { "GET " KV, OLD },
                                             { "POST " KV, MISMATCH },
                                             { NULL } };

        add_app(*state);
        assert_renewal(*state, lines, AE_VAULT_UNAVAILABLE, "",
                       READ WRITE READ WRITE READ WRITE READ WRITE READ WRITE);
}

/*
 * A claim of another engine: its token is waited for. One that is over counts for nothing, and so
 * does one that ends when none can that was just made: a clock has jumped since, or is wrong.
 */
static void test_another_engine_renews(void **state) {
        static const char *const ends[] = { "1970-01-01T00:00:00Z", "2001-01-01T00:00:00Z",
                                            "2096-02-29T23:59:60Z", "9999-12-31T23:59:59Z" };
        char claimed[1024], over[1024], until[RFC3339_SIZE];
        const struct line waited[] = { { "GET " KV, claimed, .once = true },
                                       { "GET " KV, WINNER },
                                       { NULL } };
        const struct line taken[] = {
                { "GET " KV, over }, { "POST " KV, "200 {}" }, { "POST /token", ROTATED }, { NULL }
        };
        struct place *p = *state;

        add_app(p);
        clock_format_rfc3339(clock_usec(CLOCK_REALTIME) + 300 * USEC_PER_SEC, until);
        snprintf(claimed, sizeof(claimed),
                 "200 " VERSION("2",
                                KEPT("at1", "rt1",
                                     ENDED ",\"renewing\":{\"engine\":\"x\",\"until\":\"%s\"}")),
                 until);
        assert_renewal(p, waited, AE_NONE, "at9", READ READ);
        for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
                snprintf(over, sizeof(over),
                         "200 " VERSION("2", KEPT("at1", "rt1",
                                                  ENDED ",\"renewing\":{\"engine\":\"x\","
                                                        "\"until\":\"%s\"}")),
                         ends[i]);
                assert_renewal(p, taken, AE_NONE, "at2", READ WRITE TOKEN WRITE);
        }
}

/* The old token serves, and the provider is left alone for a while. */
static void test_early(void **state) {
        char soon[512], until[RFC3339_SIZE];
        const struct line down[] = {
                { "GET " KV, soon }, { "POST " KV, "200 {}" }, { "POST /token", "503 {}" }, { NULL }
        };
        const struct line read_only[] = { { "GET " KV, soon }, { "POST " KV, "500 {}" }, { NULL } };
        struct place *p = *state;

        add_app(p);
        clock_format_rfc3339(clock_usec(CLOCK_REALTIME) + 30 * USEC_PER_SEC, until);
        snprintf(soon, sizeof(soon),
                 "200 " VERSION("1", KEPT("at1", "rt1", ",\"expires_at\":\"%s\"")), until);
        assert_renewal(p, down, AE_NONE, "at1", READ WRITE TOKEN WRITE);
        assert_renewal(p, down, AE_NONE, "at1", READ);

        tear_down(state);
        set_up_kv2(state);
        p = *state;
        add_app(p);
        assert_renewal(p, read_only, AE_NONE, "at1", READ WRITE);
}

/* The only copy of a refresh token that lives. */
static void test_what_the_vault_does_not_take_is_kept(void **state) {
        static const struct line fails[] = { { "GET " KV, OLD },
                                             { "POST " KV, "200 {}", .once = true },
                                             { "POST " KV, "503 {}" },
                                             { "POST /token", ROTATED },
                                             { NULL } };
        static const struct line still[] = { { "GET " KV, OLD },
                                             { "POST " KV, "503 {}" },
                                             { NULL } };
        static const struct line takes[] = { { "GET " KV, OLD },
                                             { "POST " KV, "200 {}" },
                                             { NULL } };
        static const struct line other[] = { { "GET " KV, WINNER }, { NULL } };
        struct place *p = *state;

        add_app(p);
        assert_renewal(p, fails, AE_VAULT_UNAVAILABLE, "", READ WRITE TOKEN WRITE);
        assert_renewal(p, still, AE_VAULT_UNAVAILABLE, "", READ WRITE);
        assert_renewal(p, takes, AE_NONE, "at2", READ WRITE);
        assert_true(was_written("rt2"));

        assert_renewal(p, fails, AE_VAULT_UNAVAILABLE, "", READ WRITE TOKEN WRITE);
        assert_renewal(p, other, AE_NONE, "at9", READ); /* somebody connected it anew */
        assert_renewal(p, takes, AE_UPSTREAM_ERROR, "",
                       READ WRITE TOKEN WRITE); /* and it is gone */
}

static void test_many_renew_once(void **state) {
        static const struct line lines[] = { { "GET " KV, OLD },
                                             { "POST " KV, "200 {}" },
                                             { "POST /token", ROTATED, .waits = true },
                                             { NULL } };
        struct outcome o[50] = { 0 };
        struct place *p = *state;

        add_app(p);
        play(lines);
        for (size_t i = 0; i < 25; i++)
                get(p, &home, &o[i]);
        wait_requests(p, 4); /* with the login */
        for (size_t i = 25; i < ELEMENTSOF(o); i++)
                get(p, &home, &o[i]);
        upstream_open_gate(p->fixture.upstream);
        for (size_t i = 0; i < ELEMENTSOF(o); i++) {
                wait_for(p, &o[i]);
                assert_string_equal(o[i].token, "at2");
        }
        assert_asked(READ WRITE TOKEN WRITE);
}

/* A refresh token that has been used is not left to chance. */
static void test_a_renewal_is_not_withdrawn(void **state) {
        static const struct line lines[] = { { "GET " KV, OLD },
                                             { "POST " KV, "200 {}" },
                                             { "POST /token", ROTATED, .waits = true },
                                             { NULL } };
        struct outcome o = { 0 };
        struct place *p = *state;

        add_app(p);
        play(lines);
        get(p, &home, &o);
        wait_requests(p, 4);
        vault_call_cancel(o.call);
        upstream_open_gate(p->fixture.upstream);
        wait_requests(p, 5);
        assert_asked(READ WRITE TOKEN WRITE);
        assert_int_equal(o.n, 0);
}

static void test_a_rejected_token(void **state) {
        static const struct line lines[] = {
                { "GET " KV, "200 " VERSION("1", KEPT("at1", "rt1", GOOD)) },
                { "POST " KV, "200 {}" },
                { "POST /token", ROTATED },
                { NULL },
        };
        unsigned char digest[crypto_hash_sha256_BYTES];
        char hex[2 * sizeof(digest) + 1];
        struct outcome o = { 0 };
        struct place *p = *state;

        add_app(p);
        play(lines);
        crypto_hash_sha256(digest, (const unsigned char *)"at1", 3);
        sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
        assert_int_equal(vault_get_token(p->vault, &home, hex, on_answer, &o, &o.call), 0);
        wait_for(p, &o);
        assert_string_equal(o.token, "at2");
        assert_asked(READ WRITE TOKEN WRITE);
}

#define GET_TOKEN "POST /get_token?user_id=u1&platform=gmail"
#define STORE_TOKEN "POST /store_token?user_id=u1&platform=gmail"
#define PURAIFI_OLD \
        "200 {\"access_token\":\"at1\",\"refresh_token\":\"rt1\",\"expires_at\":1,\"scopes\":[]}"

/* It keeps no provider: the platform tells which app it is. */
static void test_puraifi_renews(void **state) {
        static const struct line lines[] = { { GET_TOKEN, PURAIFI_OLD },
                                             { STORE_TOKEN, "200 {}" },
                                             { "POST /token", ROTATED },
                                             { NULL } };
        static const struct line dead[] = { { GET_TOKEN, PURAIFI_OLD },
                                            { "POST /token", REFUSED },
                                            { NULL } };
        static const struct line again[] = { { GET_TOKEN, PURAIFI_OLD }, { NULL } };
        struct place *p = *state;

        add_app(p);
        assert_renewal(p, lines, AE_NONE, "at2",
                       GET_TOKEN "\n" TOKEN GET_TOKEN "\n" STORE_TOKEN "\n");
        assert_true(was_written("\"refresh_token\":\"rt2\""));
        assert_false(was_written("provider"));
        assert_false(was_written("token_type"));
        assert_renewal(p, dead, AE_REAUTHORIZATION_REQUIRED, "",
                       GET_TOKEN "\n" TOKEN GET_TOKEN "\n");
        assert_renewal(p, again, AE_REAUTHORIZATION_REQUIRED, "", GET_TOKEN "\n");
}

/* Nobody could tell which of two writes it did last: so they are never under way at once. */
static void test_puraifi_writes_one_after_the_other(void **state) {
        static const struct line lines[] = { { GET_TOKEN, PURAIFI_OLD },
                                             { STORE_TOKEN, "200 {}" },
                                             { "POST /token", ROTATED, .waits = true },
                                             { NULL } };
        struct outcome renewed = { 0 }, stored = { 0 };
        struct place *p = *state;

        add_app(p);
        play(lines);
        get(p, &home, &renewed);
        wait_requests(p, 2);
        store(p, "{\"access_token\":\"theirs\"}", &stored);
        upstream_open_gate(p->fixture.upstream);
        wait_for(p, &renewed);
        assert_string_equal(renewed.token, "at2");
        wait_for(p, &stored);
        assert_asked(GET_TOKEN "\n" TOKEN GET_TOKEN "\n" STORE_TOKEN "\n" STORE_TOKEN "\n");
        assert_true(was_written("theirs"));
}

/* As the provider is asked, another engine writes: it is seen, and not written over. */
static void test_puraifi_another_engine_was_quicker(void **state) {
        static const struct line lines[] = {
                { GET_TOKEN, PURAIFI_OLD, .once = true },
                { GET_TOKEN,
                  "200 {\"access_token\":\"at9\",\"refresh_token\":\"rt9\",\"scopes\":[]}" },
                { "POST /token", ROTATED },
                { NULL }
        };
        struct place *p = *state;

        add_app(p);
        assert_renewal(p, lines, AE_NONE, "at9", GET_TOKEN "\n" TOKEN GET_TOKEN "\n");
}

static void assert_status(struct place *p, struct outcome *o, enum ae_code code, const char *status,
                          const char *asked) {
        wait_for(p, o);
        if (o->code != code)
                fail_msg("%d: %s", o->code, o->message);
        if (status)
                assert_string_equal(o->status, status);
        else
                assert_null(o->status);
        assert_asked(asked);
        free(o->status);
}

static void test_a_code_is_redeemed(void **state) {
        static const struct {
                const char *present, *token, *write;
                enum ae_code code;
                const char *status, *asked;
        } cases[] = {
                { "404 {\"errors\":[]}", ROTATED, "200 {}", AE_NONE, "active", READ TOKEN WRITE },
                { OLD, TOKENS(""), "200 {}", AE_NONE, "active", READ TOKEN WRITE },
                { "503 {}", ROTATED, "200 {}", AE_VAULT_UNAVAILABLE, NULL, READ },
                { "200 " VERSION("1", RECORD("u2", "")), ROTATED, "200 {}", AE_INVALID_REQUEST,
                  NULL, READ },
                { OLD, REFUSED, "", AE_AUTHORIZATION_FAILED, NULL, READ TOKEN },
                { OLD, "401 {\"error\":\"invalid_client\"}", "", AE_AUTHORIZATION_FAILED, NULL,
                  READ TOKEN },
                { OLD, "500 {}", "", AE_UPSTREAM_ERROR, NULL, READ TOKEN },
                { OLD, "200 []", "", AE_UPSTREAM_ERROR, NULL, READ TOKEN },
                { OLD, ROTATED, "500 {}", AE_VAULT_UNAVAILABLE, NULL, READ TOKEN WRITE },
        };
        _cleanup_(secret_freep) struct secret *code = NULL, *verifier = NULL;
        struct vault_exchange x = { .provider = "google",
                                    .redirect_uri = "http://127.0.0.1:1/oauth/callback",
                                    .scopes = "a b" };
        struct place *p = *state;

        add_app(p);
        assert_int_equal(secret_new("c0de", 4, &code), 0);
        assert_int_equal(secret_new("0123456789012345678901234567890123456789012", 43, &verifier),
                         0);
        x.code = code;
        x.verifier = verifier;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct line lines[] = { { "GET " KV, cases[i].present },
                                              { "POST " KV, cases[i].write },
                                              { "POST /token", cases[i].token },
                                              { NULL } };
                struct outcome o = { 0 };

                play(lines);
                assert_int_equal(vault_exchange(p->vault, &home, &x, on_answer, &o, &o.call), 0);
                wait_for(p, &o);
                if (o.code != cases[i].code)
                        fail_msg("%zu: %d %s", i, o.code, o.message);
                assert_asked(cases[i].asked);
                if (cases[i].status) {
                        assert_non_null(strstr(o.status, "\"status\":\"active\""));
                        assert_non_null(strstr(o.status, "\"scopes\":[\"a\",\"b\"]"));
                        assert_null(strstr(o.status, "at2"));
                        assert_true(was_written("at2"));
                        assert_true(was_sent("c0de"));
                }
                free(o.status);
        }
        x.verifier = NULL;
        {
                struct outcome o = { 0 };

                play((const struct line[]){ { NULL } });
                assert_int_equal(vault_exchange(p->vault, &home, &x, on_answer, &o, &o.call), 0);
                assert_status(p, &o, AE_AUTHORIZATION_FAILED, NULL, "");
        }
        x.provider = "elsewhere";
        {
                struct outcome o = { 0 };

                play((const struct line[]){ { NULL } });
                assert_int_equal(vault_exchange(p->vault, &home, &x, on_answer, &o, &o.call), 0);
                assert_status(p, &o, AE_NOT_FOUND, NULL, "");
        }
}

/* Read first, and again when somebody else was quicker. */
static void test_a_code_is_redeemed_once(void **state) {
        static const struct line lines[] = { { "GET " KV, OLD },
                                             { "POST " KV, MISMATCH, .once = true },
                                             { "POST " KV, "200 {}" },
                                             { "POST /token", ROTATED },
                                             { NULL } };
        _cleanup_(secret_freep) struct secret *code = NULL;
        struct vault_exchange x = { .provider = "google", .scopes = "a" };
        struct outcome o = { 0 };
        struct place *p = *state;

        add_app(p);
        assert_int_equal(secret_new("dev", 3, &code), 0);
        x.device_code = code;
        play(lines);
        assert_int_equal(vault_exchange(p->vault, &home, &x, on_answer, &o, &o.call), 0);
        wait_for(p, &o);
        assert_int_equal(o.code, AE_NONE);
        assert_asked(READ TOKEN WRITE READ WRITE);
        assert_true(was_written("rt2"));
        free(o.status);
}

/* "200 {…}" with an id_token of that person's, and no refresh token. */
static void put_consent(const struct place *p, const char *email, struct buffer *to) {
        char claims[512], encoded[1024];

        snprintf(claims, sizeof(claims),
                 "{\"iss\":\"http://%s\",\"aud\":\"id\",\"exp\":32503680000,\"sub\":\"1\","
                 "\"email\":\"%s\"}",
                 p->fixture.address, email);
        sodium_bin2base64(encoded, sizeof(encoded), (const unsigned char *)claims, strlen(claims),
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        buffer_printf(to, "200 {\"access_token\":\"at2\",\"id_token\":\"e30.%s.x\"}", encoded);
        assert_int_equal(buffer_error(to), 0);
}

/* A refresh token that comes once is carried on, and so is what it became meanwhile. */
static void test_a_rotation_during_a_consent(void **state) {
        _cleanup_(buffer_done) struct buffer consent = { 0 };
        _cleanup_(secret_freep) struct secret *code = NULL;
        struct vault_exchange x = { .provider = "google", .scopes = "a" };
        struct outcome o = { 0 };
        struct place *p = *state;

        add_app(p);
        put_consent(p, "ann@example.com", &consent);
        assert_int_equal(secret_new("dev", 3, &code), 0);
        x.device_code = code;
        play((const struct line[]){
                        { "GET " KV, "200 " VERSION("1", KEPT("at1", "rt1", ENDED ANN)),
                          .once = true },
                        { "GET " KV, "200 " VERSION("3", KEPT("at9", "rt9", GOOD ANN)) },
                        { "POST " KV, MISMATCH, .once = true },
                        { "POST " KV, "200 {}" },
                        { "POST /token", consent.data },
                        { NULL },
        });
        assert_int_equal(vault_exchange(p->vault, &home, &x, on_answer, &o, &o.call), 0);
        wait_for(p, &o);
        assert_int_equal(o.code, AE_NONE);
        assert_asked(READ TOKEN WRITE READ WRITE);
        assert_true(was_written("\"access_token\":\"at2\""));
        assert_true(was_written("\"refresh_token\":\"rt9\""));
        free(o.status);
}

static void test_a_device(void **state) {
        static const struct line lines[] = {
                { "POST /device",
                  "200 {\"device_code\":\"d\",\"user_code\":\"A-B\",\"verification_uri\":"
                  "\"https://a.example/\",\"expires_in\":600,\"interval\":5}" },
                { "GET " KV, OLD },
                { "POST /token", "400 {\"error\":\"authorization_pending\"}", .once = true },
                { "POST /token", "400 {\"error\":\"slow_down\"}", .once = true },
                { "POST /token", "400 {\"error\":\"access_denied\"}" },
                { NULL },
        };
        static const char *const expected[] = { "{\"status\":\"pending\"}",
                                                "{\"status\":\"slow_down\"}", NULL };
        _cleanup_(secret_freep) struct secret *code = NULL;
        struct outcome o = { 0 };
        struct place *p = *state;

        add_app(p);
        assert_int_equal(secret_new("d", 1, &code), 0);
        play(lines);
        assert_int_equal(vault_start_device(p->vault, "google", "a b", on_answer, &o, &o.call), 0);
        wait_for(p, &o);
        assert_string_equal(o.message, "");
        assert_non_null(strstr(o.status, "\"user_code\":\"A-B\""));
        free(o.status);

        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                const struct vault_exchange x = { .provider = "google", .device_code = code };
                struct outcome polled = { 0 };

                assert_int_equal(vault_exchange(p->vault, &home, &x, on_answer, &polled,
                                                &polled.call),
                                 0);
                wait_for(p, &polled);
                assert_int_equal(polled.code, expected[i] ? AE_NONE : AE_AUTHORIZATION_FAILED);
                if (expected[i])
                        assert_string_equal(polled.status, expected[i]);
                free(polled.status);
        }
}

static void test_a_provider_is_told_without_its_secret(void **state) {
        struct outcome o = { 0 }, unknown = { 0 };
        struct place *p = *state;

        add_app(p);
        play((const struct line[]){ { NULL } });
        assert_int_equal(vault_find_provider(p->vault, "google", on_answer, &o, &o.call), 0);
        wait_for(p, &o);
        assert_non_null(strstr(o.status, "\"client_id\":\"id\""));
        assert_null(strstr(o.status, "shh"));
        free(o.status);
        assert_int_equal(vault_find_provider(p->vault, "x", on_answer, &unknown, &unknown.call), 0);
        assert_status(p, &unknown, AE_NOT_FOUND, NULL, "");
}

static void test_a_grant_is_ended(void **state) {
        static const char all[] = READ "POST /revoke\nDELETE " META "/gmail/default\n";
        static const struct {
                const char *present, *revoke, *erase;
                enum ae_code code;
                bool revoked;
                const char *asked;
        } cases[] = {
                { OLD, "200 ", "204 ", AE_NONE, true, all },
                { OLD, "500 {}", "204 ", AE_NONE, false, all },
                { OLD, "503 {}", "204 ", AE_NONE, false, all },
                { OLD, "200 ", "500 {}", AE_VAULT_UNAVAILABLE, false, all },
                { "404 " VERSION("2", "null"), "", "204 ", AE_NONE, false,
                  READ "DELETE " META "/gmail/default\n" },
                { "404 {\"errors\":[]}", "", "", AE_NOT_CONNECTED, false, READ },
                { "503 {}", "", "", AE_VAULT_UNAVAILABLE, false, READ },
                { "200 " VERSION("1", RECORD("u2", "")), "", "", AE_INVALID_REQUEST, false, READ },
        };
        struct place *p = *state;

        add_app(p);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct line lines[] = { { "GET " KV, cases[i].present },
                                              { "POST /revoke", cases[i].revoke },
                                              { "DELETE " META "/gmail/default", cases[i].erase },
                                              { NULL } };
                struct outcome o = { 0 };

                play(lines);
                assert_int_equal(vault_revoke(p->vault, &home, on_answer, &o, &o.call), 0);
                wait_for(p, &o);
                if (o.code != cases[i].code)
                        fail_msg("%zu: %d %s", i, o.code, o.message);
                assert_asked(cases[i].asked);
                if (o.code == AE_NONE) {
                        assert_non_null(strstr(o.status, cases[i].revoked ? "\"revoked\":true"
                                                                          : "\"revoked\":false"));
                        assert_true(cases[i].revoked == !strstr(o.status, "\"reason\":\""));
                }
                free(o.status);
        }
}

/* It cannot be deleted there; but what was there need not stay. */
static void test_puraifi_forgets(void **state) {
        static const struct line lines[] = { { GET_TOKEN, PURAIFI_OLD },
                                             { STORE_TOKEN, "200 {}" },
                                             { "POST /revoke", "200 " },
                                             { NULL } };
        struct outcome o = { 0 };
        struct place *p = *state;

        add_app(p);
        play(lines);
        assert_int_equal(vault_revoke(p->vault, &home, on_answer, &o, &o.call), 0);
        assert_status(p, &o, AE_NONE, "{\"revoked\":true}",
                      GET_TOKEN "\nPOST /revoke\n" STORE_TOKEN "\n");
        assert_false(was_written("rt1"));
        assert_false(was_written("at1"));
}

#define PURAIFI(name) cmocka_unit_test_setup_teardown(name, set_up_puraifi, tear_down)
#define KV2(name) cmocka_unit_test_setup_teardown(name, set_up_kv2, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                KV2(test_a_token_is_renewed),
                KV2(test_what_is_good_is_not_renewed),
                KV2(test_without_an_app),
                KV2(test_what_a_provider_says),
                KV2(test_a_failure_holds_for_a_moment),
                KV2(test_a_grant_that_is_dead),
                KV2(test_the_winners_token_is_used),
                KV2(test_a_mismatch_that_changed_nothing),
                KV2(test_who_is_always_late_gives_up),
                KV2(test_another_engine_renews),
                KV2(test_early),
                KV2(test_what_the_vault_does_not_take_is_kept),
                KV2(test_many_renew_once),
                KV2(test_a_renewal_is_not_withdrawn),
                KV2(test_a_rejected_token),
                PURAIFI(test_puraifi_renews),
                PURAIFI(test_puraifi_writes_one_after_the_other),
                PURAIFI(test_puraifi_another_engine_was_quicker),
                KV2(test_a_code_is_redeemed),
                KV2(test_a_code_is_redeemed_once),
                KV2(test_a_rotation_during_a_consent),
                KV2(test_a_device),
                KV2(test_a_provider_is_told_without_its_secret),
                KV2(test_a_grant_is_ended),
                PURAIFI(test_puraifi_forgets),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
