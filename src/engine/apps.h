/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The apps of a vault that keeps none itself: systemd credentials `provider-NAME`, each the JSON of
 * oauth/app.h, for the providers that the adapters name.
 */

#include "base/error.h"
#include "oauth/app.h"

struct adapter;

#define APPS_MAX 16

/* Zero-initialised is valid: none. */
struct apps {
        struct {
                const char *name; /* static text, an adapter's */
                struct oauth_app app;
        } items[APPS_MAX];
        size_t n;
        const struct adapter *const *adapters; /* static */
};

/*
 * Reads them from $CREDENTIALS_DIRECTORY; one that is not there is an app that nobody registered.
 * `list` is NULL-terminated. Returns 0; a negative errno, with `error` naming the credential.
 */
int apps_load(struct apps *a, const struct adapter *const *list, struct ae_error *error);
void apps_done(struct apps *a);

/* For vault_set_apps(): by the app's name, or a platform's. `userdata` is a struct apps. */
const struct oauth_app *apps_find(const char *name, void *userdata);
