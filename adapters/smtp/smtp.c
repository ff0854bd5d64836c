/* SPDX-License-Identifier: MIT */
/*
 * Any mailbox with a mail server that takes e-mails by SMTP, as a table.
 */
#include "action/adapter.h"
#include "base/cleanup.h"
#include "email/email.h"
#include "smtp-schemas.h"
#include "smtp/identify.h"
#include "smtp/send-email.h"

extern const struct adapter smtp_adapter;

/* Who may log in may send. */
static const char *const no_scopes[] = { NULL };

static const struct adapter_action actions[] = {
        {
                        .action_type = "send_email",
                        .title = "Send an e-mail",
                        .description = "Sends an e-mail through the mail server of the user's "
                                       "mailbox (SMTP), with text, HTML and attachments. Nobody "
                                       "gets it if one of the recipients is refused.",
                        .payload_schema = schema_send_email_payload,
                        .result_schema = schema_send_email_result,
                        .oauth_scopes = no_scopes,
                        /* The Message-ID marks it, but there is nobody who could be asked for it. */
                        .idempotency = IDEMPOTENCY_UNREPEATABLE,
                        .check = smtp_send_email_check,
                        .explain = email_explain,
                        .build = smtp_send_email_build,
                        .interpret = smtp_send_email_interpret,
        },
};

const struct adapter smtp_adapter = {
        .platform = "smtp",
        .title = "E-mail (SMTP)",
        .base_url = "smtp:", /* each credential names its own server */
        .credential_schema = schema_credential,
        .credential_whole = true,
        .identify = &smtp_identify,
        .brings_credential = true,
        .actions = actions,
        .n_actions = ELEMENTSOF(actions),
};
