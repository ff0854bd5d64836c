/* SPDX-License-Identifier: MIT */
#include "actionctl/provider-app.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "actionctl/redirect.h"
#include "oauth/app.h"

void provider_app_done(struct provider_app *app) {
        free(app->client_id);
        secret_free(app->client_secret);
        free(app->redirect_uri);
        cJSON_Delete(app->facts);
        *app = (struct provider_app){ 0 };
}

bool provider_name_is_valid(const char *name) {
        size_t n = strlen(name);

        return n >= 1 && n <= OAUTH_MAX_NAME &&
               strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

/* ---- Google's file ---- */

static int take_text(const struct json_envelope *e, const char *name, char **to) {
        const struct json_slice *s = json_envelope_find(e, name);

        return s && !*to ? json_slice_string(s, to) : 0;
}

static int take_secret(const struct json_envelope *e, struct secret **to) {
        const struct json_slice *s = json_envelope_find(e, "client_secret");
        char *text;
        int r;

        if (!s || *to)
                return 0;
        r = json_slice_string(s, &text);
        if (r < 0)
                return r;
        if (*text)
                r = secret_new(text, strlen(text), to);
        sodium_memzero(text, strlen(text));
        free(text);
        return r;
}

/* The one that a listener can be at, else the first. */
static int take_redirect(const struct json_envelope *e, char **to) {
        const struct json_slice *s = json_envelope_find(e, "redirect_uris");
        _cleanup_(json_freep) cJSON *list = NULL;
        const char *chosen = NULL;
        const cJSON *uri;
        int r;

        if (!s || *to)
                return 0;
        r = json_slice_tree(s, &list);
        if (r < 0)
                return r;
        cJSON_ArrayForEach (uri, list) {
                _cleanup_(redirect_done) struct redirect redirect = { 0 };

                if (!cJSON_IsString(uri))
                        return -EINVAL;
                chosen = chosen ?: uri->valuestring;
                if (redirect_parse(uri->valuestring, &redirect) < 0)
                        continue;
                chosen = uri->valuestring;
                break;
        }
        if (!chosen)
                return 0;
        *to = strdup(chosen);
        return *to ? 0 : -ENOMEM;
}

static const struct json_slice *find_client(const struct json_envelope *file, bool *ret_any_port,
                                            const char **ret_reason) {
        const struct json_slice *installed = json_envelope_find(file, "installed");
        const struct json_slice *client = installed ?: json_envelope_find(file, "web");

        *ret_any_port = installed;
        if (client && client->type == JSON_OBJECT)
                return client;
        *ret_reason = json_envelope_find(file, "private_key")
                                      ? "is a service account's, which is a credential: see "
                                        "'actionctl auth import'"
                                      : "has neither 'installed' nor 'web'";
        return NULL;
}

static int read_client(const struct json_slice *s, bool any_port, struct provider_app *app) {
        struct json_envelope client;
        struct json_fault fault;
        int r;

        r = json_scan(s->text, s->size, &client, &fault);
        if (r >= 0)
                r = take_text(&client, "client_id", &app->client_id);
        if (r >= 0)
                r = take_secret(&client, &app->client_secret);
        /* A desktop client's redirect is any port of 127.0.0.1, whatever stands here. */
        if (r >= 0 && !any_port)
                r = take_redirect(&client, &app->redirect_uri);
        if (r < 0)
                return r;
        return app->client_id && *app->client_id ? 0 : -EINVAL;
}

int provider_app_read_google(const char *text, size_t size, struct provider_app *app,
                             const char **ret_reason) {
        const struct json_slice *client;
        struct json_envelope file;
        struct json_fault fault;
        bool any_port;
        int r;

        *ret_reason = "is no JSON";
        r = json_scan(text, size, &file, &fault);
        if (r < 0)
                return r == -ENOMEM ? r : -EINVAL;
        client = find_client(&file, &any_port, ret_reason);
        if (!client)
                return -EINVAL;
        *ret_reason = "has no client_id, or a secret or redirect that is none";
        r = read_client(client, any_port, app);
        return r == 0 || r == -ENOMEM ? r : -EINVAL;
}

/* ---- printing ---- */

static void put(struct buffer *to, const char *name, const char *text, size_t size) {
        buffer_printf(to, ",\"%s\":", name);
        json_print_string(text, size, to);
}

void provider_app_print(const struct provider_app *app, const char *secret, struct buffer *to) {
        const cJSON *fact;

        buffer_puts(to, "{\"profile\":");
        json_print_string(app->profile, strlen(app->profile), to);
        put(to, "client_id", app->client_id, strlen(app->client_id));
        if (app->client_secret || secret)
                put(to, "client_secret", secret ?: app->client_secret->data,
                    secret ? strlen(secret) : app->client_secret->size);
        else
                buffer_puts(to, ",\"client_auth\":\"none\"");
        if (app->redirect_uri)
                put(to, "redirect_uri", app->redirect_uri, strlen(app->redirect_uri));
        cJSON_ArrayForEach (fact, app->facts) {
                /* Without a secret there is one way alone to say so. */
                if (strcmp(fact->string, "client_auth") == 0 && !app->client_secret && !secret)
                        continue;
                buffer_putc(to, ',');
                json_print_string(fact->string, strlen(fact->string), to);
                buffer_putc(to, ':');
                json_print(fact, to);
        }
        buffer_putc(to, '}');
}
