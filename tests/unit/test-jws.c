/* SPDX-License-Identifier: MIT */
/*
 * The form of tokens and their signatures. Names like C4 stand for the attack that a case tries:
 * C1 algorithm, C2 key id and key by reference, C3 critical extensions, C4 encoding, C5 signature.
 */
#include "test.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "auth/jws.h"

/* RFC 8037, appendix A.1 */
static const char rfc_key[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"rfc\","
                              "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
                              "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
/* RFC 8037, appendix A.4 */
static const char rfc_signed[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
static const char rfc_signature[] = "hgyY0il_MGCjP0JzlnLWG1PPOt7-"
                                    "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

static struct jwk *key;

static int make_key(void **state) {
        struct ae_error error = { 0 };

        return jwk_parse(rfc_key, strlen(rfc_key), JWK_PRIVATE, &key, &error);
}

static int free_key(void **state) {
        key = jwk_free(key);
        return 0;
}

/* A token of any header, signed as it should be, so that nothing but the header can be wrong. */
static void make_token(const char *header, const char *payload, struct buffer *to) {
        unsigned char signature[JWK_SIGNATURE_MAX];
        size_t size;

        base64url_append(to, header, strlen(header));
        buffer_putc(to, '.');
        base64url_append(to, payload, strlen(payload));
        assert_int_equal(key->algorithm->sign(key, to->data, to->size, signature, &size), 0);
        buffer_putc(to, '.');
        base64url_append(to, signature, size);
        assert_int_equal(buffer_error(to), 0);
}

/* Takes apart and verifies, as a caller does. The message must never show the token. */
static int try_token(const char *token, size_t size) {
        struct ae_error error = { 0 };
        struct jws j;
        int r;

        r = jws_parse(token, size, &j, &error);
        if (r >= 0) {
                r = jws_verify(&j, key, &error);
                jws_done(&j);
        }
        if (r < 0) {
                assert_int_equal(r, -EKEYREJECTED);
                assert_int_equal(error.code, AE_TOKEN_INVALID);
                assert_true(strlen(error.message) > 20);
                if (size > 20)
                        assert_null(strstr(error.message, token));
        }
        return r;
}

static int try_text(const char *token) {
        return try_token(token, strlen(token));
}

static void test_base64url_is_strict(void **state) {
        static const struct {
                const char *text;
                const char *value; /* NULL: refused */
        } cases[] = {
                { "", "" },         { "Zg", "f" },         { "Zm8", "fo" },
                { "Zm9v", "foo" },  { "_-8", "\xff\xef" }, { "Z", NULL },
                { "Zm9vY", NULL },  { "Zg==", NULL },      { "Zg=", NULL },
                { "Zm8=", NULL },   { "Zh", NULL }, /* last bits that no encoder writes */
                { "Zv", NULL },     { "Zm9", NULL },       { "/+8", NULL },
                { "_+8", NULL },    { " Zm9v", NULL },     { "Zm9v ", NULL },
                { "Zm9v\n", NULL }, { "Zm\r\n9v", NULL },  { "Zm\t9v", NULL },
                { "Zm9v.", NULL },  { "Zm9\xc3", NULL },
        };
        char value[8];
        size_t n;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *text = cases[i].text;
                int r = base64url_decode(text, strlen(text), value, sizeof(value), &n);

                if (!cases[i].value) {
                        assert_int_equal(r, -EBADMSG);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_int_equal(n, strlen(cases[i].value));
                assert_memory_equal(value, cases[i].value, n);
        }
        assert_int_equal(base64url_decode("Zm9v", 4, value, 3, &n), 0);
        assert_int_equal(base64url_decode("Zm9v", 4, value, 2, &n), -EBADMSG);
}

/* Of all byte values 64 are digits, and NUL is none of them. */
static void test_base64url_knows_64_digits(void **state) {
        int n_good = 0;

        for (int c = 0; c < 256; c++) {
                char text[4] = { 'Z', 'm', '9', (char)c }, value[4];
                size_t n;

                n_good += base64url_decode(text, 4, value, sizeof(value), &n) == 0;
        }
        assert_int_equal(n_good, 64);
}

static void test_rfc8037_vector(void **state) {
        unsigned char signature[JWK_SIGNATURE_MAX];
        struct buffer text = { 0 };
        size_t size;

        assert_int_equal(
                        key->algorithm->sign(key, rfc_signed, strlen(rfc_signed), signature, &size),
                        0);
        base64url_append(&text, signature, size);
        assert_string_equal(text.data, rfc_signature);
        assert_true(key->algorithm->verify(key, rfc_signed, strlen(rfc_signed), signature, size));
        assert_false(key->algorithm->verify(key, rfc_signed, strlen(rfc_signed) - 1, signature,
                                            size));
        buffer_done(&text);

        /* As a token it names no key, so it is none of ours. */
        buffer_printf(&text, "%s.%s", rfc_signed, rfc_signature);
        assert_int_equal(try_text(text.data), -EKEYREJECTED);
        buffer_done(&text);
}

static void test_signs_what_it_verifies(void **state) {
        static const char payload[] = "{\"sub\":\"somebody\"}";
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct ae_error error = { 0 };
        struct jws j;

        assert_int_equal(jws_sign(payload, strlen(payload), key, &token), 0);
        assert_int_equal(jws_parse(token->data, token->size, &j, &error), 0);
        assert_string_equal(j.kid, "rfc");
        assert_string_equal(j.payload, payload);
        assert_int_equal(j.payload_size, strlen(payload));
        assert_int_equal(jws_verify(&j, key, &error), 0);
        jws_done(&j);
}

static void test_signing_needs_a_named_private_key(void **state) {
        _cleanup_(jwk_freep) struct jwk *public = NULL;
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct ae_error error = { 0 };
        char kid[sizeof(key->kid)];
        static const char text[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"rfc\","
                                   "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";

        assert_int_equal(jwk_parse(text, strlen(text), JWK_PUBLIC, &public, &error), 0);
        assert_int_equal(jws_sign("{}", 2, public, &token), -EINVAL);

        memcpy(kid, key->kid, sizeof(kid));
        key->kid[0] = 0;
        assert_int_equal(jws_sign("{}", 2, key, &token), -EINVAL);
        memcpy(key->kid, kid, sizeof(kid));
}

static void test_headers(void **state) {
#define LONGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KID ",\"kid\":\"rfc\"}"
#define ALG "{\"alg\":\"EdDSA\","
        static const struct {
                const char *header;
                bool good;
        } cases[] = {
                { "{\"alg\":\"EdDSA\"" KID, true },
                { "{\"kid\":\"rfc\",\"typ\":\"JWT\",\"alg\":\"EdDSA\"}", true },
                { " { \"alg\" : \"EdDSA\" , \"kid\" : \"rfc\" } ", true },
                { "{\"alg\":\"\\u0045dDSA\",\"x5t\":\"unknown\"" KID, true },
                { ALG "\"kid\":\"A-z_0.9\"}", true },
                { ALG "\"kid\":\"" LONGEST "\"}", true },

                /* C1 */
                { "{\"alg\":\"none\"" KID, false },
                { "{\"alg\":\"None\"" KID, false },
                { "{\"alg\":\"NONE\"" KID, false },
                { "{\"alg\":\"nOnE\"" KID, false },
                { "{\"alg\":\"\"" KID, false },
                { "{\"alg\":null" KID, false },
                { "{\"alg\":[\"EdDSA\"]" KID, false },
                { "{\"alg\":[]" KID, false },
                { "{\"alg\":{\"EdDSA\":1}" KID, false },
                { "{\"alg\":1" KID, false },
                { "{\"alg\":true" KID, false },
                { "{\"alg\":\"HS256\"" KID, false },
                { "{\"alg\":\"HS512\"" KID, false },
                { "{\"alg\":\"RS256\"" KID, false },
                { "{\"alg\":\"ES256\"" KID, false },
                { "{\"alg\":\"Ed25519\"" KID, false },
                { "{\"alg\":\"EDDSA\"" KID, false },
                { "{\"alg\":\"eddsa\"" KID, false },
                { "{\"alg\":\"EdDSA \"" KID, false },
                { "{\"alg\":\"EdDSA\\u0000\"" KID, false },
                { "{\"Alg\":\"EdDSA\"" KID, false },
                { "{\"kid\":\"rfc\"}", false },
                { "{\"alg\":\"EdDSA\",\"alg\":\"none\"" KID, false },
                { "{\"alg\":\"none\",\"alg\":\"EdDSA\"" KID, false },
                { "{\"alg\":\"EdDSA\",\"\\u0061lg\":\"EdDSA\"" KID, false },

                /* C2 */
                { "{\"alg\":\"EdDSA\"}", false },
                { ALG "\"Kid\":\"rfc\"}", false },
                { ALG "\"kid\":\"\"}", false },
                { ALG "\"kid\":null}", false },
                { ALG "\"kid\":7}", false },
                { ALG "\"kid\":[\"rfc\"]}", false },
                { ALG "\"kid\":\"../../etc/passwd\"}", false },
                { ALG "\"kid\":\"/etc/passwd\"}", false },
                { ALG "\"kid\":\".\"}", false },
                { ALG "\"kid\":\"..\"}", false },
                { ALG "\"kid\":\".rfc\"}", false },
                { ALG "\"kid\":\"rfc/\"}", false },
                { ALG "\"kid\":\"' OR 1=1 --\"}", false },
                { ALG "\"kid\":\"https://example.com/key\"}", false },
                { ALG "\"kid\":\"rfc\\u0000\"}", false },
                { ALG "\"kid\":\"rfc\\n\"}", false },
                { ALG "\"kid\":\"rf\xc3\xa9\"}", false },
                { ALG "\"kid\":\"" LONGEST "x\"}", false },
                { ALG "\"kid\":\"rfc\",\"kid\":\"rfc\"}", false },
                { ALG "\"jku\":\"https://example.com/keys\"" KID, false },
                { ALG "\"x5u\":\"https://example.com/cert\"" KID, false },
                { ALG "\"x5c\":[]" KID, false },
                { ALG "\"jwk\":null" KID, false },
                { ALG "\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                      "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}" KID,
                  false },

                /* C3 */
                { ALG "\"crit\":[\"exp\"],\"exp\":1" KID, false },
                { ALG "\"crit\":[]" KID, false },
                { ALG "\"crit\":null" KID, false },
                { ALG "\"crit\":[\"b64\"],\"b64\":false" KID, false },
                { ALG "\"b64\":false" KID, false },
                { ALG "\"b64\":true" KID, false },

                { ALG "\"typ\":1" KID, false },
                { ALG "\"typ\":null" KID, false },
                { "", false },
                { "{}", false },
                { "[]", false },
                { "\"EdDSA\"", false },
                { "null", false },
                { "{\"alg\":\"EdDSA\"" KID "{}", false },
                { "{\"alg\":\"EdDSA\",\"kid\":\"rfc\"", false },
                { "\xef\xbb\xbf{\"alg\":\"EdDSA\"" KID, false },
                { "{\"alg\":\"EdDSA\",\"x\":\"\xff\"" KID, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct buffer token = { 0 };
                int r;

                make_token(cases[i].header, "{}", &token);
                r = try_text(token.data);
                if ((r == 0) != cases[i].good)
                        print_error("header: %s\n", cases[i].header);
                assert_int_equal(r, cases[i].good ? 0 : -EKEYREJECTED);
                buffer_done(&token);
        }
}

/* C1: who knows the public key, which everybody may, must not be able to sign with it. */
static void test_public_key_as_hmac_secret(void **state) {
        static const char *const algorithms[] = { "HS256", "EdDSA" };
        unsigned char mac[crypto_auth_hmacsha256_BYTES];

        for (size_t i = 0; i < ELEMENTSOF(algorithms); i++) {
                struct buffer token = { 0 };
                char header[64];

                snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"rfc\"}", algorithms[i]);
                base64url_append(&token, header, strlen(header));
                buffer_puts(&token, ".e30");
                crypto_auth_hmacsha256(mac, (unsigned char *)token.data, token.size,
                                       key->public_key);
                buffer_putc(&token, '.');
                base64url_append(&token, mac, sizeof(mac));
                assert_int_equal(try_text(token.data), -EKEYREJECTED);
                buffer_done(&token);
        }
}

/* C1: a good signature under another algorithm's name is none. */
static void test_algorithm_belongs_to_the_key(void **state) {
        static const struct jwk_algorithm other = { .name = "ES256" };
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct ae_error error = { 0 };
        struct jws j;

        assert_int_equal(jws_sign("{}", 2, key, &token), 0);
        assert_int_equal(jws_parse(token->data, token->size, &j, &error), 0);
        j.algorithm = &other;
        assert_int_equal(jws_verify(&j, key, &error), -EKEYREJECTED);
        assert_non_null(strstr(error.message, "ES256"));
        jws_done(&j);
}

static void expect_refused(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
static void expect_refused(const char *format, ...) {
        char text[1024];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        if (try_text(text) == 0)
                fail_msg("accepted: %s", text);
}

/* C4 */
static void test_encoding(void **state) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        char h[128], p[128], s[128], text[512];

        assert_int_equal(jws_sign("{\"a\":1}", 7, key, &token), 0); /* payload: 2 bits left over */
        assert_int_equal(sscanf(token->data, "%127[^.].%127[^.].%127[^.]", h, p, s), 3);
        assert_int_equal(try_text(token->data), 0);

        expect_refused("%s", "");
        expect_refused("%s", ".");
        expect_refused("%s", "..");
        expect_refused("%s", "...");
        expect_refused("%s.%s", h, p);
        expect_refused("%s.%s.", h, p);
        expect_refused("%s..%s", h, s);
        expect_refused(".%s.%s", p, s);
        expect_refused("%s.%s.%s.", h, p, s);
        expect_refused(".%s.%s.%s", h, p, s);
        expect_refused("%s.%s.%s.%s", h, p, s, s);
        expect_refused("%s.%s.%s.%s.%s", h, p, s, s, s);
        expect_refused("{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}", h, p, s);
        expect_refused("%s=.%s.%s", h, p, s);
        expect_refused("%s.%s=.%s", h, p, s);
        expect_refused("%s.%s==.%s", h, p, s);
        expect_refused("%s.%s.%s==", h, p, s);
        expect_refused(" %s.%s.%s", h, p, s);
        expect_refused("%s .%s.%s", h, p, s);
        expect_refused("%s. %s.%s", h, p, s);
        expect_refused("%s.%s\t.%s", h, p, s);
        expect_refused("%s.%s.\n%s", h, p, s);
        expect_refused("%s.%s.%s\n", h, p, s);
        expect_refused("%s.%s.%s\r\n", h, p, s);
        expect_refused("Bearer %s.%s.%s", h, p, s);
        expect_refused("%s.+%s.%s", h, p, s);
        expect_refused("%s./%s.%s", h, p, s);

        /* The last digit of payload and signature carries bits that must be zero. */
        text[0] = p[strlen(p) - 1];
        p[strlen(p) - 1]++;
        expect_refused("%s.%s.%s", h, p, s);
        p[strlen(p) - 1] = text[0];
        s[strlen(s) - 1]++;
        expect_refused("%s.%s.%s", h, p, s);

        /* A NUL, and what is behind it, belong to the token's bytes. */
        memcpy(text, token->data, token->size + 1);
        assert_int_equal(try_token(text, token->size + 1), -EKEYREJECTED);
}

/* Whatever single byte changes, the token is worth nothing. */
static void test_every_byte_counts(void **state) {
        static const char digits[] =
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        _cleanup_(secret_freep) struct secret *token = NULL;

        assert_int_equal(jws_sign("{\"sub\":\"me\"}", 12, key, &token), 0);
        for (size_t i = 0; i < token->size; i++) {
                char was = token->data[i];
                const char *at = strchr(digits, was);

                token->data[i] = at ? digits[(size_t)(at - digits + 1) % 64] : '_';
                assert_int_equal(try_text(token->data), -EKEYREJECTED);
                token->data[i] = at ? digits[(size_t)(at - digits) ^ 32] : 'A';
                assert_int_equal(try_text(token->data), -EKEYREJECTED);
                token->data[i] = was;

                /* cut anywhere */
                assert_int_equal(try_token(token->data, i), -EKEYREJECTED);
        }
        assert_int_equal(try_text(token->data), 0);
}

static void expect_signature(const unsigned char *signature, size_t size, int expected) {
        static const char signed_text[] = "eyJhbGciOiJFZERTQSIsImtpZCI6InJmYyJ9.e30";
        struct buffer token = { 0 };

        buffer_printf(&token, "%s.", signed_text);
        base64url_append(&token, signature, size);
        assert_int_equal(try_text(token.data), expected);
        buffer_done(&token);
}

/* C5 */
static void test_signatures(void **state) {
        static const unsigned char order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                                 0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                                 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
        static const char signed_text[] = "eyJhbGciOiJFZERTQSIsImtpZCI6InJmYyJ9.e30";
        _cleanup_(jwk_freep) struct jwk *another = NULL;
        unsigned char good[JWK_SIGNATURE_MAX], bad[JWK_SIGNATURE_MAX + 1] = { 0 };
        size_t size;

        assert_int_equal(key->algorithm->sign(key, signed_text, strlen(signed_text), good, &size),
                         0);
        assert_int_equal(size, 64);
        expect_signature(good, 64, 0);

        expect_signature(good, 0, -EKEYREJECTED);
        expect_signature(good, 32, -EKEYREJECTED);
        expect_signature(good, 63, -EKEYREJECTED);
        expect_signature(bad, 64, -EKEYREJECTED);
        memcpy(bad, good, 64);
        expect_signature(bad, 65, -EKEYREJECTED);

        /* S + L is the same number to a verifier that does not look. */
        for (unsigned i = 0, carry = 0; i < 32; i++) {
                carry += good[32 + i] + (unsigned)order[i];
                bad[32 + i] = (unsigned char)carry;
                carry >>= 8;
        }
        expect_signature(bad, 64, -EKEYREJECTED);

        for (size_t bit = 0; bit < 512; bit++) {
                memcpy(bad, good, 64);
                bad[bit / 8] ^= (unsigned char)(1 << bit % 8);
                expect_signature(bad, 64, -EKEYREJECTED);
        }

        /* Another key of the same name. */
        assert_int_equal(jwk_generate(&jwk_ed25519, "rfc", NULL, &another), 0);
        assert_int_equal(another->algorithm->sign(another, signed_text, strlen(signed_text), bad,
                                                  &size),
                         0);
        expect_signature(bad, 64, -EKEYREJECTED);
}

/* Where the last byte is zero, its absence must be seen all the same. */
static void test_truncated_zero(void **state) {
        static const char header[] = "{\"alg\":\"EdDSA\",\"kid\":\"rfc\"}";
        struct buffer token = { 0 };
        unsigned char signature[JWK_SIGNATURE_MAX];
        size_t size;

        for (int i = 0;; i++) {
                buffer_clear(&token);
                base64url_append(&token, header, strlen(header));
                buffer_putc(&token, '.');
                base64url_append(&token, &i, sizeof(i));
                assert_int_equal(
                                key->algorithm->sign(key, token.data, token.size, signature, &size),
                                0);
                if (signature[63] == 0)
                        break;
        }
        size = token.size;
        buffer_putc(&token, '.');
        base64url_append(&token, signature, 64);
        assert_int_equal(try_text(token.data), 0);

        token.size = size;
        buffer_putc(&token, '.');
        base64url_append(&token, signature, 63);
        assert_int_equal(try_text(token.data), -EKEYREJECTED);
        buffer_done(&token);
}

static void test_size_limit(void **state) {
        static char payload[JWS_MAX_SIZE + 2], header[64];
        _cleanup_(secret_freep) struct secret *token = NULL;
        struct buffer more = { 0 };
        bool seen[2] = { false };

        memset(payload, 'x', sizeof(payload) - 1);
        assert_int_equal(jws_sign(payload, sizeof(payload) - 1, key, &token), -EMSGSIZE);

        /* Signed as it should be, of all sizes around the limit. */
        for (int n_spaces = 0; n_spaces < 3; n_spaces++)
                for (size_t n = 6000; n < 6080; n++) {
                        snprintf(header, sizeof(header), "{\"alg\":\"EdDSA\",\"kid\":\"rfc\"}%*s",
                                 n_spaces, "");
                        payload[n] = 0;
                        make_token(header, payload, &more);
                        payload[n] = 'x';
                        assert_int_equal(try_text(more.data),
                                         more.size <= JWS_MAX_SIZE ? 0 : -EKEYREJECTED);
                        seen[0] |= more.size == JWS_MAX_SIZE;
                        seen[1] |= more.size == JWS_MAX_SIZE + 1;
                        buffer_done(&more);
                }
        assert_true(seen[0] && seen[1]);

        while (more.size < 1 << 20) /* C2: a key id of a megabyte */
                buffer_puts(&more, "eyJhbGciOiJFZERTQSIsImtpZCI6Ii4u");
        assert_int_equal(try_text(more.data), -EKEYREJECTED);
        buffer_done(&more);
}

/* What cannot be verified is not signed either. */
static void test_signing_keeps_the_limit(void **state) {
        static const char payload[JWS_MAX_SIZE];
        _cleanup_(secret_freep) struct secret *token = NULL;
        size_t n = sizeof(payload);

        while (jws_sign(payload, n, key, &token) == -EMSGSIZE)
                n--;
        assert_non_null(token);
        assert_in_range(token->size, JWS_MAX_SIZE - 3, JWS_MAX_SIZE);
        assert_int_equal(try_text(token->data), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_base64url_is_strict),
                cmocka_unit_test(test_base64url_knows_64_digits),
                cmocka_unit_test(test_rfc8037_vector),
                cmocka_unit_test(test_signs_what_it_verifies),
                cmocka_unit_test(test_signing_needs_a_named_private_key),
                cmocka_unit_test(test_headers),
                cmocka_unit_test(test_public_key_as_hmac_secret),
                cmocka_unit_test(test_algorithm_belongs_to_the_key),
                cmocka_unit_test(test_encoding),
                cmocka_unit_test(test_every_byte_counts),
                cmocka_unit_test(test_signatures),
                cmocka_unit_test(test_truncated_zero),
                cmocka_unit_test(test_size_limit),
                cmocka_unit_test(test_signing_keeps_the_limit),
        };

        if (sodium_init() < 0)
                return 1;
        return cmocka_run_group_tests(tests, make_key, free_key);
}
