/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The text of a message, in the transfer encoding that suits it: 7bit where nothing on the way can
 * change it, else quoted-printable or base64 (RFC 2045 §6), whichever is shorter. Line ends of any
 * kind leave as CRLF. What comes out holds no line over 78 columns, no lone dot and nowhere "=_",
 * with which our boundaries begin.
 */

#include <stddef.h>

#include "base/buffer.h"

enum body_encoding {
        BODY_7BIT,
        BODY_QUOTED_PRINTABLE,
        BODY_BASE64,
};

struct body_plan {
        enum body_encoding encoding;
        size_t size; /* about as many bytes come out, within a few percent */
};

struct body_plan body_plan(const char *text);

/* For Content-Transfer-Encoding. */
const char *body_encoding_name(enum body_encoding encoding);

void body_write(const char *text, enum body_encoding encoding, struct buffer *to);
