/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/renew.h"

#define NOW (UINT64_C(2000000000) * USEC_PER_SEC)
#define AHEAD RENEW_AHEAD_USEC

/* A record of what `json` says, which stands in no line. */
static void read_record(const char *json, struct record *ret) {
        const struct json_slice slice = {
                .text = json,
                .size = strlen(json),
                .type = JSON_OBJECT,
        };

        assert_int_equal(record_reopen(&slice, ret), 0);
}

static void make_app(struct oauth_app *ret) {
        static const char json[] = "{\"profile\":\"google\",\"client_id\":\"c\","
                                   "\"client_secret\":\"s\",\"redirect_uri\":"
                                   "\"https://example.com/back\",\"iss_required\":true}";
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        struct json_envelope e;
        struct json_fault fault;

        assert_int_equal(json_scan(json, strlen(json), &e, &fault), 0);
        assert_int_equal(oauth_app_parse(&e.root, ret, &error), 0);
}

#define AT "\"access_token\":\"at\""
#define RT "\"refresh_token\":\"rt\""
#define BY "\"provider\":\"google\""
#define ROBOT "\"service_account\":{},\"scopes\":[\"a\"]"
#define REFUSED "\"refused\":true"

/* clang-format off */
static const struct {
        const char *members;
        uint64_t expires_at_usec;
        bool rejected;
        enum renew_need need;
} needs[] = {
        { AT,                         0,               false, RENEW_NOT   },
        { AT,                         0,               true,  RENEW_NEVER },
        { AT,                         NOW,             false, RENEW_NEVER },
        { AT,                         NOW + 1,         false, RENEW_NOT   },
        { AT "," RT,                  NOW,             false, RENEW_NEVER }, /* of no known app */
        { AT "," BY,                  NOW,             false, RENEW_NEVER },
        { RT,                         0,               false, RENEW_NEVER },
        { RT "," BY,                  0,               false, RENEW_NOW   },
        { AT "," RT "," BY,           0,               false, RENEW_NOT   },
        { AT "," RT "," BY,           0,               true,  RENEW_NOW   },
        { AT "," RT "," BY,           1,               false, RENEW_NOW   },
        { AT "," RT "," BY,           NOW,             false, RENEW_NOW   },
        { AT "," RT "," BY,           NOW + 1,         false, RENEW_EARLY },
        { AT "," RT "," BY,           NOW + 1,         true,  RENEW_NOW   },
        { AT "," RT "," BY,           NOW + AHEAD,     false, RENEW_EARLY },
        { AT "," RT "," BY,           NOW + AHEAD + 1, false, RENEW_NOT   },
        { AT "," RT "," BY "," REFUSED, NOW + 1,       false, RENEW_NOT   },
        { AT "," RT "," BY "," REFUSED, NOW,           false, RENEW_NEVER },
        { AT "," RT "," BY "," REFUSED, 0,             true,  RENEW_NEVER },
        { ROBOT,                      0,               false, RENEW_NOW   },
        { ROBOT "," AT,               NOW + 1,         false, RENEW_EARLY },
        { ROBOT "," AT,               NOW + AHEAD + 1, false, RENEW_NOT   },
        { ROBOT "," AT,               NOW,             false, RENEW_NOW   },
        { ROBOT "," REFUSED,          0,               false, RENEW_NEVER },
};
/* clang-format on */

static void test_when_it_is_renewed(void **state) {
        unsigned char digest[crypto_hash_sha256_BYTES], other[crypto_hash_sha256_BYTES] = { 1 };
        char json[256];

        crypto_hash_sha256(digest, (const unsigned char *)"at", 2);
        for (size_t i = 0; i < ELEMENTSOF(needs); i++) {
                _cleanup_(record_done) struct record record = { 0 };
                enum renew_need need;

                snprintf(json, sizeof(json), "{%s}", needs[i].members);
                read_record(json, &record);
                record.expires_at_usec = needs[i].expires_at_usec;
                need = record_renewal(&record, NOW, needs[i].rejected ? digest : NULL);
                if (need != needs[i].need)
                        fail_msg("%s at %+lld: %d", json,
                                 (long long)needs[i].expires_at_usec - (long long)NOW, need);
                if (!needs[i].rejected)
                        assert_int_equal(record_renewal(&record, NOW, other), need);
        }
}

static void test_a_refresh_token_is_presented_by_its_app(void **state) {
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        _cleanup_(oauth_grant_done) struct oauth_grant grant = { 0 };
        _cleanup_(record_done) struct record record = { 0 };

        make_app(&app);
        read_record("{" AT "," RT "," BY "," ROBOT "}", &record);
        assert_int_equal(record_renewal_grant(&record, &app, NOW, &grant), 0);
        assert_int_equal(grant.kind, OAUTH_GRANT_REFRESH);
        assert_string_equal(grant.token->data, "rt");
        assert_string_equal(grant.app.client_id, "c");
        assert_string_equal(grant.app.client_secret->data, "s");
        assert_string_equal(grant.app.endpoints[OAUTH_TOKEN], app.endpoints[OAUTH_TOKEN]);
        assert_ptr_not_equal(grant.app.client_id, app.client_id);
        assert_null(grant.code);
        assert_null(grant.scopes);
}

static void test_what_cannot_be_renewed(void **state) {
        static const char *const cases[] = {
                "{" AT "}",
                "{" AT "," BY "}",
                "{" AT "," RT "," BY "," REFUSED "}",
                "{" ROBOT "," REFUSED "}",
        };
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        _cleanup_(record_done) struct record record = { 0 };
        struct oauth_grant grant;

        make_app(&app);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                record_done(&record);
                read_record(cases[i], &record);
                assert_int_equal(record_renewal_grant(&record, &app, NOW, &grant), -ENOKEY);
        }
        record_done(&record);
        read_record("{" AT "," RT "," BY "}", &record);
        assert_int_equal(record_renewal_grant(&record, NULL, NOW, &grant), -ENOKEY);
        record_done(&record);
        read_record("{" ROBOT "}", &record);
        assert_int_equal(record_renewal_grant(&record, NULL, NOW, &grant), -EKEYREJECTED);
}

static void make_robot(struct record *ret) {
        _cleanup_(buffer_done) struct buffer json = { 0 };
        EVP_PKEY *key = EVP_RSA_gen(2048);
        BIO *bio = BIO_new(BIO_s_mem());
        char *pem;
        long n;

        assert_non_null(key);
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
        n = BIO_get_mem_data(bio, &pem);
        buffer_puts(&json, "{\"scopes\":[\"a\",\"b:c\"],\"service_account\":{\"type\":"
                           "\"service_account\",\"client_email\":\"r@example.com\","
                           "\"private_key\":");
        json_print_string(pem, (size_t)n, &json);
        buffer_puts(&json, "}}");
        assert_int_equal(buffer_error(&json), 0);
        read_record(json.data, ret);
        BIO_free(bio);
        EVP_PKEY_free(key);
}

/* The claims of a JWT, as JSON. */
static void read_claims(const struct secret *jwt, cJSON **ret) {
        char *claims = strchr(jwt->data, '.') + 1;
        char json[1024];
        size_t size;

        assert_int_equal(sodium_base642bin((unsigned char *)json, sizeof(json), claims,
                                           strcspn(claims, "."), NULL, &size, NULL,
                                           sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                         0);
        assert_int_equal(json_parse(json, size, ret, NULL), 0);
}

static void test_a_service_account_asserts(void **state) {
        const char *google = oauth_profile_find("google")->endpoints[OAUTH_TOKEN];
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        _cleanup_(record_done) struct record record = { 0 };

        make_robot(&record);
        make_app(&app);
        free(app.endpoints[OAUTH_TOKEN]);
        app.endpoints[OAUTH_TOKEN] = strdup("http://127.0.0.1:7/token");
        for (int i = 0; i < 2; i++) {
                _cleanup_(oauth_grant_done) struct oauth_grant grant = { 0 };
                _cleanup_(json_freep) cJSON *claims = NULL;
                const char *endpoint = i ? google : app.endpoints[OAUTH_TOKEN];

                assert_int_equal(record_renewal_grant(&record, i ? NULL : &app, NOW, &grant), 0);
                assert_int_equal(grant.kind, OAUTH_GRANT_ASSERTION);
                assert_string_equal(grant.app.endpoints[OAUTH_TOKEN], endpoint);
                read_claims(grant.token, &claims);
                assert_string_equal(json_string(claims, "aud"), endpoint);
                assert_string_equal(json_string(claims, "scope"), "a b:c");
                assert_string_equal(json_string(claims, "iss"), "r@example.com");
        }
}

static void assert_printed(const struct record *r, const char *expected) {
        _cleanup_(buffer_done) struct buffer b = { 0 };

        record_print(r, &b);
        assert_int_equal(buffer_error(&b), 0);
        assert_string_equal(b.data, expected);
}

static void test_what_came_is_taken_over(void **state) {
        _cleanup_(record_done) struct record record = { 0 };
        struct oauth_tokens tokens = { .expires_at_usec = UINT64_C(1000000) * USEC_PER_SEC };

        read_record("{" AT "," RT "," BY ",\"identity\":\"ann\",\"token_type\":\"bot\","
                    "\"scopes\":[\"a\",\"b\"]," REFUSED "}",
                    &record);
        assert_int_equal(secret_new("at2", 3, &tokens.access_token), 0);
        assert_int_equal(record_take_tokens(&record, &tokens, NULL), 0);
        assert_printed(&record, "{\"access_token\":\"at2\",\"refresh_token\":\"rt\"," BY
                                ",\"identity\":\"ann\",\"expires_at\":\"1970-01-12T13:46:40Z\","
                                "\"scopes\":[\"a\",\"b\"]}");
        oauth_tokens_done(&tokens);

        assert_int_equal(secret_new("at3", 3, &tokens.access_token), 0);
        assert_int_equal(secret_new("rt3", 3, &tokens.refresh_token), 0);
        tokens.identity = strdup("bob");
        tokens.token_type = strdup("Bearer");
        assert_int_equal(record_take_tokens(&record, &tokens, " c  d "), 0);
        assert_printed(&record, "{\"access_token\":\"at3\",\"refresh_token\":\"rt3\"," BY
                                ",\"identity\":\"bob\",\"token_type\":\"Bearer\","
                                "\"scopes\":[\"c\",\"d\"]}");
        oauth_tokens_done(&tokens);

        assert_int_equal(secret_new("at4", 3, &tokens.access_token), 0);
        tokens.scopes = cJSON_CreateStringArray((const char *[]){ "e" }, 1);
        assert_int_equal(record_take_tokens(&record, &tokens, "c d"), 0);
        assert_printed(&record, "{\"access_token\":\"at4\",\"refresh_token\":\"rt3\"," BY
                                ",\"identity\":\"bob\",\"scopes\":[\"e\"]}");
        oauth_tokens_done(&tokens);

        /* Nothing was asked for by name: what is known stays. */
        assert_int_equal(secret_new("at5", 3, &tokens.access_token), 0);
        assert_int_equal(record_take_tokens(&record, &tokens, ""), 0);
        assert_int_equal(cJSON_GetArraySize(record.scopes), 1);
        oauth_tokens_done(&tokens);
}

static void test_whose_it_is(void **state) {
        /* clang-format off */
        static const struct {
                const char *record, *tokens;
                bool anothers, same;
        } cases[] = {
                { NULL,          NULL,         false, false },
                { NULL,          "ann",        false, false },
                { "ann",         NULL,         false, false },
                { "ann",         "ann",        false, true  },
                { "ann",         "bob",        true,  false },
                { "ann",         "ann2",       true,  false },
                { "ann",         "Ann",        true,  false },
                { "",            "",           false, true  },
                { "Acme (T1)",   "Acme (T1)",  false, true  },
                { "Acme (T1)",   "Umbra (T1)", false, true  }, /* it was renamed */
                { "Acme (T1)",   "T1",         false, true  },
                { "Acme (T1)",   "Acme (T2)",  true,  false }, /* it shares a name */
                { "Acme (T1)",   "Acme (T1 )", true,  false },
                { "Acme",        "Acme (T1)",  false, false },
                { "Acme (T1)",   "Acme",       false, false },
                { "Umbra",       "Acme (T1)",  true,  false },
                { "A (b) (T1)",  "C (T1)",     false, true  },
                { "(T1)",        "Acme (T1)",  true,  false },
                { " (T1)",       "Acme (T1)",  true,  false },
                { "Acme(T1)",    "Acme (T1)",  true,  false },
                { "a@b.c",       "Acme (T1)",  true,  false },
                { "Acme (T1) ",  "Acme (T1)",  true,  false },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct record record = { .identity = (char *)cases[i].record };
                const struct oauth_tokens tokens = { .identity = (char *)cases[i].tokens };

                if (record_is_anothers(&record, &tokens) != cases[i].anothers ||
                    record_is_of_same(&record, &tokens) != cases[i].same)
                        fail_msg("%s, %s", cases[i].record, cases[i].tokens);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_when_it_is_renewed),
                cmocka_unit_test(test_a_refresh_token_is_presented_by_its_app),
                cmocka_unit_test(test_what_cannot_be_renewed),
                cmocka_unit_test(test_a_service_account_asserts),
                cmocka_unit_test(test_what_came_is_taken_over),
                cmocka_unit_test(test_whose_it_is),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
