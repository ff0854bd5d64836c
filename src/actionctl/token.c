/* SPDX-License-Identifier: MIT */
#include "actionctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actionctl/input.h"
#include "actionctl/output.h"
#include "actionctl/token-make.h"
#include "auth/jwk-file.h"
#include "auth/jws.h"
#include "auth/token.h"
#include "base/base64url.h"
#include "base/clock.h"
#include "base/id.h"

#define DEFAULT_ISSUER "actionctl"
#define DEFAULT_TTL_MSEC (UINT64_C(3600) * 1000)

static void put_string(struct buffer *to, const char *text) {
        json_print_string(text, strlen(text), to);
}

/* ---- token keygen ---- */

static int cannot_write(const char *path, int r) {
        if (r == -EEXIST)
                output_error("'%s' exists, and a key is never overwritten: name another file",
                             path);
        else
                output_error("cannot write '%s': %s", path, strerror(-r));
        return CTL_USAGE;
}

static void print_pair(const struct ctl *ctl) {
        const char *const members[][2] = {
                { "{\"kid\":", ctl->kid },
                { ",\"private\":", ctl->private_key },
                { ",\"public\":", ctl->public_key },
        };
        _cleanup_(buffer_done) struct buffer text = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                buffer_puts(&text, members[i][0]);
                put_string(&text, members[i][1]);
        }
        buffer_putc(&text, '}');
        if (text.data)
                output_line(text.data, text.size);
}

int ctl_token_keygen(const struct ctl *ctl) {
        _cleanup_(jwk_freep) struct jwk *key = NULL;
        int r;

        r = jwk_generate(&jwk_ed25519, ctl->kid, ctl->issuer, &key);
        if (r < 0)
                return output_usage("cannot make a key '%s': its name is 1 to %d letters, digits, "
                                    "'.', '_' or '-'",
                                    ctl->kid, JWK_KID_MAX);

        r = jwk_write_file(AT_FDCWD, ctl->private_key, key, JWK_PRIVATE);
        if (r < 0)
                return cannot_write(ctl->private_key, r);
        r = jwk_write_file(AT_FDCWD, ctl->public_key, key, JWK_PUBLIC);
        if (r < 0) {
                (void)unlink(ctl->private_key); /* half a pair is of no use */
                return cannot_write(ctl->public_key, r);
        }
        if (ctl->json)
                print_pair(ctl);
        else
                output_note("keep '%s' to yourself; give '%s' to the engine as %s.jwk",
                            ctl->private_key, ctl->public_key, ctl->kid);
        return CTL_SUCCESS;
}

/* ---- token create ---- */

static void put_users(struct buffer *to, const struct ctl_list *users) {
        for (size_t i = 0; i < users->n; i++) {
                buffer_puts(to, i == 0 ? ",\"users\":[" : ",");
                put_string(to, users->items[i]);
        }
        buffer_puts(to, users->n > 0 ? "]" : "");
}

static void join_scopes(const struct ctl_list *scopes, struct buffer *to) {
        for (size_t i = 0; i < scopes->n; i++)
                buffer_printf(to, "%s%s", i > 0 ? " " : "", scopes->items[i]);
}

static void put_scope(struct buffer *to, const struct ctl_list *scopes) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        join_scopes(scopes, &text);
        if (text.size > 0) {
                buffer_puts(to, ",\"scope\":");
                put_string(to, text.data);
        }
}

/* Straight into a buffer: no claim can get lost on the way without buffer_error() knowing. */
static void put_claims(const struct ctl *ctl, const struct jwk *key,
                       const struct token_facts *facts, uint64_t now_usec, struct buffer *to) {
        buffer_puts(to, "{\"iss\":");
        put_string(to, ctl->issuer ?: key->issuer ?: DEFAULT_ISSUER);
        buffer_puts(to, ",\"aud\":\"" TOKEN_AUDIENCE "\",\"sub\":");
        put_string(to, ctl->user);
        buffer_printf(to, ",\"iat\":%" PRIu64 ",\"exp\":%" PRIu64 ",\"jti\":\"%s\"",
                      now_usec / USEC_PER_SEC, facts->expires_at_sec, facts->jti);
        put_scope(to, &ctl->scopes);
        put_users(to, &ctl->users);
        if (!ctl->any_uid)
                buffer_printf(to, ",\"cnf\":{\"uid\":%" PRId64 "}",
                              ctl->uid >= 0 ? ctl->uid : (int64_t)getuid());
        buffer_putc(to, '}');
}

static size_t count_words(const struct ctl_list *texts) {
        size_t n = 0;

        for (size_t i = 0; i < texts->n; i++)
                for (const char *p = texts->items[i] + strspn(texts->items[i], " "); *p;
                     p += strspn(p, " ")) {
                        n++;
                        p += strcspn(p, " ");
                }
        return n;
}

/* What the engine would refuse, or pass over, is better heard of now. Returns 0 or an exit code. */
static int check_claims(const struct ctl *ctl, const struct buffer *text, uint64_t now_usec) {
        _cleanup_(token_claims_done) struct token_claims claims = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };
        uid_t uid = ctl->uid >= 0 ? (uid_t)ctl->uid : getuid();
        size_t n_scopes = 0;

        if (token_claims_parse(text->data, text->size, now_usec, 0, uid, &claims, &error) == 0) {
                while (claims.scopes[n_scopes])
                        n_scopes++;
                if (n_scopes == count_words(&ctl->scopes))
                        return 0;
                return output_usage("the engine would pass over a scope that is not 'area:name', "
                                    "'area:*' or '*'");
        }
        /* The advice behind the fault is for those who were given the token. */
        return output_usage("the engine would refuse it: %.*s", (int)strcspn(error.message, ";"),
                            error.message);
}

static int read_key(const char *path, struct jwk **ret) {
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        if (jwk_read_file(AT_FDCWD, path, JWK_PRIVATE, ret, &error) == 0)
                return 0;
        output_error("cannot use the key in '%s': %s", path, error.message);
        return CTL_USAGE;
}

/* All of it is base64url, hex and digits, so that nothing needs an escape. */
static void print_token(const struct ctl *ctl, const struct secret *token,
                        const struct token_facts *facts) {
        char expires_at[RFC3339_SIZE];

        clock_format_rfc3339(facts->expires_at_sec * USEC_PER_SEC, expires_at);
        if (ctl->verbose)
                output_note("its jti is %s; it expires at %s", facts->jti, expires_at);
        if (ctl->json)
                printf("{\"token\":\"%s\",\"jti\":\"%s\",\"expires_at\":\"%s\"}\n", token->data,
                       facts->jti, expires_at);
        else
                puts(token->data);
}

static int sign(const struct ctl *ctl, const struct jwk *key, const struct buffer *text,
                struct secret **ret) {
        int r = jws_sign(text->data, text->size, key, ret);

        if (r == -EMSGSIZE)
                return output_usage("the token would be larger than %d bytes: name fewer scopes or "
                                    "users",
                                    JWS_MAX_SIZE);
        if (r < 0) {
                output_error("cannot sign with the key in '%s': %s", ctl->key ?: "",
                             r == -EINVAL ? "it has no 'kid'" : strerror(-r));
                return CTL_USAGE;
        }
        if (ctl->scopes.n == 0)
                output_note("without --scope the token says who you are, and allows nothing");
        return 0;
}

static struct token_facts new_facts(const struct ctl *ctl, uint64_t now_usec) {
        uint64_t ttl_msec = ctl->ttl_msec > 0 ? ctl->ttl_msec : DEFAULT_TTL_MSEC;
        struct token_facts facts = {
                .expires_at_sec = now_usec / USEC_PER_SEC + (ttl_msec + 999) / 1000,
        };

        id_random_hex(TOKEN_JTI_BYTES, facts.jti);
        return facts;
}

int token_make(const struct ctl *ctl, const struct jwk *key, struct secret **ret,
               struct token_facts *ret_facts) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        uint64_t now_usec = clock_usec(CLOCK_REALTIME);
        const struct token_facts facts = new_facts(ctl, now_usec);
        int r;

        if (ctl->issuer && key->issuer && strcmp(ctl->issuer, key->issuer) != 0)
                return output_usage("this key is good for the issuer '%s' only", key->issuer);
        put_claims(ctl, key, &facts, now_usec, &text);
        if (buffer_error(&text) < 0)
                return output_usage("out of memory");
        r = check_claims(ctl, &text, now_usec);
        if (r == 0)
                r = sign(ctl, key, &text, ret);
        if (r == 0)
                *ret_facts = facts;
        return r;
}

/* ---- one that is there ---- */

int token_read_claims(const char *token, size_t size, cJSON **ret) {
        _cleanup_(json_freep) cJSON *claims = NULL;
        char text[JWS_MAX_SIZE];
        const char *first = memchr(token, '.', size), *second;
        size_t n;
        int r;

        second = first ? memchr(first + 1, '.', size - (size_t)(first + 1 - token)) : NULL;
        if (!second ||
            base64url_decode(first + 1, (size_t)(second - first - 1), text, sizeof(text), &n) < 0)
                return -EBADMSG;
        r = json_parse(text, n, &claims, NULL);
        if (r < 0)
                return r;
        if (!cJSON_IsObject(claims))
                return -EBADMSG;
        *ret = TAKE_PTR(claims);
        return 0;
}

bool token_allows_the_same(const struct ctl *ctl, const cJSON *claims) {
        const cJSON *users = json_member(claims, "users"), *user;
        _cleanup_(buffer_done) struct buffer text = { 0 };
        const char *scope = json_string(claims, "scope");
        size_t i = 0;

        join_scopes(&ctl->scopes, &text);
        if (!scope || !text.data || strcmp(scope, text.data) != 0)
                return false;
        cJSON_ArrayForEach (user, users)
                if (i >= ctl->users.n || !cJSON_IsString(user) ||
                    strcmp(user->valuestring, ctl->users.items[i++]) != 0)
                        return false;
        return i == ctl->users.n;
}

bool token_is_over(const cJSON *claims) {
        int64_t seconds;

        return json_integer(claims, "exp", &seconds) < 0 || seconds < 0 ||
               (uint64_t)seconds <= clock_usec(CLOCK_REALTIME) / USEC_PER_SEC;
}

/* ---- the verb ---- */

int ctl_token_create(const struct ctl *ctl) {
        _cleanup_(secret_freep) struct secret *token = NULL;
        _cleanup_(jwk_freep) struct jwk *key = NULL;
        struct token_facts facts = { 0 };
        int r;

        if (ctl->any_uid && ctl->uid >= 0)
                return output_usage("--uid and --any-uid exclude each other");
        r = read_key(ctl->key, &key);
        if (r == 0)
                r = token_make(ctl, key, &token, &facts);
        if (r == 0)
                print_token(ctl, token, &facts);
        return r;
}
