/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * An app in the making: what was registered with a provider, on its way to the vault, in the JSON
 * of oauth/app.h. Pure.
 */

#include <stdbool.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/secret.h"

struct provider_app {
        const char *profile;          /* static: "google" */
        char *client_id;              /* owned */
        struct secret *client_secret; /* owned; NULL: none */
        char *redirect_uri;           /* owned; NULL: any of 127.0.0.1 */
        cJSON *facts;                 /* owned; NULL, or what the issuer says, by the app's names */
};

void provider_app_done(struct provider_app *app);

#define PROVIDER_MAX_FILE ((size_t)64 << 10)

/*
 * Takes client and redirect out of what Google's console hands out for a client: {"installed":{…}}
 * or {"web":{…}}, a scanned text. What `app` has already stays. Returns 0, -ENOMEM, or -EINVAL with
 * half a sentence.
 */
int provider_app_read_google(const char *text, size_t size, struct provider_app *app,
                             const char **ret_reason);

/* `secret`: what stands in the place of the secret; NULL: itself. The caller wipes that. */
void provider_app_print(const struct provider_app *app, const char *secret, struct buffer *to);

/* As oauth_name_is_valid() has it, which would bring libcurl along, and its start. */
bool provider_name_is_valid(const char *name);
