/* SPDX-License-Identifier: MIT */
#include "mail/header.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "mail/address.h"
#include "mail/base64.h"
#include "mail/text.h"

/* RFC 2047 allows 76 where encoded-words stand, and RFC 5322 wishes for 78. */
#define LINE_COLUMNS 76
#define ENCODED_WORD_MAX 75
#define ENCODED_WORD_FRAME \
        (sizeof("=?utf-8?q?" \
                "?=") - \
         1)
/* A longer word cannot be folded well, and is written in a form that can be cut. */
#define WORD_MAX 60
#define TOKEN_MAX 900
/* The room for one character in the longest notation: four bytes, three columns each. */
#define CHARACTER_COLUMNS 12

/* A header line in the making. */
struct folder {
        struct buffer *to;
        size_t column;
        bool begun; /* a word stands behind the name: from now on a fold may come */
};

static struct folder fold_begin(struct buffer *to, const char *name) {
        buffer_puts(to, name);
        buffer_putc(to, ':');
        return (struct folder){ .to = to, .column = strlen(name) + 1 };
}

/* Sets the blank before the next word, behind a fold where the word would not fit. */
static void fold_space(struct folder *f, size_t word_size) {
        if (f->begun && f->column + 1 + word_size > LINE_COLUMNS) {
                buffer_puts(f->to, "\r\n");
                f->column = 0;
        }
        buffer_putc(f->to, ' ');
        f->column++;
        f->begun = true;
}

static void fold_word(struct folder *f, const char *word, size_t size) {
        fold_space(f, size);
        buffer_append(f->to, word, size);
        f->column += size;
}

static void fold_end(struct folder *f) {
        buffer_puts(f->to, "\r\n");
}

/* The size of the UTF-8 character at p. The text was checked. */
static size_t character_size(const char *p) {
        unsigned char c = (unsigned char)*p;

        return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* What may stand for itself in a Q encoded-word also within a display name: RFC 2047 §5 (3). */
static bool is_q_literal(char c) {
        return isalnum((unsigned char)c) || (c && strchr("!*+-/", c));
}

static size_t q_columns(const char *text, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < size; i++)
                n += is_q_literal(text[i]) || text[i] == ' ' ? 1 : 3;
        return n;
}

static size_t b_columns(const char *text, size_t size) {
        return (size + 2) / 3 * 4;
}

static void q_encode(const void *data, size_t size, struct buffer *to) {
        const char *text = data;

        for (size_t i = 0; i < size; i++)
                if (text[i] == ' ')
                        buffer_putc(to, '_');
                else if (is_q_literal(text[i]))
                        buffer_putc(to, text[i]);
                else
                        buffer_printf(to, "=%02X", (unsigned char)text[i]);
}

static const struct word_encoding {
        const char *opening;
        size_t (*columns)(const char *text, size_t size);
        void (*encode)(const void *data, size_t size, struct buffer *to);
} q_encoding = { "=?utf-8?q?", q_columns, q_encode },
  b_encoding = { "=?utf-8?b?", b_columns, base64_encode };

/* How much of the text, in whole characters, fits into that many columns. */
static size_t fitting(const struct word_encoding *e, const char *text, size_t columns) {
        size_t size = 0;

        while (text[size]) {
                size_t more = size + character_size(text + size);

                if (e->columns(text, more) > columns)
                        break;
                size = more;
        }
        return size;
}

/* A decoder drops the blank between two encoded-words, so a text may be cut into many. */
static void fold_encoded(struct folder *f, const char *text) {
        size_t size = strlen(text);
        const struct word_encoding *e =
                        q_columns(text, size) <= b_columns(text, size) ? &q_encoding : &b_encoding;

        while (*text) {
                size_t columns;

                fold_space(f, ENCODED_WORD_FRAME + CHARACTER_COLUMNS);
                columns = LINE_COLUMNS - f->column;
                if (columns > ENCODED_WORD_MAX)
                        columns = ENCODED_WORD_MAX;
                size = fitting(e, text, columns - ENCODED_WORD_FRAME);

                buffer_puts(f->to, e->opening);
                e->encode(text, size, f->to);
                buffer_puts(f->to, "?=");
                f->column += ENCODED_WORD_FRAME + e->columns(text, size);
                text += size;
        }
}

/* Words of a handy length with single blanks, and nothing that a reader would decode. */
static bool is_plain(const char *text) {
        size_t word = 0;

        if (!mail_text_is_ascii(text) || strstr(text, "=?"))
                return false;
        for (const char *p = text; *p; p++) {
                if (*p == ' ' && word == 0)
                        return false;
                word = *p == ' ' ? 0 : word + 1;
                if (word > WORD_MAX)
                        return false;
        }
        return word > 0 || !*text;
}

static void fold_words(struct folder *f, const char *text) {
        while (*text) {
                size_t n = strcspn(text, " ");

                fold_word(f, text, n);
                text += n;
                text += *text == ' ';
        }
}

int header_text(struct buffer *to, const char *name, const char *value) {
        const char *reason;
        struct folder f;
        int r;

        r = mail_text_check(value, &reason);
        if (r < 0)
                return r;

        f = fold_begin(to, name);
        if (is_plain(value))
                fold_words(&f, value);
        else
                fold_encoded(&f, value);
        fold_end(&f);
        return 0;
}

static void fold_name(struct folder *f, const char *name) {
        _cleanup_(buffer_done) struct buffer quoted = { 0 };

        /* A quoted-string is one word, so that its blanks stay as they are. */
        if (mail_text_is_ascii(name) && !strstr(name, "=?")) {
                mail_text_quote(name, &quoted);
                if (buffer_error(&quoted) < 0)
                        f->to->failed = true;
                else if (quoted.size <= WORD_MAX) {
                        fold_word(f, quoted.data, quoted.size);
                        return;
                }
        }
        fold_encoded(f, name);
}

static void fold_mailbox(struct folder *f, const struct mailbox *m, bool more) {
        size_t size = strlen(m->address);

        if (m->name)
                fold_name(f, m->name);
        fold_space(f, size + (m->name ? 2 : 0) + more);
        buffer_printf(f->to, m->name ? "<%s>%s" : "%s%s", m->address, more ? "," : "");
        f->column += size + (m->name ? 2 : 0) + more;
}

int header_mailboxes(struct buffer *to, const char *name, const struct mailbox *mailboxes,
                     size_t n_mailboxes) {
        const char *reason;
        struct folder f;

        for (size_t i = 0; i < n_mailboxes; i++)
                if (mail_text_check(mailboxes[i].address, &reason) < 0 ||
                    (mailboxes[i].name && mail_text_check(mailboxes[i].name, &reason) < 0))
                        return -EINVAL;
        if (n_mailboxes == 0)
                return 0;

        f = fold_begin(to, name);
        for (size_t i = 0; i < n_mailboxes; i++)
                fold_mailbox(&f, &mailboxes[i], i + 1 < n_mailboxes);
        fold_end(&f);
        return 0;
}

static bool is_token(const char *text) {
        size_t size = 0;

        while (isgraph((unsigned char)text[size]))
                size++;
        return !text[size] && size <= TOKEN_MAX;
}

int header_token(struct buffer *to, const char *name, const char *value) {
        struct folder f;

        if (!is_token(value))
                return -EINVAL;
        f = fold_begin(to, name);
        fold_word(&f, value, strlen(value));
        fold_end(&f);
        return 0;
}

int header_ids(struct buffer *to, const char *name, const char *const *ids, size_t n_ids) {
        struct folder f;

        for (size_t i = 0; i < n_ids; i++)
                if (!is_token(ids[i]) || strpbrk(ids[i], "<>"))
                        return -EINVAL;

        f = fold_begin(to, name);
        for (size_t i = 0; i < n_ids; i++) {
                size_t size = strlen(ids[i]) + strlen("<>");

                fold_space(&f, size);
                buffer_printf(f.to, "<%s>", ids[i]);
                f.column += size;
        }
        fold_end(&f);
        return 0;
}

/* attribute-char of RFC 2231. */
static bool is_parameter_literal(char c) {
        return isalnum((unsigned char)c) || (c && strchr("!#$&+-.^_`{|}~", c));
}

static void percent_encode(const char *text, size_t size, struct buffer *to) {
        for (size_t i = 0; i < size; i++)
                if (is_parameter_literal(text[i]))
                        buffer_putc(to, text[i]);
                else
                        buffer_printf(to, "%%%02X", (unsigned char)text[i]);
}

/* How much of the text, in whole characters, percent-encodes into WORD_MAX columns. */
static size_t fitting_parameter(const char *text) {
        size_t size = 0, columns = 0;

        while (text[size]) {
                size_t n = character_size(text + size);

                columns += is_parameter_literal(text[size]) ? 1 : 3 * n;
                if (columns > WORD_MAX - sizeof("filename*000*=utf-8'';"))
                        break;
                size += n;
        }
        return size;
}

/* filename*=utf-8''…, or filename*0*=utf-8''… filename*1*=… where it is long. */
static void fold_extended_filename(struct folder *f, const char *filename) {
        bool whole = !filename[fitting_parameter(filename)];

        for (unsigned section = 0; *filename; section++) {
                _cleanup_(buffer_done) struct buffer word = { 0 };
                size_t size = fitting_parameter(filename);

                if (whole)
                        buffer_puts(&word, "filename*=");
                else
                        buffer_printf(&word, "filename*%u*=", section);
                buffer_puts(&word, section == 0 ? "utf-8''" : "");
                percent_encode(filename, size, &word);
                filename += size;
                buffer_puts(&word, *filename ? ";" : "");

                if (buffer_error(&word) < 0) {
                        f->to->failed = true;
                        return;
                }
                fold_word(f, word.data, word.size);
        }
}

/* The name with '_' for each character beyond ASCII, and whatever makes a quoted-string hard. */
static void put_fallback(const char *filename, struct buffer *to) {
        buffer_puts(to, "filename=\"");
        for (; *filename; filename += character_size(filename))
                buffer_putc(to, (unsigned char)*filename >= 0x80 || strchr("\"\\?=", *filename)
                                                ? '_'
                                                : *filename);
        buffer_putc(to, '"');
}

/*
 * The extended form comes first, because readers that know both and take the first would else get
 * the poorer name. A long name has no fallback: cut, it would lose its extension.
 */
int header_attachment(struct buffer *to, const char *filename) {
        _cleanup_(buffer_done) struct buffer fallback = { 0 };
        const char *reason;
        struct folder f;
        bool extended;
        int r;

        r = mail_text_check(filename, &reason);
        if (r < 0)
                return r;

        put_fallback(filename, &fallback);
        if (buffer_error(&fallback) < 0) {
                to->failed = true;
                return 0;
        }
        extended = fallback.size > WORD_MAX || !mail_text_is_ascii(filename) ||
                   strpbrk(filename, "\"\\?=");

        f = fold_begin(to, "Content-Disposition");
        fold_word(&f, "attachment;", strlen("attachment;"));
        if (extended)
                fold_extended_filename(&f, filename);
        if (fallback.size <= WORD_MAX) {
                if (extended) {
                        buffer_putc(to, ';');
                        f.column++;
                }
                fold_word(&f, fallback.data, fallback.size);
        }
        fold_end(&f);
        return 0;
}
