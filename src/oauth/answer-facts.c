/* SPDX-License-Identifier: MIT */
/*
 * Answers that bring no tokens: how a person signs in on another device (RFC 8628 §3.2), and what
 * a provider says of itself (OpenID Connect Discovery §3, RFC 8414 §2).
 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "oauth/answer.h"
#include "oauth/app-members.h"
#include "oauth/members.h"
#include "oauth/url.h"

#define MAX_DEVICE_SEC (24 * 3600)
#define MAX_INTERVAL_SEC 300
#define DEFAULT_INTERVAL_SEC 5

struct device {
        char *device_code, *user_code;
        char *verification_uri;
        char *verification_url; /* what Google called it before there was a standard */
        char *verification_uri_complete;
        struct json_slice expires_in, interval;
};

#define TEXT(field, max, is_valid) \
        { #field, MEMBER_TEXT, offsetof(struct device, field), max, is_valid, "" }
#define SLICE(field) \
        { #field, MEMBER_SLICE, offsetof(struct device, field), 0, NULL, "" }

static const struct member device_members[] = {
        TEXT(device_code, 2048, text_is_vschar),
        TEXT(user_code, 64, text_is_vschar),
        TEXT(verification_uri, OAUTH_MAX_URL, url_is_valid),
        TEXT(verification_url, OAUTH_MAX_URL, url_is_valid),
        TEXT(verification_uri_complete, OAUTH_MAX_URL, url_is_valid),
        SLICE(expires_in),
        SLICE(interval),
};

static void device_done(struct device *d) {
        free(d->device_code);
        free(d->user_code);
        free(d->verification_uri);
        free(d->verification_url);
        free(d->verification_uri_complete);
}

/* Takes what is complete only: a fact that was lost for want of memory is not told as missing. */
struct facts {
        cJSON *object;
        bool failed;
};

static void put_text(struct facts *f, const char *name, const char *text) {
        if (text && !cJSON_AddStringToObject(f->object, name, text))
                f->failed = true;
}

static void put_number(struct facts *f, const char *name, int64_t number) {
        if (!cJSON_AddNumberToObject(f->object, name, (double)number))
                f->failed = true;
}

static int facts_take(struct facts *f, struct oauth_answer *a) {
        if (!f->object || f->failed) {
                json_free(f->object);
                return -ENOMEM;
        }
        a->facts = f->object;
        return 0;
}

static int read_seconds(const struct json_slice *s, int64_t max, int64_t otherwise, int64_t *ret) {
        int r = s->text ? slice_seconds(s, max, ret) : -EINVAL;

        if (r == -EINVAL)
                *ret = otherwise;
        return r == -ENOMEM ? r : 0;
}

static int put_device(const struct device *d, const char *uri, struct oauth_answer *a) {
        struct facts f = { 0 };
        int64_t expires_in, interval;
        int r;

        r = read_seconds(&d->expires_in, MAX_DEVICE_SEC, 0, &expires_in);
        if (r >= 0)
                r = read_seconds(&d->interval, MAX_INTERVAL_SEC, DEFAULT_INTERVAL_SEC, &interval);
        if (r < 0)
                return r;
        if (expires_in == 0)
                return answer_say(a, OAUTH_NONSENSE,
                                  "the provider does not say how long its code is good");

        f.object = cJSON_CreateObject();
        put_text(&f, "device_code", d->device_code);
        put_text(&f, "user_code", d->user_code);
        put_text(&f, "verification_uri", uri);
        put_text(&f, "verification_uri_complete", d->verification_uri_complete);
        put_number(&f, "expires_in", expires_in);
        put_number(&f, "interval", interval);
        return facts_take(&f, a);
}

int answer_read_device(const struct json_slice *body, struct oauth_answer *a) {
        _cleanup_(device_done) struct device d = { 0 };
        struct members members = MEMBERS(device_members);
        struct members_fault fault;
        const char *uri;
        int r;

        members.open = true;
        r = members_read(&members, body, &d, &fault);
        if (r == -EBADMSG)
                return answer_say(a, OAUTH_NONSENSE, "the provider's '%s' cannot be used",
                                  fault.row ? fault.row->name : "answer");
        if (r < 0)
                return r;

        uri = d.verification_uri ? d.verification_uri : d.verification_url;
        if (!d.device_code || !d.user_code || !uri)
                return answer_say(a, OAUTH_NONSENSE,
                                  "the provider does not say where to enter which code");
        return put_device(&d, uri, a);
}

/* In an app's words, for which enum oauth_endpoint counts. */
static const char *const endpoint_names[OAUTH_N_ENDPOINTS] = {
        [OAUTH_AUTHORIZATION] = "authorization_endpoint",
        [OAUTH_TOKEN] = "token_endpoint",
        [OAUTH_REVOCATION] = "revocation_endpoint",
        [OAUTH_DEVICE_AUTHORIZATION] = "device_authorization_endpoint",
};

static bool lists(const cJSON *array, const char *text) {
        const cJSON *item;

        cJSON_ArrayForEach (item, array)
                if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
                        return true;
        return false;
}

/* The first that the provider takes; what it does not say is client_secret_basic (RFC 8414 §2). */
static const char *find_client_auth(const cJSON *metadata) {
        static const enum oauth_client_auth order[] = {
                OAUTH_CLIENT_SECRET_BASIC,
                OAUTH_CLIENT_SECRET_POST,
                OAUTH_CLIENT_NONE,
        };
        const cJSON *methods = json_member(metadata, "token_endpoint_auth_methods_supported");

        for (size_t i = 0; i < ELEMENTSOF(order); i++)
                if (!methods || lists(methods, client_auth_name(order[i])))
                        return client_auth_name(order[i]);
        return NULL;
}

static int check_metadata(const struct oauth_app *app, const cJSON *metadata,
                          struct oauth_answer *a) {
        const char *issuer = json_string(metadata, "issuer");
        const cJSON *challenges = json_member(metadata, "code_challenge_methods_supported");

        if (!issuer || strcmp(issuer, app->issuer) != 0)
                return answer_say(a, OAUTH_NONSENSE, "it says that it is another issuer: '%.128s'",
                                  issuer ? issuer : "");
        for (size_t i = 0; i < OAUTH_N_ENDPOINTS; i++) {
                const char *url = json_string(metadata, endpoint_names[i]);

                if (json_member(metadata, endpoint_names[i]) ? !url || !url_is_valid(url)
                                                             : i == OAUTH_TOKEN)
                        return answer_say(a, OAUTH_NONSENSE, "its '%s' cannot be used",
                                          endpoint_names[i]);
        }
        if (challenges && !lists(challenges, "S256"))
                return answer_say(a, OAUTH_NONSENSE, "it does not know S256 challenges (RFC 7636)");
        if (!find_client_auth(metadata))
                return answer_say(a, OAUTH_NONSENSE,
                                  "it takes neither client_secret_basic, client_secret_post nor "
                                  "none for a client's authentication");
        return 0;
}

int answer_read_metadata(const struct oauth_app *app, const struct json_slice *body,
                         struct oauth_answer *a) {
        _cleanup_(json_freep) cJSON *metadata = NULL;
        struct facts f = { 0 };
        int r;

        r = json_slice_tree(body, &metadata);
        if (r >= 0)
                r = check_metadata(app, metadata, a);
        if (r < 0 || a->result != OAUTH_OK)
                return r;

        f.object = cJSON_CreateObject();
        put_text(&f, "issuer", app->issuer);
        for (size_t i = 0; i < OAUTH_N_ENDPOINTS; i++)
                put_text(&f, endpoint_names[i], json_string(metadata, endpoint_names[i]));
        put_text(&f, "client_auth", find_client_auth(metadata));
        if (cJSON_IsTrue(json_member(metadata, "authorization_response_iss_parameter_supported")) &&
            !cJSON_AddTrueToObject(f.object, "iss_required"))
                f.failed = true;
        return facts_take(&f, a);
}
