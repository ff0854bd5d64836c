/* SPDX-License-Identifier: MIT */
#include "oauth/app.h"

#include <errno.h>
#include <string.h>

#include "oauth/app-members.h"
#include "oauth/members.h"
#include "oauth/url.h"

static const char *const client_auths[] = {
        [OAUTH_CLIENT_SECRET_POST] = "client_secret_post",
        [OAUTH_CLIENT_SECRET_BASIC] = "client_secret_basic",
        [OAUTH_CLIENT_NONE] = "none",
};

/* The JSON object, before it is known which profile fills the gaps. */
struct draft {
        struct oauth_app app;
        char *profile;
        char *client_auth;
};

static int client_auth_from_name(const char *name, enum oauth_client_auth *ret) {
        for (size_t i = 0; i < ELEMENTSOF(client_auths); i++)
                if (strcmp(client_auths[i], name) == 0) {
                        *ret = (enum oauth_client_auth)i;
                        return 0;
                }
        return -EINVAL;
}

static bool is_client_auth(const char *text) {
        enum oauth_client_auth unused;

        return client_auth_from_name(text, &unused) >= 0;
}

/* Whether its metadata can be asked for. */
static bool is_issuer(const char *issuer) {
        return url_is_redirect(issuer) && !strchr(issuer, '?'); /* RFC 8414 §2 */
}

#define APP(field) offsetof(struct draft, app.field)
#define ENDPOINT(which) (APP(endpoints) + (which) * sizeof(char *))
#define A_URL "https://, or http:// to a loopback address"

/* In the order in which they are printed. */
/* clang-format off */
static const struct member draft_members[] = {
        { "profile",       MEMBER_TEXT,   offsetof(struct draft, profile), OAUTH_MAX_NAME,
          oauth_name_is_valid, "the name of a profile" },
        { "client_id",     MEMBER_TEXT,   APP(client_id),     OAUTH_MAX_CLIENT_ID,
          text_is_vschar, "1 to 256 printable ASCII characters" },
        { "client_secret", MEMBER_SECRET, APP(client_secret), OAUTH_MAX_CLIENT_SECRET,
          text_is_vschar, "1 to 1024 printable ASCII characters" },
        { "issuer",        MEMBER_TEXT,   APP(issuer),        OAUTH_MAX_URL, is_issuer, A_URL },
        { "authorization_endpoint",        MEMBER_TEXT, ENDPOINT(OAUTH_AUTHORIZATION),
          OAUTH_MAX_URL, url_is_valid, A_URL },
        { "token_endpoint",                MEMBER_TEXT, ENDPOINT(OAUTH_TOKEN),
          OAUTH_MAX_URL, url_is_valid, A_URL },
        { "revocation_endpoint",           MEMBER_TEXT, ENDPOINT(OAUTH_REVOCATION),
          OAUTH_MAX_URL, url_is_valid, A_URL },
        { "device_authorization_endpoint", MEMBER_TEXT, ENDPOINT(OAUTH_DEVICE_AUTHORIZATION),
          OAUTH_MAX_URL, url_is_valid, A_URL },
        { "redirect_uri",  MEMBER_TEXT,   APP(redirect_uri),  OAUTH_MAX_URL, url_is_redirect, A_URL },
        { "client_auth",   MEMBER_TEXT,   offsetof(struct draft, client_auth), OAUTH_MAX_NAME,
          is_client_auth, "client_secret_post, client_secret_basic or none" },
        { "iss_required",  MEMBER_BOOL,   APP(iss_required),  0, NULL, "true or false" },
};
/* clang-format on */

static void draft_done(struct draft *d) {
        oauth_app_done(&d->app);
        free(d->profile);
        free(d->client_auth);
}

void oauth_app_done(struct oauth_app *app) {
        free(app->client_id);
        secret_free(app->client_secret);
        free(app->issuer);
        for (size_t i = 0; i < OAUTH_N_ENDPOINTS; i++)
                free(app->endpoints[i]);
        free(app->redirect_uri);
        *app = (struct oauth_app){ 0 };
}

bool oauth_app_uses_pkce(const struct oauth_app *app) {
        return app->profile->flags & OAUTH_PKCE || app->client_auth == OAUTH_CLIENT_NONE;
}

bool oauth_name_is_valid(const char *name) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
        size_t n = strnlen(name, OAUTH_MAX_NAME + 1);

        return n > 0 && n <= OAUTH_MAX_NAME && strspn(name, allowed) == n;
}

const char *client_auth_name(enum oauth_client_auth auth) {
        return client_auths[auth];
}

/* Where there is nothing yet. */
static int copy_text(char **to, const char *text) {
        if (*to || !text)
                return 0;
        *to = strdup(text);
        return *to ? 0 : -ENOMEM;
}

static int fill_from_profile(struct oauth_app *app) {
        const struct oauth_profile *profile = app->profile;
        int r;

        r = copy_text(&app->issuer, profile->issuer);
        for (size_t i = 0; r >= 0 && i < OAUTH_N_ENDPOINTS; i++)
                r = copy_text(&app->endpoints[i], profile->endpoints[i]);
        return r;
}

int oauth_app_init(const struct oauth_profile *profile, struct oauth_app *ret) {
        _cleanup_(oauth_app_done) struct oauth_app app = { .profile = profile,
                                                           .client_auth = profile->client_auth };
        int r;

        r = fill_from_profile(&app);
        if (r < 0)
                return r;
        *ret = app;
        app = (struct oauth_app){ 0 };
        return 0;
}

int oauth_app_copy(const struct oauth_app *app, struct oauth_app *ret) {
        _cleanup_(oauth_app_done) struct oauth_app copy = { .profile = app->profile,
                                                            .client_auth = app->client_auth,
                                                            .iss_required = app->iss_required };
        int r;

        r = copy_text(&copy.client_id, app->client_id);
        if (r >= 0)
                r = copy_text(&copy.issuer, app->issuer);
        if (r >= 0)
                r = copy_text(&copy.redirect_uri, app->redirect_uri);
        for (size_t i = 0; r >= 0 && i < OAUTH_N_ENDPOINTS; i++)
                r = copy_text(&copy.endpoints[i], app->endpoints[i]);
        if (r >= 0 && app->client_secret)
                r = secret_new(app->client_secret->data, app->client_secret->size,
                               &copy.client_secret);
        if (r < 0)
                return r;

        *ret = copy;
        copy = (struct oauth_app){ 0 };
        return 0;
}

static int tell(const struct members_fault *fault, struct ae_error *error) {
        if (fault->row)
                return ae_error_set(error, AE_INVALID_REQUEST, "'%s' must be %s", fault->row->name,
                                    fault->row->rule);
        if (fault->name[0])
                return ae_error_set(error, AE_INVALID_REQUEST, "an app has no field '%s'",
                                    fault->name);
        return ae_error_set(error, AE_INVALID_REQUEST, "an app must be a JSON object");
}

int app_read(const struct json_slice *json, struct oauth_app *ret, struct ae_error *error) {
        _cleanup_(draft_done) struct draft d = { 0 };
        struct members_fault fault;
        int r;

        r = members_read(&MEMBERS(draft_members), json, &d, &fault);
        if (r == -EBADMSG)
                return tell(&fault, error);
        if (r < 0)
                return r;

        if (!d.profile)
                return ae_error_set(error, AE_INVALID_REQUEST, "'profile' is missing");
        d.app.profile = oauth_profile_find(d.profile);
        if (!d.app.profile)
                return ae_error_set(error, AE_INVALID_REQUEST, "there is no profile '%s'",
                                    d.profile);
        if (!d.client_auth || client_auth_from_name(d.client_auth, &d.app.client_auth) < 0)
                d.app.client_auth = d.app.profile->client_auth;
        r = fill_from_profile(&d.app);
        if (r < 0)
                return r;

        *ret = d.app;
        d.app = (struct oauth_app){ 0 };
        return 0;
}

int oauth_app_parse(const struct json_slice *json, struct oauth_app *ret, struct ae_error *error) {
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        int r;

        r = app_read(json, &app, error);
        if (r < 0)
                return r;
        if (!app.client_id)
                return ae_error_set(error, AE_INVALID_REQUEST, "'client_id' is missing");
        if (!app.endpoints[OAUTH_TOKEN])
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'token_endpoint' is missing: the profile '%s' has none",
                                    app.profile->name);

        *ret = app;
        app = (struct oauth_app){ 0 };
        return 0;
}

static bool is_same(const char *text, const char *other) {
        return text && other && strcmp(text, other) == 0;
}

/* What of it is to be told, borrowed. */
static struct draft draft_of(const struct oauth_app *app, bool with_secret) {
        struct draft d = { .app = *app, .profile = (char *)app->profile->name };

        if (!with_secret)
                d.app.client_secret = NULL;
        if (is_same(app->issuer, app->profile->issuer))
                d.app.issuer = NULL;
        for (size_t i = 0; i < OAUTH_N_ENDPOINTS; i++)
                if (is_same(app->endpoints[i], app->profile->endpoints[i]))
                        d.app.endpoints[i] = NULL;
        if (app->client_auth != app->profile->client_auth)
                d.client_auth = (char *)client_auths[app->client_auth];
        return d;
}

size_t app_print_size(const struct oauth_app *app) {
        struct draft d = draft_of(app, /* with_secret= */ true);

        return members_size(&MEMBERS(draft_members), &d) + 2;
}

void oauth_app_print(const struct oauth_app *app, bool with_secret, struct buffer *to) {
        struct draft d = draft_of(app, with_secret);

        (void)buffer_reserve(to, app_print_size(app));
        buffer_putc(to, '{');
        members_print(&MEMBERS(draft_members), &d, to);
        buffer_putc(to, '}');
}
