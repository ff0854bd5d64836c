/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The mailboxes in a header of another's message (RFC 5322 §3.4), to answer to them. Comments are
 * dropped and groups are taken apart; what stands between two commas is then read by
 * mailbox_parse(), so that nobody is answered to whom one could not write. A piece without an
 * address ("Doe, John <a@b.c>") belongs to the next. A name that cannot be sent is left out. A line
 * end that does not fold the header is refused: what stands behind it never was an address here.
 */

#include <stddef.h>

struct mailbox;

/*
 * The caller owns *ret (NULL where there is none) and frees it with mailbox_list_free(). Returns 0,
 * -ENOMEM, -E2BIG for more than `max`, or -EINVAL with the reason (static text, "has …").
 */
int mailbox_list_parse(const char *value, size_t max, struct mailbox **ret, size_t *ret_n,
                       const char **ret_reason);
struct mailbox *mailbox_list_free(struct mailbox *list, size_t n);
