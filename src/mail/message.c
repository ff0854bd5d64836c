/* SPDX-License-Identifier: MIT */
#include "mail/message.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "mail/address.h"
#include "mail/base64.h"
#include "mail/body.h"
#include "mail/header.h"

#define CONTENT_TYPE_MAX 255
/* More than the frame of one attachment, for the size that is set aside at the start. */
#define PART_FRAME_SIZE 1024

/* Skips a type, subtype or charset. Returns the length. */
static size_t token_size(const char *text) {
        return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                            "!#$&^_.+-");
}

int mail_content_type_check(const char *content_type, const char **ret_reason) {
        const char *p = content_type;
        size_t n;

        *ret_reason = "is no content type of the form type/subtype";
        if (strlen(content_type) > CONTENT_TYPE_MAX)
                return -EINVAL;
        n = token_size(p);
        if (n == 0 || p[n] != '/')
                return -EINVAL;
        p += n + 1;
        n = token_size(p);
        if (n == 0)
                return -EINVAL;
        p += n;

        if (*p == ';') {
                p++;
                p += strspn(p, " ");
                if (strncasecmp(p, "charset=", strlen("charset=")) != 0)
                        return -EINVAL;
                p += strlen("charset=");
                n = token_size(p);
                if (n == 0)
                        return -EINVAL;
                p += n;
        }
        if (*p)
                return -EINVAL;

        if (strncasecmp(content_type, "multipart/", strlen("multipart/")) == 0 ||
            strncasecmp(content_type, "message/", strlen("message/")) == 0) {
                *ret_reason = "cannot be attached as base64; use application/octet-stream";
                return -EINVAL;
        }
        return 0;
}

static void write_date(uint64_t usec, struct buffer *to) {
        static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
        static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        struct tm tm = { 0 };

        gmtime_r(&seconds, &tm);
        buffer_printf(to, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday],
                      tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                      tm.tm_sec);
}

static int write_own_id(const struct mail_message *m, struct buffer *to) {
        _cleanup_(buffer_done) struct buffer id = { 0 };

        buffer_printf(&id, "%s@%s", m->action_id, m->id_domain);
        if (buffer_error(&id) < 0)
                return -ENOMEM;
        return header_ids(to, "Message-ID", &(const char *){ id.data }, 1);
}

/* RFC 5322 §3.6.4: the ids of the conversation, and that of the message answered behind them. */
static int write_answered(const struct mail_message *m, struct buffer *to) {
        _cleanup_(freep) const char **ids = NULL;
        int r;

        if (!m->in_reply_to)
                return 0;
        r = header_ids(to, "In-Reply-To", &m->in_reply_to, 1);
        if (r < 0)
                return r;

        ids = calloc(m->n_references + 1, sizeof(*ids));
        if (!ids)
                return -ENOMEM;
        for (size_t i = 0; i < m->n_references; i++)
                ids[i] = m->references[i];
        ids[m->n_references] = m->in_reply_to;
        return header_ids(to, "References", ids, m->n_references + 1);
}

static int write_addresses(const struct mail_message *m, struct buffer *to) {
        const struct {
                const char *name;
                const struct mailboxes *mailboxes;
        } rows[] = {
                { "From", &m->from }, { "Reply-To", &m->reply_to }, { "To", &m->to },
                { "Cc", &m->cc },     { "Bcc", &m->bcc },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                r = header_mailboxes(to, rows[i].name, rows[i].mailboxes->items,
                                     rows[i].mailboxes->n);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int write_headers(const struct mail_message *m, struct buffer *to) {
        int r;

        write_date(m->date_usec, to);
        r = write_addresses(m, to);
        if (r < 0)
                return r;
        if (m->subject) {
                r = header_text(to, "Subject", m->subject);
                if (r < 0)
                        return r;
        }
        r = write_own_id(m, to);
        if (r < 0)
                return r;
        r = write_answered(m, to);
        if (r < 0)
                return r;
        r = header_token(to, "X-Action-Id", m->action_id);
        if (r < 0)
                return r;
        buffer_puts(to, "MIME-Version: 1.0\r\n");
        return 0;
}

/*
 * "=_" stands in no quoted-printable and no base64, and body_plan() lets no such 7bit pass: a
 * boundary that begins with it cannot occur inside a part, whatever the part holds.
 */
static void begin_multipart(const char *subtype, const char *action_id, struct buffer *to) {
        buffer_printf(to, "Content-Type: multipart/%s;\r\n boundary=\"=_%s_%s\"\r\n", subtype,
                      subtype, action_id);
}

static void begin_part(const char *subtype, const char *action_id, struct buffer *to) {
        buffer_printf(to, "\r\n--=_%s_%s\r\n", subtype, action_id);
}

static void end_multipart(const char *subtype, const char *action_id, struct buffer *to) {
        buffer_printf(to, "\r\n--=_%s_%s--\r\n", subtype, action_id);
}

static void write_text(const char *subtype, const char *text, struct buffer *to) {
        struct body_plan plan = body_plan(text);

        buffer_printf(to, "Content-Type: text/%s; charset=utf-8\r\n", subtype);
        buffer_printf(to, "Content-Transfer-Encoding: %s\r\n\r\n",
                      body_encoding_name(plan.encoding));
        (void)buffer_reserve(to, plan.size + PART_FRAME_SIZE);
        body_write(text, plan.encoding, to);
}

/* What is read, as one entity: its headers, a blank line, its body. */
static void write_readable(const struct mail_message *m, struct buffer *to) {
        if (!m->html)
                write_text("plain", m->text ? m->text : "", to);
        else if (!m->text)
                write_text("html", m->html, to);
        else {
                begin_multipart("alternative", m->action_id, to);
                begin_part("alternative", m->action_id, to);
                write_text("plain", m->text, to);
                begin_part("alternative", m->action_id, to);
                write_text("html", m->html, to);
                end_multipart("alternative", m->action_id, to);
        }
}

static int write_attachment(const struct mail_attachment *a, struct buffer *to) {
        const char *reason;
        int r;

        r = mail_content_type_check(a->content_type, &reason);
        if (r < 0)
                return r;
        r = base64_check(a->base64, a->base64_size, &reason);
        if (r < 0)
                return r;

        buffer_printf(to, "Content-Type: %s\r\n", a->content_type);
        buffer_puts(to, "Content-Transfer-Encoding: base64\r\n");
        r = header_attachment(to, a->filename);
        if (r < 0)
                return r;
        buffer_puts(to, "\r\n");
        base64_wrap(a->base64, a->base64_size, to);
        return 0;
}

static int write_message(const struct mail_message *m, struct buffer *to) {
        int r;

        r = write_headers(m, to);
        if (r < 0)
                return r;
        if (m->n_attachments == 0) {
                write_readable(m, to);
                return 0;
        }

        begin_multipart("mixed", m->action_id, to);
        begin_part("mixed", m->action_id, to);
        write_readable(m, to);
        for (size_t i = 0; i < m->n_attachments; i++) {
                begin_part("mixed", m->action_id, to);
                r = write_attachment(&m->attachments[i], to);
                if (r < 0)
                        return r;
        }
        end_multipart("mixed", m->action_id, to);
        return 0;
}

static bool is_action_id(const char *text) {
        size_t n = 0;

        while (isalnum((unsigned char)text[n]))
                n++;
        return n > 0 && n <= 40 && !text[n]; /* a boundary has at most 70 characters */
}

int mail_message_write(const struct mail_message *m, struct buffer *to) {
        size_t begin = to->size, expected = PART_FRAME_SIZE;
        int r;

        if (!is_action_id(m->action_id))
                return -EINVAL;

        for (size_t i = 0; i < m->n_attachments; i++)
                expected += base64_wrapped_size(m->attachments[i].base64_size) + PART_FRAME_SIZE;
        (void)buffer_reserve(to, expected);

        r = write_message(m, to);
        if (r >= 0)
                r = buffer_error(to);
        if (r < 0 && to->data)
                to->data[to->size = begin] = 0;
        return r;
}
