/* SPDX-License-Identifier: MIT */
/*
 * One input, taken for each thing that comes from outside: a token, the payload of a token that is
 * well signed, and a key file.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "auth/jwk.h"
#include "auth/jws.h"
#include "auth/token.h"
#include "base/clock.h"

#define NOW (UINT64_C(1500) * USEC_PER_SEC)
#define SKEW (UINT64_C(60) * USEC_PER_SEC)

/* RFC 8037, appendix A.1 */
static const char key_text[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"main\","
                               "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
                               "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jwk *key;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        struct ae_error error = { 0 };
        int r;

        r = sodium_init();
        assert(r >= 0);
        r = jwk_parse(key_text, strlen(key_text), JWK_PRIVATE, &key, &error);
        assert(r == 0);
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
        r = jws_verify(&j, key, &error);
        if (r < 0)
                check_error(r, &error);
        else
                (void)try_claims(j.payload, j.payload_size);
        jws_done(&j);
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
        r = jwk_print(k, part, &printed);
        assert(r == 0);
        r = jwk_parse(printed->data, printed->size, part, &again, &error);
        assert(r == 0);
        assert(memcmp(k->fingerprint, again->fingerprint, JWK_FINGERPRINT_SIZE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;

        try_token(text, size);
        try_payload(text, size);
        try_key(text, size, JWK_PUBLIC);
        try_key(text, size, JWK_PRIVATE);
        return 0;
}
