/* SPDX-License-Identifier: MIT */
#include "engine/connect.h"

#include <errno.h>
#include <string.h>

#include "action/adapter.h"
#include "action/scopes.h"
#include "base/json.h"

/* RFC 8628 §3.2 and §3.5: what a provider may say, and what holds when it says nothing. */
#define DEVICE_MAX_SEC 1800
#define DEVICE_INTERVAL_SEC 5
#define DEVICE_MAX_INTERVAL_SEC 60

static void add_scope(struct buffer *scopes, const char *scope) {
        if (!scope || (scopes->data && scopes_hold(scopes->data, scope)))
                return;
        if (scopes->size > 0)
                buffer_putc(scopes, ' ');
        buffer_puts(scopes, scope);
}

int connect_usual_scopes(const struct adapter *adapter, const struct adapter_action *wanted,
                         char **ret) {
        _cleanup_(buffer_done) struct buffer scopes = { 0 };

        for (size_t i = 0; i < adapter->n_actions; i++) {
                const struct adapter_action *action = &adapter->actions[i];

                if (!action->scope_on_request || action == wanted)
                        add_scope(&scopes, action->oauth_scopes[0]);
        }
        return buffer_take(&scopes, ret, NULL);
}

static bool is_scope(const char *text) {
        size_t n = strlen(text);

        for (size_t i = 0; i < n; i++)
                if (text[i] <= 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\')
                        return false;
        return n > 0 && n <= CONNECT_MAX_SCOPE;
}

int connect_read_scopes(const struct json_slice *array, char **ret, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer scopes = { 0 };
        _cleanup_(json_freep) cJSON *tree = NULL;
        const cJSON *scope;
        int n, r;

        r = json_slice_tree(array, &tree);
        if (r < 0)
                return r;
        n = cJSON_GetArraySize(tree);
        if (n < 1 || n > CONNECT_MAX_SCOPES)
                return ae_error_set(error, AE_INVALID_REQUEST, "'scopes' is not a list of 1 to %d",
                                    CONNECT_MAX_SCOPES);

        cJSON_ArrayForEach (scope, tree) {
                if (!cJSON_IsString(scope) || !is_scope(scope->valuestring))
                        return ae_error_set(error, AE_INVALID_REQUEST,
                                            "an element of 'scopes' is not a scope: 1 to %d "
                                            "printable ASCII characters but space, '\"' and '\\'",
                                            CONNECT_MAX_SCOPE);
                add_scope(&scopes, scope->valuestring);
        }
        return buffer_take(&scopes, ret, NULL);
}

/* The words of a text, which is cut up for it. */
static void split(char *text, const char *words[static CONNECT_MAX_SCOPES + 1]) {
        size_t n = 0;
        char *rest;

        for (char *word = strtok_r(text, " ", &rest); word && n < CONNECT_MAX_SCOPES;
             word = strtok_r(NULL, " ", &rest))
                words[n++] = word;
        words[n] = NULL;
}

static bool array_holds(const cJSON *array, const char *text) {
        const cJSON *item;

        cJSON_ArrayForEach (item, array)
                if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
                        return true;
        return false;
}

int connect_missing_scopes(const char *asked, const struct cJSON *granted, struct cJSON **ret) {
        _cleanup_(json_freep) cJSON *missing = cJSON_CreateArray();
        _cleanup_(freep) char *text = strdup(asked);
        const char *words[CONNECT_MAX_SCOPES + 1];

        if (!missing || !text)
                return -ENOMEM;
        split(text, words);
        for (const char **word = words; *word; word++) {
                cJSON *item;

                if (array_holds(granted, *word))
                        continue;
                item = cJSON_CreateString(*word);
                if (!item || !cJSON_AddItemToArray(missing, item))
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(missing);
        return 0;
}

static int read_app(const struct connect *how, const cJSON *json, struct oauth_app *ret,
                    struct ae_error *error) {
        _cleanup_(ae_error_done) struct ae_error fault = { 0 };
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct json_envelope e;
        int r;

        json_print(json, &text);
        r = buffer_error(&text);
        if (r < 0)
                return r;
        r = json_scan(text.data, text.size, &e, &(struct json_fault){ 0 });
        if (r == 0)
                r = oauth_app_parse(&e.root, ret, &fault);
        if (r < 0 && r != -ENOMEM)
                return ae_error_set(error, AE_INTERNAL,
                                    "the app that is registered for %s makes no sense: %s",
                                    how->provider, fault.message);
        return r;
}

static int set_redirect(struct flow *f, const char *asked, struct ae_error *error) {
        const char *redirect_uri = asked ? asked : f->app.redirect_uri;

        if (!redirect_uri)
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'redirect_uri' is required: the app that is registered for %s "
                                    "names none",
                                    f->provider);
        if (!oauth_redirect_is_allowed(&f->app, redirect_uri))
                return ae_error_set(error, AE_INVALID_REQUEST,
                                    "'redirect_uri' is not one that the app registered for %s "
                                    "allows",
                                    f->provider);
        f->redirect_uri = strdup(redirect_uri);
        return f->redirect_uri ? 0 : -ENOMEM;
}

static int set_url(struct flow *f, struct ae_error *error) {
        _cleanup_(buffer_done) struct buffer url = { 0 };
        _cleanup_(freep) char *text = strdup(f->scopes);
        const char *words[CONNECT_MAX_SCOPES + 1];
        char verifier[OAUTH_VERIFIER_SIZE];
        struct oauth_authorize a;
        int r;

        if (!text)
                return -ENOMEM;
        split(text, words);
        oauth_new_verifier(verifier);
        a = (struct oauth_authorize){ .redirect_uri = f->redirect_uri,
                                      .state = f->state,
                                      .verifier = verifier,
                                      .scopes = words };
        r = oauth_authorize_url(&f->app, &a, &url);
        if (r == -EOPNOTSUPP)
                r = ae_error_set(error, AE_INTERNAL,
                                 "the app that is registered for %s has no authorization endpoint",
                                 f->provider);
        if (r == 0 && oauth_app_uses_pkce(&f->app))
                r = secret_new(verifier, OAUTH_VERIFIER_SIZE - 1, &f->verifier);
        explicit_bzero(verifier, sizeof(verifier));
        return r < 0 ? r : buffer_take(&url, &f->url, NULL);
}

static int put(struct flows *flows, struct flow *f, uint64_t life_usec, struct ae_error *error) {
        uint64_t now_usec = clock_usec(FLOW_CLOCK);
        int r;

        f->ends_usec = now_usec + life_usec;
        f->expires_at_usec = clock_usec(CLOCK_REALTIME) + life_usec;
        r = flows_put(flows, f, now_usec);
        if (r < 0) {
                error->retry_after_msec = FLOW_LIFE_USEC / USEC_PER_MSEC;
                return ae_error_set(error, AE_OVERLOADED,
                                    "too many logins have begun; try again in some minutes");
        }
        return 0;
}

int connect_begin(struct flows *flows, const struct connect *how, const struct cJSON *app,
                  const struct flow **ret, struct ae_error *error) {
        _cleanup_(flow_freep) struct flow *f = NULL;
        int r;

        r = flow_new(&how->owner, how->provider, how->scopes, &f);
        if (r < 0)
                return r;
        f->is_link = how->is_link;
        r = read_app(how, app, &f->app, error);
        if (r < 0)
                return r;
        r = set_redirect(f, how->redirect_uri, error);
        if (r < 0)
                return r;
        r = set_url(f, error);
        if (r < 0)
                return r;
        r = put(flows, f, FLOW_LIFE_USEC, error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

/* A number of the provider's, within reason. */
static uint64_t bounded_usec(const cJSON *facts, const char *name, int64_t otherwise, int64_t max) {
        int64_t sec = otherwise;

        (void)json_integer(facts, name, &sec);
        return (uint64_t)(sec < 1 ? 1 : sec > max ? max : sec) * USEC_PER_SEC;
}

int connect_begin_device(struct flows *flows, const struct connect *how, const struct cJSON *facts,
                         const struct flow **ret, struct ae_error *error) {
        const char *code = json_string(facts, "device_code");
        _cleanup_(flow_freep) struct flow *f = NULL;
        int r;

        if (!code || !json_string(facts, "user_code") || !json_string(facts, "verification_uri"))
                return ae_error_set(error, AE_AUTHORIZATION_FAILED,
                                    "%s gave no code for a device; log in in a browser instead",
                                    how->provider);
        r = flow_new(&how->owner, how->provider, how->scopes, &f);
        if (r < 0)
                return r;
        r = secret_new(code, strlen(code), &f->device_code);
        if (r < 0)
                return r;
        f->interval_usec = bounded_usec(facts, "interval", DEVICE_INTERVAL_SEC,
                                        DEVICE_MAX_INTERVAL_SEC);
        f->next_poll_usec = clock_usec(FLOW_CLOCK) + f->interval_usec;
        r = put(flows, f, bounded_usec(facts, "expires_in", DEVICE_MAX_SEC, DEVICE_MAX_SEC), error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}
