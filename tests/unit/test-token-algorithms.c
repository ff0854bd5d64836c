/* SPDX-License-Identifier: MIT */
/*
 * ES256 and RS256 against signatures and keys that are almost right. The numbers are made here, with
 * OpenSSL; what is wrong with each is done by hand. C1 and C5 stand for the attacks on algorithm
 * and signature.
 */
#include "test.h"

#include <errno.h>
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
#include "base/base64url.h"

#define MESSAGE "header.payload"
#define EC_SIZE 64
#define RSA_SIZE 256

static EVP_PKEY *ec_pair, *rsa_pair;
static struct jwk *ed_key, *ec_key, *rsa_key;

/* ---- making keys and signatures ---- */

/* A number of a key in `size` bytes, or in as few as it needs with 0. */
static size_t number_of(const EVP_PKEY *pair, const char *name, unsigned char *ret, size_t size) {
        BIGNUM *n = NULL;

        assert_int_equal(EVP_PKEY_get_bn_param(pair, name, &n), 1);
        if (size == 0)
                size = (size_t)BN_num_bytes(n);
        assert_int_equal(BN_bn2binpad(n, ret, (int)size), (int)size);
        BN_free(n);
        return size;
}

static const char *base64_of(const void *data, size_t size) {
        static char texts[4][4096];
        static unsigned turn;
        _cleanup_(buffer_done) struct buffer b = { 0 };
        char *text = texts[turn++ % ELEMENTSOF(texts)];

        base64url_append(&b, data, size);
        snprintf(text, sizeof(texts[0]), "%s", b.data ? b.data : "");
        return text;
}

static int parse(const char *text, struct jwk **ret) {
        struct ae_error error = { 0 };
        int r = jwk_parse(text, strlen(text), JWK_PUBLIC, ret, &error);

        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                assert_memory_equal(error.message, "it", 2);
        }
        return r;
}

static const char *ec_text(const unsigned char *x, size_t x_size, const unsigned char *y,
                           size_t y_size, const char *more) {
        static char text[8192];

        snprintf(text, sizeof(text),
                 "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"ec\",\"x\":\"%s\",\"y\":\"%s\"%s}",
                 base64_of(x, x_size), base64_of(y, y_size), more);
        return text;
}

static const char *rsa_text(const unsigned char *n, size_t n_size, const unsigned char *e,
                            size_t e_size, const char *more) {
        static char text[8192];

        snprintf(text, sizeof(text),
                 "{\"kty\":\"RSA\",\"kid\":\"rsa\",\"n\":\"%s\",\"e\":\"%s\"%s}",
                 base64_of(n, n_size), base64_of(e, e_size), more);
        return text;
}

static int make_keys(void **state) {
        unsigned char x[32], y[32], n[RSA_SIZE], e[8];
        size_t e_size;

        ec_pair = EVP_EC_gen("P-256");
        rsa_pair = EVP_RSA_gen(8 * RSA_SIZE);
        if (!ec_pair || !rsa_pair || jwk_generate(&jwk_ed25519, "ed", NULL, &ed_key) < 0)
                return -1;
        (void)number_of(ec_pair, OSSL_PKEY_PARAM_EC_PUB_X, x, 32);
        (void)number_of(ec_pair, OSSL_PKEY_PARAM_EC_PUB_Y, y, 32);
        (void)number_of(rsa_pair, OSSL_PKEY_PARAM_RSA_N, n, RSA_SIZE);
        e_size = number_of(rsa_pair, OSSL_PKEY_PARAM_RSA_E, e, 0);
        if (parse(ec_text(x, 32, y, 32, ""), &ec_key) < 0)
                return -1;
        return parse(rsa_text(n, RSA_SIZE, e, e_size, ""), &rsa_key);
}

static int free_keys(void **state) {
        jwk_free(rsa_key);
        jwk_free(ec_key);
        jwk_free(ed_key);
        EVP_PKEY_free(rsa_pair);
        EVP_PKEY_free(ec_pair);
        return 0;
}

static size_t sign_with(EVP_PKEY *pair, const EVP_MD *digest, int padding, const char *text,
                        unsigned char *ret) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_PKEY_CTX *options;
        size_t size = 1024;

        assert_int_equal(EVP_DigestSignInit(context, &options, digest, NULL, pair), 1);
        if (padding != 0)
                assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(options, padding), 1);
        assert_int_equal(EVP_DigestSign(context, ret, &size, (const unsigned char *)text,
                                        strlen(text)),
                         1);
        EVP_MD_CTX_free(context);
        return size;
}

/* r and s in the place of their DER. */
static void unwrap(const unsigned char *der, size_t size, unsigned char ret[static EC_SIZE]) {
        const unsigned char *p = der;
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)size);

        assert_non_null(pair);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret + 32, 32), 32);
        ECDSA_SIG_free(pair);
}

/* As a token carries it, and as DER; `ret_der` may be NULL. Returns the size of that. */
static size_t sign_ec(const char *text, unsigned char ret[static EC_SIZE], unsigned char *ret_der) {
        unsigned char der[1024];
        size_t size = sign_with(ec_pair, EVP_sha256(), 0, text, der);

        unwrap(der, size, ret);
        if (ret_der)
                memcpy(ret_der, der, size);
        return size;
}

static bool verifies(const struct jwk *k, const void *signature, size_t size) {
        return k->algorithm->verify(k, MESSAGE, strlen(MESSAGE), signature, size);
}

/* ---- ES256 ---- */

static const unsigned char order[32] = {
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
        0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

static void test_es256_good(void **state) {
        unsigned char s[EC_SIZE];

        for (int i = 0; i < 300; i++) { /* among them some with zeros in front of a number */
                (void)sign_ec(MESSAGE, s, NULL);
                assert_true(verifies(ec_key, s, EC_SIZE));
                assert_false(ec_key->algorithm->verify(ec_key, MESSAGE, strlen(MESSAGE) - 1, s,
                                                       EC_SIZE));
        }
}

/* C5: r and s at the edges of what they may be, each alone and both. */
static void test_es256_numbers_at_the_edge(void **state) {
        unsigned char numbers[7][32] = { 0 };
        unsigned char s[EC_SIZE];

        numbers[1][31] = 1;
        memcpy(numbers[2], order, 32);
        memcpy(numbers[3], order, 32);
        numbers[3][31]--;
        memcpy(numbers[4], order, 32);
        numbers[4][31]++;
        memset(numbers[5], 0xff, 32);
        numbers[6][0] = 0x80;

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                (void)sign_ec(MESSAGE, s, NULL);
                memcpy(s, numbers[i], 32);
                assert_false(verifies(ec_key, s, EC_SIZE));

                (void)sign_ec(MESSAGE, s, NULL);
                memcpy(s + 32, numbers[i], 32);
                assert_false(verifies(ec_key, s, EC_SIZE));

                for (size_t j = 0; j < ELEMENTSOF(numbers); j++) {
                        memcpy(s, numbers[i], 32);
                        memcpy(s + 32, numbers[j], 32);
                        assert_false(verifies(ec_key, s, EC_SIZE));
                }
        }
}

/* C5: s plus the order, cut to 32 bytes: as one would take it who counts modulo something. */
static void test_es256_numbers_are_not_reduced(void **state) {
        BIGNUM *n = BN_bin2bn(order, 32, NULL), *sum = BN_new();
        unsigned char s[EC_SIZE];

        for (int i = 0; i < 20; i++) {
                (void)sign_ec(MESSAGE, s, NULL);
                assert_non_null(BN_bin2bn(s + 32, 32, sum));
                assert_int_equal(BN_add(sum, sum, n), 1);
                if (BN_num_bits(sum) > 256)
                        assert_int_equal(BN_mask_bits(sum, 256), 1);
                assert_int_equal(BN_bn2binpad(sum, s + 32, 32), 32);
                assert_false(verifies(ec_key, s, EC_SIZE));
        }
        BN_free(sum);
        BN_free(n);
}

/*
 * Of each signature ECDSA has a second form, n - s. RFC 7518 allows both, and so do we: what a
 * token proves hangs on what was signed, and revoking on its jti, never on the signature's bytes.
 */
static void test_es256_has_two_forms(void **state) {
        BIGNUM *n = BN_bin2bn(order, 32, NULL), *number;
        unsigned char s[EC_SIZE];

        (void)sign_ec(MESSAGE, s, NULL);
        number = BN_bin2bn(s + 32, 32, NULL);
        assert_int_equal(BN_sub(number, n, number), 1);
        assert_int_equal(BN_bn2binpad(number, s + 32, 32), 32);
        assert_true(verifies(ec_key, s, EC_SIZE));
        BN_free(number);
        BN_free(n);
}

/* C5: everything but 64 bytes, and 64 bytes of other things. */
static void test_es256_shapes(void **state) {
        unsigned char s[EC_SIZE], der[1024], other[2 * EC_SIZE] = { 0 };
        size_t der_size = sign_ec(MESSAGE, s, der);

        assert_true(verifies(ec_key, s, EC_SIZE));
        assert_false(verifies(ec_key, der, der_size));
        assert_false(verifies(ec_key, der, EC_SIZE));
        for (size_t size = 0; size < EC_SIZE; size++)
                assert_false(verifies(ec_key, s, size));

        memcpy(other, s, EC_SIZE);
        for (size_t size = EC_SIZE + 1; size <= sizeof(other); size++)
                assert_false(verifies(ec_key, other, size));
        /* Numbers of 33 bytes each, as one who signs each with a sign byte would have them. */
        memset(other, 0, sizeof(other));
        memcpy(other + 1, s, 32);
        memcpy(other + 34, s + 32, 32);
        assert_false(verifies(ec_key, other, 66));
        /* s before r */
        memcpy(other, s + 32, 32);
        memcpy(other + 32, s, 32);
        assert_false(verifies(ec_key, other, EC_SIZE));

        for (size_t bit = 0; bit < 8 * EC_SIZE; bit += 7) {
                s[bit / 8] ^= (unsigned char)(1 << bit % 8);
                assert_false(verifies(ec_key, s, EC_SIZE));
                s[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        /* The right key, another digest. */
        der_size = sign_with(ec_pair, EVP_sha512(), 0, MESSAGE, der);
        unwrap(der, der_size, s);
        assert_false(verifies(ec_key, s, EC_SIZE));
}

static void test_es256_keys(void **state) {
        static const unsigned char zero[33];
        unsigned char x[33] = { 0 }, y[33] = { 0 }, off[32], p[32];
        struct {
                const unsigned char *x;
                size_t x_size;
                const unsigned char *y;
                size_t y_size;
                const char *more;
                bool good;
        } cases[] = {
                { x + 1, 32, y + 1, 32, "", true },
                { x + 1, 32, y + 1, 32, ",\"alg\":\"ES256\",\"use\":\"sig\"", true },
                { x + 1, 32, y + 1, 32, ",\"alg\":\"ES384\"", false },
                { x + 1, 32, y + 1, 32, ",\"alg\":\"RS256\"", false },
                { x + 1, 32, y + 1, 32, ",\"alg\":\"ECDH-ES\"", false },
                { x + 1, 32, y + 1, 32, ",\"use\":\"enc\"", false },
                { x + 1, 32, y + 1, 32, ",\"d\":\"AAAA\"", false },
                { x + 1, 32, off, 32, "", false },
                { y + 1, 32, x + 1, 32, "", false },
                { zero, 32, zero, 32, "", false },
                { zero, 32, y + 1, 32, "", false },
                { p, 32, y + 1, 32, "", false }, /* as large as the field */
                { x, 33, y, 33, "", false },     /* a zero in front */
                { x + 2, 31, y + 1, 32, "", false },
                { x + 1, 32, y + 1, 31, "", false },
                { x + 1, 32, y + 1, 0, "", false },
                { x + 1, 0, y + 1, 32, "", false },
        };

        (void)number_of(ec_pair, OSSL_PKEY_PARAM_EC_PUB_X, x + 1, 32);
        (void)number_of(ec_pair, OSSL_PKEY_PARAM_EC_PUB_Y, y + 1, 32);
        memcpy(off, y + 1, 32);
        off[31] ^= 1;
        memset(p, 0xff, sizeof(p));

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(jwk_freep) struct jwk *k = NULL;
                int r = parse(ec_text(cases[i].x, cases[i].x_size, cases[i].y, cases[i].y_size,
                                      cases[i].more),
                              &k);

                if ((r == 0) != cases[i].good)
                        print_error("key %zu\n", i);
                assert_int_equal(r, cases[i].good ? 0 : -EINVAL);
        }
}

static void test_other_curves(void **state) {
        static const char *const curves[] = { "P-384", "P-521", "secp256k1", "p-256", "" };
        unsigned char x[32], y[32];

        (void)number_of(ec_pair, OSSL_PKEY_PARAM_EC_PUB_X, x, 32);
        (void)number_of(ec_pair, OSSL_PKEY_PARAM_EC_PUB_Y, y, 32);
        for (size_t i = 0; i < ELEMENTSOF(curves); i++) {
                _cleanup_(jwk_freep) struct jwk *k = NULL;
                char text[512];

                snprintf(text, sizeof(text),
                         "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", curves[i],
                         base64_of(x, 32), base64_of(y, 32));
                assert_int_equal(parse(text, &k), -EINVAL);
        }
}

/* ---- RS256 ---- */

/* What comes before the digest: DigestInfo of SHA-256, RFC 8017 §9.2. */
static const unsigned char info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
/* The same without the NULL of its parameters. */
static const unsigned char info_without_null[] = { 0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09,
                                                   0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
                                                   0x04, 0x02, 0x01, 0x04, 0x20 };
/* The same in BER, with a length that is too long. */
static const unsigned char info_in_ber[] = { 0x30, 0x81, 0x31, 0x30, 0x0d, 0x06, 0x09,
                                             0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                                             0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
/* Of SHA-512, before a digest of SHA-256. */
static const unsigned char info_sha512[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                             0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                             0x03, 0x05, 0x00, 0x04, 0x20 };

/* The key's private operation on a block as it stands. */
static void power(const unsigned char block[static RSA_SIZE], unsigned char ret[static RSA_SIZE]) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, rsa_pair, NULL);
        size_t size = RSA_SIZE;

        assert_int_equal(EVP_PKEY_sign_init(context), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), 1);
        assert_int_equal(EVP_PKEY_sign(context, ret, &size, block, RSA_SIZE), 1);
        assert_int_equal(size, RSA_SIZE);
        EVP_PKEY_CTX_free(context);
}

struct block {
        const unsigned char *info;
        size_t info_size;
        unsigned char first, type, fill, separator;
        size_t n_garbage; /* bytes behind the digest */
};

static void lay_out(const struct block *b, unsigned char ret[static RSA_SIZE]) {
        size_t end = RSA_SIZE - b->n_garbage, digest = end - 32, start = digest - b->info_size;

        memset(ret, b->fill, RSA_SIZE);
        memset(ret + end, 0x5a, b->n_garbage);
        ret[0] = b->first;
        ret[1] = b->type;
        ret[start - 1] = b->separator;
        memcpy(ret + start, b->info, b->info_size);
        crypto_hash_sha256(ret + digest, (const unsigned char *)MESSAGE, strlen(MESSAGE));
}

/* C5: blocks that only the key's owner can make, and that are still not to be taken. */
static void test_rs256_padding(void **state) {
        static const struct {
                struct block block;
                bool good;
        } cases[] = {
                { { info, sizeof(info), 0, 1, 0xff, 0, 0 }, true },
                { { info, sizeof(info), 0, 2, 0xff, 0, 0 }, false },
                { { info, sizeof(info), 0, 0, 0xff, 0, 0 }, false },
                { { info, sizeof(info), 0, 1, 0xfe, 0, 0 }, false },
                { { info, sizeof(info), 0, 1, 0x00, 0, 0 }, false },
                { { info, sizeof(info), 0, 1, 0xff, 1, 0 }, false },
                { { info, sizeof(info), 0, 1, 0xff, 0xff, 0 }, false },
                { { info, sizeof(info), 1, 1, 0xff, 0, 0 }, false },
                /* room behind the digest, as a cube root needs it */
                { { info, sizeof(info), 0, 1, 0xff, 0, 1 }, false },
                { { info, sizeof(info), 0, 1, 0xff, 0, RSA_SIZE - 32 - sizeof(info) - 11 }, false },
                { { info_without_null, sizeof(info_without_null), 0, 1, 0xff, 0, 0 }, false },
                { { info_in_ber, sizeof(info_in_ber), 0, 1, 0xff, 0, 0 }, false },
                { { info_sha512, sizeof(info_sha512), 0, 1, 0xff, 0, 0 }, false },
                { { info, 0, 0, 1, 0xff, 0, 0 }, false }, /* the digest alone */
        };
        unsigned char block[RSA_SIZE], signature[RSA_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                lay_out(&cases[i].block, block);
                power(block, signature);
                if (verifies(rsa_key, signature, RSA_SIZE) != cases[i].good)
                        fail_msg("block %zu", i);
        }
}

/* C1: the same key, another algorithm. */
static void test_rs256_is_no_other(void **state) {
        unsigned char s[1024];

        assert_int_equal(sign_with(rsa_pair, EVP_sha256(), 0, MESSAGE, s), RSA_SIZE);
        assert_true(verifies(rsa_key, s, RSA_SIZE));
        (void)sign_with(rsa_pair, EVP_sha256(), RSA_PKCS1_PSS_PADDING, MESSAGE, s);
        assert_false(verifies(rsa_key, s, RSA_SIZE));
        (void)sign_with(rsa_pair, EVP_sha512(), 0, MESSAGE, s);
        assert_false(verifies(rsa_key, s, RSA_SIZE));
        (void)sign_with(rsa_pair, EVP_sha1(), 0, MESSAGE, s);
        assert_false(verifies(rsa_key, s, RSA_SIZE));
}

/* C5 */
static void test_rs256_shapes(void **state) {
        unsigned char s[1024] = { 0 }, other[2 * RSA_SIZE] = { 0 };

        (void)sign_with(rsa_pair, EVP_sha256(), 0, MESSAGE, s);
        for (size_t size = 0; size < RSA_SIZE; size++)
                assert_false(verifies(rsa_key, s, size));
        for (size_t size = RSA_SIZE + 1; size <= sizeof(s); size += 31)
                assert_false(verifies(rsa_key, s, size));
        memcpy(other + 1, s, RSA_SIZE); /* the same number, a byte longer */
        assert_false(verifies(rsa_key, other, RSA_SIZE + 1));
        for (size_t bit = 0; bit < 8 * RSA_SIZE; bit += 61) {
                s[bit / 8] ^= (unsigned char)(1 << bit % 8);
                assert_false(verifies(rsa_key, s, RSA_SIZE));
                s[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }

        /* 0, 1, n - 1, n, and more than n: each is its own power, or none. */
        memset(other, 0, sizeof(other));
        assert_false(verifies(rsa_key, other, RSA_SIZE));
        other[RSA_SIZE - 1] = 1;
        assert_false(verifies(rsa_key, other, RSA_SIZE));
        (void)number_of(rsa_pair, OSSL_PKEY_PARAM_RSA_N, other, RSA_SIZE);
        assert_false(verifies(rsa_key, other, RSA_SIZE));
        other[RSA_SIZE - 1]--;
        assert_false(verifies(rsa_key, other, RSA_SIZE));
        memset(other, 0xff, RSA_SIZE);
        assert_false(verifies(rsa_key, other, RSA_SIZE));
}

static void test_rs256_keys(void **state) {
        static const unsigned char f4[] = { 1, 0, 1 }, padded[] = { 0, 1, 0, 1 };
        static const unsigned char small[] = { 0, 1, 2, 3, 4 };
        static const unsigned char large[] = { 0x80, 0, 0, 0, 0, 0, 0, 1 };
        static const unsigned char too_large[] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 };
        unsigned char n[RSA_SIZE + 1] = { 0 }, even[RSA_SIZE], huge[1025];
        struct {
                const unsigned char *n;
                size_t n_size;
                const unsigned char *e;
                size_t e_size;
                const char *more;
                bool good;
        } cases[] = {
                { n + 1, RSA_SIZE, f4, 3, "", true },
                { n + 1, RSA_SIZE, f4, 3, ",\"alg\":\"RS256\",\"use\":\"sig\"", true },
                { n + 1, RSA_SIZE, small + 3, 1, "", true },
                { n + 1, RSA_SIZE, large, 8, "", true },
                { n + 1, RSA_SIZE, too_large, 9, "", false },
                { n + 1, RSA_SIZE, small, 1, "", false },     /* 0 */
                { n + 1, RSA_SIZE, small + 1, 1, "", false }, /* 1: who sends, signs */
                { n + 1, RSA_SIZE, small + 2, 1, "", false },
                { n + 1, RSA_SIZE, small + 4, 1, "", false },
                { n + 1, RSA_SIZE, padded, 4, "", false },
                { n + 1, RSA_SIZE, f4, 0, "", false },
                { n + 1, 0, f4, 3, "", false },
                { n, RSA_SIZE + 1, f4, 3, "", false },
                { even, RSA_SIZE, f4, 3, "", false },
                { huge + 1, 1024, f4, 3, "", true }, /* 8192 bits */
                { huge, 1025, f4, 3, "", false },
                { huge + 1, RSA_SIZE - 1, f4, 3, "", false }, /* 2040 bits */
                { huge + 1, 128, f4, 3, "", false },
                { n + 1, RSA_SIZE, f4, 3, ",\"alg\":\"RS512\"", false },
                { n + 1, RSA_SIZE, f4, 3, ",\"alg\":\"PS256\"", false },
                { n + 1, RSA_SIZE, f4, 3, ",\"alg\":\"RSA-OAEP\"", false },
                { n + 1, RSA_SIZE, f4, 3, ",\"alg\":\"HS256\"", false },
                { n + 1, RSA_SIZE, f4, 3, ",\"use\":\"enc\"", false },
                { n + 1, RSA_SIZE, f4, 3, ",\"d\":\"AAAA\"", false },
                { n + 1, RSA_SIZE, f4, 3, ",\"p\":\"AAAA\"", false },
                { n + 1, RSA_SIZE, f4, 3, ",\"oth\":[]", false },
        };

        (void)number_of(rsa_pair, OSSL_PKEY_PARAM_RSA_N, n + 1, RSA_SIZE);
        memcpy(even, n + 1, RSA_SIZE);
        even[RSA_SIZE - 1] &= 0xfe;
        huge[0] = 1; /* 8193 bits with what follows, and nobody's key */
        memset(huge + 1, 0xff, sizeof(huge) - 1);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(jwk_freep) struct jwk *k = NULL;
                int r = parse(rsa_text(cases[i].n, cases[i].n_size, cases[i].e, cases[i].e_size,
                                       cases[i].more),
                              &k);

                if ((r == 0) != cases[i].good)
                        fail_msg("key %zu: %d", i, r);
        }
}

/* ---- all three ---- */

/* A private key to sign with belongs to Ed25519 alone. */
static void test_only_ed25519_signs(void **state) {
        _cleanup_(jwk_freep) struct jwk *k = NULL;
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct ae_error error = { 0 };
        unsigned char x[32], y[32], d[32];
        char more[128];
        const char *text;

        (void)number_of(ec_pair, OSSL_PKEY_PARAM_EC_PUB_X, x, 32);
        (void)number_of(ec_pair, OSSL_PKEY_PARAM_EC_PUB_Y, y, 32);
        (void)number_of(ec_pair, OSSL_PKEY_PARAM_PRIV_KEY, d, 32);
        snprintf(more, sizeof(more), ",\"d\":\"%s\"", base64_of(d, 32));
        text = ec_text(x, 32, y, 32, more);
        assert_int_equal(jwk_parse(text, strlen(text), JWK_PRIVATE, &k, &error), -EINVAL);
        assert_non_null(strstr(error.message, "Ed25519"));
        assert_int_equal(jws_sign("{}", 2, ec_key, &token), -EINVAL);
        assert_int_equal(jws_sign("{}", 2, rsa_key, &token), -EINVAL);
}

static size_t sign_as(const char *algorithm, const char *text, unsigned char *ret) {
        size_t size = EC_SIZE;

        if (strcmp(algorithm, "EdDSA") == 0)
                assert_int_equal(ed_key->algorithm->sign(ed_key, text, strlen(text), ret, &size),
                                 0);
        else if (strcmp(algorithm, "ES256") == 0)
                (void)sign_ec(text, ret, NULL);
        else
                size = sign_with(rsa_pair, EVP_sha256(), 0, text, ret);
        return size;
}

static void make_token(const char *claimed, const char *kid, const char *signed_as,
                       struct buffer *to) {
        unsigned char signature[1024];
        char header[128];
        size_t size;

        snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}", claimed, kid);
        base64url_append(to, header, strlen(header));
        buffer_puts(to, ".e30");
        size = sign_as(signed_as, to->data, signature);
        buffer_putc(to, '.');
        base64url_append(to, signature, size);
}

/* C1: of what the header claims, what key it names, and what signed it, all must agree. */
static void test_algorithms_crossed(void **state) {
        static const char *const names[] = { "EdDSA", "ES256", "RS256" };
        const struct jwk *keys[] = { ed_key, ec_key, rsa_key };
        int n_good = 0;

        for (size_t claimed = 0; claimed < 3; claimed++)
                for (size_t named = 0; named < 3; named++)
                        for (size_t signing = 0; signing < 3; signing++) {
                                _cleanup_(buffer_done) struct buffer token = { 0 };
                                struct ae_error error = { 0 };
                                struct jws j;
                                int r;

                                make_token(names[claimed], keys[named]->kid, names[signing],
                                           &token);
                                assert_int_equal(jws_parse(token.data, token.size, &j, &error), 0);
                                r = jws_verify(&j, keys[named], &error);
                                jws_done(&j);
                                assert_int_equal(r == 0, claimed == named && named == signing);
                                n_good += r == 0;
                        }
        assert_int_equal(n_good, 3);
}

/* C1: what a key could do elsewhere it cannot do here. */
static void test_algorithms_that_are_none_of_ours(void **state) {
        static const char *const names[] = { "none",  "None",   "",       "HS256", "HS512",
                                             "RS384", "RS512",  "PS256",  "ES384", "ES512",
                                             "es256", "ES256K", "Ed25519" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(buffer_done) struct buffer token = { 0 };
                struct ae_error error = { 0 };
                struct jws j;

                make_token(names[i], "rsa", "RS256", &token);
                assert_int_equal(jws_parse(token.data, token.size, &j, &error), -EKEYREJECTED);
        }
}

/* Two keys of the same numbers are one; of other numbers, others. */
static void test_fingerprints(void **state) {
        static const unsigned char f4[] = { 1, 0, 1 }, three[] = { 3 };
        _cleanup_(jwk_freep) struct jwk *same = NULL, *other = NULL;
        unsigned char n[RSA_SIZE];

        (void)number_of(rsa_pair, OSSL_PKEY_PARAM_RSA_N, n, RSA_SIZE);
        assert_int_equal(parse(rsa_text(n, RSA_SIZE, f4, 3, ",\"alg\":\"RS256\""), &same), 0);
        assert_int_equal(parse(rsa_text(n, RSA_SIZE, three, 1, ""), &other), 0);
        assert_memory_equal(same->fingerprint, rsa_key->fingerprint, JWK_FINGERPRINT_SIZE);
        assert_memory_not_equal(other->fingerprint, rsa_key->fingerprint, JWK_FINGERPRINT_SIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_es256_good),
                cmocka_unit_test(test_es256_numbers_at_the_edge),
                cmocka_unit_test(test_es256_numbers_are_not_reduced),
                cmocka_unit_test(test_es256_has_two_forms),
                cmocka_unit_test(test_es256_shapes),
                cmocka_unit_test(test_es256_keys),
                cmocka_unit_test(test_other_curves),
                cmocka_unit_test(test_rs256_padding),
                cmocka_unit_test(test_rs256_is_no_other),
                cmocka_unit_test(test_rs256_shapes),
                cmocka_unit_test(test_rs256_keys),
                cmocka_unit_test(test_only_ed25519_signs),
                cmocka_unit_test(test_algorithms_crossed),
                cmocka_unit_test(test_algorithms_that_are_none_of_ours),
                cmocka_unit_test(test_fingerprints),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, make_keys, free_keys);
}
