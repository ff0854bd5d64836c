/* SPDX-License-Identifier: MIT */
/*
 * Writes what the adapters need of each provider, for who registers an app: that is an administrator,
 * who mostly has no token that the engine would tell it for.
 */

#include <stdio.h>
#include <stdlib.h>

#include "action/adapter.h"

/* An action's first scope is what a login asks for; the others would do as well. */
int main(void) {
        puts("/* SPDX-License-Identifier: MIT */\n"
             "static const struct {\n        const char *provider, *scope;\n} known_scopes[] = {");
        for (size_t i = 0; adapters[i]; i++)
                for (size_t k = 0; adapters[i]->provider && k < adapters[i]->n_actions; k++)
                        if (adapters[i]->actions[k].oauth_scopes[0])
                                printf("        { \"%s\", \"%s\" },\n", adapters[i]->provider,
                                       adapters[i]->actions[k].oauth_scopes[0]);
        puts("};");
        return ferror(stdout) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
