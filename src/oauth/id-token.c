/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "base/json.h"
#include "oauth/answer.h"
#include "oauth/members.h"

#define MAX_EXPIRY_SEC INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define LEEWAY_SEC 300                       /* our clock may be ahead */

struct claims {
        char *iss, *sub, *azp, *email;
        struct json_slice aud, exp, email_verified;
};

#define TEXT(field, max) \
        { #field, MEMBER_TEXT, offsetof(struct claims, field), max, text_is_line, "" }
#define SLICE(field) \
        { #field, MEMBER_SLICE, offsetof(struct claims, field), 0, NULL, "" }

static const struct member claim_members[] = {
        TEXT(iss, OAUTH_MAX_URL),
        TEXT(sub, OAUTH_MAX_IDENTITY),
        TEXT(azp, OAUTH_MAX_CLIENT_ID),
        TEXT(email, OAUTH_MAX_IDENTITY),
        SLICE(aud),
        SLICE(exp),
        SLICE(email_verified),
};

static void claims_done(struct claims *c) {
        free(c->iss);
        free(c->sub);
        free(c->azp);
        free(c->email);
}

/* The middle one of three parts. */
static int decode_claims(const char *token, struct buffer *to) {
        const char *start = strchr(token, '.'), *end = start ? strchr(start + 1, '.') : NULL;
        size_t size;
        char *room;

        if (!end || strchr(end + 1, '.'))
                return -EBADMSG;
        size = (size_t)(end - ++start);
        room = buffer_reserve(to, size);
        if (!room)
                return -ENOMEM;
        if (base64url_decode(start, size, room, size, &size) < 0)
                return -EBADMSG;
        buffer_advance(to, size);
        return 0;
}

/* Google has been writing its own without a scheme. */
static bool is_issuer(const char *iss, const char *issuer) {
        static const char scheme[] = "https://";
        size_t n = strlen(scheme);

        return strcmp(iss, issuer) == 0 ||
               (strncmp(issuer, scheme, n) == 0 && strcmp(iss, issuer + n) == 0);
}

/* One audience, or several with us among them; then it was made for us if `azp` says so. */
static int is_audience(const struct claims *c, const char *client_id) {
        _cleanup_(json_freep) cJSON *aud = NULL;
        const cJSON *item;
        int r;

        if (!c->aud.text)
                return false;
        if (c->azp && strcmp(c->azp, client_id) != 0)
                return false;
        r = json_slice_tree(&c->aud, &aud);
        if (r < 0)
                return r;
        if (cJSON_IsString(aud))
                return strcmp(aud->valuestring, client_id) == 0;
        if (!cJSON_IsArray(aud) || (cJSON_GetArraySize(aud) > 1 && !c->azp))
                return false;
        cJSON_ArrayForEach (item, aud)
                if (cJSON_IsString(item) && strcmp(item->valuestring, client_id) == 0)
                        return true;
        return false;
}

static int check(const struct claims *c, const struct oauth_app *app, uint64_t now_usec,
                 const char **ret_reason) {
        int64_t exp;
        int r;

        *ret_reason = "it is from another issuer";
        if (!c->iss || !is_issuer(c->iss, app->issuer))
                return -EBADMSG;

        *ret_reason = "it is for another client";
        r = is_audience(c, app->client_id);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;

        *ret_reason = "it has expired, or does not say when it does";
        r = c->exp.text && c->exp.type == JSON_NUMBER ? slice_seconds(&c->exp, MAX_EXPIRY_SEC, &exp)
                                                      : -EINVAL;
        if (r == -ENOMEM)
                return r;
        if (r < 0 || (uint64_t)(exp + LEEWAY_SEC) <= now_usec / USEC_PER_SEC)
                return -EBADMSG;

        *ret_reason = "it does not say whose it is";
        return c->sub && *c->sub ? 0 : -EBADMSG;
}

/* There are providers that send a text for it. */
static bool is_false(const struct json_slice *s) {
        return s->text && (s->type == JSON_FALSE || json_slice_equals(s, "false"));
}

int id_token_read(const struct oauth_app *app, const char *token, uint64_t now_usec,
                  char **ret_identity, const char **ret_reason) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(claims_done) struct claims c = { 0 };
        struct members members = MEMBERS(claim_members);
        struct json_envelope envelope;
        struct members_fault fault;
        struct json_fault where;
        int r;

        *ret_reason = "it is no JWT";
        r = decode_claims(token, &text);
        if (r >= 0)
                r = json_scan(text.data, text.size, &envelope, &where);
        members.open = true;
        if (r >= 0)
                r = members_read(&members, &envelope.root, &c, &fault);
        if (r >= 0)
                r = check(&c, app, now_usec, ret_reason);
        if (r < 0)
                return r;

        *ret_identity = c.email && !is_false(&c.email_verified) ? TAKE_PTR(c.email)
                                                                : TAKE_PTR(c.sub);
        return 0;
}
