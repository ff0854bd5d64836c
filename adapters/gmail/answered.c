/* SPDX-License-Identifier: MIT */
#include "gmail/answered.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "email/email.h"
#include "gmail/id.h"
#include "mail/address-list.h"
#include "mail/address.h"
#include "mail/encoded-word.h"
#include "mail/text.h"

#define PATH "/message_id"
#define MAX_REFERENCE 250
#define MAX_NAME 200
#define MAX_HEADER (256 * 1024) /* 500 of the longest mailboxes */
#define RE "Re:"

/* The first of that name, or NULL. */
static const char *find_header(const cJSON *message, const char *name) {
        const cJSON *header;

        cJSON_ArrayForEach (header, json_member(json_member(message, "payload"), "headers")) {
                const char *other = json_string(header, "name");

                if (other && strcasecmp(other, name) == 0)
                        return json_string(header, "value");
        }
        return NULL;
}

static bool is_own(const cJSON *message) {
        const cJSON *label;

        cJSON_ArrayForEach (label, json_member(message, "labelIds"))
                if (cJSON_IsString(label) && strcmp(label->valuestring, "SENT") == 0)
                        return true;
        return false;
}

/* As a person reads it, made fit for a header of one's own. The caller frees *ret. */
static int decode(const char *text, size_t max, char **ret) {
        _cleanup_(buffer_done) struct buffer decoded = { 0 };

        encoded_words_decode(text, &decoded);
        return buffer_error(&decoded) < 0 ? -ENOMEM : mail_text_clean(decoded.data, max, ret);
}

/* Who is answered to. */
struct audience {
        cJSON *addresses; /* of those that are in already */
        const char *self;
        size_t n;
};

static bool is_in(const struct audience *a, const char *address) {
        const cJSON *other;

        if (a->self && strcasecmp(a->self, address) == 0)
                return true;
        cJSON_ArrayForEach (other, a->addresses)
                if (strcasecmp(other->valuestring, address) == 0)
                        return true;
        return false;
}

static int add_text(cJSON *array, const char *text) {
        cJSON *item = cJSON_CreateString(text);

        if (item && cJSON_AddItemToArray(array, item))
                return 0;
        cJSON_Delete(item);
        return -ENOMEM;
}

static int add_mailbox(struct audience *a, const struct mailbox *m, cJSON *to) {
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(freep) char *name = NULL;
        int r;

        if (is_in(a, m->address))
                return 0;
        r = m->name ? decode(m->name, MAX_NAME, &name) : 0;
        if (r == -ENOMEM)
                return r;
        mailbox_write(&(struct mailbox){ name && *name ? name : NULL, m->address }, &text);
        if (buffer_error(&text) < 0 || add_text(a->addresses, m->address) < 0)
                return -ENOMEM;
        a->n++;
        return add_text(to, text.data);
}

static int tell_unanswerable(const char *header, int r, const char *reason,
                             struct ae_error *error) {
        if (r == -ENOMEM)
                return ae_error_from_errno(error, r);
        if (r == -E2BIG)
                ae_error_add(error, PATH, "has more than %d recipients", EMAIL_MAX_RECIPIENTS);
        else
                ae_error_add(error, PATH, "cannot be answered: a mailbox in its %s %s", header,
                             reason);
        return ae_error_set(error, AE_INVALID_PAYLOAD,
                            "the message cannot be answered to those it names; use send_email");
}

/* Adds the mailboxes of that header, and tells how many it has. */
static int add_header(struct audience *a, const cJSON *message, const char *header, cJSON *to,
                      size_t *ret_n, struct ae_error *error) {
        const char *value = find_header(message, header), *reason = "is far too long";
        struct mailbox *list = NULL;
        size_t n = 0;
        int r;

        r = strlen(value ?: "") > MAX_HEADER
                            ? -EINVAL
                            : mailbox_list_parse(value ?: "", EMAIL_MAX_RECIPIENTS - a->n, &list,
                                                 &n, &reason);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = add_mailbox(a, &list[i], to);
        mailbox_list_free(list, n);
        if (r < 0)
                return tell_unanswerable(header, r, reason, error);
        *ret_n = n;
        return 0;
}

/* One's own message is answered to those it went to, as if it were another word to them. */
static int add_all(struct audience *a, const cJSON *message, bool all, cJSON *to, cJSON *cc,
                   struct ae_error *error) {
        size_t n = 0;
        int r = 0;

        if (!is_own(message)) {
                r = add_header(a, message, "Reply-To", to, &n, error);
                if (r >= 0 && n == 0)
                        r = add_header(a, message, "From", to, &n, error);
        }
        if (r >= 0 && (all || is_own(message)))
                r = add_header(a, message, "To", to, &n, error);
        if (r >= 0 && all)
                r = add_header(a, message, "Cc", cc, &n, error);
        return r;
}

/* Somebody stands in To: if need be those of Cc, or oneself, whom one wrote to. */
static int fill_recipients(const cJSON *message, bool all, const char *self, cJSON *answer,
                           struct ae_error *error) {
        _cleanup_(json_freep) cJSON *addresses = cJSON_CreateArray();
        struct audience a = { addresses, all ? self : NULL, 0 };
        cJSON *to = cJSON_AddArrayToObject(answer, "to"),
              *cc = cJSON_AddArrayToObject(answer, "cc");
        int r;

        if (!addresses || !to || !cc)
                return ae_error_from_errno(error, -ENOMEM);
        r = add_all(&a, message, all, to, cc, error);
        if (r >= 0 && a.n == 0) {
                a.self = NULL;
                r = add_all(&a, message, all, to, cc, error);
        }
        if (r < 0)
                return r;

        if (!to->child && cc->child) {
                cJSON_DeleteItemFromObjectCaseSensitive(answer, "to");
                cJSON_AddItemToObject(answer, "to",
                                      cJSON_DetachItemFromObjectCaseSensitive(answer, "cc"));
        } else if (!cc->child)
                cJSON_DeleteItemFromObjectCaseSensitive(answer, "cc");
        if (a.n > 0)
                return 0;
        ae_error_add(error, PATH, "names nobody to whom an answer could go");
        return ae_error_set(error, AE_INVALID_PAYLOAD, "the message cannot be answered");
}

static int fill_subject(const cJSON *message, cJSON *answer) {
        const char *value = find_header(message, "Subject");
        _cleanup_(buffer_done) struct buffer subject = { 0 };
        _cleanup_(freep) char *text = NULL;
        int r;

        r = decode(value ? value : "", ANSWERED_MAX_SUBJECT, &text);
        if (r < 0)
                return r;
        if (strncasecmp(text, RE, strlen(RE)) != 0)
                buffer_printf(&subject, *text ? RE " %s" : RE, text);
        else
                buffer_puts(&subject, text);
        return buffer_error(&subject) == 0 && cJSON_AddStringToObject(answer, "subject",
                                                                      subject.data)
                               ? 0
                               : -ENOMEM;
}

/* The first one, which began the conversation, stays; of the others, the newest. */
static int add_reference(cJSON *references, const char *id) {
        if (cJSON_GetArraySize(references) == ANSWERED_MAX_REFERENCES)
                cJSON_DeleteItemFromArray(references, 1);
        return add_text(references, id);
}

static int fill_references(const cJSON *message, cJSON *answer) {
        cJSON *references = cJSON_AddArrayToObject(answer, "references");
        const char *value = find_header(message, "References"), *reason, *text;
        _cleanup_(freep) char *line = NULL;
        int r;

        if (!references)
                return -ENOMEM;
        r = mail_text_unfold(value ?: "", &line, &reason);
        if (r < 0)
                return r == -EINVAL ? 0 : r;
        for (text = line; (text = strchr(text, '<'));) {
                size_t size = strcspn(text, ">") + 1;
                _cleanup_(freep) char *word = NULL, *id = NULL;

                if (size <= MAX_REFERENCE && text[size - 1]) {
                        word = strndup(text, size);
                        r = word ? message_id_parse(word, &id, &reason) : -ENOMEM;
                        if (r >= 0)
                                r = add_reference(references, id);
                        if (r == -ENOMEM)
                                return r;
                }
                text += text[size - 1] ? size : size - 1;
        }
        return 0;
}

/* Without a Message-ID there is nothing to refer to, and the conversation's id must do. */
static int fill_message_id(const cJSON *message, cJSON *answer) {
        const char *value = find_header(message, "Message-ID"), *reason;
        _cleanup_(freep) char *text = NULL, *id = NULL;
        int r;

        r = mail_text_unfold(value ?: "", &text, &reason);
        if (r >= 0)
                r = message_id_parse(text, &id, &reason);
        if (r == -EINVAL)
                return 0;
        return r >= 0 && cJSON_AddStringToObject(answer, "in_reply_to", id) ? 0 : -ENOMEM;
}

int answered_read(const cJSON *message, bool all, const char *self, cJSON **ret,
                  struct ae_error *error) {
        _cleanup_(json_freep) cJSON *answer = cJSON_CreateObject();
        const char *thread_id = gmail_id(message, "threadId");
        int r;

        if (!thread_id || !json_member(message, "payload"))
                return -EBADMSG;
        if (!cJSON_AddStringToObject(answer, "thread_id", thread_id))
                return ae_error_from_errno(error, -ENOMEM);
        r = fill_recipients(message, all, self, answer, error);
        if (r < 0)
                return r;
        r = fill_subject(message, answer);
        if (r >= 0)
                r = fill_references(message, answer);
        if (r >= 0)
                r = fill_message_id(message, answer);
        if (r < 0)
                return ae_error_from_errno(error, r);
        *ret = TAKE_PTR(answer);
        return 0;
}
