/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A message on its way through DATA (RFC 5321 §4.5.2): what may not travel so, and the dots that
 * are doubled. Pure; the message is never copied.
 */

#include <stdbool.h>
#include <stddef.h>

#define SMTP_MAX_LINE 998 /* RFC 5322 §2.1.1, its end not among them */

/*
 * Whether servers read the same lines in it as we do: CR and LF stand together or not at all, since
 * servers that end a line at a lone one can be made to see an end of the message, and another one
 * behind it; no NUL, no line over SMTP_MAX_LINE. Says whether all of it is ASCII. 0 or -EINVAL.
 */
int smtp_message_check(const char *message, size_t size, bool *ret_ascii);

/* Where in the message the sending is. Zero-initialised but for the first two is the beginning. */
struct smtp_stuffing {
        const char *message; /* borrowed */
        size_t size;
        size_t at;
        bool stuffed, over;
};

/* As a server counts it (RFC 1870 §5): with its last line's end, without dots that were doubled. */
size_t smtp_stuffing_size(const struct smtp_stuffing *s);

/*
 * The next piece to send. *ret_last says that it is the end, with which the message is handed over:
 * CRLF, a dot, CRLF. Returns its size, 0 when there are no more.
 */
size_t smtp_stuffing_next(struct smtp_stuffing *s, const char **ret, bool *ret_last);
