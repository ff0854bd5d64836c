/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwks.h"

/* RFC 8037, appendix A.2 */
#define KEY(kid, more) \
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" kid "\"," \
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"" more "}"

struct heard {
        unsigned n;
        char last[AE_MESSAGE_SIZE];
};

static void on_skipped(const char *sentence, void *userdata) {
        struct heard *h = userdata;

        h->n++;
        snprintf(h->last, sizeof(h->last), "%s", sentence);
}

static int parse(const char *text, size_t size, struct heard *h, struct jwks *ret) {
        struct ae_error error = { 0 };
        int r;

        *h = (struct heard){ 0 };
        *ret = (struct jwks){ 0 };
        r = jwks_parse(text, size, on_skipped, h, ret, &error);
        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                assert_memory_equal(error.message, "it", 2);
        }
        return r;
}

/* What is of no use here costs itself alone, and is told with its name. */
static void test_unusable_keys_are_passed_over(void **state) {
        static const struct {
                const char *key, *sentence;
        } cases[] = {
                { "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"kid\":\"b\"}", "type" },
                { "{\"kty\":\"EC\",\"crv\":\"P-521\",\"kid\":\"b\"}", "type" },
                { "{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP\",\"kid\":\"b\"}", "'alg'" },
                { "{\"kty\":\"RSA\",\"alg\":\"RS512\",\"kid\":\"b\"}", "'alg'" },
                { "{\"kty\":\"RSA\",\"kid\":\"b\"}", "'n'" },
                { "{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"b\"}", "private" },
                { KEY("b", ",\"use\":\"enc\""), "'use'" },
                { KEY("b", ",\"d\":\"AAAA\""), "private" },
                { KEY("../b", ""), "'kid'" },
                { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
                  "7TyWQHOg7hcvPapiMlrwIa"
                  "aPcHURo\"}",
                  "no 'kid'" },
                { "1", "object" },
                { "[]", "object" },
                { "null", "object" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(jwks_done) struct jwks set = { 0 };
                char text[1024];
                struct heard h;

                snprintf(text, sizeof(text), "{\"keys\":[%s,%s,%s]}", KEY("a", ""), cases[i].key,
                         KEY("c", ""));
                assert_int_equal(parse(text, strlen(text), &h, &set), 0);
                assert_int_equal(set.n_keys, 2);
                assert_string_equal(set.keys[0]->kid, "a");
                assert_string_equal(set.keys[1]->kid, "c");
                assert_int_equal(h.n, 1);
                assert_memory_equal(h.last, "key 2 (", 7);
                if (!strstr(h.last, cases[i].sentence))
                        fail_msg("'%s' has no '%s'", h.last, cases[i].sentence);
        }
}

static void test_broken_sets(void **state) {
        static const char *const cases[] = {
                "",
                "{",
                "[]",
                "null",
                "{}",
                "{\"keys\":{}}",
                "{\"keys\":null}",
                "{\"Keys\":[]}",
                KEY("a", ""),
                "[" KEY("a", "") "]",
                "{\"keys\":[],\"keys\":[]}",
                "{\"keys\":[" KEY("a", ",\"kid\":\"b\"") "]}",
                "{\"keys\":[" KEY("a", "") "],\"iss\":1}",
                "{\"keys\":[" KEY("a", "") "],\"iss\":null}",
                "{\"keys\":[" KEY("a", "") "]} x",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(jwks_done) struct jwks set = { 0 };
                struct heard h;

                if (parse(cases[i], strlen(cases[i]), &h, &set) != -EINVAL)
                        fail_msg("%s", cases[i]);
                assert_int_equal(set.n_keys, 0);
        }
}

/* The set's issuer is its keys', and none can have another; an empty one binds nobody by mistake. */
static void test_issuer_of_the_set(void **state) {
        static const struct {
                const char *text;
                const char *issuer; /* of the only key; NULL: it is passed over */
        } cases[] = {
                { "{\"iss\":\"i\",\"keys\":[" KEY("a", "") "]}", "i" },
                { "{\"iss\":\"i\",\"keys\":[" KEY("a", ",\"iss\":\"i\"") "]}", "i" },
                { "{\"iss\":\"i\",\"keys\":[" KEY("a", ",\"iss\":\"j\"") "]}", NULL },
                { "{\"iss\":\"i\",\"keys\":[" KEY("a", ",\"iss\":null") "]}", NULL },
                { "{\"iss\":\"\",\"keys\":[" KEY("a", "") "]}", NULL },
                { "{\"keys\":[" KEY("a", ",\"iss\":\"j\"") "]}", "j" },
        };
        _cleanup_(jwks_done) struct jwks free_set = { 0 };
        struct heard h;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(jwks_done) struct jwks set = { 0 };

                assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &h, &set), 0);
                assert_int_equal(set.n_keys, cases[i].issuer ? 1 : 0);
                if (cases[i].issuer)
                        assert_string_equal(set.keys[0]->issuer, cases[i].issuer);
        }
        assert_int_equal(parse("{\"keys\":[" KEY("a", "") "]}",
                               strlen("{\"keys\":[" KEY("a", "") "]}"), &h, &free_set),
                         0);
        assert_null(free_set.keys[0]->issuer);
}

static void test_number_of_keys(void **state) {
        for (int n = JWKS_MAX_KEYS; n <= JWKS_MAX_KEYS + 1; n++) {
                _cleanup_(jwks_done) struct jwks set = { 0 };
                _cleanup_(buffer_done) struct buffer text = { 0 };
                struct heard h;

                buffer_puts(&text, "{\"keys\":[");
                for (int i = 0; i < n; i++)
                        buffer_printf(&text, "%s%s", i > 0 ? "," : "", KEY("a", ""));
                buffer_puts(&text, "]}");
                assert_int_equal(parse(text.data, text.size, &h, &set),
                                 n > JWKS_MAX_KEYS ? -EINVAL : 0);
                assert_int_equal(set.n_keys, n > JWKS_MAX_KEYS ? 0 : n);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unusable_keys_are_passed_over),
                cmocka_unit_test(test_broken_sets),
                cmocka_unit_test(test_issuer_of_the_set),
                cmocka_unit_test(test_number_of_keys),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
