/* SPDX-License-Identifier: MIT */
/*
 * Who is asked beyond the token's scope, in the order of the chain, as the configuration says.
 */
#include "policy/policy.h"

#include "engine/engine.h"
#include "policy/polkit.h"

static int add_polkit(struct engine *e) {
        int r;

        r = polkit_new(e->event, e->settings->policy_timeout_usec, /* open_bus= */ NULL,
                       /* userdata= */ NULL, &e->polkit);
        if (r < 0)
                return r;
        policy_add_adviser(e->policy, polkit_rules(e->polkit));
        policy_add_messenger(e->policy, polkit_agent(e->polkit));
        return 0;
}

int engine_make_policy(struct engine *e) {
        const struct policy_options options = {
                .approval_timeout_usec = e->settings->approval_timeout_usec,
                .approval_pause_usec = e->settings->approval_pause_usec,
        };
        int r;

        if (!e->settings->polkit)
                return 0;
        r = policy_new(e->event, &options, &e->policy);
        return r < 0 ? r : add_polkit(e);
}

void engine_free_policy(struct engine *e) {
        e->policy = policy_free(e->policy);
        e->polkit = polkit_free(e->polkit);
}
