/* SPDX-License-Identifier: MIT */
/*
 * Writes polkit's definitions of all that the adapters can do: polkit(8), "declaring actions". The
 * token's scope is the grant, so the shipped answer is yes, and an administrator's rules narrow it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "action/adapter.h"
#include "policy/action-id.h"

static const char head[] =
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<!DOCTYPE policyconfig PUBLIC \"-//freedesktop//DTD polkit Policy Configuration "
                "1.0//EN\"\n"
                "        \"http://www.freedesktop.org/software/polkit/policyconfig-1.dtd\">\n"
                "<!-- SPDX-License-Identifier: MIT -->\n"
                "<policyconfig>\n"
                "  <vendor>Action Engine</vendor>\n";

/* Who may ask about others' processes, and pass details. */
static const char owner[] = "    <annotate key=\"org.freedesktop.policykit.owner\">"
                            "unix-user:action-engine</annotate>\n";

static void write_text(const char *text) {
        for (; *text; text++)
                switch (*text) {
                case '<':
                        fputs("&lt;", stdout);
                        break;
                case '&':
                        fputs("&amp;", stdout);
                        break;
                default:
                        putchar(*text);
                }
}

/* `by_default` is never one that polkit would remember: it forgets the details of what it keeps. */
static void write_action(const char *id, const char *platform, const char *title,
                         const char *message, const char *by_default) {
        printf("\n  <action id=\"%s\">\n    <description>", id);
        if (platform) {
                write_text(platform);
                fputs(": ", stdout);
        }
        write_text(title);
        printf("</description>\n    <message>%s</message>\n    <defaults>\n", message);
        printf("      <allow_any>%s</allow_any>\n"
               "      <allow_inactive>%s</allow_inactive>\n"
               "      <allow_active>%s</allow_active>\n",
               by_default, by_default, by_default);
        printf("    </defaults>\n%s  </action>\n", owner);
}

int main(void) {
        char id[ACTION_ID_MAX];

        fputs(head, stdout);
        write_action(ACTION_ID_PERFORM, NULL, "Let a program act for a user",
                     "A program wants to act for you: $(summary)", "yes");
        /* A person approves for himself, and proves that it is him. */
        write_action(ACTION_ID_APPROVE, NULL, "Approve what a program wants to do",
                     "Approve what a program wants to do for you: $(summary)", "auth_self");
        for (size_t i = 0; adapters[i]; i++)
                for (size_t k = 0; k < adapters[i]->n_actions; k++) {
                        const struct adapter_action *t = &adapters[i]->actions[k];

                        if (action_id_write(adapters[i]->platform, t->action_type, id) < 0)
                                return EXIT_FAILURE;
                        write_action(id, adapters[i]->title, t->title,
                                     "A program wants to act for you: $(summary)", "yes");
                }
        puts("</policyconfig>");
        return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
