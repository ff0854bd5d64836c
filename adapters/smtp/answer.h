/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a mail server's last word means (RFC 5321 §4.2, RFC 3463).
 */

#include "action/adapter.h"
#include "smtp/dialogue.h"

#define SMTP_SAID_SIZE 256

/* What it said, as far as it may be repeated: nothing that echoes the login. */
void smtp_answer_said(const struct adapter_input *input, const struct smtp_answer *answer,
                      char ret[static SMTP_SAID_SIZE]);

/* Of one that was not accepted. Fills `error` and returns its code's negative errno. */
int smtp_answer_refusal(const struct adapter_input *input, const struct smtp_answer *answer,
                        struct ae_error *error);
