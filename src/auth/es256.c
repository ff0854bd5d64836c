/* SPDX-License-Identifier: MIT */
/*
 * The row for ES256 (RFC 7518 §3.4, §6.2): ECDSA on P-256 with SHA-256, on OpenSSL, for checking
 * alone. A public key is kept as an uncompressed point; a signature is r and s, 32 bytes each.
 */
#include "auth/jwk.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "auth/evp.h"
#include "auth/jwk-member.h"

#define NUMBER_SIZE 32
#define POINT_SIZE (1 + 2 * NUMBER_SIZE)
#define SIGNATURE_SIZE (2 * NUMBER_SIZE)
/* Of a SEQUENCE of two INTEGERs, each with a zero in front of it where it needs one. */
#define DER_MAX (2 + 2 * (2 + 1 + NUMBER_SIZE))

/* The order of the group (FIPS 186-4, D.1.2.3). */
static const unsigned char order[NUMBER_SIZE] = {
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
        0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

static void signature_freep(ECDSA_SIG **signature) {
        ECDSA_SIG_free(*signature);
}

static int make_key(struct jwk *k, struct ae_error *error) {
        char group[] = "P-256";
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, k->public_key,
                                                  k->public_size),
                OSSL_PARAM_construct_end(),
        };
        int r;

        r = evp_key_new("EC", params, &k->evp);
        if (r == -EKEYREJECTED)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'x' and 'y' are no point on the curve P-256");
        return r;
}

static int es256_read(const struct json_envelope *e, struct jwk *k, struct ae_error *error) {
        int r;

        k->public_size = POINT_SIZE;
        k->public_key = malloc(k->public_size);
        if (!k->public_key)
                return -ENOMEM;

        k->public_key[0] = POINT_CONVERSION_UNCOMPRESSED;
        r = jwk_read_exactly(e, "x", k->public_key + 1, NUMBER_SIZE, error);
        if (r < 0)
                return r;
        r = jwk_read_exactly(e, "y", k->public_key + 1 + NUMBER_SIZE, NUMBER_SIZE, error);
        if (r < 0)
                return r;
        return make_key(k, error);
}

/* From 1 to the order less one. Signatures are public: nothing here needs constant time. */
static bool is_in_range(const unsigned char *number) {
        static const unsigned char zero[NUMBER_SIZE];

        return memcmp(number, zero, NUMBER_SIZE) != 0 && memcmp(number, order, NUMBER_SIZE) < 0;
}

/* Returns the size, or 0 when there is no memory. */
static size_t encode(const unsigned char *signature, unsigned char ret[static DER_MAX]) {
        _cleanup_(signature_freep) ECDSA_SIG *pair = ECDSA_SIG_new();
        BIGNUM *r = BN_bin2bn(signature, NUMBER_SIZE, NULL);
        BIGNUM *s = BN_bin2bn(signature + NUMBER_SIZE, NUMBER_SIZE, NULL);
        int size;

        if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1) {
                BN_free(r);
                BN_free(s);
                return 0;
        }
        size = i2d_ECDSA_SIG(pair, &ret);
        return size > 0 ? (size_t)size : 0;
}

static bool es256_verify(const struct jwk *k, const void *data, size_t size,
                         const unsigned char *signature, size_t signature_size) {
        unsigned char der[DER_MAX];
        size_t der_size;

        if (signature_size != SIGNATURE_SIZE || !is_in_range(signature) ||
            !is_in_range(signature + NUMBER_SIZE))
                return false;
        der_size = encode(signature, der);
        return der_size > 0 && evp_verify(k->evp, data, size, der, der_size);
}

const struct jwk_algorithm jwk_es256 = {
        .name = "ES256",
        .kty = "EC",
        .crv = "P-256",
        .read = es256_read,
        .verify = es256_verify,
};
