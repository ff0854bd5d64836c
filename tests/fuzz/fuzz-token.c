/* SPDX-License-Identifier: MIT */
/*
 * One input, taken for each thing that comes from outside: a token, the payload of a token that is
 * well signed, a signature, a key file, and a set of keys.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "auth/jwk.h"
#include "auth/jwks.h"
#include "auth/jws.h"
#include "auth/token.h"
#include "base/clock.h"

#define NOW (UINT64_C(1500) * USEC_PER_SEC)
#define SKEW (UINT64_C(60) * USEC_PER_SEC)

/* RFC 8037, appendix A.1 */
static const char ed_text[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"main\","
                              "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
                              "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";

static const char ec_text[] =
                "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec\",\"x\":\"Zt9VAcbrV5mJhkaLOhg4t-"
                "159v5"
                "TgG7H2e7_0kRFo5o\",\"y\":\"KS-m5EtXL636lSfgIobaEEH3wgxFfnRJoPM5zvFB4mQ\"}";
static const char rsa_text[] = "{\"kty\":\"RSA\",\"kid\":\"rsa\",\"n\":"
                               "\"0HD1lGFBaHcDTtOafzku4PXGe0pj4k4vWDxlANJHoiK"
                               "LKw5Uqk-bzlZkcjfg2K0oi0MW6-zZi7HCpAnru55N8I9_MEx-TeU8SHjzU1zs_"
                               "BLGdClhUquoQNdjzbuj5Cc"
                               "PO1uz0zGACejvS7r6E2PBGky_qrxz1THQR89wOKoa3k73G5IbxbXocri5uP2Md7G9-"
                               "spNstu2z3JDhC63Gd5"
                               "UvBUNXOwPAKVDst9hzH-YcOnQo3_N6gzFvhPOKq_"
                               "98I8LRjLxLrma6esFPsX6Cjg4Wf1Xc6OuB9DtJxiGJ0L"
                               "iYMwXhFWgAJbMIE5PUyxq-QQIFwKVmV4ECAAbt6atNcoRTQ\",\"e\":\"AQAB\"}";

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jwk *key; /* the private one */
static struct jwk *keys[3];

static struct jwk *read_key(const char *text, enum jwk_part part) {
        struct ae_error error = { 0 };
        struct jwk *k = NULL;
        int r;

        r = jwk_parse(text, strlen(text), part, &k, &error);
        assert(r == 0);
        return k;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        int r;

        r = sodium_init();
        assert(r >= 0);
        key = read_key(ed_text, JWK_PRIVATE);
        keys[0] = key;
        keys[1] = read_key(ec_text, JWK_PUBLIC);
        keys[2] = read_key(rsa_text, JWK_PUBLIC);
        return 0;
}

/* Whoever refuses says why, with a code that a client may see. */
static void check_error(int r, const struct ae_error *error) {
        assert(error->code == AE_TOKEN_INVALID || error->code == AE_TOKEN_EXPIRED);
        assert(r == ae_code_errno(error->code));
        assert(error->message[0]);
}

static int try_claims(const char *text, size_t size) {
        struct ae_error error = { 0 };
        struct token_claims c;
        int r;

        r = token_claims_parse(text, size, NOW, SKEW, 1000, &c, &error);
        if (r < 0) {
                check_error(r, &error);
                return r;
        }
        assert(c.issuer[0] && c.subject[0] && strlen(c.subject) <= TOKEN_USER_MAX);
        assert(!token_has_expired(c.expires_at_usec, NOW, SKEW));
        token_claims_done(&c);
        return 0;
}

static void try_token(const char *text, size_t size) {
        struct ae_error error = { 0 };
        struct jws j;
        int r;

        r = jws_parse(text, size, &j, &error);
        if (r < 0) {
                check_error(r, &error);
                return;
        }
        assert(size <= JWS_MAX_SIZE && jwk_kid_is_valid(j.kid));
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                error = (struct ae_error){ 0 };
                r = jws_verify(&j, keys[i], &error);
                if (r < 0) {
                        check_error(r, &error);
                        continue;
                }
                assert(j.algorithm == keys[i]->algorithm);
                (void)try_claims(j.payload, j.payload_size);
        }
        jws_done(&j);
}

/* Of whatever size it comes, and for whatever key. */
static void try_signature(const char *data, size_t size) {
        static const char text[] = "header.payload";

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (keys[i]->algorithm->verify(keys[i], text, strlen(text),
                                               (const unsigned char *)data, size))
                        assert(size == 64 || size == 256);
}

/* What was signed comes back byte for byte, and means the same. */
static void try_payload(const char *text, size_t size) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct ae_error error = { 0 };
        struct jws j;
        int r;

        r = jws_sign(text, size, key, &token);
        if (r == -EMSGSIZE)
                return;
        assert(r == 0);
        r = jws_parse(token->data, token->size, &j, &error);
        assert(r == 0);
        r = jws_verify(&j, key, &error);
        assert(r == 0);
        assert(j.payload_size == size && memcmp(j.payload, text, size) == 0);
        assert(try_claims(text, size) == try_claims(j.payload, j.payload_size));
        jws_done(&j);
}

static void try_key(const char *text, size_t size, enum jwk_part part) {
        _cleanup_(jwk_freep) struct jwk *k = NULL, *again = NULL;
        _cleanup_(secret_freep) struct secret *printed = NULL;
        struct ae_error error = { 0 };
        int r;

        r = jwk_parse(text, size, part, &k, &error);
        if (r < 0) {
                assert(r == -EINVAL && error.message[0]);
                return;
        }
        if (!k->algorithm->write) {
                assert(part == JWK_PUBLIC && !k->private_key && k->evp);
                return;
        }
        r = jwk_print(k, part, &printed);
        assert(r == 0);
        r = jwk_parse(printed->data, printed->size, part, &again, &error);
        assert(r == 0);
        assert(memcmp(k->fingerprint, again->fingerprint, JWK_FINGERPRINT_SIZE) == 0);
}

static void on_skipped(const char *sentence, void *userdata) {
        size_t *n = userdata;

        assert(sentence[0]);
        (*n)++;
}

static void try_set(const char *text, size_t size) {
        _cleanup_(jwks_done) struct jwks set = { 0 };
        struct ae_error error = { 0 };
        size_t n_skipped = 0;
        int r;

        r = jwks_parse(text, size, on_skipped, &n_skipped, &set, &error);
        if (r < 0) {
                assert(r == -EINVAL && error.message[0] && set.n_keys == 0);
                return;
        }
        assert(set.n_keys + n_skipped <= JWKS_MAX_KEYS);
        for (size_t i = 0; i < set.n_keys; i++)
                assert(jwk_kid_is_valid(set.keys[i]->kid) && !set.keys[i]->private_key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;

        try_token(text, size);
        try_payload(text, size);
        try_key(text, size, JWK_PUBLIC);
        try_key(text, size, JWK_PRIVATE);
        try_signature(text, size);
        try_set(text, size);
        return 0;
}
