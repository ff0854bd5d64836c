/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A whole internet message (RFC 5322, MIME) as bytes. Pure, and deterministic from what goes in.
 *
 *     multipart/mixed               only with attachments
 *     ├─ multipart/alternative      only with both texts
 *     │  ├─ text/plain
 *     │  └─ text/html
 *     └─ the attachments, base64
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct mailbox;

struct mailboxes {
        const struct mailbox *items;
        size_t n;
};

struct mail_attachment {
        const char *filename;
        const char *content_type; /* see mail_content_type_check() */
        const char *base64;       /* the content; see base64_check() */
        size_t base64_size;
};

/* All borrowed. Strings may be NULL: then the header or part is left out. */
struct mail_message {
        const char *action_id; /* letters and digits; becomes Message-ID and X-Action-Id */
        const char *id_domain; /* the right-hand side of the Message-ID */
        uint64_t date_usec;    /* CLOCK_REALTIME */
        struct mailboxes from, reply_to, to, cc, bcc;
        const char *subject;
        const char *in_reply_to;       /* a message id without its angle brackets */
        const char *const *references; /* those before it in the conversation, the oldest first */
        size_t n_references;
        const char *text;
        const char *html;
        const struct mail_attachment *attachments;
        size_t n_attachments;
};

/*
 * Whether it is a plain `type/subtype` (RFC 6838), with at most a charset behind it, that can be
 * sent as base64: nothing of multipart/ and message/. Returns 0, or -EINVAL with the reason
 * (static text).
 */
int mail_content_type_check(const char *content_type, const char **ret_reason);

/* Writes Bcc too: who hands the message on strips it. Returns 0, -ENOMEM or -EINVAL. */
int mail_message_write(const struct mail_message *m, struct buffer *to);
