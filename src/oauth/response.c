/* SPDX-License-Identifier: MIT */
/*
 * What the provider sent back with the browser. Anybody can send a browser to the redirect: each
 * byte is foreign until state and issuer have been compared.
 */
#include "oauth/authorize.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "oauth/members.h"
#include "oauth/quote.h"

enum parameter {
        CODE,
        STATE,
        ISS,
        ERROR,
        ERROR_DESCRIPTION,
        N_PARAMETERS,
};

static bool is_any(const char *text) {
        return *text;
}

/* RFC 6749 appendix A. A description is quoted wherever it goes. */
static const struct {
        const char *name;
        bool (*is_valid)(const char *text);
} parameters[N_PARAMETERS] = {
        [CODE] = { "code", text_is_vschar },
        [STATE] = { "state", text_is_vschar },
        [ISS] = { "iss", text_is_vschar },
        [ERROR] = { "error", text_is_vschar },
        [ERROR_DESCRIPTION] = { "error_description", is_any },
};

struct values {
        char *texts[N_PARAMETERS]; /* owned */
        bool seen[N_PARAMETERS];
};

static void text_wipe(char *text) {
        if (text)
                sodium_memzero(text, strlen(text));
        free(text);
}

static void values_done(struct values *v) {
        for (size_t i = 0; i < N_PARAMETERS; i++)
                text_wipe(v->texts[i]);
}

void oauth_response_done(struct oauth_response *r) {
        secret_free(r->code);
        free(r->state);
        free(r->iss);
        free(r->error);
        free(r->error_description);
        *r = (struct oauth_response){ 0 };
}

static int hex_digit(char c) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *at = c ? strchr(digits, c) : NULL;

        if (!at)
                return -1;
        return (int)(at - digits) - (at - digits > 15 ? 6 : 0);
}

/* A form's own spelling (RFC 6749 appendix B). `ret` has room for n bytes and a NUL. */
static int unescape(const char *text, size_t n, char *ret) {
        for (size_t i = 0; i < n; i++) {
                char c = text[i] == '+' ? ' ' : text[i];

                if (c == '%') {
                        int high = n - i > 2 ? hex_digit(text[i + 1]) : -1;
                        int low = n - i > 2 ? hex_digit(text[i + 2]) : -1;

                        if (high < 0 || low < 0)
                                return -EBADMSG;
                        c = (char)(high << 4 | low);
                        i += 2;
                }
                if (!c)
                        return -EBADMSG;
                *ret++ = c;
        }
        *ret = 0;
        return 0;
}

static int take_value(struct values *v, enum parameter which, char **text) {
        if (v->seen[which])
                return -EBADMSG;
        v->seen[which] = true;
        if (!**text) /* RFC 6749 §3.1: as if it were not there */
                return 0;
        if (!parameters[which].is_valid(*text))
                return -EBADMSG;
        v->texts[which] = TAKE_PTR(*text);
        return 0;
}

static int read_parameter(struct values *v, const char *text, size_t n) {
        const char *equals = memchr(text, '=', n);
        size_t n_name = equals ? (size_t)(equals - text) : n;
        char name[sizeof("error_description")];
        char *value;
        int r;

        /* An escape takes three bytes: what is longer has none of these names. */
        if (n_name > 3 * (sizeof(name) - 1))
                return 0;

        value = malloc(n + 1);
        if (!value)
                return -ENOMEM;
        r = unescape(text, n_name, value);
        if (r >= 0 && strlen(value) < sizeof(name)) {
                strcpy(name, value);
                r = equals ? unescape(equals + 1, n - n_name - 1, value) : 0;
                if (!equals)
                        *value = 0;
                for (size_t i = 0; r >= 0 && i < N_PARAMETERS; i++)
                        if (strcmp(parameters[i].name, name) == 0) {
                                r = take_value(v, (enum parameter)i, &value);
                                break;
                        }
        }
        text_wipe(value);
        return r;
}

/* What stands between '?' and '#' of a URL; a text that is no URL is that itself. */
static size_t find_query(const char **text) {
        const char *question = strchr(*text, '?');
        bool is_url = **text == '/' || strncmp(*text, "http://", 7) == 0 ||
                      strncmp(*text, "https://", 8) == 0;

        if (**text == '?' || (is_url && question))
                *text = question + 1;
        else if (is_url)
                *text += strlen(*text);
        return strcspn(*text, "#");
}

static int take_response(struct values *v, struct oauth_response *ret) {
        struct oauth_response response = { 0 };
        int r;

        if (!v->texts[CODE] == !v->texts[ERROR])
                return -EBADMSG;
        if (v->texts[CODE]) {
                r = secret_new(v->texts[CODE], strlen(v->texts[CODE]), &response.code);
                if (r < 0)
                        return r;
        }
        response.state = TAKE_PTR(v->texts[STATE]);
        response.iss = TAKE_PTR(v->texts[ISS]);
        response.error = TAKE_PTR(v->texts[ERROR]);
        response.error_description = TAKE_PTR(v->texts[ERROR_DESCRIPTION]);
        *ret = response;
        return 0;
}

int oauth_response_parse(const char *url, struct oauth_response *ret) {
        _cleanup_(values_done) struct values v = { 0 };
        size_t n, span;
        int r;

        if (strnlen(url, OAUTH_MAX_RESPONSE + 1) > OAUTH_MAX_RESPONSE)
                return -E2BIG;

        for (n = find_query(&url); n > 0; url += span, n -= span) {
                const char *end = memchr(url, '&', n);

                span = end ? (size_t)(end - url) : n;
                r = read_parameter(&v, url, span);
                if (r < 0)
                        return r;
                span += end != NULL;
        }
        return take_response(&v, ret);
}

int oauth_response_check(const struct oauth_response *r, const struct oauth_app *app,
                         struct ae_error *error) {
        char said[OAUTH_SAID_SIZE];

        if (!r->iss && app->iss_required)
                return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                    "the answer does not say which provider it is from ('iss')");
        if (r->iss && (!app->issuer || strcmp(r->iss, app->issuer) != 0))
                return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                    "the answer is from '%.128s' and not from '%.128s'", r->iss,
                                    app->issuer ? app->issuer : app->profile->name);
        if (!r->error)
                return 0;

        quote_said(r->error, r->error_description, NULL, said);
        if (strcmp(r->error, "access_denied") == 0)
                return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                    "the consent was refused: the provider says %s", said);
        return ae_error_set(error, AE_AUTHORIZATION_FAILED, "the provider says %s", said);
}
