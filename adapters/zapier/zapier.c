/* SPDX-License-Identifier: MIT */
/*
 * Zapier, as a table. A hook is a credential, and the account's name tells which one is meant.
 */
#include "action/adapter.h"
#include "base/cleanup.h"
#include "zapier-schemas.h"
#include "zapier/trigger-zap.h"

extern const struct adapter zapier_adapter;

/* Who knows a hook may use it. */
static const char *const no_scopes[] = { NULL };

static const struct adapter_action actions[] = {
        {
                        .action_type = "trigger_zap",
                        .title = "Trigger a Zap",
                        .description = "Sends data to one of the user's Zapier catch hooks, which "
                                       "sets off the Zap behind it. The account names the hook.",
                        .payload_schema = schema_trigger_zap_payload,
                        .result_schema = schema_trigger_zap_result,
                        .oauth_scopes = no_scopes,
                        .idempotency = IDEMPOTENCY_UNREPEATABLE,
                        .check = trigger_zap_check,
                        .explain = trigger_zap_explain,
                        .build = trigger_zap_build,
                        .interpret = trigger_zap_interpret,
        },
};

const struct adapter zapier_adapter = {
        .platform = "zapier",
        .title = "Zapier",
        .base_url = "https://hooks.zapier.com",
        .credential_schema = schema_credential,
        .credential_member = "hook_url",
        .brings_credential = true,
        .actions = actions,
        .n_actions = ELEMENTSOF(actions),
};
