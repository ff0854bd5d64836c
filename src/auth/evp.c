/* SPDX-License-Identifier: MIT */
#include "auth/evp.h"

#include <errno.h>
#include <openssl/err.h>

static void context_freep(EVP_PKEY_CTX **context) {
        EVP_PKEY_CTX_free(*context);
}

static void digest_freep(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

static void key_freep(EVP_PKEY **key) {
        EVP_PKEY_free(*key);
}

static int make(const char *type, OSSL_PARAM *params, EVP_PKEY **ret) {
        _cleanup_(context_freep) EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
        _cleanup_(key_freep) EVP_PKEY *key = NULL;

        if (!maker)
                return -ENOMEM;
        if (EVP_PKEY_fromdata_init(maker) != 1 ||
            EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
                return -EKEYREJECTED;
        *ret = TAKE_PTR(key);
        return 0;
}

int evp_key_new(const char *type, OSSL_PARAM *params, EVP_PKEY **ret) {
        int r = make(type, params, ret);

        ERR_clear_error(); /* nobody else reads that queue */
        return r;
}

bool evp_verify(EVP_PKEY *key, const void *data, size_t size, const unsigned char *signature,
                size_t signature_size) {
        _cleanup_(digest_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool good;

        good = context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
               EVP_DigestVerify(context, signature, signature_size, data, size) == 1;
        ERR_clear_error();
        return good;
}
