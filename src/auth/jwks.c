/* SPDX-License-Identifier: MIT */
#include "auth/jwks.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

/* One reading of a set. */
struct reader {
        const char *issuer; /* of the set; NULL: each key's own, if any */
        struct jwks *set;
        void (*on_skipped)(const char *sentence, void *userdata);
        void *userdata;
};

void jwks_done(struct jwks *s) {
        for (size_t i = 0; i < s->n_keys; i++)
                jwk_free(s->keys[i]);
        *s = (struct jwks){ 0 };
}

static void skip(const struct reader *d, size_t number, const cJSON *item, const char *why) {
        const char *kid = json_string(item, "kid");
        struct ae_error sentence = { 0 }; /* for its way of cleaning foreign text */

        (void)ae_error_set(&sentence, AE_INTERNAL, "key %zu ('%.64s') is passed over: %s", number,
                           kid ? kid : "", why);
        d->on_skipped(sentence.message, d->userdata);
}

/* The set's issuer becomes the key's, before the key's fingerprint is taken. */
static int bind_issuer(const struct reader *d, cJSON *item, struct ae_error *error) {
        const char *own = json_string(item, "iss");

        if (!d->issuer)
                return 0;
        if (json_member(item, "iss")) {
                if (own && strcmp(own, d->issuer) == 0)
                        return 0;
                return ae_error_set(error, AE_INVALID_REQUEST, "its 'iss' is not that of its set");
        }
        return cJSON_AddStringToObject(item, "iss", d->issuer) ? 0 : -ENOMEM;
}

static int read_key(const struct reader *d, cJSON *item, struct jwk **ret, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(jwk_freep) struct jwk *k = NULL;
        int r;

        if (!cJSON_IsObject(item))
                return ae_error_set(error, AE_INVALID_REQUEST, "it is no JSON object");
        r = bind_issuer(d, item, error);
        if (r < 0)
                return r;
        json_print(item, &text);
        r = buffer_error(&text);
        if (r < 0)
                return r;
        r = jwk_parse(text.data, text.size, JWK_PUBLIC, &k, error);
        if (r < 0)
                return r;
        if (!k->kid[0])
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "it has no 'kid', by which tokens could name it");
        *ret = TAKE_PTR(k);
        return 0;
}

static int read_keys(struct reader *d, const cJSON *list) {
        size_t number = 0;
        cJSON *item;

        cJSON_ArrayForEach (item, list) {
                struct ae_error error = { 0 };
                int r;

                number++;
                r = read_key(d, item, &d->set->keys[d->set->n_keys], &error);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        skip(d, number, item, error.message);
                else
                        d->set->n_keys++;
        }
        return 0;
}

static int parse(const char *text, size_t size, cJSON **ret, struct ae_error *error) {
        struct json_fault fault;
        int r;

        r = json_parse(text, size, ret, &fault);
        if (r == -EBADMSG)
                return ae_error_set(error, AE_INVALID_REQUEST, "it is no JSON (%s at byte %zu)",
                                    fault.reason, fault.offset);
        return r;
}

int jwks_parse(const char *text, size_t size,
               void (*on_skipped)(const char *sentence, void *userdata), void *userdata,
               struct jwks *ret, struct ae_error *error) {
        _cleanup_(jwks_done) struct jwks set = { 0 };
        _cleanup_(json_freep) cJSON *root = NULL;
        struct reader d = { .set = &set, .on_skipped = on_skipped, .userdata = userdata };
        const cJSON *list;
        int r;

        r = parse(text, size, &root, error);
        if (r < 0)
                return r;
        list = json_member(root, "keys");
        if (!cJSON_IsArray(list))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "it has no 'keys', an array of public keys");
        if (cJSON_GetArraySize(list) > JWKS_MAX_KEYS)
                return ae_error_set(error, AE_INVALID_REQUEST, "it holds more than %d keys",
                                    JWKS_MAX_KEYS);
        d.issuer = json_string(root, "iss");
        if (json_member(root, "iss") && !d.issuer)
                return ae_error_set(error, AE_INVALID_REQUEST, "its 'iss' is no text");

        r = read_keys(&d, list);
        if (r < 0)
                return r;
        *ret = set;
        set = (struct jwks){ 0 };
        return 0;
}
