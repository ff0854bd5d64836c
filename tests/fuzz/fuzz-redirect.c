/* SPDX-License-Identifier: MIT */
/*
 * What a stranger can send to the listener as a request's target, and what a person can paste: it
 * ends our flow only by saying our state once, and what is read out of it holds no control
 * character. The same bytes as the file of a client.
 */
#include <assert.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "actionctl/provider-app.h"
#include "actionctl/redirect.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        return sodium_init() < 0;
}

static void check_parameter(const char *url, const char *name) {
        _cleanup_(freep) char *value = NULL;

        if (redirect_parameter(url, name, &value) < 0) {
                assert(!value);
                return;
        }
        for (const char *p = value; *p; p++)
                assert((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check_redirect(const char *text) {
        _cleanup_(redirect_done) struct redirect r = { 0 };
        _cleanup_(freep) char *state = NULL;

        if (redirect_parse(text, &r) == 0)
                assert(r.port > 0 && *r.path == '/' && !strpbrk(r.authority, "@/?#"));
        if (redirect_check(text, "state") == 0) {
                assert(redirect_parameter(text, "state", &state) == 0);
                assert(strcmp(state, "state") == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(provider_app_done) struct provider_app app = { .profile = "google" };
        _cleanup_(freep) char *text = strndup((const char *)data, size);
        _cleanup_(buffer_done) struct buffer printed = { 0 };
        const char *reason = NULL;

        check_redirect(text);
        check_parameter(text, "code");
        check_parameter(text, "error");
        if (provider_app_read_google((const char *)data, size, &app, &reason) == 0) {
                provider_app_print(&app, NULL, &printed);
                assert(*app.client_id);
        } else
                assert(reason);
        return 0;
}
