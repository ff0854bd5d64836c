/* SPDX-License-Identifier: MIT */
/*
 * The row for RS256 (RFC 7518 §3.3, §6.3): RSASSA-PKCS1-v1_5 with SHA-256, on OpenSSL, for checking
 * alone. A public key is kept as the exponent in EXPONENT_MAX bytes, and the modulus behind it.
 */
#include "auth/jwk.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <string.h>

#include "auth/evp.h"
#include "auth/jwk-member.h"

#define MIN_BITS 2048
#define MAX_BITS 8192
#define MODULUS_MAX (MAX_BITS / 8)
#define EXPONENT_MAX 8 /* OpenSSL takes no larger one with a modulus of more than 3072 bits */

_Static_assert(MODULUS_MAX <= JWK_SIGNATURE_MAX, "a signature is as large as the modulus");

static void number_freep(BIGNUM **number) {
        BN_free(*number);
}

/* Of a number without zeros in front. */
static size_t count_bits(const unsigned char *number, size_t size) {
        return 8 * size - (size_t)(__builtin_clz(number[0]) - 24);
}

static int check_modulus(const unsigned char *n, size_t size, struct ae_error *error) {
        if (n[0] == 0)
                return ae_error_set(error, AE_INVALID_REQUEST, "its 'n' has a zero in front of it");
        if (count_bits(n, size) < MIN_BITS || count_bits(n, size) > MAX_BITS)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'n' has %zu bits, where %d to %d are accepted",
                                    count_bits(n, size), MIN_BITS, MAX_BITS);
        if (n[size - 1] % 2 == 0)
                return ae_error_set(error, AE_INVALID_REQUEST, "its 'n' is even");
        return 0;
}

static int check_exponent(const unsigned char *e, size_t size, struct ae_error *error) {
        if (e[0] == 0)
                return ae_error_set(error, AE_INVALID_REQUEST, "its 'e' has a zero in front of it");
        if (e[size - 1] % 2 == 0 || (size == 1 && e[0] < 3))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'e' is no odd number from 3 on, so anybody could sign");
        return 0;
}

static int build_key(const BIGNUM *n, const BIGNUM *e, struct jwk *k) {
        _cleanup_(evp_build_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        _cleanup_(evp_params_freep) OSSL_PARAM *params = NULL;

        if (!build || !n || !e || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) != 1)
                return -ENOMEM;
        params = OSSL_PARAM_BLD_to_param(build);
        return params ? evp_key_new("RSA", params, &k->evp) : -ENOMEM;
}

static int make_key(struct jwk *k, struct ae_error *error) {
        _cleanup_(number_freep) BIGNUM *e = BN_bin2bn(k->public_key, EXPONENT_MAX, NULL);
        _cleanup_(number_freep) BIGNUM *n = BN_bin2bn(k->public_key + EXPONENT_MAX,
                                                      (int)(k->public_size - EXPONENT_MAX), NULL);
        int r;

        r = build_key(n, e, k);
        if (r == -EKEYREJECTED)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'n' and 'e' are no public key of RSA");
        return r;
}

static int rs256_read(const struct json_envelope *envelope, struct jwk *k, struct ae_error *error) {
        unsigned char n[MODULUS_MAX], e[EXPONENT_MAX];
        size_t n_size, e_size;
        int r;

        r = jwk_read_bytes(envelope, "n", n, sizeof(n), &n_size, error);
        if (r >= 0)
                r = check_modulus(n, n_size, error);
        if (r >= 0)
                r = jwk_read_bytes(envelope, "e", e, sizeof(e), &e_size, error);
        if (r >= 0)
                r = check_exponent(e, e_size, error);
        if (r < 0)
                return r;

        k->public_size = EXPONENT_MAX + n_size;
        k->public_key = calloc(1, k->public_size);
        if (!k->public_key)
                return -ENOMEM;
        memcpy(k->public_key + EXPONENT_MAX - e_size, e, e_size);
        memcpy(k->public_key + EXPONENT_MAX, n, n_size);
        return make_key(k, error);
}

static bool rs256_verify(const struct jwk *k, const void *data, size_t size,
                         const unsigned char *signature, size_t signature_size) {
        return signature_size == k->public_size - EXPONENT_MAX &&
               evp_verify(k->evp, data, size, signature, signature_size);
}

const struct jwk_algorithm jwk_rs256 = {
        .name = "RS256",
        .kty = "RSA",
        .read = rs256_read,
        .verify = rs256_verify,
};
