/* SPDX-License-Identifier: MIT */
/*
 * Jobs and callers, on vaults that answer by a script: what is asked, in which order, and who is
 * told what.
 */
#include "test.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "vault-script.h"
#include "vault/wire.h"

static const char get_path[] = "POST /get_token?user_id=u1&platform=gmail";
static const struct line good[] = {
        { get_path, "200 {\"access_token\":\"at\",\"scopes\":[\"a\",\"b:c\"]}", false },
        { "POST /store_token?user_id=u1&platform=gmail", "201 ", false },
        { "POST /status?user_id=u1",
          "200 {\"connected_platforms\":[{\"platform\":\"gmail\",\"status\":\"active\",\"x\":1}]}",
          false },
        { "POST /status", "200 {}", false },
        { NULL },
};
static const struct line slow[] = {
        { get_path, "200 {\"access_token\":\"at\"}", true },
        { "POST /store_token?user_id=u1&platform=gmail", "200 {}", false },
        { NULL },
};

static void test_puraifi_operations(void **state) {
        struct outcome got = { 0 }, stored = { 0 }, deleted = { 0 }, plain = { 0 }, users = { 0 };
        struct place *p = *state;

        play(good);
        get(p, &home, &got);
        wait_for(p, &got);
        assert_string_equal(got.token, "at");
        assert_string_equal(got.scopes, "a b:c");

        store(p, "{\"access_token\":\"x\"}", &stored);
        wait_for(p, &stored);
        assert_int_equal(stored.code, AE_NONE);

        assert_int_equal(vault_delete_token(p->vault, &home, on_answer, &deleted, &deleted.call),
                         0);
        wait_for(p, &deleted);
        assert_int_equal(deleted.code, AE_INVALID_REQUEST);

        assert_int_equal(vault_status(p->vault, on_answer, &plain, &plain.call), 0);
        wait_for(p, &plain);
        assert_string_equal(plain.status, "{\"state\":\"ok\"}");
        assert_int_equal(vault_user_status(p->vault, "u1", on_answer, &users, &users.call), 0);
        wait_for(p, &users);
        assert_string_equal(users.status,
                            "{\"state\":\"ok\",\"connected_platforms\":[{\"platform\":\"gmail\","
                            "\"account\":\"default\",\"status\":\"active\"}]}");
        assert_string_equal(vault_backend(p->vault), "puraifi");
        free(plain.status);
        free(users.status);
}

static void test_puraifi_status_of_no_sense(void **state) {
        static const char *const answers[] = {
                "200 {}",
                "200 []",
                "200 ",
                "200 {\"connected_platforms\":{}}",
                "200 {\"connected_platforms\":[1]}",
                "200 {\"connected_platforms\":[{\"platform\":\"gmail\"}]}",
                "200 {\"connected_platforms\":[{\"platform\":1,\"status\":\"active\"}]}",
        };
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                const struct line lines[] = { { "POST /status?user_id=u1", answers[i] }, { NULL } };
                struct outcome o = { 0 };

                play(lines);
                assert_int_equal(vault_user_status(p->vault, "u1", on_answer, &o, &o.call), 0);
                wait_for(p, &o);
                assert_int_equal(o.code, AE_VAULT_UNAVAILABLE);
                assert_null(o.status);
        }
}

static void test_what_cannot_be_kept(void **state) {
        static const struct vault_key keys[] = {
                { "", "gmail", "default" },       { "u\n1", "gmail", "default" },
                { "u1", "../gmail", "default" },  { "u1", "", "default" },
                { "u1", "gmail", "default/../" }, { "u1", "gmail", "" },
                { "u1", "gmail", "work" }, /* which this vault does not know */
        };
        static const char *const credentials[] = {
                "{}",
                "[]",
                "{\"access_token\":\"\"}",
                "{\"access_token\":\"a\\nb\"}",
                "{\"access_token\":\"a\",\"refresh_token\":7}",
                "{\"access_token\":\"a\",\"expires_at\":\"soon\"}",
                "{\"access_token\":\"a\",\"unheard_of\":1}",
        };
        struct place *p = *state;

        play(good);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                struct outcome o = { 0 };

                get(p, &keys[i], &o);
                wait_for(p, &o);
                assert_int_equal(o.code, AE_INVALID_REQUEST);
        }
        for (size_t i = 0; i < ELEMENTSOF(credentials); i++) {
                struct outcome o = { 0 };

                store(p, credentials[i], &o);
                wait_for(p, &o);
                assert_int_equal(o.code, AE_INVALID_REQUEST);
        }
        assert_asked("");
}

static void test_a_credential_has_a_limit(void **state) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct outcome most = { 0 }, more = { 0 }, line = { 0 };
        struct place *p = *state;

        play(good);
        buffer_puts(&text, "{\"access_token\":\"");
        for (size_t i = 0; i < VAULT_WIRE_MAX_TOKEN; i++)
                buffer_putc(&text, 'x');
        buffer_puts(&text, "\"}");
        store(p, text.data, &most);
        wait_for(p, &most);
        assert_int_equal(most.code, AE_NONE);

        text.size -= 2;
        buffer_puts(&text, "x\"}");
        store(p, text.data, &more);
        wait_for(p, &more);
        assert_int_equal(more.code, AE_INVALID_REQUEST);

        text.size -= 2;
        for (size_t i = 0; i < VAULT_WIRE_MAX_LINE; i++)
                buffer_putc(&text, 'x');
        buffer_puts(&text, "\"}");
        store(p, text.data, &line);
        wait_for(p, &line);
        assert_int_equal(line.code, AE_INVALID_REQUEST);
        assert_non_null(strstr(line.message, "too large"));
}

static void test_many_ask_once(void **state) {
        struct outcome o[20] = { 0 }, other = { 0 };
        static const struct vault_key another = { "u2", "gmail", "default" };
        struct place *p = *state;

        play(slow);
        for (size_t i = 0; i < ELEMENTSOF(o); i++)
                get(p, &home, &o[i]);
        get(p, &another, &other); /* whom nobody scripted: it fails, alone */
        wait_requests(p, 2);
        vault_call_cancel(o[0].call); /* who asked first */
        o[1].cancel = &o[2];          /* from within, while all are being told */
        wait_for(p, &other);
        assert_int_equal(other.code, AE_VAULT_UNAVAILABLE);

        upstream_open_gate(p->fixture.upstream);
        wait_for(p, &o[1]);
        for (size_t i = 3; i < ELEMENTSOF(o); i++) {
                wait_for(p, &o[i]);
                assert_string_equal(o[i].token, "at");
        }
        assert_int_equal(o[0].n + o[2].n, 0);
        assert_int_equal(upstream_requests(p->fixture.upstream), 2);
}

static void test_when_all_have_left_so_does_the_question(void **state) {
        static const struct line never[] = { { get_path, NULL }, { NULL } };
        struct outcome a = { 0 }, b = { 0 };
        struct place *p = *state;

        play(never);
        get(p, &home, &a);
        get(p, &home, &b);
        wait_requests(p, 1);
        vault_call_cancel(a.call);
        vault_call_cancel(b.call);
        upstream_wait_closed(p->fixture.upstream, 1);
        assert_int_equal(a.n + b.n, 0);
}

/* Its caller has gone, and what was begun is finished all the same. */
static void test_a_write_is_not_withdrawn(void **state) {
        struct outcome stored = { 0 };
        struct place *p = *state;

        play(slow);
        store(p, "{\"access_token\":\"x\"}", &stored);
        vault_call_cancel(stored.call);
        wait_requests(p, 1);
        assert_asked("POST /store_token?user_id=u1&platform=gmail\n");
}

static void test_what_was_stored_since_is_asked_for(void **state) {
        struct outcome old = { 0 }, stored = { 0 }, joined = { 0 }, new = { 0 };
        struct place *p = *state;

        play(slow);
        get(p, &home, &old);
        wait_requests(p, 1);
        store(p, "{\"access_token\":\"x\"}", &stored);
        get(p, &home, &joined); /* nobody has been told yet */
        wait_for(p, &stored);
        get(p, &home, &new);
        wait_requests(p, 3);
        upstream_open_gate(p->fixture.upstream);
        wait_for(p, &old);
        wait_for(p, &joined);
        wait_for(p, &new);
        assert_int_equal(upstream_requests(p->fixture.upstream), 3);
}

static void test_each_hears_of_its_own_rejected_token(void **state) {
        static const char *const harmless[] = { "", "5c", "zz", NULL };
        struct outcome refused = { 0 }, o[ELEMENTSOF(harmless)] = { 0 };
        unsigned char digest[crypto_hash_sha256_BYTES];
        char hex[2 * sizeof(digest) + 1];
        struct place *p = *state;

        play(good);
        crypto_hash_sha256(digest, (const unsigned char *)"at", 2);
        sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
        assert_int_equal(vault_get_token(p->vault, &home, hex, on_answer, &refused, &refused.call),
                         0);
        for (size_t i = 0; i < ELEMENTSOF(harmless); i++)
                assert_int_equal(vault_get_token(p->vault, &home, harmless[i], on_answer, &o[i],
                                                 &o[i].call),
                                 0);
        wait_for(p, &refused);
        assert_int_equal(refused.code, AE_REAUTHORIZATION_REQUIRED);
        for (size_t i = 0; i < ELEMENTSOF(harmless); i++) {
                wait_for(p, &o[i]);
                assert_string_equal(o[i].token, "at");
        }
        assert_int_equal(upstream_requests(p->fixture.upstream), 1);
}

static void test_asking_again_from_within(void **state) {
        struct outcome a = { 0 };
        struct place *p = *state;

        play(good);
        a.ask_again = p->vault;
        get(p, &home, &a);
        while (a.n < 2)
                assert_true(sd_event_run(p->fixture.event, UINT64_MAX) >= 0);
        assert_string_equal(a.token, "at");
        assert_int_equal(upstream_requests(p->fixture.upstream), 2);
}

static void test_callers_have_a_limit(void **state) {
        enum { MAX = 4096 };
        struct outcome *o = calloc(MAX + 1, sizeof(*o));
        struct place *p = *state;

        assert_non_null(o);
        play(slow);
        for (int i = 0; i <= MAX; i++)
                get(p, &home, &o[i]);
        wait_for(p, &o[MAX]);
        assert_int_equal(o[MAX].code, AE_VAULT_UNAVAILABLE);
        assert_non_null(strstr(o[MAX].message, "too many"));

        vault_call_cancel(o[0].call); /* makes room for one */
        o[0] = o[MAX] = (struct outcome){ 0 };
        get(p, &home, &o[0]);
        get(p, &home, &o[MAX]);
        wait_for(p, &o[MAX]);
        assert_int_equal(o[MAX].code, AE_VAULT_UNAVAILABLE);
        assert_int_equal(o[0].n + o[1].n, 0);
        p->vault = vault_free(p->vault); /* tells nobody */
        assert_int_equal(o[0].n + o[1].n, 0);
        free(o);
}

static void test_kv2_deletes(void **state) {
        static const char read[] = "GET " KV "\n",
                          both[] = "GET " KV "\nDELETE " META "/gmail/default\n";
        static const struct {
                const char *present, *deleted;
                enum ae_code code;
                const char *asked;
        } cases[] = {
                { "200 " VERSION("2", RECORD("u1", "")), "204 ", AE_NONE, both },
                { "404 " VERSION("2", "null"), "204 ", AE_NONE, both },
                { "200 " VERSION("2", RECORD("u1", "")), "500 {}", AE_VAULT_UNAVAILABLE, both },
                { "404 {\"errors\":[]}", "204 ", AE_NOT_CONNECTED, read },
                { "404 {\"errors\":[\"no handler\"]}", "204 ", AE_VAULT_UNAVAILABLE, read },
                { "200 " VERSION("2", RECORD("u2", "")), "204 ", AE_INVALID_REQUEST, read },
                { "200 " VERSION("2", "{\"password\":\"x\"}"), "204 ", AE_INVALID_REQUEST, read },
                { "503 {}", "204 ", AE_VAULT_UNAVAILABLE, read },
        };
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct line lines[] = {
                        { "GET " KV, cases[i].present },
                        { "DELETE " META "/gmail/default", cases[i].deleted },
                        { NULL },
                };
                struct outcome o = { 0 };

                play(lines);
                assert_int_equal(vault_delete_token(p->vault, &home, on_answer, &o, &o.call), 0);
                wait_for(p, &o);
                assert_int_equal(o.code, cases[i].code);
                assert_asked(cases[i].asked);
        }
}

static void test_kv2_tells_what_a_user_has(void **state) {
        static const struct line lines[] = {
                { "GET /v1/sys/health", "200 {}" },
                { "GET " META "/?list=true",
                  "200 {\"data\":{\"keys\":[\"gmail/\",\"note\",\"X!/\",\"zapier/\"]}}" },
                { "GET " META "/gmail/?list=true",
                  "200 {\"data\":{\"keys\":[\"%2Ea\",\"default\",\"gone\",\"sub/\",\"%zz\"]}}" },
                { "GET " META "/zapier/?list=true", "404 {\"errors\":[]}" },
                { "GET " KV, "200 " VERSION("1", RECORD("u1", ",\"expires_at\":1")) },
                { "GET /v1/secret/data/action-engine/u1/gmail/%252Ea",
                  "200 " VERSION("1", RECORD("u1", "")) },
                { "GET /v1/secret/data/action-engine/u1/gmail/gone", "404 " VERSION("1", "null") },
                { NULL },
        };
        static const struct line none[] = {
                { "GET /v1/sys/health", "200 {}" },
                { "GET " META "/?list=true", "404 {\"errors\":[]}" },
                { NULL },
        };
        struct outcome o = { 0 }, nothing = { 0 }, plain = { 0 };
        struct place *p = *state;

        play(lines);
        assert_int_equal(vault_user_status(p->vault, "u1", on_answer, &o, &o.call), 0);
        wait_for(p, &o);
        assert_string_equal(o.message, "");
        assert_string_equal(o.status, "{\"state\":\"ok\",\"connected_platforms\":["
                                      "{\"platform\":\"gmail\",\"account\":\".a\",\"status\":"
                                      "\"active\"},"
                                      "{\"platform\":\"gmail\",\"account\":\"default\",\"status\":"
                                      "\"token_expired\"}]}");

        play(none);
        assert_int_equal(vault_user_status(p->vault, "u1", on_answer, &nothing, &nothing.call), 0);
        wait_for(p, &nothing);
        assert_string_equal(nothing.status, "{\"state\":\"ok\",\"connected_platforms\":[]}");
        assert_int_equal(vault_status(p->vault, on_answer, &plain, &plain.call), 0);
        wait_for(p, &plain);
        assert_string_equal(plain.status, "{\"state\":\"ok\"}");
        free(o.status);
        free(nothing.status);
        free(plain.status);
}

static void test_kv2_lists_of_no_sense(void **state) {
        static const struct {
                const char *listed, *record;
        } cases[] = {
                { "200 {}", "" },
                { "200 {\"data\":{\"keys\":[1]}}", "" },
                { "500 {}", "" },
                { "200 {\"data\":{\"keys\":[\"default\"]}}", "200 {}" },
                { "200 {\"data\":{\"keys\":[\"default\"]}}",
                  "200 " VERSION("1", RECORD("u2", "")) },
        };
        struct place *p = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct line lines[] = {
                        { "GET /v1/sys/health", "200 {}" },
                        { "GET " META "/?list=true", "200 {\"data\":{\"keys\":[\"gmail/\"]}}" },
                        { "GET " META "/gmail/?list=true", cases[i].listed },
                        { "GET " KV, cases[i].record },
                        { NULL },
                };
                struct outcome o = { 0 };

                play(lines);
                assert_int_equal(vault_user_status(p->vault, "u1", on_answer, &o, &o.call), 0);
                wait_for(p, &o);
                assert_int_equal(o.code, AE_VAULT_UNAVAILABLE);
                assert_null(o.status);
        }
}

#define PURAIFI(name) cmocka_unit_test_setup_teardown(name, set_up_puraifi, tear_down)
#define KV2(name) cmocka_unit_test_setup_teardown(name, set_up_kv2, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                PURAIFI(test_puraifi_operations),
                PURAIFI(test_puraifi_status_of_no_sense),
                PURAIFI(test_what_cannot_be_kept),
                PURAIFI(test_a_credential_has_a_limit),
                PURAIFI(test_many_ask_once),
                PURAIFI(test_when_all_have_left_so_does_the_question),
                PURAIFI(test_a_write_is_not_withdrawn),
                PURAIFI(test_what_was_stored_since_is_asked_for),
                PURAIFI(test_each_hears_of_its_own_rejected_token),
                PURAIFI(test_asking_again_from_within),
                PURAIFI(test_callers_have_a_limit),
                KV2(test_kv2_deletes),
                KV2(test_kv2_tells_what_a_user_has),
                KV2(test_kv2_lists_of_no_sense),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
