/* SPDX-License-Identifier: MIT */
#include "mail/address-list.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "mail/address.h"
#include "mail/text.h"

struct list {
        struct mailbox *items;
        size_t n, max;
        struct buffer piece; /* what was read since the last comma, without its comments */
        bool in_group;
        size_t n_before_group;
        const char *reason;
};

static void list_done(struct list *l) {
        l->items = mailbox_list_free(l->items, l->n);
        buffer_done(&l->piece);
}

/* What stands in the one pair of angle brackets at the end, as a string in place, or NULL. */
static char *bare_address(char *piece) {
        char *open = piece, *close;
        bool quoted = false;

        for (; *open && (quoted || *open != '<'); open++)
                if (*open == '\\' && open[1])
                        open++;
                else if (*open == '"')
                        quoted = !quoted;
        close = strchr(open, '>');
        if (!*open || !close || strchr(open + 1, '<') || close[1 + strspn(close + 1, " ")])
                return NULL;
        *close = 0;
        return open + 1;
}

static int parse_piece(struct list *l, struct mailbox *ret) {
        const char *reason, *address;
        int r;

        r = mailbox_parse(l->piece.data, ret, &l->reason);
        if (r != -EINVAL)
                return r;
        address = bare_address(l->piece.data);
        return address ? mailbox_parse(address, ret, &reason) : r;
}

static bool is_blank(const struct buffer *b) {
        return b->size == 0 || strspn(b->data, " ") == b->size;
}

static int end_piece(struct list *l) {
        struct mailbox m, *items;
        int r;

        if (buffer_error(&l->piece) < 0)
                return -ENOMEM;
        if (is_blank(&l->piece)) {
                buffer_clear(&l->piece);
                return 0;
        }
        if (l->n == l->max)
                return -E2BIG;

        r = parse_piece(l, &m);
        if (r < 0)
                return r;
        items = reallocarray(l->items, l->n + 1, sizeof(*items));
        if (!items) {
                mailbox_done(&m);
                return -ENOMEM;
        }
        l->items = items;
        items[l->n++] = m;
        buffer_clear(&l->piece);
        return 0;
}

/* Copies the quoted-string at p, as it is, and returns its last character. */
static const char *copy_quoted(const char *p, struct buffer *to) {
        buffer_putc(to, *p++);
        while (*p && *p != '"') {
                if (*p == '\\' && p[1])
                        buffer_putc(to, *p++);
                buffer_putc(to, *p++);
        }
        if (!*p)
                return p - 1;
        buffer_putc(to, *p);
        return p;
}

/* Returns the last character of the comment at p, and those within it. */
static const char *skip_comment(const char *p) {
        unsigned depth = 0;

        for (; *p; p++)
                if (*p == '\\' && p[1])
                        p++;
                else if (*p == '(')
                        depth++;
                else if (*p == ')' && --depth == 0)
                        break;
        return *p ? p : p - 1;
}

static void begin_group(struct list *l) {
        l->in_group = true;
        l->n_before_group = l->n;
        buffer_clear(&l->piece);
}

/* A comma ends a mailbox if there is one; a colon has made a group's name of what was before. */
static int take(struct list *l, char c, bool in_brackets, bool has_address) {
        if (!in_brackets && c == ';')
                l->in_group = false;
        if (!in_brackets && (c == ';' || (c == ',' && (has_address || is_blank(&l->piece)))))
                return end_piece(l);
        if (!in_brackets && c == ':')
                begin_group(l);
        else
                buffer_putc(&l->piece, c);
        return 0;
}

/* Of a group without its end, readers disagree who is in it. One without mailboxes does no harm. */
static int end_list(struct list *l) {
        int r = end_piece(l);

        if (r < 0 || !l->in_group || l->n == l->n_before_group)
                return r;
        l->reason = "has a group that is not closed";
        return -EINVAL;
}

static int read_list(const char *text, struct list *l) {
        bool in_brackets = false, has_address = false;
        int r;

        for (const char *p = text; *p; p++) {
                if (*p == '"') {
                        p = copy_quoted(p, &l->piece);
                        continue;
                }
                if (*p == '(') {
                        p = skip_comment(p);
                        buffer_putc(&l->piece, ' ');
                        continue;
                }
                in_brackets = *p == '<' || (in_brackets && *p != '>');
                has_address = has_address || *p == '@';
                r = take(l, *p, in_brackets, has_address);
                if (r < 0)
                        return r;
                if (l->piece.size == 0)
                        has_address = false;
        }
        return end_list(l);
}

int mailbox_list_parse(const char *value, size_t max, struct mailbox **ret, size_t *ret_n,
                       const char **ret_reason) {
        _cleanup_(list_done) struct list l = { .max = max };
        _cleanup_(freep) char *text = NULL;
        int r;

        r = mail_text_unfold(value, &text, &l.reason);
        if (r >= 0)
                r = read_list(text, &l);
        if (r < 0) {
                *ret_reason = l.reason;
                return r;
        }
        *ret = TAKE_PTR(l.items);
        *ret_n = l.n;
        l.n = 0;
        return 0;
}

struct mailbox *mailbox_list_free(struct mailbox *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                mailbox_done(&list[i]);
        free(list);
        return NULL;
}
