/* SPDX-License-Identifier: MIT */
/*
 * Gmail, as a table.
 */
#include "action/adapter.h"
#include "base/cleanup.h"
#include "gmail-schemas.h"
#include "gmail/reconcile.h"
#include "gmail/send-email.h"
#include "google/identify.h"

extern const struct adapter gmail_adapter;

static const char *const send_scopes[] = {
        "https://www.googleapis.com/auth/gmail.send",
        "https://www.googleapis.com/auth/gmail.compose",
        "https://www.googleapis.com/auth/gmail.modify",
        "https://mail.google.com/",
        NULL,
};

static const struct adapter_action actions[] = {
        {
                        .action_type = "send_email",
                        .title = "Send an e-mail",
                        .description = "Sends an e-mail from the user's Gmail account, with text, "
                                       "HTML and "
                                       "attachments, as a new conversation or as a reply.",
                        .payload_schema = schema_send_email_payload,
                        .result_schema = schema_send_email_result,
                        .oauth_scopes = send_scopes,
                        .idempotency = IDEMPOTENCY_RECONCILABLE,
                        .check = send_email_check,
                        .build = send_email_build,
                        .interpret = send_email_interpret,
                        .reconcile = &send_email_reconcile,
        },
};

const struct adapter gmail_adapter = {
        .platform = "gmail",
        .title = "Gmail",
        .base_url = "https://gmail.googleapis.com",
        .credential_schema = schema_credential,
        .provider = "google",
        .identify = &google_identify,
        .actions = actions,
        .n_actions = ELEMENTSOF(actions),
};
