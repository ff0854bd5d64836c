/* SPDX-License-Identifier: MIT */
/*
 * Random URLs as what a browser brings back, and as redirects that are asked for. What is taken is
 * of the characters that it may be of, and one thing or the other.
 */
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oauth/authorize.h"

static void must(bool truth) {
        if (!truth)
                abort();
}

static void must_be_printable(const char *text) {
        for (; text && *text; text++)
                must(*text >= 0x20 && *text < 0x7f);
}

static void as_response(const char *url, const struct oauth_app *app) {
        _cleanup_(oauth_response_done) struct oauth_response r = { 0 };
        _cleanup_(ae_error_done) struct ae_error error = { 0 };

        if (oauth_response_parse(url, &r) < 0) {
                must(!r.code && !r.state && !r.iss && !r.error && !r.error_description);
                return;
        }
        must(!r.code == !!r.error);
        must_be_printable(r.code ? r.code->data : NULL);
        must_be_printable(r.state);
        must_be_printable(r.iss);
        must_be_printable(r.error);
        if (oauth_response_check(&r, app, &error) == 0)
                must(r.code && (!r.iss || strcmp(r.iss, app->issuer) == 0));
        else
                must(error.code == AE_AUTHORIZATION_FAILED && error.message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(oauth_app_done) struct oauth_app app = { 0 };
        _cleanup_(freep) char *url = calloc(1, size + 1);

        if (size > 0)
                memcpy(url, data, size);
        must(oauth_app_init(oauth_profile_find("google"), &app) == 0);
        as_response(url, &app);

        /* Nobody is sent anywhere but to this machine. */
        if (oauth_redirect_is_allowed(&app, url))
                must(strncmp(url, "http://127.0.0.1", 16) == 0 ||
                     strncmp(url, "http://[::1]", 12) == 0);
        return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        must(sodium_init() >= 0);
        return 0;
}
