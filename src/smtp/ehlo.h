/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a server says that it can, in its answer to EHLO (RFC 5321 §4.1.1.1). Pure.
 */

#include <stdbool.h>
#include <stdint.h>

struct smtp_features {
        bool pipelining;   /* RFC 2920 */
        bool utf8;         /* RFC 6531; BODY=8BITMIME (RFC 6152) goes with it */
        bool size;         /* RFC 1870: MAIL takes the message's size */
        uint64_t max_size; /* bytes; 0: not said */
};

/* `text` is that of a reply: its first line greets. */
void smtp_features_read(const char *text, struct smtp_features *ret);
