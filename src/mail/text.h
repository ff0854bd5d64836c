/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What text may stand in a header. The one gate in front of every header line: who passes it can
 * neither end a line nor begin another one.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/*
 * Whether `text` is UTF-8 without control characters: C0 (with TAB), DEL, C1 (with U+0085), and
 * the line and paragraph separators U+2028 and U+2029. Returns 0, or -EINVAL with the reason
 * (static text, "holds …").
 */
int mail_text_check(const char *text, const char **ret_reason);

/*
 * Whether it holds an explicit direction (U+202A to U+202E, U+2066 to U+2069), which makes an
 * address look like another one. A name written from right to left needs none.
 */
bool mail_text_turns_direction(const char *text);

bool mail_text_is_ascii(const char *text);

/*
 * Makes text that may stand in a header of another's: blanks for what mail_text_check() refuses,
 * none at the ends, cut between characters to `max` bytes. The caller frees *ret. Returns 0,
 * -ENOMEM, or -EINVAL for what is no UTF-8.
 */
int mail_text_clean(const char *text, size_t max, char **ret);

/*
 * The value of a header of another's in one line: where it was folded (RFC 5322 §2.2.3), and for
 * each TAB, stands a blank, and none at the ends. The caller frees *ret. Returns 0, -ENOMEM, or -EINVAL with the reason
 * (static text, "holds …"): for what mail_text_check() refuses, so also for a line end that folds
 * nothing. What stands behind that was meant as something else than the rest of the value.
 */
int mail_text_unfold(const char *value, char **ret, const char **ret_reason);

/* Appends it as a quoted-string (RFC 5322 §3.2.4). */
void mail_text_quote(const char *text, struct buffer *to);
