/* SPDX-License-Identifier: MIT */
#include "auth/jwk.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "base/json.h"

#define ISSUER_MAX 256

static const struct jwk_algorithm *const algorithms[] = {
        &jwk_ed25519,
        &jwk_es256,
        &jwk_rs256,
};

const struct jwk_algorithm *jwk_algorithm_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(algorithms); i++)
                if (strcmp(algorithms[i]->name, name) == 0)
                        return algorithms[i];
        return NULL;
}

struct jwk *jwk_free(struct jwk *k) {
        if (!k)
                return NULL;
        EVP_PKEY_free(k->evp);
        secret_free(k->private_key);
        free(k->public_key);
        free(k->issuer);
        free(k);
        return NULL;
}

bool jwk_kid_is_valid(const char *kid) {
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789._-";
        size_t n = strspn(kid, allowed);

        return n > 0 && n <= JWK_KID_MAX && kid[n] == 0 && kid[0] != '.';
}

static void set_fingerprint(struct jwk *k) {
        crypto_generichash_state state;
        const char *issuer = k->issuer ?: "";

        /* Names with their NUL, so that no two keys give the same row of bytes. */
        crypto_generichash_init(&state, NULL, 0, JWK_FINGERPRINT_SIZE);
        crypto_generichash_update(&state, (const unsigned char *)k->algorithm->name,
                                  strlen(k->algorithm->name) + 1);
        crypto_generichash_update(&state, (const unsigned char *)issuer, strlen(issuer) + 1);
        crypto_generichash_update(&state, k->public_key, k->public_size);
        crypto_generichash_final(&state, k->fingerprint, JWK_FINGERPRINT_SIZE);
}

static bool member_equals(const struct json_envelope *e, const char *name, const char *text) {
        const struct json_slice *s = json_envelope_find(e, name);

        return s && s->type == JSON_STRING && json_slice_equals(s, text);
}

static const struct jwk_algorithm *find_by_type(const struct json_envelope *e) {
        for (size_t i = 0; i < ELEMENTSOF(algorithms); i++) {
                const struct jwk_algorithm *a = algorithms[i];

                if (member_equals(e, "kty", a->kty) && (!a->crv || member_equals(e, "crv", a->crv)))
                        return a;
        }
        return NULL;
}

static int read_kid(const struct json_envelope *e, struct jwk *k, struct ae_error *error) {
        const struct json_slice *s = json_envelope_find(e, "kid");
        _cleanup_(freep) char *kid = NULL;
        int r;

        if (!s)
                return 0;
        r = json_slice_string(s, &kid);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !jwk_kid_is_valid(kid))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'kid' is not 1 to %d letters, digits, '.', '_' or '-'",
                                    JWK_KID_MAX);
        strcpy(k->kid, kid);
        return 0;
}

static int read_issuer(const struct json_envelope *e, struct jwk *k, struct ae_error *error) {
        const struct json_slice *s = json_envelope_find(e, "iss");
        int r;

        if (!s)
                return 0;
        r = json_slice_string(s, &k->issuer);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || k->issuer[0] == 0 || strlen(k->issuer) > ISSUER_MAX)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'iss' is no text of 1 to %d bytes", ISSUER_MAX);
        return 0;
}

/* Of all types (RFC 7518 §6): half of what is private gives away the rest. */
static bool has_private_member(const struct json_envelope *e) {
        static const char *const names[] = { "d", "dp", "dq", "k", "oth", "p", "q", "qi" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (json_envelope_find(e, names[i]))
                        return true;
        return false;
}

/* `key_ops` (RFC 7517 §4.3) says what `use` says, once more and finer. */
static int check_operations(const struct json_envelope *e, enum jwk_part part,
                            struct ae_error *error) {
        const char *wanted = part == JWK_PUBLIC ? "verify" : "sign";
        const struct json_slice *s = json_envelope_find(e, "key_ops");
        _cleanup_(json_freep) cJSON *list = NULL;
        const cJSON *item;

        if (!s)
                return 0;
        if (json_slice_tree(s, &list) < 0)
                return -ENOMEM;
        if (cJSON_IsArray(list))
                cJSON_ArrayForEach (item, list)
                        if (cJSON_IsString(item) && strcmp(item->valuestring, wanted) == 0)
                                return 0;
        return ae_error_set(error, AE_INVALID_REQUEST, "its 'key_ops' do not have '%s'", wanted);
}

/* What any key must be, before its type's own members are looked at. */
static int check_envelope(const struct json_envelope *e, enum jwk_part part,
                          struct ae_error *error) {
        if (e->root.type != JSON_OBJECT)
                return ae_error_set(error, AE_INVALID_REQUEST, "it is no JSON object");
        /* One more could have been left out, and it could be 'd'. */
        if (e->n_members >= JSON_ENVELOPE_MAX)
                return ae_error_set(error, AE_INVALID_REQUEST, "it has too many members");
        if (json_envelope_find(e, "use") && !member_equals(e, "use", "sig"))
                return ae_error_set(error, AE_INVALID_REQUEST, "its 'use' is not 'sig'");
        if (part == JWK_PUBLIC && has_private_member(e))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "it holds a private key, which has no business here: put its "
                                    "public part in its place, and make a new key if others may "
                                    "have read this one");
        if (part == JWK_PRIVATE && !json_envelope_find(e, "d"))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "it holds no private key ('d'), which is needed to sign");
        return check_operations(e, part, error);
}

static int find_algorithm(const struct json_envelope *e, enum jwk_part part,
                          const struct jwk_algorithm **ret, struct ae_error *error) {
        const struct jwk_algorithm *a = find_by_type(e);

        if (!a)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its type is unknown here: 'kty' OKP with 'crv' Ed25519, EC "
                                    "with P-256, and RSA are understood");
        if (json_envelope_find(e, "alg") && !member_equals(e, "alg", a->name))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its 'alg' is not %s, the one that keys of its type have here",
                                    a->name);
        if (part == JWK_PRIVATE && !a->sign)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "its type is only checked here; an Ed25519 key can sign");
        *ret = a;
        return 0;
}

static int read_envelope(const struct json_envelope *e, enum jwk_part part, struct jwk **ret,
                         struct ae_error *error) {
        _cleanup_(jwk_freep) struct jwk *k = NULL;
        int r;

        r = check_envelope(e, part, error);
        if (r < 0)
                return r;

        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;

        r = find_algorithm(e, part, &k->algorithm, error);
        if (r < 0)
                return r;
        r = read_kid(e, k, error);
        if (r < 0)
                return r;
        r = read_issuer(e, k, error);
        if (r < 0)
                return r;
        r = k->algorithm->read(e, k, error);
        if (r < 0)
                return r;

        set_fingerprint(k);
        *ret = TAKE_PTR(k);
        return 0;
}

int jwk_parse(const char *text, size_t size, enum jwk_part part, struct jwk **ret,
              struct ae_error *error) {
        struct json_envelope e;
        struct json_fault fault;
        int r;

        r = json_scan(text, size, &e, &fault);
        if (r == -EBADMSG)
                return ae_error_set(error, AE_INVALID_REQUEST, "it is no JSON (%s at byte %zu)",
                                    fault.reason, fault.offset);
        if (r < 0)
                return r;
        return read_envelope(&e, part, ret, error);
}

int jwk_generate(const struct jwk_algorithm *algorithm, const char *kid, const char *issuer,
                 struct jwk **ret) {
        _cleanup_(jwk_freep) struct jwk *k = NULL;
        int r;

        if (!jwk_kid_is_valid(kid) || (issuer && (!*issuer || strlen(issuer) > ISSUER_MAX)))
                return -EINVAL;

        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        k->algorithm = algorithm;
        strcpy(k->kid, kid);
        if (issuer) {
                k->issuer = strdup(issuer);
                if (!k->issuer)
                        return -ENOMEM;
        }
        r = algorithm->generate(k);
        if (r < 0)
                return r;

        set_fingerprint(k);
        *ret = TAKE_PTR(k);
        return 0;
}

static void print_member(const char *name, const char *value, struct buffer *to) {
        buffer_printf(to, ",\"%s\":", name);
        json_print_string(value, strlen(value), to);
}

int jwk_print(const struct jwk *k, enum jwk_part part, struct secret **ret) {
        _cleanup_(buffer_wipe) struct buffer b = { 0 };
        int r;

        /* All of it at once: a buffer that moved would leave the private part behind. */
        if (!buffer_reserve(&b, JWK_TEXT_MAX))
                return -ENOMEM;

        buffer_printf(&b, "{\"kty\":\"%s\"", k->algorithm->kty);
        if (k->algorithm->crv)
                print_member("crv", k->algorithm->crv, &b);
        print_member("alg", k->algorithm->name, &b);
        if (k->kid[0])
                print_member("kid", k->kid, &b);
        if (k->issuer)
                print_member("iss", k->issuer, &b);
        k->algorithm->write(k, part == JWK_PRIVATE, &b);
        buffer_puts(&b, "}\n");

        r = buffer_error(&b);
        return r < 0 ? r : secret_new(b.data, b.size, ret);
}
