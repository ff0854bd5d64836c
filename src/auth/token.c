/* SPDX-License-Identifier: MIT */
#include "auth/token.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define TIME_MAX INT64_C(253402300799) /* the last second of the year 9999 */
#define SCOPE_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

struct reader {
        const cJSON *payload;
        uint64_t now_usec;
        uint64_t skew_usec;
        uid_t uid;
        struct token_claims *claims;
        struct ae_error *error;
};

static int bad_claim(struct reader *d, const char *name, const char *what) {
        return ae_error_set(d->error, AE_TOKEN_INVALID,
                            "the token's '%s' %s; ask its issuer for a new one", name, what);
}

static int out_of_memory(struct reader *d) {
        return ae_error_from_errno(d->error, -ENOMEM);
}

/* Control characters: C0, DEL, and C1, which in UTF-8 is 0xc2 and 0x80 to 0x9f. */
static bool has_control(const char *text) {
        for (const unsigned char *p = (const unsigned char *)text; *p; p++)
                if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
                        return true;
        return false;
}

static bool is_plain_text(const char *text) {
        return text && *text && strlen(text) <= TOKEN_USER_MAX && !has_control(text);
}

bool token_jti_is_valid(const char *text) {
        return is_plain_text(text);
}

/* "*" stands for everybody in `users`, so nobody can be called that. */
static bool is_user_id(const char *text) {
        return is_plain_text(text) && strcmp(text, "*") != 0;
}

static int copy_text(struct reader *d, const char *text, char **ret) {
        *ret = strdup(text);
        return *ret ? 0 : out_of_memory(d);
}

static int read_issuer(struct reader *d, const char *name) {
        const char *text = json_string(d->payload, name);

        if (!text || !*text || has_control(text))
                return bad_claim(d, name, "is no text that names who issued it");
        return copy_text(d, text, &d->claims->issuer);
}

static int read_subject(struct reader *d, const char *name) {
        const char *text = json_string(d->payload, name);

        if (!is_user_id(text))
                return bad_claim(d, name,
                                 "is no user id, 1 to 128 bytes without control characters");
        return copy_text(d, text, &d->claims->subject);
}

static int read_jti(struct reader *d, const char *name) {
        const char *text = json_string(d->payload, name);

        if (!is_plain_text(text))
                return bad_claim(d, name,
                                 "is no text of 1 to 128 bytes without control characters");
        return copy_text(d, text, &d->claims->jti);
}

/* A string, or an array of nothing but strings that has ours. */
static int read_audience(struct reader *d, const char *name) {
        const cJSON *value = json_member(d->payload, name), *item;
        bool found = false;

        if (cJSON_IsString(value))
                found = strcmp(value->valuestring, TOKEN_AUDIENCE) == 0;
        else if (cJSON_IsArray(value))
                cJSON_ArrayForEach (item, value) {
                        if (!cJSON_IsString(item))
                                return bad_claim(d, name, "holds something that is no text");
                        found |= strcmp(item->valuestring, TOKEN_AUDIENCE) == 0;
                }
        if (!found)
                return bad_claim(d, name, "is not '" TOKEN_AUDIENCE "', so it is for another");
        return 0;
}

static int read_time(struct reader *d, const char *name, uint64_t *ret_usec) {
        int64_t seconds;

        if (json_integer(d->payload, name, &seconds) < 0 || seconds < 0 || seconds > TIME_MAX)
                return bad_claim(d, name,
                                 "is no time in whole seconds since 1970, up to the year 9999");
        *ret_usec = (uint64_t)seconds * USEC_PER_SEC;
        return 0;
}

bool token_is_early(uint64_t not_before_usec, uint64_t now_usec, uint64_t skew_usec) {
        return not_before_usec > now_usec + skew_usec;
}

static int read_not_before(struct reader *d, const char *name) {
        uint64_t usec = 0;
        int r;

        r = read_time(d, name, &usec);
        if (r < 0)
                return r;
        if (token_is_early(usec, d->now_usec, d->skew_usec))
                return bad_claim(d, name, "lies in the future (compare the clocks)");
        if (usec > d->claims->not_before_usec)
                d->claims->not_before_usec = usec;
        return 0;
}

bool token_has_expired(uint64_t expires_at_usec, uint64_t now_usec, uint64_t skew_usec) {
        return now_usec >= expires_at_usec + skew_usec;
}

static int read_expiry(struct reader *d, const char *name) {
        int r;

        r = read_time(d, name, &d->claims->expires_at_usec);
        if (r < 0)
                return r;
        if (token_has_expired(d->claims->expires_at_usec, d->now_usec, d->skew_usec))
                return ae_error_set(d->error, AE_TOKEN_EXPIRED,
                                    "the token has expired; ask its issuer for a new one");
        return 0;
}

/* "area:name", "area:*" or "*". */
static bool is_scope(const char *text, size_t size) {
        size_t area = strspn(text, SCOPE_CHARACTERS);
        const char *name = text + area + 1;
        size_t rest;

        if (size == 1 && *text == '*')
                return true;
        if (area == 0 || area + 1 >= size || text[area] != ':')
                return false;
        rest = size - area - 1;
        return (rest == 1 && *name == '*') || strspn(name, SCOPE_CHARACTERS) == rest;
}

static size_t count_items(const char *text) {
        size_t n = 1;

        for (; *text; text++)
                n += *text == ' ';
        return n;
}

static char **list_new(size_t n) {
        return calloc(n + 1, sizeof(char *));
}

static void list_free(char **list) {
        for (char **p = list; p && *p; p++)
                free(*p);
        free(list);
}

static int read_scope(struct reader *d, const char *name) {
        const char *text = json_string(d->payload, name);
        size_t n = 0;

        if (!text)
                return bad_claim(d, name, "is no text");

        list_free(d->claims->scopes);
        d->claims->scopes = list_new(count_items(text));
        if (!d->claims->scopes)
                return out_of_memory(d);

        while (*text) {
                size_t size = strcspn(text, " ");

                /* An issuer may have scopes for others ("openid"): they grant nothing here. */
                if (is_scope(text, size)) {
                        d->claims->scopes[n] = strndup(text, size);
                        if (!d->claims->scopes[n++])
                                return out_of_memory(d);
                }
                text += size + (text[size] == ' ');
        }
        return 0;
}

static bool is_everybody(const cJSON *list) {
        const cJSON *only = list->child;

        return only && !only->next && cJSON_IsString(only) && strcmp(only->valuestring, "*") == 0;
}

static int read_users(struct reader *d, const char *name) {
        const cJSON *list = json_member(d->payload, name), *item;
        size_t n = 0;

        if (!cJSON_IsArray(list))
                return bad_claim(d, name, "is no array of user ids");
        if (is_everybody(list)) {
                d->claims->any_user = true;
                return 0;
        }

        list_free(d->claims->users);
        d->claims->users = list_new((size_t)cJSON_GetArraySize(list));
        if (!d->claims->users)
                return out_of_memory(d);

        cJSON_ArrayForEach (item, list) {
                if (!is_user_id(cJSON_GetStringValue(item)))
                        return bad_claim(d, name,
                                         "holds something that is no user id ('*' must "
                                         "stand alone)");
                d->claims->users[n] = strdup(item->valuestring);
                if (!d->claims->users[n++])
                        return out_of_memory(d);
        }
        return 0;
}

/* A binding that is not understood would be a binding that is not kept. */
static int read_confirmation(struct reader *d, const char *name) {
        const cJSON *cnf = json_member(d->payload, name);
        int64_t uid;

        if (!cJSON_IsObject(cnf) || !cnf->child || cnf->child->next ||
            json_integer(cnf, "uid", &uid) < 0 || uid < 0 || uid >= (int64_t)UINT32_MAX)
                return bad_claim(d, name,
                                 "binds it to something else than a 'uid' from 0 to 4294967294");
        if ((uid_t)uid != d->uid)
                return ae_error_set(d->error, AE_TOKEN_INVALID,
                                    "the token is bound to another uid than this connection's "
                                    "(%" PRIu32 "); ask its issuer for one of your own",
                                    (uint32_t)d->uid);
        return 0;
}

struct claim {
        const char *name;
        int (*read)(struct reader *d, const char *name);
        bool required;
};

/* `exp` last: that a token is old is the answer only where nothing else is wrong with it. */
/* clang-format off */
static const struct claim claims[] = {
        { "iss",   read_issuer,       true  },
        { "aud",   read_audience,     true  },
        { "sub",   read_subject,      true  },
        { "cnf",   read_confirmation, false },
        { "jti",   read_jti,          false },
        { "scope", read_scope,        false },
        { "users", read_users,        false },
        { "iat",   read_not_before,   true  },
        { "nbf",   read_not_before,   false },
        { "exp",   read_expiry,       true  },
};
/* clang-format on */

static int read_claims(struct reader *d) {
        for (size_t i = 0; i < ELEMENTSOF(claims); i++) {
                const struct claim *c = &claims[i];
                bool present = json_member(d->payload, c->name);
                int r = 0;

                if (present)
                        r = c->read(d, c->name);
                else if (c->required)
                        r = bad_claim(d, c->name, "is missing");
                if (r < 0)
                        return r;
        }
        return 0;
}

void token_claims_done(struct token_claims *c) {
        list_free(c->users);
        list_free(c->scopes);
        free(c->jti);
        free(c->subject);
        free(c->issuer);
        *c = (struct token_claims){ 0 };
}

static int parse_object(const char *text, size_t size, cJSON **ret, struct ae_error *error) {
        _cleanup_(json_freep) cJSON *payload = NULL;
        int r;

        r = json_parse(text, size, &payload, /* ret_fault= */ NULL);
        if (r == -EBADMSG || (r >= 0 && !cJSON_IsObject(payload)))
                return ae_error_set(error, AE_TOKEN_INVALID,
                                    "the token's payload is no valid JSON object; ask its issuer "
                                    "for a new one");
        if (r < 0)
                return ae_error_from_errno(error, r);
        *ret = TAKE_PTR(payload);
        return 0;
}

int token_claims_parse(const char *payload, size_t size, uint64_t now_usec, uint64_t skew_usec,
                       uid_t uid, struct token_claims *ret, struct ae_error *error) {
        _cleanup_(token_claims_done) struct token_claims c = { 0 };
        _cleanup_(json_freep) cJSON *object = NULL;
        struct reader d = { .now_usec = now_usec,
                            .skew_usec = skew_usec,
                            .uid = uid,
                            .claims = &c,
                            .error = error };
        int r;

        r = parse_object(payload, size, &object, error);
        if (r < 0)
                return r;
        c.scopes = list_new(0);
        c.users = list_new(0);
        if (!c.scopes || !c.users)
                return out_of_memory(&d);

        d.payload = object;
        r = read_claims(&d);
        if (r < 0)
                return r;

        *ret = c;
        c = (struct token_claims){ 0 };
        return 0;
}
