/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Header lines: folded at 76 columns (RFC 5322 §2.2.3, never over 998), text beyond plain ASCII as
 * encoded-words (RFC 2047) or extended parameters (RFC 2231). Each call appends whole lines ending
 * in CRLF and returns 0, or -EINVAL for a value that may not stand in a header: of that it has
 * appended nothing. Out of memory shows in buffer_error().
 */

#include <stddef.h>

#include "base/buffer.h"

struct mailbox;

/* Text for people, such as a subject. */
int header_text(struct buffer *to, const char *name, const char *value);

/* Mailboxes, in one line that is folded. None: no line. */
int header_mailboxes(struct buffer *to, const char *name, const struct mailbox *mailboxes,
                     size_t n_mailboxes);

/* A value of our own making without blanks, of at most 900 bytes of ASCII, as it is. */
int header_token(struct buffer *to, const char *name, const char *value);

/* Message ids, each without its angle brackets and under the rules of header_token(). */
int header_ids(struct buffer *to, const char *name, const char *const *ids, size_t n_ids);

/* `Content-Disposition: attachment` with the file's name. */
int header_attachment(struct buffer *to, const char *filename);
