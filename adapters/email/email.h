/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A payload that describes an e-mail, read and checked, whoever carries it. Reading it is the check:
 * what the engine validates and what it sends cannot differ.
 */

#include "base/error.h"
#include "mail/message.h"

struct adapter_explanation;
struct cJSON;

#define EMAIL_MAX_RECIPIENTS 500 /* to, cc and bcc together */
#define EMAIL_MAX_REPLY_TO 20
#define EMAIL_MAX_ATTACHMENTS 100
#define EMAIL_MAX_FILENAME 255 /* bytes, as most file systems have it */
/* Of body, html and attachments, encoded for the way: about 18 MiB of attached files. */
#define EMAIL_MAX_SIZE ((size_t)25 * 1024 * 1024)

/* Text is borrowed from the payload; the rest is owned. */
struct email {
        struct mailbox *mailboxes[5]; /* from, reply_to, to, cc, bcc */
        struct mail_attachment *attachments;
        char *in_reply_to;
        const char *from_name;       /* a display name alone, where there is no address; or NULL */
        const char *thread_id;       /* NULL: a new conversation */
        size_t size;                 /* of body, html and attachments, encoded for the way */
        struct mail_message message; /* without what the action gives: id, domain, date */
};

void email_done(struct email *e);

/*
 * Adds a finding to `error` for each fault; then *ret holds what could be read, and is not to be
 * sent. Members of a wrong type are findings too. *ret is zero-initialised and freed by the caller
 * in every case. Returns 0 or -ENOMEM.
 */
int email_read(const struct cJSON *payload, struct email *ret, struct ae_error *error);
/* The same for one that need not have recipients yet. */
int email_read_draft(const struct cJSON *payload, struct email *ret, struct ae_error *error);

/* explain.c: `recipients` and `recipient_domains` are of to, cc and bcc. Returns 0 or -ENOMEM. */
int email_explain(const struct cJSON *payload, struct adapter_explanation *ret);
/* The same for one that is kept, and not sent. */
int email_explain_draft(const struct cJSON *payload, struct adapter_explanation *ret);
