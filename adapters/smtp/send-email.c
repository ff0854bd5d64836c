/* SPDX-License-Identifier: MIT */
#include "smtp/send-email.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "email/email.h"
#include "smtp/answer.h"
#include "smtp/mailbox.h"
#include "smtp/recipients.h"

int smtp_send_email_check(const cJSON *payload, struct ae_error *error) {
        _cleanup_(email_done) struct email e = { 0 };

        return email_read(payload, &e, error);
}

static int add_recipients(const struct email *e, struct smtp_envelope *envelope) {
        _cleanup_(freep) struct smtp_recipient *list = NULL;
        size_t n;
        int r;

        r = smtp_recipients_list(e, &list, &n);
        if (r < 0)
                return r;
        envelope->recipients = calloc(n + 1, sizeof(*envelope->recipients));
        if (!envelope->recipients)
                return -ENOMEM;
        for (; envelope->n_recipients < n; envelope->n_recipients++) {
                char **to = &envelope->recipients[envelope->n_recipients];

                *to = strdup(list[envelope->n_recipients].address);
                if (!*to)
                        return -ENOMEM;
        }
        return 0;
}

/* What interpret() tells, and cannot know by itself. */
static int note(cJSON *notes, const char *domain, size_t n_recipients) {
        return cJSON_AddStringToObject(notes, "domain", domain) &&
                                               cJSON_AddNumberToObject(notes, "recipients",
                                                                       (double)n_recipients)
                               ? 0
                               : -ENOMEM;
}

static int rename_mailbox(struct mailbox *m, const char *name) {
        char *copy = strdup(name);

        if (!copy)
                return -ENOMEM;
        free(m->name);
        m->name = copy;
        return 0;
}

static int build(const struct adapter_input *input, const struct email *e, struct mailbox *own,
                 struct http_request *q) {
        struct mail_message m = e->message;
        int r = 0;

        if (m.from.n == 0) {
                if (e->from_name)
                        r = rename_mailbox(own, e->from_name);
                m.from = (struct mailboxes){ own, 1 };
        }
        m.bcc = (struct mailboxes){ 0 };
        m.action_id = input->action_id;
        m.id_domain = mailbox_domain(m.from.items);
        m.date_usec = input->now_usec;

        q->mail->sender = strdup(m.from.items[0].address);
        if (r < 0 || !q->mail->sender)
                return -ENOMEM;
        r = add_recipients(e, q->mail);
        if (r >= 0)
                r = mail_message_write(&m, &q->body);
        if (r >= 0)
                r = smtp_mailbox_describe(q);
        return r < 0 ? r : note(input->notes, m.id_domain, q->mail->n_recipients);
}

int smtp_send_email_build(const struct adapter_input *input, struct http_request *ret,
                          struct ae_error *error) {
        _cleanup_(email_done) struct email e = { 0 };
        _cleanup_(mailbox_done) struct mailbox own = { 0 };
        int r;

        r = email_read(input->payload, &e, error);
        if (r < 0)
                return ae_error_from_errno(error, r);
        if (ae_error_count(error) > 0)
                return ae_error_set(error, AE_INVALID_PAYLOAD,
                                    "the e-mail cannot be sent as it is");

        r = smtp_mailbox_read(input->credential, &ret->mail, &own);
        if (r == -EINVAL)
                return ae_error_set(error, AE_REAUTHORIZATION_REQUIRED,
                                    "what is stored for this account is no mailbox with its mail "
                                    "server; store one with auth_token");
        if (r < 0)
                return ae_error_from_errno(error, r);
        if (e.message.from.n == 0 && !own.address) {
                ae_error_add(error, "/from", "is required: the mailbox's username is no address");
                return ae_error_set(error, AE_INVALID_PAYLOAD,
                                    "the e-mail has no sender: name one in `from`, or store the "
                                    "mailbox with one");
        }

        r = build(input, &e, &own, ret);
        return r < 0 ? ae_error_from_errno(error, r) : 0;
}

int smtp_send_email_interpret(const struct adapter_input *input,
                              const struct http_response *response, cJSON **ret_result,
                              struct ae_error *error) {
        const struct smtp_answer *answer = response->mail;
        _cleanup_(json_freep) cJSON *result = NULL;
        char message_id[512], said[SMTP_SAID_SIZE];
        const char *domain = json_string(input->notes, "domain");
        int64_t n;

        if (!answer->accepted)
                return smtp_answer_refusal(input, answer, error);

        if (!domain || json_integer(input->notes, "recipients", &n) < 0)
                return ae_error_from_errno(error, -EINVAL);
        snprintf(message_id, sizeof(message_id), "<%s@%s>", input->action_id, domain);
        smtp_answer_said(input, answer, said);
        result = cJSON_CreateObject();
        if (!cJSON_AddStringToObject(result, "message_id", message_id) ||
            !cJSON_AddNumberToObject(result, "accepted", (double)n) ||
            (*said && !cJSON_AddStringToObject(result, "response", said)))
                return ae_error_from_errno(error, -ENOMEM);
        *ret_result = TAKE_PTR(result);
        return 0;
}
