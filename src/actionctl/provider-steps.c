/* SPDX-License-Identifier: MIT */
#include "actionctl/provider-steps.h"

#include <stdio.h>
#include <string.h>

/* What follows a step's text, indented, for the person to enter there. */
enum enter {
        ENTER_NOTHING,
        ENTER_REDIRECT,
        ENTER_SCOPES,
};

enum when {
        WHEN_ALWAYS,
        WHEN_REDIRECT, /* one has to be entered */
        WHEN_NO_REDIRECT,
};

struct provider_step {
        const char *text; /* NULL ends them */
        enum enter enter;
        enum when when;
};

#define OWN_PORT "http://127.0.0.1:8914/oauth/callback"

/* clang-format off */
static const struct provider_step google_steps[] = {
        { "Open https://console.cloud.google.com/ and make a project, or choose one." },
        { "In https://console.cloud.google.com/apis/library enable what is to be used: the Gmail API,\n"
          "the Google Calendar API." },
        { "In https://console.cloud.google.com/auth/branding give the app a name, and your address." },
        { "In https://console.cloud.google.com/auth/audience choose Internal if all who connect are of\n"
          "your Workspace organization; else External, and publish the app." },
        { "In https://console.cloud.google.com/auth/scopes add these scopes:", ENTER_SCOPES },
        { "In https://console.cloud.google.com/auth/clients create a client of the type Desktop app.\n"
          "No redirect is entered: every port of 127.0.0.1 is one.", ENTER_NOTHING, WHEN_NO_REDIRECT },
        { "In https://console.cloud.google.com/auth/clients create a client of the type Web\n"
          "application, with this authorized redirect URI:", ENTER_REDIRECT, WHEN_REDIRECT },
        { "Download its JSON: 'actionctl provider add google --from FILE' takes it as it is. The secret\n"
          "is shown once." },
        { 0 },
};

static const char *const google_warnings[] = {
        "While the app's status is Testing, a consent ends after 7 days, and each account has to be\n"
        "connected again. Published (In production), or Internal, it lasts.",
        "gmail.send and the calendar's scopes are sensitive: until Google has verified the app people\n"
        "are warned, and at most 100 of them can connect. gmail.readonly, gmail.metadata,\n"
        "gmail.modify, gmail.compose and https://mail.google.com/ are restricted: Google wants a\n"
        "security assessment as well, unless the app is Internal or for yourself.",
        "People can untick scopes in the consent; 'actionctl auth login' tells what is missing.",
        "A consent with Gmail scopes ends with a new password, one that is unused after six months,\n"
        "and the oldest one with more than 100 of an account.",
        NULL,
};

static const struct provider_step notion_steps[] = {
        { "Open https://www.notion.so/profile/integrations and make a connection of the public kind,\n"
          "which is the one with OAuth." },
        { "Set its capabilities: read, insert and update content, and user information with e-mail\n"
          "addresses if people are to be assigned." },
        { "Enter this redirect URI:", ENTER_REDIRECT },
        { "Copy its OAuth client ID and its secret." },
        { 0 },
};

static const char *const notion_warnings[] = {
        "Notion has no scopes: what the engine may do is set by the connection's capabilities, for\n"
        "everybody. A capability that is added later needs a new consent.",
        "In the consent a person picks the pages that are shared. All others are 'not found' to the\n"
        "engine.",
        "If Notion refuses the redirect, choose --redirect https://localhost/oauth/callback: the\n"
        "browser cannot show that page, and 'actionctl auth login' asks for its address.",
        NULL,
};

static const struct provider_step oidc_steps[] = {
        { "With your provider register a client for the authorization code flow, with PKCE (S256) and\n"
          "refresh tokens." },
        { "Enter this redirect URI:", ENTER_REDIRECT },
        { "Allow it the scopes openid, email and offline_access, and these:", ENTER_SCOPES },
        { "Copy its client ID and, unless it is a public client, its secret. The issuer is the URL in\n"
          "front of /.well-known/openid-configuration." },
        { 0 },
};

static const char *const oidc_warnings[] = {
        "What the issuer says of itself is read now and kept: if its endpoints move, add it again.",
        "Without offline_access most providers give no refresh token, and a consent lasts for hours.",
        NULL,
};

static const struct provider_step slack_steps[] = {
        { "Open https://api.slack.com/apps and create an app from scratch, in your workspace." },
        { "In OAuth & Permissions add this redirect URL, and save:", ENTER_REDIRECT },
        { "There, under Bot Token Scopes, add these scopes:", ENTER_SCOPES },
        { "In Basic Information copy the client ID and the client secret." },
        { 0 },
};

static const char *const slack_warnings[] = {
        "Slack takes redirects with https:// alone. Nothing has to listen there: the browser cannot\n"
        "show that page, and 'actionctl auth login' asks for its address.",
        "A bot sees and writes in channels that it was invited to.",
        "Token rotation, once it is turned on for an app, cannot be turned off.",
        NULL,
};

static const struct provider_kind kinds[] = {
        { "google", "Google", NULL,
          { "https://www.googleapis.com/auth/", "https://mail.google.com/" },
          false, true, google_steps, google_warnings },
        { "notion", "Notion", OWN_PORT, { NULL }, false, true, notion_steps, notion_warnings },
        { "oidc", "OpenID Connect", OWN_PORT, { NULL }, true, false, oidc_steps, oidc_warnings },
        { "slack", "Slack", "https://localhost/oauth/callback", { NULL }, false, true,
          slack_steps, slack_warnings },
};
/* clang-format on */

const char *provider_kind_names(void) {
        return "google, notion, oidc, slack";
}

const struct provider_kind *provider_kind_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (strcmp(kinds[i].name, name) == 0)
                        return &kinds[i];
        return NULL;
}

bool provider_kind_has_scope(const struct provider_kind *k, const char *scope) {
        for (const char *const *p = k->scope_prefixes; *p; p++)
                if (strncmp(scope, *p, strlen(*p)) == 0)
                        return true;
        return false;
}

static void put_indented(const char *text, struct buffer *to) {
        for (; *text; text++) {
                buffer_putc(to, *text);
                if (*text == '\n')
                        buffer_puts(to, "    ");
        }
}

static void put_entry(enum enter enter, const char *redirect, const char *const *scopes,
                      struct buffer *to) {
        switch (enter) {
        case ENTER_NOTHING:
                break;
        case ENTER_REDIRECT:
                buffer_printf(to, "      %s\n", redirect);
                break;
        case ENTER_SCOPES:
                for (const char *const *s = scopes; *s; s++)
                        buffer_printf(to, "      %s\n", *s);
                if (!*scopes)
                        buffer_puts(to, "      those that 'actionctl actions --json' names for the "
                                        "platform, as oauth_scopes\n");
                break;
        }
}

void provider_steps_print(const struct provider_kind *k, const char *redirect,
                          const char *const *scopes, struct buffer *to) {
        unsigned n = 0;

        for (const struct provider_step *s = k->steps; s->text; s++) {
                if ((s->when == WHEN_REDIRECT && !redirect) ||
                    (s->when == WHEN_NO_REDIRECT && redirect))
                        continue;
                buffer_printf(to, "%2u. ", ++n);
                put_indented(s->text, to);
                buffer_putc(to, '\n');
                put_entry(s->enter, redirect, scopes, to);
        }
}

void provider_warnings_print(const struct provider_kind *k, struct buffer *to) {
        buffer_puts(to, "What will bite:\n");
        for (const char *const *w = k->warnings; *w; w++) {
                buffer_puts(to, "  - ");
                put_indented(*w, to);
                buffer_putc(to, '\n');
        }
}
