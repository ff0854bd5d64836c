/* SPDX-License-Identifier: MIT */
/*
 * Who is asked beyond the token's scope, in the order of the chain, as the configuration says.
 */
#include "policy/policy.h"

#include "engine/engine.h"
#include "policy/control.h"
#include "policy/inbox.h"
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

/* Who approves is asked about by polkit as well, and proves it to polkit's agent alone. */
static int add_inbox(struct engine *e, const struct policy_options *options) {
        int r;

        r = policy_new(e->event, options, &e->approvers);
        if (r < 0)
                return r;
        policy_add_adviser(e->approvers, polkit_rules(e->polkit));
        policy_add_messenger(e->approvers, polkit_agent(e->polkit));

        r = inbox_new(e->event, e->approvers, &e->inbox);
        if (r < 0)
                return r;
        policy_add_messenger(e->policy, inbox_messenger(e->inbox));
        return 0;
}

static int add_control(struct engine *e, struct ae_error *error) {
        const struct settings *s = e->settings;
        _cleanup_(secret_freep) struct secret *key = NULL;
        struct control_options options = {
                .url = s->control_url,
                .engine_id = s->control_engine_id,
                .timeout_usec = s->control_timeout_usec,
                .ca_file = s->ca_file,
                .plain = (const char *const *)s->plain_http,
                .unix_socket = s->control_unix_socket,
                .user_agent = "action-engine/" AE_VERSION,
        };
        int r;

        r = engine_read_credential("Engine Control", "engine-control-key", &key, error);
        if (r < 0)
                return r;
        options.key = key;
        r = control_new(e->poller, &options, &e->control);
        if (r < 0)
                return r;
        policy_add_adviser(e->policy, control_adviser(e->control));
        return 0;
}

int engine_make_policy(struct engine *e, struct ae_error *error) {
        const struct policy_options options = {
                .approval_timeout_usec = e->settings->approval_timeout_usec,
                .approval_pause_usec = e->settings->approval_pause_usec,
        };
        int r;

        if (!e->settings->polkit && !e->settings->control_url)
                return 0;
        r = policy_new(e->event, &options, &e->policy);
        if (r == 0 && e->settings->polkit)
                r = add_polkit(e);
        if (r == 0 && e->polkit)
                r = add_inbox(e, &options);
        if (r == 0 && e->settings->control_url)
                r = add_control(e, error);
        return r;
}

void engine_free_policy(struct engine *e) {
        e->policy = policy_free(e->policy);
        e->inbox = inbox_free(e->inbox);
        e->approvers = policy_free(e->approvers);
        e->polkit = polkit_free(e->polkit);
        e->control = control_free(e->control);
}
