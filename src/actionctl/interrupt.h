/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Ctrl-C while somebody else is at work: it ends the program, as it would anyway, but with a sentence
 * that tells what becomes of what was asked for.
 */

/* From now on. `sentence` is static text. What is ignored stays so. */
void interrupt_begin(const char *sentence);
/* Without a word again. */
void interrupt_end(void);
