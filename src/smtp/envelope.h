/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What a mail server is told beside the message (RFC 5321 §2.3.1), and which server that is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

enum smtp_login {
        SMTP_LOGIN_PASSWORD, /* PLAIN or LOGIN, as the server has it */
        SMTP_LOGIN_PLAIN,    /* RFC 4616 */
        SMTP_LOGIN_LOGIN,
        SMTP_LOGIN_XOAUTH2, /* developers.google.com/workspace/gmail/imap/xoauth2-protocol */
};

struct smtp_envelope {
        char *host; /* owned; a name or an address, of an IPv6 one in brackets */
        uint16_t port;
        bool tls_at_once; /* smtps (RFC 8314); else STARTTLS (RFC 3207). Never without TLS */
        enum smtp_login login;
        char *username;        /* owned */
        struct secret *secret; /* owned: a password, or an access token */
        bool login_alone;      /* nothing is sent, and what follows is not there */

        /* Addresses as they travel: no brackets, no control characters. */
        char *sender;      /* owned */
        char **recipients; /* owned, each */
        size_t n_recipients;
};

struct smtp_envelope *smtp_envelope_free(struct smtp_envelope *e);
DEFINE_CLEANUP(struct smtp_envelope *, smtp_envelope_free);
