/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Who is to receive an e-mail: to, cc and bcc, each address once.
 */

#include "email/email.h"

struct cJSON;

struct smtp_recipient {
        const char *address; /* borrowed from the e-mail */
        const char *field;   /* "to" */
        size_t index;        /* in the field */
};

/* In the payload's order. The caller frees *ret. Returns 0 or -ENOMEM. */
int smtp_recipients_list(const struct email *e, struct smtp_recipient **ret, size_t *ret_n);

/* Where the recipient stands in the payload: "/to/1", or "/to" where that is one string. */
#define SMTP_PATH_SIZE 32
void smtp_recipient_path(const struct smtp_recipient *recipient, const struct cJSON *payload,
                         char ret[static SMTP_PATH_SIZE]);
