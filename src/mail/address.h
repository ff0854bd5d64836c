/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One mailbox: `a@b.c` or `Name <a@b.c>` (RFC 5322 §3.4, RFC 6532). Stricter than the RFC: no
 * comments, groups, routes, address literals or several addresses in a string, because each of
 * them lets two readers see different recipients. Laxer in one thing: a display name may hold
 * commas and dots without quotes, and never becomes a second recipient by that.
 */

#include <stddef.h>

#include "base/buffer.h"

struct mailbox {
        char *name;    /* owned; the display name, unquoted; NULL when there is none */
        char *address; /* owned; local@domain as it travels, ASCII unless its local part is not */
};

void mailbox_done(struct mailbox *m);

/*
 * The domain comes out in lower case, and as A-labels (libidn2) unless the local part is beyond
 * ASCII. The caller owns what *ret holds. Returns 0, -ENOMEM, or -EINVAL with the reason (static
 * text, "has …").
 */
int mailbox_parse(const char *text, struct mailbox *ret, const char **ret_reason);

/* As text that mailbox_parse() makes the same of. */
void mailbox_write(const struct mailbox *m, struct buffer *to);

/* Where the domain of a parsed address begins. Borrowed from m. */
const char *mailbox_domain(const struct mailbox *m);

/*
 * A message id: `left@right`, with or without its angle brackets. *ret, which the caller frees, is
 * without them. Returns as mailbox_parse() does.
 */
int message_id_parse(const char *text, char **ret, const char **ret_reason);
