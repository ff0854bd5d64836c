/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Foreign text that is about to be repeated: an answer can echo the token that it was sent.
 */

#include <stdbool.h>

/* Whether there may be a token in the text: its mark, or a word too long and dense to be one. */
bool quote_may_hold_secret(const char *text);
