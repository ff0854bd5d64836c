/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What the rows on OpenSSL share: public keys of numbers, and signatures over SHA-256.
 */

#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

static inline void evp_params_freep(OSSL_PARAM **params) {
        OSSL_PARAM_free(*params);
}

static inline void evp_build_freep(OSSL_PARAM_BLD **build) {
        OSSL_PARAM_BLD_free(*build);
}

/*
 * Makes a public key of `type` ("EC", "RSA"); a point must be on its curve. That a modulus is of two
 * primes is taken from its issuer: OpenSSL would look for a second at what could only harm him, and
 * he can sign anything. The caller owns *ret. Returns 0, -EKEYREJECTED or -ENOMEM.
 */
int evp_key_new(const char *type, OSSL_PARAM *params, EVP_PKEY **ret);

/* Whether the signature, in OpenSSL's form, is the key's; of RSA with the padding of PKCS#1 v1.5. */
bool evp_verify(EVP_PKEY *key, const void *data, size_t size, const unsigned char *signature,
                size_t signature_size);
