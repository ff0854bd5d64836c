/* SPDX-License-Identifier: MIT */
/*
 * A token answer: RFC 6749 §5.1, and what providers make of it.
 */
#include "oauth/answer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "oauth/grant-kind.h"
#include "oauth/members.h"
#include "oauth/scopes.h"

#define MAX_EXPIRES_IN_SEC (INT64_C(100) * 366 * 24 * 3600)

struct reader {
        const struct oauth_grant *grant;
        uint64_t now_usec;
        struct oauth_answer *answer;
};

void oauth_tokens_done(struct oauth_tokens *t) {
        secret_free(t->access_token);
        secret_free(t->refresh_token);
        free(t->token_type);
        json_free(t->scopes);
        free(t->identity);
        *t = (struct oauth_tokens){ 0 };
}

int slice_seconds(const struct json_slice *s, int64_t max, int64_t *ret) {
        _cleanup_(json_freep) cJSON *value = NULL;
        double seconds;
        char *end;
        int r;

        r = json_slice_tree(s, &value);
        if (r < 0)
                return r;
        if (cJSON_IsNumber(value))
                seconds = value->valuedouble;
        else if (cJSON_IsString(value) && value->valuestring[0] >= '0' &&
                 value->valuestring[0] <= '9') {
                seconds = (double)strtoull(value->valuestring, &end, 10);
                if (*end)
                        return -EINVAL;
        } else
                return -EINVAL;

        if (!(seconds >= 1 && seconds <= (double)max))
                return -EINVAL;
        *ret = (int64_t)seconds;
        return 0;
}

static int read_access_token(const struct reader *reader, const struct json_slice *s) {
        return secret_from_slice(s, OAUTH_MAX_TOKEN, &reader->answer->tokens.access_token);
}

/* An empty one is none: the old one stays. */
static int read_refresh_token(const struct reader *reader, const struct json_slice *s) {
        if (json_slice_equals(s, ""))
                return 0;
        return secret_from_slice(s, OAUTH_MAX_TOKEN, &reader->answer->tokens.refresh_token);
}

/* Kept as the scheme that it goes out with, whatever the provider calls it. */
static int read_token_type(const struct reader *reader, const struct json_slice *s) {
        const char *own = reader->grant->app.profile->token_type;
        _cleanup_(freep) char *type = NULL;
        int r;

        r = json_slice_string(s, &type);
        if (r < 0)
                return r;
        if (strcasecmp(type, "bearer") != 0 && (!own || strcmp(type, own) != 0))
                return -EINVAL;
        reader->answer->tokens.token_type = strdup("Bearer");
        return reader->answer->tokens.token_type ? 0 : -ENOMEM;
}

/*
 * A string, or with some an array. An empty one is as not said: no provider grants nothing. Nor is
 * what makes no sense when a token is renewed: with that answer the new refresh token would be lost,
 * and the old one is spent.
 */
static int read_scope(const struct reader *reader, const struct json_slice *s) {
        _cleanup_(json_freep) cJSON *scopes = NULL;
        _cleanup_(freep) char *text = NULL;
        int r;

        if (s->type == JSON_ARRAY)
                r = json_slice_tree(s, &scopes);
        else {
                r = json_slice_string(s, &text);
                if (r >= 0)
                        r = scopes_from_text(text, reader->grant->app.profile->scope_separator,
                                             &scopes);
        }
        if (r == 0 && !scopes_are_valid(scopes))
                r = -EINVAL;
        if (r == -EINVAL && reader->grant->kind == OAUTH_GRANT_REFRESH)
                return 0;
        if (r < 0)
                return r;
        if (scopes->child)
                reader->answer->tokens.scopes = TAKE_PTR(scopes);
        return 0;
}

/*
 * One that makes no sense is as none: the platform refuses the token when it has ended, and that
 * is cheaper than losing a grant whose code cannot be used again.
 */
static int read_expires_in(const struct reader *reader, const struct json_slice *s) {
        int64_t seconds;
        int r;

        r = slice_seconds(s, MAX_EXPIRES_IN_SEC, &seconds);
        if (r >= 0)
                reader->answer->tokens.expires_at_usec =
                                (reader->now_usec / USEC_PER_SEC + (uint64_t)seconds) *
                                USEC_PER_SEC;
        return r == -ENOMEM ? r : 0;
}

/* A member of the answer, or of an object in it. NULL, unless it is text of one line. */
static int read_text(const struct json_slice *body, const char *const names[OAUTH_IDENTITY_DEPTH],
                     char **ret) {
        _cleanup_(freep) char *text = NULL;
        struct json_slice at = *body;
        int r;

        for (size_t i = 0; i < OAUTH_IDENTITY_DEPTH && names[i]; i++) {
                const struct json_slice *member;
                struct json_envelope envelope;
                struct json_fault fault;

                r = json_scan(at.text, at.size, &envelope, &fault);
                if (r < 0)
                        return r;
                member = json_envelope_find(&envelope, names[i]);
                if (!member)
                        return 0;
                at = *member;
        }
        if (!names[0] || at.type != JSON_STRING)
                return 0;

        r = json_slice_string(&at, &text);
        if (r >= 0 && *text && strlen(text) <= OAUTH_MAX_IDENTITY && text_is_line(text))
                *ret = TAKE_PTR(text);
        return r;
}

/* "Acme (T1)", or what there is of it. */
static int read_identity(const struct reader *reader, const struct json_slice *body) {
        const struct oauth_profile *profile = reader->grant->app.profile;
        char **identity = &reader->answer->tokens.identity;
        _cleanup_(freep) char *name = NULL, *id = NULL;
        int r;

        r = read_text(body, profile->identity, &name);
        if (r >= 0)
                r = read_text(body, profile->identity_id, &id);
        if (r < 0 || (!name && !id))
                return r;
        if (!name || !id || strlen(name) + strlen(id) + strlen(" ()") > OAUTH_MAX_IDENTITY)
                *identity = id ? TAKE_PTR(id) : TAKE_PTR(name);
        else if (asprintf(identity, "%s (%s)", name, id) < 0) {
                *identity = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* A refreshed one says nothing that is not known. */
static int read_id_token(const struct reader *reader, const struct json_slice *s) {
        const struct oauth_grant *g = reader->grant;
        struct oauth_tokens *tokens = &reader->answer->tokens;
        _cleanup_(secret_freep) struct secret *token = NULL;
        const char *reason;
        int r;

        if (!grant_kind(g->kind)->tells_whose || !(g->app.profile->flags & OAUTH_OPENID) ||
            !g->app.issuer)
                return 0;

        r = secret_from_slice(s, OAUTH_MAX_TOKEN, &token);
        if (r < 0)
                return r;
        r = id_token_read(&g->app, token->data, reader->now_usec, &tokens->identity, &reason);
        if (r == -EBADMSG)
                return answer_say(reader->answer, OAUTH_NONSENSE,
                                  "the provider's id_token is refused: %s", reason);
        return r;
}

/* clang-format off */
static const struct field {
        const char *name;
        int (*read)(const struct reader *reader, const struct json_slice *s);
        const char *complaint; /* of what read() takes for invalid */
} fields[] = {
        { "access_token",  read_access_token,  "its access_token cannot be used"  },
        { "refresh_token", read_refresh_token, "its refresh_token cannot be used" },
        { "token_type",    read_token_type,    "its token is not for a bearer"    },
        { "scope",         read_scope,         "its scopes cannot be read"        },
        { "expires_in",    read_expires_in,    NULL                               },
        { "id_token",      read_id_token,      "its id_token is none"             },
};
/* clang-format on */

int answer_read_tokens(const struct oauth_grant *g, const struct json_envelope *body,
                       uint64_t now_usec, struct oauth_answer *a) {
        const struct reader reader = { .grant = g, .now_usec = now_usec, .answer = a };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(fields) && a->result == OAUTH_OK; i++) {
                const struct json_slice *s = json_envelope_find(body, fields[i].name);

                if (!s || s->type == JSON_NULL)
                        continue;
                r = fields[i].read(&reader, s);
                if (r == -EINVAL)
                        return answer_say(a, OAUTH_NONSENSE,
                                          "the provider's answer makes no sense: %s",
                                          fields[i].complaint);
                if (r < 0)
                        return r;
        }
        if (a->result == OAUTH_OK && !a->tokens.access_token)
                return answer_say(a, OAUTH_NONSENSE, "the provider's answer has no access_token");
        return a->result == OAUTH_OK ? read_identity(&reader, &body->root) : 0;
}
