/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A server's replies (RFC 5321 §4.2): bytes in, one reply after the other out. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#define SMTP_MAX_REPLY_LINE 2048 /* bytes, its end not among them; the RFC has 512 */
#define SMTP_MAX_REPLY_LINES 128
#define SMTP_REPLY_TEXT_SIZE 4096

struct smtp_reply {
        int code; /* 200 to 599 */
        /* What stands behind the codes, one line each, cut at the size. It may be no UTF-8. */
        char text[SMTP_REPLY_TEXT_SIZE];
};

/* Zero-initialised is valid. */
struct smtp_reader {
        char line[SMTP_MAX_REPLY_LINE];
        size_t line_size;
        size_t n_lines, text_size; /* of the reply that is being read */
        struct smtp_reply reply;
};

/*
 * Reads as far as the end of one reply. Returns 1, with the reply in r->reply until the next call;
 * 0 when all `size` bytes were taken and more are needed; -EBADMSG for what is no reply or one over
 * the limits, after which the reader is of no use. *ret_taken is how many bytes it took.
 */
int smtp_reader_feed(struct smtp_reader *r, const char *data, size_t size, size_t *ret_taken);

/* The enhanced code (RFC 3463) that the text begins with, "5.1.1". Returns its length or 0. */
size_t smtp_enhanced_code(const char *text);

/* The text for a person, in one line: as far as it fits, and what is no character as '?'. */
void smtp_reply_quote(const struct smtp_reply *r, char *ret, size_t size);
