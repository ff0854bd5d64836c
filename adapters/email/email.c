/* SPDX-License-Identifier: MIT */
#include "email/email.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "mail/address.h"
#include "mail/base64.h"
#include "mail/body.h"
#include "mail/text.h"

#define PATH_SIZE 64

/* The order is that of email.mailboxes. */
/* clang-format off */
static const struct field {
        const char *name;
        size_t mailboxes; /* offset of its struct mailboxes in struct mail_message */
        bool is_array;    /* may be an array */
        size_t max;       /* 0: counts against EMAIL_MAX_RECIPIENTS, with the others */
} fields[] = {
        { "from",     offsetof(struct mail_message, from),     false, 1                  },
        { "reply_to", offsetof(struct mail_message, reply_to), true,  EMAIL_MAX_REPLY_TO },
        { "to",       offsetof(struct mail_message, to),       true,  0                  },
        { "cc",       offsetof(struct mail_message, cc),       true,  0                  },
        { "bcc",      offsetof(struct mail_message, bcc),      true,  0                  },
};
/* clang-format on */

static struct mailboxes *mailboxes_of(struct email *e, const struct field *f) {
        return (struct mailboxes *)(void *)((char *)&e->message + f->mailboxes);
}

void email_done(struct email *e) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                for (size_t k = 0; k < mailboxes_of(e, &fields[i])->n; k++)
                        mailbox_done(&e->mailboxes[i][k]);
                free(e->mailboxes[i]);
        }
        free(e->attachments);
        free(e->in_reply_to);
        *e = (struct email){ 0 };
}

static void fault(struct ae_error *error, const char *prefix, const char *name,
                  const char *reason) {
        char path[2 * PATH_SIZE];

        snprintf(path, sizeof(path), "%s/%s", prefix, name);
        ae_error_add(error, path, "%s", reason);
}

/* The string of that name, or NULL with a finding when it is of another type. */
static const char *read_string(const cJSON *object, const char *prefix, const char *name,
                               struct ae_error *error) {
        const cJSON *value = json_member(object, name);

        if (!value || cJSON_IsString(value))
                return value ? value->valuestring : NULL;
        fault(error, prefix, name, "is not a string");
        return NULL;
}

/* As read_string(), for text that goes into a header. */
static const char *read_header(const cJSON *object, const char *prefix, const char *name,
                               struct ae_error *error) {
        const char *text = read_string(object, prefix, name, error);
        const char *reason;

        if (!text || mail_text_check(text, &reason) == 0)
                return text;
        fault(error, prefix, name, reason);
        return NULL;
}

/* Returns 1 when *ret was filled, 0 when there was a finding instead, or -ENOMEM. */
static int read_mailbox(const cJSON *value, const char *path, struct mailbox *ret,
                        struct ae_error *error) {
        const char *reason;
        int r;

        if (!cJSON_IsString(value)) {
                ae_error_add(error, path, "is not a string");
                return 0;
        }
        r = mailbox_parse(value->valuestring, ret, &reason);
        if (r == -EINVAL) {
                ae_error_add(error, path, "%s", reason);
                return 0;
        }
        return r < 0 ? r : 1;
}

/*
 * A mere display name is fine in `from`, and is no mailbox: RFC 5322 knows none without an address,
 * and the account has one.
 */
static bool is_mere_name(const struct field *f, const cJSON *value) {
        const char *reason;

        return !f->is_array && cJSON_IsString(value) && *value->valuestring &&
               !strpbrk(value->valuestring, "@<>") &&
               mail_text_check(value->valuestring, &reason) == 0;
}

/* Reads a string or an array of strings, as long as `left` lasts. */
static int read_mailboxes(const cJSON *payload, const struct field *f, size_t *left,
                          struct email *e, struct ae_error *error) {
        const cJSON *value = json_member(payload, f->name);
        bool is_array = f->is_array && cJSON_IsArray(value);
        size_t n = is_array ? (size_t)cJSON_GetArraySize(value) : value != NULL;
        const cJSON *item = is_array ? value->child : value;
        struct mailboxes *list = mailboxes_of(e, f);
        struct mailbox *items;
        char path[PATH_SIZE];
        int r;

        if (n == 0)
                return 0;
        if (is_mere_name(f, value)) {
                e->from_name = value->valuestring;
                return 0;
        }

        items = calloc(n < *left ? n : *left + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        e->mailboxes[f - fields] = items;
        list->items = items;

        for (size_t i = 0; i < n; i++, item = item->next) {
                if (is_array)
                        snprintf(path, sizeof(path), "/%s/%zu", f->name, i);
                else
                        snprintf(path, sizeof(path), "/%s", f->name);
                if (*left == 0) {
                        ae_error_add(error, path, "is one more than the %zu that are possible",
                                     f->max > 0 ? f->max : EMAIL_MAX_RECIPIENTS);
                        return 0;
                }
                r = read_mailbox(item, path, &items[list->n], error);
                if (r < 0)
                        return r;
                list->n += (size_t)r;
                (*left)--;
        }
        return 0;
}

static int read_all_mailboxes(const cJSON *payload, struct email *e, struct ae_error *error) {
        size_t recipients_left = EMAIL_MAX_RECIPIENTS;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                size_t left = fields[i].max;

                r = read_mailboxes(payload, &fields[i], left > 0 ? &left : &recipients_left, e,
                                   error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static const char *filename_fault(const char *filename) {
        if (!*filename)
                return "is empty";
        if (strlen(filename) > EMAIL_MAX_FILENAME)
                return "is longer than a file's name can be (255 bytes)";
        if (strpbrk(filename, "/\\"))
                return "is a path; give the file's name alone, and its content in content_base64";
        return NULL;
}

static void read_attachment(const cJSON *value, const char *prefix, struct mail_attachment *ret,
                            struct ae_error *error) {
        const char *reason;

        if (!cJSON_IsObject(value)) {
                ae_error_add(error, prefix, "is not an object");
                return;
        }

        ret->filename = read_header(value, prefix, "filename", error);
        reason = ret->filename ? filename_fault(ret->filename) : NULL;
        if (!json_member(value, "filename"))
                reason = "is required";
        if (reason)
                fault(error, prefix, "filename", reason);

        ret->content_type = read_string(value, prefix, "content_type", error);
        if (!ret->content_type)
                ret->content_type = "application/octet-stream";
        if (mail_content_type_check(ret->content_type, &reason) < 0)
                fault(error, prefix, "content_type", reason);

        ret->base64 = read_string(value, prefix, "content_base64", error);
        ret->base64_size = ret->base64 ? strlen(ret->base64) : 0;
        if (!json_member(value, "content_base64"))
                fault(error, prefix, "content_base64", "is required: the file's content in base64");
        else if (base64_check(ret->base64, ret->base64_size, &reason) < 0)
                fault(error, prefix, "content_base64", reason);
}

static int read_attachments(const cJSON *payload, struct email *e, struct ae_error *error) {
        const cJSON *value = json_member(payload, "attachments"), *item;
        size_t n = (size_t)cJSON_GetArraySize(value);
        char path[PATH_SIZE];

        if (value && !cJSON_IsArray(value)) {
                ae_error_add(error, "/attachments", "is not an array");
                return 0;
        }
        if (n > EMAIL_MAX_ATTACHMENTS) {
                ae_error_add(error, "/attachments", "holds more than %d attachments",
                             EMAIL_MAX_ATTACHMENTS);
                return 0;
        }
        if (n == 0)
                return 0;

        e->attachments = calloc(n, sizeof(*e->attachments));
        if (!e->attachments)
                return -ENOMEM;
        e->message.attachments = e->attachments;
        cJSON_ArrayForEach (item, value) {
                snprintf(path, sizeof(path), "/attachments/%zu", e->message.n_attachments);
                read_attachment(item, path, &e->attachments[e->message.n_attachments++], error);
        }
        return 0;
}

/* An empty text beside HTML is no alternative to it. */
static void read_texts(const cJSON *payload, struct email *e, struct ae_error *error) {
        e->message.subject = read_header(payload, "", "subject", error);
        e->message.text = read_string(payload, "", "body", error);
        e->message.html = read_string(payload, "", "html", error);
        if (e->message.html && e->message.text && !*e->message.text)
                e->message.text = NULL;
}

static int read_thread(const cJSON *payload, struct email *e, struct ae_error *error) {
        const char *in_reply_to, *reason;
        int r;

        e->thread_id = read_header(payload, "", "thread_id", error);
        if (e->thread_id && !*e->thread_id)
                ae_error_add(error, "/thread_id", "is empty");

        in_reply_to = read_header(payload, "", "in_reply_to", error);
        if (!in_reply_to)
                return 0;
        r = message_id_parse(in_reply_to, &e->in_reply_to, &reason);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                ae_error_add(error, "/in_reply_to", "%s", reason);
        e->message.in_reply_to = e->in_reply_to;
        return 0;
}

/* A finding at what goes over the limit: each part may be small enough by itself. */
static void read_size(struct email *e, struct ae_error *error) {
        const struct mail_message *m = &e->message;
        char path[PATH_SIZE] = "/body";
        size_t size = m->text ? body_plan(m->text).size : 0;

        if (size <= EMAIL_MAX_SIZE && m->html) {
                snprintf(path, sizeof(path), "/html");
                size += body_plan(m->html).size;
        }
        for (size_t i = 0; i < m->n_attachments && size <= EMAIL_MAX_SIZE; i++) {
                snprintf(path, sizeof(path), "/attachments/%zu/content_base64", i);
                size += base64_wrapped_size(m->attachments[i].base64_size);
        }
        e->size = size;
        if (size > EMAIL_MAX_SIZE)
                ae_error_add(error, path,
                             "makes the message larger than 25 MiB as it is sent; attached files "
                             "may have about 18 MiB together");
}

int email_read_draft(const cJSON *payload, struct email *ret, struct ae_error *error) {
        int r;

        r = read_all_mailboxes(payload, ret, error);
        if (r < 0)
                return r;
        read_texts(payload, ret, error);
        r = read_thread(payload, ret, error);
        if (r < 0)
                return r;
        r = read_attachments(payload, ret, error);
        if (r < 0)
                return r;
        read_size(ret, error);
        return 0;
}

int email_read(const cJSON *payload, struct email *ret, struct ae_error *error) {
        const cJSON *to = json_member(payload, "to");

        if (!to || (cJSON_IsArray(to) && !to->child))
                ae_error_add(error, "/to", "is required: a mailbox or an array of mailboxes");
        return email_read_draft(payload, ret, error);
}
