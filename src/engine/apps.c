/* SPDX-License-Identifier: MIT */
#include "engine/apps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "action/adapter.h"

#define MAX_FILE 8192 /* bytes */

static int parse(const struct secret *text, struct oauth_app *ret, struct ae_error *error) {
        struct json_fault fault;
        struct json_envelope e;
        int r;

        r = json_scan(text->data, text->size, &e, &fault);
        if (r == -EBADMSG)
                return ae_error_set(error, AE_INVALID_REQUEST, "it is no JSON: %s at byte %zu",
                                    fault.reason, fault.offset);
        if (r < 0)
                return r;
        if (e.root.type != JSON_OBJECT)
                return ae_error_set(error, AE_INVALID_REQUEST, "it is no object");
        return oauth_app_parse(&e.root, ret, error);
}

static int load(struct apps *a, const char *directory, const char *name, struct ae_error *error) {
        _cleanup_(ae_error_done) struct ae_error fault = { 0 };
        _cleanup_(secret_freep) struct secret *text = NULL;
        _cleanup_(freep) char *path = NULL;
        int r;

        if (apps_find(name, a))
                return 0;
        if (asprintf(&path, "%s/provider-%s", directory, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        r = secret_read_file(path, MAX_FILE, &text);
        if (r == -ENOENT)
                return 0;
        if (r >= 0 && a->n == APPS_MAX)
                r = -E2BIG;
        if (r >= 0)
                r = parse(text, &a->items[a->n].app, &fault);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return ae_error_set(error, AE_INTERNAL,
                                    "cannot use the credential 'provider-%s': %s", name,
                                    fault.code != AE_NONE ? fault.message : strerror(-r));
        a->items[a->n++].name = name;
        return 0;
}

int apps_load(struct apps *a, const struct adapter *const *list, struct ae_error *error) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        int r;

        a->adapters = list;
        for (; directory && *list; list++) {
                if (!(*list)->provider)
                        continue;
                r = load(a, directory, (*list)->provider, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

void apps_done(struct apps *a) {
        for (size_t i = 0; i < a->n; i++)
                oauth_app_done(&a->items[i].app);
        *a = (struct apps){ 0 };
}

static const struct oauth_app *find(const struct apps *a, const char *name) {
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->items[i].name, name) == 0)
                        return &a->items[i].app;
        return NULL;
}

const struct oauth_app *apps_find(const char *name, void *userdata) {
        const struct apps *a = userdata;
        const struct oauth_app *app = find(a, name);

        for (const struct adapter *const *list = a->adapters; !app && list && *list; list++)
                if ((*list)->provider && strcmp((*list)->platform, name) == 0)
                        app = find(a, (*list)->provider);
        return app;
}
