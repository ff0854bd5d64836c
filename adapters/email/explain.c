/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "base/json.h"
#include "common/explain.h"
#include "email/email.h"
#include "mail/address.h"

#define MAX_SUBJECT 100 /* characters of it in the sentence */

static int explain_recipients(const struct email *e, struct adapter_explanation *ret) {
        const struct mailboxes *lists[] = { &e->message.to, &e->message.cc, &e->message.bcc };
        struct explain_people people = explain_people(ret, "recipients", "recipient_domains");
        int r;

        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                for (size_t k = 0; k < lists[i]->n; k++) {
                        r = explain_person(&people, lists[i]->items[k].address);
                        if (r < 0)
                                return r;
                }
        if (people.n == 0)
                buffer_puts(&ret->summary, "nobody yet");
        explain_people_end(&people);
        return 0;
}

/* Behind the recipients. */
static void explain_content(const struct mail_message *m, struct buffer *summary) {
        if (m->subject && *m->subject) {
                buffer_puts(summary, ", subject ");
                explain_quote(summary, m->subject, MAX_SUBJECT);
        } else
                buffer_puts(summary, ", without a subject");
        if (m->n_attachments > 0)
                buffer_printf(summary, ", with %zu attachment%s", m->n_attachments,
                              m->n_attachments > 1 ? "s" : "");
}

static int explain(const cJSON *payload, const char *verb, const char *reply_verb,
                   struct adapter_explanation *ret) {
        _cleanup_(ae_error_done) struct ae_error ignored = { 0 }; /* check() has told it */
        _cleanup_(email_done) struct email e = { 0 };
        int r;

        r = email_read_draft(payload, &e, &ignored);
        if (r < 0)
                return r;
        buffer_puts(&ret->summary, e.thread_id || e.message.in_reply_to ? reply_verb : verb);
        r = explain_recipients(&e, ret);
        if (r < 0)
                return r;
        explain_content(&e.message, &ret->summary);
        return explain_end(ret);
}

int email_explain(const cJSON *payload, struct adapter_explanation *ret) {
        return explain(payload, "Send an e-mail to ", "Send a reply by e-mail to ", ret);
}

int email_explain_draft(const cJSON *payload, struct adapter_explanation *ret) {
        return explain(payload, "Draft an e-mail to ", "Draft a reply by e-mail to ", ret);
}
