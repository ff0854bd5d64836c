/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
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
        explain_people_end(&people);
        return 0;
}

static int explain(const struct email *e, struct adapter_explanation *ret) {
        const struct mail_message *m = &e->message;
        int r;

        buffer_puts(&ret->summary, e->thread_id || m->in_reply_to ? "Send a reply by e-mail to "
                                                                  : "Send an e-mail to ");
        r = explain_recipients(e, ret);
        if (r < 0)
                return r;
        if (m->subject && *m->subject) {
                buffer_puts(&ret->summary, ", subject ");
                explain_quote(&ret->summary, m->subject, MAX_SUBJECT);
        } else
                buffer_puts(&ret->summary, ", without a subject");
        if (m->n_attachments > 0)
                buffer_printf(&ret->summary, ", with %zu attachment%s", m->n_attachments,
                              m->n_attachments > 1 ? "s" : "");
        return explain_end(ret);
}

int email_explain(const struct cJSON *payload, struct adapter_explanation *ret) {
        struct ae_error error = { 0 };
        struct email e = { 0 };
        int r;

        r = email_read(payload, &e, &error);
        if (r >= 0)
                r = explain(&e, ret);
        ae_error_done(&error);
        email_done(&e);
        return r;
}
