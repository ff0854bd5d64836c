/* SPDX-License-Identifier: MIT */
/*
 * provider add: leads through the registration with a provider, and hands what came of it to the
 * vault itself, so that the client secret passes neither the engine nor any argument.
 */
#include "actionctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actionctl/call.h"
#include "actionctl/input.h"
#include "actionctl/output.h"
#include "actionctl/prompt.h"
#include "actionctl/provider-app.h"
#include "actionctl/provider-steps.h"
#include "known-scopes.h"

#define MAX_SCOPES 64
#define MAX_ANSWER 2048
#define MAX_SECRET 1024
#define APP_RESERVE ((size_t)32 << 10) /* more than any app: a buffer that moves leaves a copy */

struct adding {
        const struct ctl *ctl;
        const struct provider_kind *kind;
        const char *name;
        struct provider_app app;
        cJSON *actions;                     /* owned: the engine's, or NULL */
        const char *scopes[MAX_SCOPES + 1]; /* of those, or static */
        size_t n_scopes;
        bool elsewhere; /* apps are credentials of the engine's, not the vault's */
};

static void adding_done(struct adding *a) {
        provider_app_done(&a->app);
        cJSON_Delete(a->actions);
}

/* ---- what the engine knows, if it can be asked ---- */

static void add_scope(struct adding *a, const char *scope) {
        for (size_t i = 0; i < a->n_scopes; i++)
                if (strcmp(a->scopes[i], scope) == 0)
                        return;
        if (a->n_scopes < MAX_SCOPES)
                a->scopes[a->n_scopes++] = scope;
}

/* As far as this program was built with them; the engine may have more. */
static void collect_scopes(struct adding *a) {
        const cJSON *action;

        for (size_t i = 0; i < ELEMENTSOF(known_scopes); i++)
                if (strcmp(known_scopes[i].provider, a->kind->name) == 0)
                        add_scope(a, known_scopes[i].scope);
        cJSON_ArrayForEach (action, json_member(json_member(a->actions, "result"), "actions")) {
                const cJSON *first = cJSON_GetArrayItem(json_member(action, "oauth_scopes"), 0);
                const char *provider = json_string(action, "provider");

                if (!cJSON_IsString(first))
                        continue;
                if (provider ? strcmp(provider, a->name) == 0
                             : provider_kind_has_scope(a->kind, first->valuestring))
                        add_scope(a, first->valuestring);
        }
}

static void ask_engine(struct adding *a) {
        _cleanup_(request_done) struct request health = { 0 }, actions = { 0 };
        _cleanup_(json_freep) cJSON *response = NULL;
        const char *backend;

        call_begin(&health, "health");
        if (call_ask(a->ctl, &health, CALL_QUICK | CALL_SILENT | CALL_TRY, &response) != 0)
                return;
        backend = json_string(json_member(json_member(response, "result"), "vault"), "backend");
        a->elsewhere = backend && strcmp(backend, "embedded") != 0;

        call_begin(&actions, "list_actions");
        (void)call_ask(a->ctl, &actions, CALL_QUICK | CALL_SILENT | CALL_TRY, &a->actions);
}

/* ---- what the person knows ---- */

static int cannot_ask(const char *what, int r) {
        output_error("there is no %s: %s", what, prompt_reason(r));
        return CTL_USAGE;
}

/* An answer that is no secret. Returns 0 or an exit code. */
static int ask(const char *question, const char *what, const char *option, char **ret) {
        _cleanup_(secret_freep) struct secret *answer = NULL;
        int r;

        if (!prompt_possible())
                return output_usage("name the %s with %s", what, option);
        r = prompt_line(question, MAX_ANSWER, UINT64_MAX, &answer);
        if (r < 0)
                return cannot_ask(what, r);
        *ret = strdup(answer->data);
        return *ret ? 0 : cannot_ask(what, -ENOMEM);
}

static int choose_kind(struct adding *a, const char *name) {
        a->kind = provider_kind_find(name);
        if (!a->kind)
                return output_usage("there is no kind of provider '%s'; there are: %s", name,
                                    provider_kind_names());
        a->app.profile = a->kind->name;
        a->name = a->ctl->name ?: a->kind->name;
        if (!provider_name_is_valid(a->name))
                return output_usage("an app's name is 1 to 32 of a-z, 0-9 and '_', not '%s'",
                                    a->name);
        return 0;
}

static int read_kind(struct adding *a) {
        _cleanup_(freep) char *answer = NULL;
        char question[128];
        int r;

        if (a->ctl->n_arguments > 0)
                return choose_kind(a, a->ctl->arguments[0]);
        snprintf(question, sizeof(question), "Which provider? (%s) ", provider_kind_names());
        r = ask(question, "provider", "an argument", &answer);
        return r != 0 ? r : choose_kind(a, answer);
}

static int read_file(struct adding *a) {
        _cleanup_(secret_freep) struct secret *text = NULL;
        const char *reason = NULL;
        int r;

        if (!a->ctl->from)
                return 0;
        if (strcmp(a->kind->name, "google") != 0)
                return output_usage("--from takes the file that Google's console hands out");
        r = input_secret_json(a->ctl->from, PROVIDER_MAX_FILE, &text);
        if (r != 0)
                return r;
        r = provider_app_read_google(text->data, text->size, &a->app, &reason);
        if (r == 0)
                return 0;
        output_error("'%s' %s", a->ctl->from, r == -ENOMEM ? strerror(-r) : reason);
        return CTL_USAGE;
}

/* What is said on the command line goes before what the file says. */
static int copy_option(const char *text, char **to) {
        if (!text)
                return 0;
        *to = strdup(text);
        return *to ? 0 : cannot_ask("memory", -ENOMEM);
}

static int read_given(struct adding *a) {
        int r;

        r = copy_option(a->ctl->client_id, &a->app.client_id);
        if (r == 0)
                r = copy_option(a->ctl->redirect, &a->app.redirect_uri);
        if (r == 0)
                r = read_file(a);
        if (r == 0 && !a->app.redirect_uri)
                r = copy_option(a->kind->redirect, &a->app.redirect_uri);
        return r;
}

/* Whoever brings all that the steps give has taken them. */
static bool needs_steps(const struct adding *a, bool on_paper) {
        const struct provider_kind *k = a->kind;

        return on_paper || !a->app.client_id || (k->needs_issuer && !a->ctl->issuer) ||
               (k->needs_secret && !a->app.client_secret && !a->ctl->secret_file);
}

static void print_steps(struct adding *a, bool on_paper) {
        _cleanup_(buffer_done) struct buffer text = { 0 };

        if (a->ctl->json)
                return;
        if (needs_steps(a, on_paper)) {
                buffer_printf(&text, "To register an app with %s:\n\n", a->kind->title);
                provider_steps_print(a->kind, a->app.redirect_uri, a->scopes, &text);
                buffer_putc(&text, '\n');
        }
        provider_warnings_print(a->kind, &text);
        puts(text.data ?: "");
        fflush(stdout);
}

static int check_secret(const struct adding *a) {
        if (!a->app.client_secret || a->app.client_secret->size <= MAX_SECRET)
                return 0;
        return output_usage("the client secret is longer than %d bytes", MAX_SECRET);
}

/* Returns 0 or an exit code. */
static int read_secret(struct adding *a) {
        int r;

        if (a->ctl->secret_file) {
                secret_free(TAKE_PTR(a->app.client_secret));
                return input_word_file(a->ctl->secret_file, "secret", &a->app.client_secret);
        }
        if (a->app.client_secret || (!a->kind->needs_secret && !prompt_possible()))
                return 0;
        if (!prompt_possible())
                return output_usage("name the secret's file with --secret-file, or - for stdin");
        r = prompt_secret(a->kind->needs_secret ? "Client secret: "
                                                : "Client secret (none for a public client): ",
                          MAX_ANSWER, &a->app.client_secret);
        if (r == -ENODATA && !a->kind->needs_secret)
                return 0;
        return r < 0 ? cannot_ask("client secret", r) : 0;
}

static int read_issuer(struct adding *a, char **ret) {
        if (a->ctl->issuer)
                return copy_option(a->ctl->issuer, ret);
        return ask("Issuer, an https:// URL: ", "issuer", "--issuer", ret);
}

/* An issuer says where everything is; the vault is who may go and ask. */
static int discover(struct adding *a, const char *issuer) {
        _cleanup_(request_done) struct request q = { 0 };
        _cleanup_(json_freep) cJSON *response = NULL;
        int r;

        call_begin(&q, "discover");
        request_string(&q, "issuer", issuer);
        r = call_ask(a->ctl, &q, CALL_VAULT | CALL_SILENT, &response);
        if (r != 0)
                return r;
        if (call_failed(response)) {
                if (a->ctl->json)
                        output_json(response);
                return output_failure(a->ctl, response);
        }
        a->app.facts = cJSON_DetachItemFromObjectCaseSensitive(response, "result");
        if (cJSON_IsObject(a->app.facts))
                return 0;
        output_error("the vault's answer says nothing about the issuer");
        return CTL_REFUSED;
}

/* Where there is nobody to ask the person fills it in. */
static int leave_facts_open(struct adding *a, const char *issuer) {
        cJSON *facts = a->app.facts = cJSON_CreateObject();

        if (!facts || !cJSON_AddStringToObject(facts, "issuer", issuer) ||
            !cJSON_AddStringToObject(facts, "authorization_endpoint", "ITS URL") ||
            !cJSON_AddStringToObject(facts, "token_endpoint", "ITS URL"))
                return cannot_ask("memory", -ENOMEM);
        output_note("the URLs stand in %s/.well-known/openid-configuration", issuer);
        return 0;
}

static int read_facts(struct adding *a, bool on_paper) {
        _cleanup_(freep) char *issuer = NULL;
        int r;

        if (!a->kind->needs_issuer)
                return a->ctl->issuer ? output_usage("--issuer is for oidc") : 0;
        r = read_issuer(a, &issuer);
        if (r != 0)
                return r;
        return on_paper ? leave_facts_open(a, issuer) : discover(a, issuer);
}

/* ---- where it goes ---- */

static int print_stored(const struct ctl *ctl, const cJSON *response) {
        const char *name = json_string(json_member(response, "result"), "provider") ?: "NAME";
        _cleanup_(buffer_done) struct buffer clean = { 0 };

        output_clean(name, &clean);
        printf("The app is stored. Now 'actionctl provider test %s' asks the provider about it, "
               "and\n"
               "'actionctl auth login PLATFORM' connects an account.\n",
               clean.data ?: "NAME");
        return CTL_SUCCESS;
}

static int store(struct adding *a) {
        _cleanup_(request_done) struct request q = { 0 };
        _cleanup_(buffer_wipe) struct buffer app = { 0 };

        (void)buffer_reserve(&app, APP_RESERVE);
        provider_app_print(&a->app, /* secret= */ NULL, &app);
        call_begin(&q, "set_provider");
        request_string(&q, "provider", a->name);
        if (buffer_error(&app) == 0)
                request_secret_text(&q, "app", app.data, app.size);
        return call_engine(a->ctl, &q, CALL_VAULT | CALL_QUICK, print_stored);
}

/* The vaults behind HTTP keep no apps: the engine is given them by systemd. */
static int print_credential(struct adding *a) {
        _cleanup_(buffer_done) struct buffer app = { 0 }, clean = { 0 };

        provider_app_print(&a->app, "THE SECRET", &app);
        if (a->ctl->json) {
                output_line(app.data ?: "", app.size);
                return CTL_SUCCESS;
        }
        output_clean(app.data ?: "", &clean);
        printf("Write this to a file that nobody else can read, with the secret in its place:\n\n"
               "  %s\n\n"
               "Encrypt it, and remove the file:\n\n"
               "  systemd-creds encrypt --name=provider-%s FILE /etc/action-engine/provider-%s\n"
               "  shred --remove FILE\n\n"
               "Have systemd give it to the engine, in\n"
               "/etc/systemd/system/action-engine.service.d/provider-%s.conf:\n\n"
               "  [Service]\n"
               "  LoadCredentialEncrypted=provider-%s:/etc/action-engine/provider-%s\n\n"
               "  systemctl daemon-reload && systemctl restart action-engine\n",
               clean.data ?: "", a->name, a->name, a->name, a->name, a->name);
        return CTL_SUCCESS;
}

static int read_client(struct adding *a, bool on_paper) {
        if (a->app.client_id)
                return 0;
        if (on_paper && !prompt_possible())
                return copy_option("THE CLIENT ID", &a->app.client_id);
        return ask("Client ID: ", "client's ID", "--client-id", &a->app.client_id);
}

int ctl_provider_add(const struct ctl *ctl) {
        _cleanup_(adding_done) struct adding a = { .ctl = ctl };
        bool on_paper;
        int r;

        r = read_kind(&a);
        if (r != 0)
                return r;
        ask_engine(&a);
        collect_scopes(&a);
        on_paper = ctl->print || a.elsewhere;
        r = read_given(&a);
        if (r != 0)
                return r;
        print_steps(&a, on_paper);
        r = read_client(&a, on_paper);
        if (r == 0)
                r = read_facts(&a, on_paper);
        if (r == 0 && on_paper)
                return print_credential(&a);
        if (r == 0)
                r = read_secret(&a);
        if (r == 0)
                r = check_secret(&a);
        return r != 0 ? r : store(&a);
}
