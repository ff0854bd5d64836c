/* SPDX-License-Identifier: MIT */
/*
 * What proves the engine to its neighbours: systemd credentials, each a file in
 * $CREDENTIALS_DIRECTORY.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"

#define MAX_CREDENTIAL 4096 /* bytes */

/* What becomes a header or a string; a line's end behind it is an editor's. */
static size_t text_size(const struct secret *s) {
        size_t n = s->size;

        while (n > 0 && (s->data[n - 1] == '\n' || s->data[n - 1] == '\r'))
                n--;
        for (size_t i = 0; i < n; i++)
                if (s->data[i] <= 0x20 || s->data[i] > 0x7e)
                        return 0;
        return n;
}

int engine_read_credential(const char *who, const char *name, struct secret **ret,
                           struct ae_error *error) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_(secret_freep) struct secret *s = NULL;
        _cleanup_(freep) char *path = NULL;
        size_t n;
        int r;

        if (!directory)
                return ae_error_set(error, AE_INTERNAL,
                                    "%s needs the credential '%s', and systemd gives none: see "
                                    "LoadCredential= and action-engine.conf(5)",
                                    who, name);
        if (asprintf(&path, "%s/%s", directory, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        r = secret_read_file(path, MAX_CREDENTIAL, &s);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return ae_error_set(error, AE_INTERNAL, "cannot read the credential '%s': %s", name,
                                    strerror(-r));
        n = text_size(s);
        if (n == 0)
                return ae_error_set(error, AE_INTERNAL,
                                    "the credential '%s' is not one line of printable ASCII "
                                    "characters without a space",
                                    name);
        return secret_new(s->data, n, ret);
}
