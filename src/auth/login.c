/* SPDX-License-Identifier: MIT */
#include "auth/login.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auth/jws.h"
#include "auth/token.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"

#define ISSUER "action-engine-login"
#define KID_BYTES 8
#define JTI_BYTES 16

int login_key_new(struct jwk **ret) {
        char random[2 * KID_BYTES + 1], kid[JWK_KID_MAX + 1];

        id_random_hex(KID_BYTES, random);
        snprintf(kid, sizeof(kid), "login-%s", random);
        return jwk_generate(&jwk_ed25519, kid, ISSUER, ret);
}

static void print_claim(const char *name, const char *value, struct buffer *to) {
        buffer_printf(to, ",\"%s\":", name);
        json_print_string(value, strlen(value), to);
}

int login_token(const struct jwk *key, const struct auth_login *login, uint64_t now_usec,
                struct secret **ret, uint64_t *ret_expires_at_usec) {
        uint64_t now = now_usec / USEC_PER_SEC;
        _cleanup_(buffer_done) struct buffer claims = { 0 };
        char jti[2 * JTI_BYTES + 1];
        int r;

        id_random_hex(JTI_BYTES, jti);

        buffer_printf(&claims, "{\"iat\":%" PRIu64 ",\"exp\":%" PRIu64, now, now + AUTH_LOGIN_SEC);
        print_claim("iss", ISSUER, &claims);
        print_claim("aud", TOKEN_AUDIENCE, &claims);
        print_claim("sub", login->user_id, &claims);
        print_claim("scope", login->scopes, &claims);
        print_claim("jti", jti, &claims);
        buffer_printf(&claims, ",\"cnf\":{\"uid\":%u}}", (unsigned)login->uid);
        r = buffer_error(&claims);
        if (r < 0)
                return r;

        r = jws_sign(claims.data, claims.size, key, ret);
        if (r < 0)
                return r;
        *ret_expires_at_usec = (now + AUTH_LOGIN_SEC) * USEC_PER_SEC;
        return 0;
}
