/* SPDX-License-Identifier: MIT */
/*
 * Service accounts: which keys are taken, and that what is signed can be checked with the public
 * half.
 */
#include "test.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>

#include "base/base64url.h"
#include "base/json.h"
#include "oauth-fixture.h"
#include "oauth/assertion.h"

#define NOW_USEC UINT64_C(1784000000999999)
#define AUDIENCE "https://oauth2.googleapis.com/token"

static EVP_PKEY *keys[2]; /* RSA of 2048 bits */

static void put_pem(EVP_PKEY *key, const char *pass_phrase, struct buffer *to) {
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long size;

        assert_int_equal(PEM_write_bio_PrivateKey(bio, key, pass_phrase ? EVP_aes_128_cbc() : NULL,
                                                  NULL, 0, NULL, (void *)pass_phrase),
                         1);
        size = BIO_get_mem_data(bio, &text);
        buffer_append(to, text, (size_t)size);
        BIO_free(bio);
}

/* A file of the console's form, with this key in it. */
static void put_account(const char *pem, struct buffer *to) {
        buffer_puts(to, "{\"type\":\"service_account\",\"project_id\":\"p\",\"private_key_id\":"
                        "\"k\\\"1\",\"client_email\":\"a@p.iam.gserviceaccount.com\",\"token_uri\":"
                        "\"https://evil.example/token\",\"client_id\":\"1\",\"private_key\":");
        json_print_string(pem, strlen(pem), to);
        buffer_putc(to, '}');
}

static int parse(const char *text, struct oauth_service_account *ret, struct ae_error *error) {
        struct json_slice json = json_text(text);

        return oauth_service_account_parse(&json, ret, error);
}

static int parse_with(const char *pem, struct oauth_service_account *ret, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        put_account(pem, &text);
        return parse(text.data, ret, error);
}

static void account_from(EVP_PKEY *key, struct oauth_service_account *ret) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        _cleanup_(buffer_done) struct buffer pem = { 0 };

        put_pem(key, NULL, &pem);
        assert_int_equal(parse_with(pem.data, ret, &error), 0);
}

/* Takes the next part of a JWT. */
static size_t take_part(const char **at, unsigned char *ret, size_t max) {
        size_t n = strcspn(*at, "."), size;

        assert_int_equal(base64url_decode(*at, n, ret, max, &size), 0);
        *at += n + ((*at)[n] == '.');
        return size;
}

static bool is_signed_by(EVP_PKEY *key, const char *text, size_t size,
                         const unsigned char *signature, size_t signature_size) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        int r;

        assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
        r = EVP_DigestVerify(context, signature, signature_size, (const unsigned char *)text, size);
        EVP_MD_CTX_free(context);
        return r == 1;
}

static void check_assertion(const struct oauth_service_account *a, const char *header,
                            const char *claims) {
        _cleanup_(secret_freep) struct secret *assertion = NULL;
        unsigned char part[2048];
        const char *at;
        size_t size, n_signed;

        assert_int_equal(oauth_assertion_new(a, AUDIENCE, "s1 s2", NOW_USEC, &assertion), 0);
        assert_int_equal(strlen(assertion->data), assertion->size);
        at = assertion->data;

        size = take_part(&at, part, sizeof(part));
        assert_int_equal(size, strlen(header));
        assert_memory_equal(part, header, size);
        size = take_part(&at, part, sizeof(part));
        assert_int_equal(size, strlen(claims));
        assert_memory_equal(part, claims, size);
        n_signed = (size_t)(at - assertion->data) - 1;
        size = take_part(&at, part, sizeof(part));
        assert_int_equal(*at, 0);

        assert_true(is_signed_by(keys[0], assertion->data, n_signed, part, size));
        assert_false(is_signed_by(keys[1], assertion->data, n_signed, part, size));
        assert_false(is_signed_by(keys[0], assertion->data, n_signed - 1, part, size));
}

static void test_assertion(void **state) {
        _cleanup_(oauth_service_account_done) struct oauth_service_account a = { 0 };

        account_from(keys[0], &a);
        assert_null(a.subject);
        check_assertion(&a, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k\\\"1\"}",
                        "{\"iss\":\"a@p.iam.gserviceaccount.com\",\"scope\":\"s1 s2\",\"aud\":"
                        "\"" AUDIENCE "\",\"iat\":1784000000,\"exp\":1784003600}");

        a.subject = strdup("boss@example.com");
        free(a.private_key_id);
        a.private_key_id = NULL;
        check_assertion(&a, "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
                        "{\"iss\":\"a@p.iam.gserviceaccount.com\",\"sub\":\"boss@example.com\","
                        "\"scope\":\"s1 s2\",\"aud\":\"" AUDIENCE
                        "\",\"iat\":1784000000,\"exp\":1784003600}");
}

static void test_a_key_that_was_changed(void **state) {
        _cleanup_(oauth_service_account_done) struct oauth_service_account a = { 0 };
        struct secret *assertion = NULL;

        account_from(keys[0], &a);
        a.private_key->data[200] ^= 1; /* in the modulus: of which d is not */
        assert_int_equal(oauth_assertion_new(&a, AUDIENCE, "s", NOW_USEC, &assertion),
                         -EKEYREJECTED);
        assert_null(assertion);
}

static void refuse(const char *pem, const char *what) {
        _cleanup_(oauth_service_account_done) struct oauth_service_account a = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        if (parse_with(pem, &a, &error) != -EINVAL || !strstr(error.message, "'private_key' must"))
                fail_msg("%s: %s", what, error.message);
        assert_int_equal(error.code, AE_INVALID_REQUEST);
        assert_null(a.private_key);
}

static void refuse_key(EVP_PKEY *key, const char *pass_phrase, const char *what) {
        _cleanup_(buffer_done) struct buffer pem = { 0 };

        assert_non_null(key);
        put_pem(key, pass_phrase, &pem);
        refuse(pem.data, what);
        EVP_PKEY_free(key);
}

static void test_other_keys(void **state) {
        refuse_key(EVP_RSA_gen(1024), NULL, "too short");
        refuse_key(EVP_EC_gen("P-256"), NULL, "elliptic curve");
        refuse_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "Ed25519");
        EVP_PKEY_up_ref(keys[0]);
        refuse_key(keys[0], "pass phrase", "encrypted");
}

static void test_what_is_no_key(void **state) {
        _cleanup_(buffer_done) struct buffer pem = { 0 }, long_pem = { 0 };
        BIO *bio = BIO_new(BIO_s_mem());
        char *text;
        long size;

        refuse("", "empty");
        refuse("secret", "no PEM");
        refuse("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "nothing in it");
        refuse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no DER in it");

        assert_int_equal(PEM_write_bio_PUBKEY(bio, keys[0]), 1);
        size = BIO_get_mem_data(bio, &text);
        buffer_append(&pem, text, (size_t)size);
        BIO_free(bio);
        refuse(pem.data, "the public half");

        buffer_clear(&pem);
        put_pem(keys[0], NULL, &pem);
        for (size_t cut = 0; cut + 8 < pem.size; cut += 97) {
                _cleanup_(freep) char *part = strndup(pem.data, cut);

                refuse(part, "cut");
        }
        while (long_pem.size <= 16384)
                buffer_append(&long_pem, pem.data, pem.size);
        refuse(long_pem.data, "too long");
}

static void test_bad_accounts(void **state) {
        /* clang-format off */
        static const struct {
                const char *text, *complaint;
        } cases[] = {
                { "[]", "must be a JSON object" },
                { "{}", "'type' must be" },
                { "{\"type\":\"authorized_user\"}", "'type' must be" },
                { "{\"type\":7}", "'type' must be" },
                { "{\"type\":\"service_account\"}", "'client_email' is missing" },
                { "{\"type\":\"service_account\",\"private_key\":\"k\"}", "'client_email' is missing" },
                { "{\"type\":\"service_account\",\"client_email\":\"a@b\"}", "'private_key' is missing" },
                { "{\"type\":\"service_account\",\"client_email\":\"\"}", "'client_email' must be" },
                { "{\"type\":\"service_account\",\"client_email\":\"a\\n@b\"}", "'client_email' must be" },
                { "{\"type\":\"service_account\",\"client_email\":null}", "'client_email' must be" },
                { "{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"\\u0001\"}",
                  "'private_key' must be" },
                { "{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":[\"k\"]}",
                  "'private_key' must be" },
                { "{\"type\":\"service_account\",\"subject\":\"\\u00fc\"}", "'subject' must be" },
                { "{\"type\":\"service_account\",\"private_key_id\":{}}", "'private_key_id' must be" },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(oauth_service_account_done) struct oauth_service_account a = { 0 };
                _cleanup_(ae_error_done) struct ae_error error = { 0 };

                assert_int_equal(parse(cases[i].text, &a, &error), -EINVAL);
                if (!strstr(error.message, cases[i].complaint))
                        fail_msg("%s: %s", cases[i].text, error.message);
        }
}

static int make_keys(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                keys[i] = EVP_RSA_gen(2048);
        return keys[0] && keys[1] ? 0 : -1;
}

static int free_keys(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                EVP_PKEY_free(keys[i]);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_assertion),    cmocka_unit_test(test_a_key_that_was_changed),
                cmocka_unit_test(test_other_keys),   cmocka_unit_test(test_what_is_no_key),
                cmocka_unit_test(test_bad_accounts),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, make_keys, free_keys);
}
