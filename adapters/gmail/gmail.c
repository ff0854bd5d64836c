/* SPDX-License-Identifier: MIT */
/*
 * Gmail, as a table.
 */
#include "action/adapter.h"
#include "base/cleanup.h"
#include "email/email.h"
#include "gmail-schemas.h"
#include "gmail/outgoing.h"
#include "gmail/reconcile.h"
#include "gmail/reply.h"
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

static const char *const draft_scopes[] = {
        "https://www.googleapis.com/auth/gmail.compose",
        "https://www.googleapis.com/auth/gmail.modify",
        "https://mail.google.com/",
        NULL,
};

/* A single one must do for reading what is answered and for sending. */
static const char *const reply_scopes[] = {
        "https://www.googleapis.com/auth/gmail.modify",
        "https://mail.google.com/",
        NULL,
};

static const struct adapter_action actions[] = {
        {
                        .action_type = "create_draft",
                        .title = "Create a draft",
                        .description = "Keeps an e-mail as a draft in the user's Gmail account, "
                                       "for them to finish and send.",
                        .payload_schema = schema_create_draft_payload,
                        .result_schema = schema_create_draft_result,
                        .oauth_scopes = draft_scopes,
                        .scope_on_request = true,
                        .idempotency = IDEMPOTENCY_RECONCILABLE,
                        .check = create_draft_check,
                        .explain = email_explain_draft,
                        .build = create_draft_build,
                        .interpret = create_draft_interpret,
                        .lost = outgoing_lost,
                        .reconcile = &draft_reconcile,
        },
        {
                        .action_type = "reply",
                        .title = "Answer an e-mail",
                        .description = "Answers an e-mail in the user's Gmail account, to its "
                                       "sender or to everybody, in the same conversation.",
                        .payload_schema = schema_reply_payload,
                        .result_schema = schema_reply_result,
                        .oauth_scopes = reply_scopes,
                        .scope_on_request = true,
                        .idempotency = IDEMPOTENCY_RECONCILABLE,
                        .check = reply_check,
                        .explain = reply_explain,
                        .build = reply_build,
                        .interpret = reply_interpret,
                        .lost = outgoing_lost,
                        .reconcile = &sent_reconcile,
        },
        {
                        .action_type = "send_email",
                        .title = "Send an e-mail",
                        .description = "Sends an e-mail from the user's Gmail account, with text, "
                                       "HTML and attachments, as a new conversation or as a reply.",
                        .payload_schema = schema_send_email_payload,
                        .result_schema = schema_send_email_result,
                        .oauth_scopes = send_scopes,
                        .idempotency = IDEMPOTENCY_RECONCILABLE,
                        .check = send_email_check,
                        .explain = email_explain,
                        .build = send_email_build,
                        .interpret = send_email_interpret,
                        .lost = outgoing_lost,
                        .reconcile = &sent_reconcile,
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
