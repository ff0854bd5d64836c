/* SPDX-License-Identifier: MIT */
/*
 * What the provider sent back with the browser. Anybody can send a browser to the redirect: each
 * byte is foreign until state and issuer have been compared.
 */
#include "oauth/authorize.h"

#include <errno.h>
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
        const char *texts[N_PARAMETERS]; /* borrowed */
        bool seen[N_PARAMETERS];
};

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

/* A form's own spelling (RFC 6749 appendix B), undone where it stands: it only gets shorter. */
static int unescape(char *text) {
        char *to = text;

        for (; *text; text++) {
                char c = *text == '+' ? ' ' : *text;

                if (c == '%') {
                        int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);

                        if (low < 0)
                                return -EBADMSG;
                        c = (char)(high << 4 | low);
                        text += 2;
                }
                if (!c)
                        return -EBADMSG;
                *to++ = c;
        }
        *to = 0;
        return 0;
}

static int take_value(struct values *v, enum parameter which, const char *text) {
        if (v->seen[which])
                return -EBADMSG;
        v->seen[which] = true;
        if (!*text) /* RFC 6749 §3.1: as if it were not there */
                return 0;
        if (!parameters[which].is_valid(text))
                return -EBADMSG;
        v->texts[which] = text;
        return 0;
}

static int read_parameter(struct values *v, char *name) {
        char *value = name + strcspn(name, "=");

        if (*value)
                *value++ = 0;
        if (unescape(name) < 0 || unescape(value) < 0)
                return -EBADMSG;
        for (size_t i = 0; i < N_PARAMETERS; i++)
                if (strcmp(parameters[i].name, name) == 0)
                        return take_value(v, (enum parameter)i, value);
        return 0;
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

static int copy_text(const char *text, char **ret) {
        if (!text)
                return 0;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int take_response(const struct values *v, struct oauth_response *ret) {
        _cleanup_(oauth_response_done) struct oauth_response response = { 0 };
        const char *code = v->texts[CODE];
        int r;

        if (!code == !v->texts[ERROR])
                return -EBADMSG;

        r = code ? secret_new(code, strlen(code), &response.code) : 0;
        if (r >= 0)
                r = copy_text(v->texts[STATE], &response.state);
        if (r >= 0)
                r = copy_text(v->texts[ISS], &response.iss);
        if (r >= 0)
                r = copy_text(v->texts[ERROR], &response.error);
        if (r >= 0)
                r = copy_text(v->texts[ERROR_DESCRIPTION], &response.error_description);
        if (r < 0)
                return r;

        *ret = response;
        response = (struct oauth_response){ 0 };
        return 0;
}

int oauth_response_parse(const char *url, struct oauth_response *ret) {
        _cleanup_(secret_freep) struct secret *query = NULL; /* there is a code in it */
        struct values v = { 0 };
        size_t n;
        int r;

        if (strnlen(url, OAUTH_MAX_RESPONSE + 1) > OAUTH_MAX_RESPONSE)
                return -E2BIG;

        n = find_query(&url);
        r = secret_new(url, n, &query);
        if (r < 0)
                return r;
        for (char *at = query->data, *next; at; at = next) {
                next = strchr(at, '&');
                if (next)
                        *next++ = 0;
                r = read_parameter(&v, at);
                if (r < 0)
                        return r;
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
