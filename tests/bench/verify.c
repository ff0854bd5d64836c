/* SPDX-License-Identifier: MIT */
/*
 * What it costs to believe a token: the whole way from text to identity, in one thread, for each
 * algorithm; for one that was verified before; and with a full list of revoked ones. Per second of
 * processor time, so that others on the machine do not matter.
 *
 *      verify [MILLISECONDS]
 */

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jws.h"
#include "auth/verifier.h"
#include "base/base64url.h"
#include "base/clock.h"

#define NOW (UINT64_C(1500) * USEC_PER_SEC)

static void check(bool good, const char *what) {
        if (good)
                return;
        fprintf(stderr, "%s fails\n", what);
        exit(1);
}

static void put_number(const EVP_PKEY *pair, const char *member, const char *name, int size,
                       struct buffer *to) {
        unsigned char bytes[1024];
        BIGNUM *n = NULL;

        check(EVP_PKEY_get_bn_param(pair, name, &n) == 1, name);
        if (size == 0)
                size = BN_num_bytes(n);
        BN_bn2binpad(n, bytes, size);
        buffer_printf(to, ",\"%s\":\"", member);
        base64url_append(to, bytes, (size_t)size);
        buffer_putc(to, '"');
        BN_free(n);
}

/* The public half, as an issuer would hand it out. */
static struct jwk *public_key(const EVP_PKEY *pair) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct ae_error error = { 0 };
        struct jwk *k = NULL;

        if (EVP_PKEY_get_base_id(pair) == EVP_PKEY_RSA) {
                buffer_puts(&text, "{\"kty\":\"RSA\",\"kid\":\"k\"");
                put_number(pair, "n", OSSL_PKEY_PARAM_RSA_N, 0, &text);
                put_number(pair, "e", OSSL_PKEY_PARAM_RSA_E, 0, &text);
        } else {
                buffer_puts(&text, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\"");
                put_number(pair, "x", OSSL_PKEY_PARAM_EC_PUB_X, 32, &text);
                put_number(pair, "y", OSSL_PKEY_PARAM_EC_PUB_Y, 32, &text);
        }
        buffer_putc(&text, '}');
        check(jwk_parse(text.data, text.size, JWK_PUBLIC, &k, &error) == 0, "the key");
        return k;
}

/* r and s in the place of their DER. */
static size_t unwrap(unsigned char *signature, size_t size) {
        const unsigned char *p = signature;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)size);

        check(pair != NULL, "the signature");
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32);
        ECDSA_SIG_free(pair);
        return 64;
}

static size_t sign(EVP_PKEY *pair, const struct buffer *text, unsigned char *ret) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        size_t size = JWK_SIGNATURE_MAX;

        check(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pair) == 1 &&
                              EVP_DigestSign(context, ret, &size, (unsigned char *)text->data,
                                             text->size) == 1,
              "signing");
        EVP_MD_CTX_free(context);
        return EVP_PKEY_get_base_id(pair) == EVP_PKEY_RSA ? size : unwrap(ret, size);
}

/* `pair` is NULL where the key signs by itself. */
static void make_token(const struct jwk *k, EVP_PKEY *pair, struct buffer *to) {
        static const char claims[] =
                        "{\"iss\":\"bench\",\"aud\":\"action-engine\",\"sub\":\"u1\",\"iat\":1000,"
                        "\"exp\":2000,\"jti\":\"6f1c\",\"scope\":\"gmail:*\",\"cnf\":{\"uid\":0}}";
        unsigned char signature[JWK_SIGNATURE_MAX];
        char header[128];
        size_t size;

        snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"k\"}", k->algorithm->name);
        base64url_append(to, header, strlen(header));
        buffer_putc(to, '.');
        base64url_append(to, claims, strlen(claims));
        if (pair)
                size = sign(pair, to, signature);
        else
                check(k->algorithm->sign(k, to->data, to->size, signature, &size) == 0, "signing");
        buffer_putc(to, '.');
        base64url_append(to, signature, size);
}

static void measure(const char *what, struct jwk *k, EVP_PKEY *pair, size_t cache_entries,
                    struct revocations *list, uint64_t duration_usec) {
        _cleanup_(verifier_freep) struct verifier *v = NULL;
        _cleanup_(buffer_done) struct buffer token = { 0 };
        uint64_t start, passed;
        size_t n = 0;

        make_token(k, pair, &token);
        check(verifier_new(NULL, cache_entries, 0, &v) == 0, "the verifier");
        verifier_set_own_key(v, k);
        verifier_set_revocations(v, list);
        start = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
        do {
                struct ae_error error = { 0 };
                struct identity *id = NULL;

                check(verifier_verify(v, token.data, token.size, 0, NOW, &id, &error) == 0, what);
                identity_unref(id);
                n++;
                passed = clock_usec(CLOCK_PROCESS_CPUTIME_ID) - start;
        } while (passed < duration_usec);
        printf("%-24s %9.0f /s\n", what, (double)n * 1e6 / (double)passed);
}

static struct revocations *full_list(void) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct revocations *l = NULL;
        struct ae_error error = { 0 };
        uint64_t start;

        for (int i = 0; i < REVOCATIONS_MAX; i++)
                buffer_printf(&text, "%032x 2026-11-30T00:00:00Z\n", (unsigned)i);
        start = clock_usec(CLOCK_PROCESS_CPUTIME_ID);
        check(revocations_parse(text.data, text.size, &l, &error) == 0, "the list");
        printf("%-24s %9.1f ms\n", "a full list is read in",
               (double)(clock_usec(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e3);
        return l;
}

static struct jwk *ed25519_key(void) {
        struct jwk *k = NULL;

        check(jwk_generate(&jwk_ed25519, "k", NULL, &k) == 0, "the key");
        return k;
}

int main(int argc, char *argv[]) {
        uint64_t duration_usec = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1000) * USEC_PER_MSEC;
        EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048), *large = EVP_RSA_gen(4096);

        check(sodium_init() >= 0 && ec && rsa && large, "the start");
        measure("EdDSA", ed25519_key(), NULL, 0, NULL, duration_usec);
        measure("ES256", public_key(ec), ec, 0, NULL, duration_usec);
        measure("RS256, 2048 bits", public_key(rsa), rsa, 0, NULL, duration_usec);
        measure("RS256, 4096 bits", public_key(large), large, 0, NULL, duration_usec);
        measure("verified before", public_key(rsa), rsa, 16, NULL, duration_usec);
        measure("the same, full list", public_key(rsa), rsa, 16, full_list(), duration_usec);
        EVP_PKEY_free(large);
        EVP_PKEY_free(rsa);
        EVP_PKEY_free(ec);
        return 0;
}
