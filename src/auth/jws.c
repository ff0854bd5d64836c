/* SPDX-License-Identifier: MIT */
#include "auth/jws.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/base64url.h"
#include "base/json.h"

enum { HEADER, PAYLOAD, SIGNATURE, N_PARTS };

struct part {
        const char *text;
        size_t size;
};

/*
 * Each would let the token choose its own key, or change what was signed: `crit` and `b64`
 * (RFC 7797) because nothing is understood that they could announce.
 */
static const char *const refused_members[] = { "b64", "crit", "jku", "jwk", "x5c", "x5u" };

static bool split(const char *token, size_t size, struct part ret[static N_PARTS]) {
        size_t n = 0;

        ret[0] = (struct part){ .text = token };
        for (size_t i = 0; i < size; i++) {
                if (token[i] != '.')
                        ret[n].size++;
                else if (++n < N_PARTS)
                        ret[n] = (struct part){ .text = token + i + 1 };
                else
                        return false;
        }
        return n == N_PARTS - 1;
}

static int bad_token(struct ae_error *error, const char *what) {
        return ae_error_set(error, AE_TOKEN_INVALID, "the token %s; ask its issuer for another one",
                            what);
}

static int read_key_id(const cJSON *header, struct jws *j, struct ae_error *error) {
        const char *kid = json_string(header, "kid");

        if (!kid || !jwk_kid_is_valid(kid))
                return bad_token(error, "names no key: its header needs a 'kid' of 1 to 64 "
                                        "letters, digits, '.', '_' or '-'");
        strcpy(j->kid, kid);
        return 0;
}

static int read_algorithm(const cJSON *header, struct jws *j, struct ae_error *error) {
        const char *name = json_string(header, "alg");

        j->algorithm = name ? jwk_algorithm_find(name) : NULL;
        if (!j->algorithm)
                return bad_token(error, "is not signed in a way that is accepted here (its header "
                                        "needs 'alg' EdDSA, ES256 or RS256)");
        return 0;
}

static int check_header(const cJSON *header, struct jws *j, struct ae_error *error) {
        int r;

        if (!cJSON_IsObject(header))
                return bad_token(error, "has a header that is no JSON object");
        for (size_t i = 0; i < ELEMENTSOF(refused_members); i++)
                if (json_member(header, refused_members[i]))
                        return ae_error_set(error, AE_TOKEN_INVALID,
                                            "the token's header has '%s', which is not accepted "
                                            "here; ask its issuer for one without it",
                                            refused_members[i]);
        if (json_member(header, "typ") && !json_string(header, "typ"))
                return bad_token(error, "has a 'typ' that is no text");

        r = read_algorithm(header, j, error);
        if (r < 0)
                return r;
        return read_key_id(header, j, error);
}

static int parse_header(const struct part *p, cJSON **ret, struct ae_error *error) {
        char text[JWS_MAX_SIZE];
        size_t n;
        int r;

        if (base64url_decode(p->text, p->size, text, sizeof(text), &n) < 0)
                return bad_token(error, "has a header that is not base64url without padding");
        r = json_parse(text, n, ret, /* ret_fault= */ NULL);
        if (r == -EBADMSG)
                return bad_token(error, "has a header that is no valid JSON");
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

static int read_header(const struct part *p, struct jws *j, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *header = NULL;
        int r;

        r = parse_header(p, &header, error);
        return r < 0 ? r : check_header(header, j, error);
}

void jws_claimed_kid(const char *token, size_t size, char ret[static JWK_KID_MAX + 1]) {
        const char *dot = memchr(token, '.', size < JWS_MAX_SIZE ? size : JWS_MAX_SIZE);
        struct part first = { .text = token, .size = dot ? (size_t)(dot - token) : 0 };
        _cleanup_(json_freep) cJSON *header = NULL;
        struct ae_error error = { 0 };
        const char *kid;

        ret[0] = 0;
        if (parse_header(&first, &header, &error) < 0)
                return;
        kid = json_string(header, "kid");
        if (kid && jwk_kid_is_valid(kid))
                strcpy(ret, kid);
}

static int read_payload(const struct part *p, struct jws *j, struct ae_error *error) {
        j->payload = malloc(p->size + 1); /* decoded it is shorter */
        if (!j->payload)
                return ae_error_from_errno(error, -ENOMEM);
        if (base64url_decode(p->text, p->size, j->payload, p->size, &j->payload_size) < 0)
                return bad_token(error, "has a payload that is not base64url without padding");
        j->payload[j->payload_size] = 0;
        return 0;
}

static int read_signature(const struct part *p, struct jws *j, struct ae_error *error) {
        if (base64url_decode(p->text, p->size, j->signature, sizeof(j->signature),
                             &j->signature_size) < 0)
                return bad_token(error, "has a signature that is too long, or not base64url "
                                        "without padding");
        return 0;
}

void jws_done(struct jws *j) {
        free(j->payload);
        sodium_memzero(j->signature, sizeof(j->signature));
        *j = (struct jws){ 0 };
}

int jws_parse(const char *token, size_t size, struct jws *ret, struct ae_error *error) {
        _cleanup_(jws_done) struct jws j = { 0 };
        struct part parts[N_PARTS];
        int r;

        if (size > JWS_MAX_SIZE)
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the token is larger than %d bytes; ask for one with fewer "
                                    "scopes or users",
                                    JWS_MAX_SIZE);
        if (!split(token, size, parts))
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "this is no signed token, which has three parts with a dot "
                                    "between; send it exactly as it was issued");

        r = read_header(&parts[HEADER], &j, error);
        if (r < 0)
                return r;
        r = read_payload(&parts[PAYLOAD], &j, error);
        if (r < 0)
                return r;
        r = read_signature(&parts[SIGNATURE], &j, error);
        if (r < 0)
                return r;

        j.signed_text = token;
        j.signed_size = parts[HEADER].size + 1 + parts[PAYLOAD].size;
        *ret = j;
        j.payload = NULL;
        return 0;
}

int jws_verify(const struct jws *j, const struct jwk *key, struct ae_error *error) {
        if (j->algorithm != key->algorithm)
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the token's header says '%s' and the key '%s' is for '%s'; "
                                    "have it signed with the key that it names",
                                    j->algorithm->name, j->kid, key->algorithm->name);
        if (!key->algorithm->verify(key, j->signed_text, j->signed_size, j->signature,
                                    j->signature_size))
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the token was not signed by the key '%s' that stands here; "
                                    "send it exactly as it was issued, or have it issued anew",
                                    j->kid);
        return 0;
}

static int sign_into(const char *payload, size_t size, const struct jwk *key, struct buffer *to) {
        unsigned char signature[JWK_SIGNATURE_MAX];
        char header[64 + JWK_KID_MAX];
        size_t signature_size;
        int n, r;

        n = snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}",
                     key->algorithm->name, key->kid);
        base64url_append(to, header, (size_t)n);
        buffer_putc(to, '.');
        base64url_append(to, payload, size);
        r = buffer_error(to);
        if (r < 0)
                return r;

        r = key->algorithm->sign(key, to->data, to->size, signature, &signature_size);
        if (r < 0)
                return r;
        buffer_putc(to, '.');
        base64url_append(to, signature, signature_size);
        sodium_memzero(signature, sizeof(signature));
        return buffer_error(to);
}

int jws_sign(const char *payload, size_t size, const struct jwk *key, struct secret **ret) {
        _cleanup_(buffer_wipe) struct buffer b = { 0 };
        int r;

        if (!key->private_key || !key->kid[0])
                return -EINVAL;
        if (size > JWS_MAX_SIZE)
                return -EMSGSIZE;

        /* All of it at once: a buffer that moved would leave a part of the token behind. */
        if (!buffer_reserve(&b, 2 * JWS_MAX_SIZE))
                return -ENOMEM;

        r = sign_into(payload, size, key, &b);
        if (r < 0)
                return r;
        return b.size > JWS_MAX_SIZE ? -EMSGSIZE : secret_new(b.data, b.size, ret);
}
