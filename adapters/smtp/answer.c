/* SPDX-License-Identifier: MIT */
#include "smtp/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "mail/text.h"
#include "smtp/mailbox.h"
#include "smtp/recipients.h"

/* Busy servers say how long only in words, if at all. */
#define RATE_WAIT_MSEC (UINT64_C(60) * 1000)

#define ECHO_PART 12
#define ECHO_MIN 4

static bool holds(const char *text, const char *secret) {
        size_t n = strnlen(secret, ECHO_PART);

        return n >= ECHO_MIN && memmem(text, strlen(text), secret, n);
}

/* In base64, as a login sends it. */
static bool holds_encoded(const char *text, const char *data, size_t size) {
        size_t max = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);
        char *encoded = malloc(max);
        bool r;

        if (!encoded)
                return true;
        sodium_bin2base64(encoded, max, (const unsigned char *)data, size,
                          sodium_base64_VARIANT_ORIGINAL);
        r = holds(text, encoded);
        sodium_memzero(encoded, max);
        free(encoded);
        return r;
}

/*
 * A server may quote a line that it did not understand, and that may be the login's: of LOGIN it is
 * the secret alone, of PLAIN and XOAUTH2 it begins with the name.
 */
static bool echoes_login(const struct adapter_input *input, const char *text) {
        _cleanup_(smtp_envelope_freep) struct smtp_envelope *e = NULL;
        _cleanup_(mailbox_done) struct mailbox from = { 0 };
        char plain[32] = { 0 }, xoauth2[32];

        if (smtp_mailbox_read(input->credential, &e, &from) < 0)
                return true;
        snprintf(plain + 1, sizeof(plain) - 1, "%s", e->username); /* behind a NUL */
        snprintf(xoauth2, sizeof(xoauth2), "user=%s", e->username);
        /* Of what goes on, whole groups of three bytes are known. */
        return holds(text, e->secret->data) ||
               holds_encoded(text, e->secret->data, e->secret->size) ||
               holds_encoded(text, plain, (1 + strlen(plain + 1)) / 3 * 3) ||
               holds_encoded(text, xoauth2, strlen(xoauth2) / 3 * 3);
}

static void quote(const struct adapter_input *input, const struct smtp_reply *reply, char *ret,
                  size_t size) {
        smtp_reply_quote(reply, ret, size);
        if (echoes_login(input, ret))
                *ret = 0;
}

void smtp_answer_said(const struct adapter_input *input, const struct smtp_answer *answer,
                      char ret[static SMTP_SAID_SIZE]) {
        quote(input, &answer->reply, ret, SMTP_SAID_SIZE);
}

#define LOGIN_AGAIN \
        "store the mailbox with its present (app) password with auth_token, or 'actionctl auth " \
        "import smtp'"
#define NO_SENDER "it refuses the sender"
#define NO_RECIPIENT "it refuses recipients, and nobody got the e-mail; the paths name them"
#define TOO_LARGE "the message is larger than it takes; attach less"
#define LATER "it wants it later; nothing was sent"
#define LATER_TO "it wants recipients later, and nobody got the e-mail; the paths name them"

/* The first row that fits. A code of one digit is a kind of code. */
/* clang-format off */
static const struct meaning {
        int code;
        enum smtp_step first, last; /* of these steps */
        enum ae_code means;
        const char *enhanced; /* with which the enhanced code begins; NULL: any, or none */
        const char *advice; /* NULL: what it says */
} meanings[] = {
        { 421, SMTP_STEP_GREETING,  SMTP_STEP_GREETING,  AE_RATE_LIMITED,             NULL,   LATER                               },
        { 3,   SMTP_STEP_LOGIN,     SMTP_STEP_LOGIN,     AE_REAUTHORIZATION_REQUIRED, NULL,   "it refuses the login; " LOGIN_AGAIN },
        { 5,   SMTP_STEP_LOGIN,     SMTP_STEP_LOGIN,     AE_REAUTHORIZATION_REQUIRED, NULL,   "it refuses the login; " LOGIN_AGAIN },
        { 530, SMTP_STEP_SENDER,    SMTP_STEP_MESSAGE,   AE_REAUTHORIZATION_REQUIRED, NULL,   "it wants a login; " LOGIN_AGAIN    },
        { 552, SMTP_STEP_SENDER,    SMTP_STEP_SENDER,    AE_UPSTREAM_REJECTED,        NULL,   TOO_LARGE                           },
        { 552, SMTP_STEP_DATA,      SMTP_STEP_MESSAGE,   AE_UPSTREAM_REJECTED,        NULL,   TOO_LARGE                           },
        { 5,   SMTP_STEP_SENDER,    SMTP_STEP_SENDER,    AE_UPSTREAM_REJECTED,        NULL,   NO_SENDER                           },
        { 5,   SMTP_STEP_RECIPIENT, SMTP_STEP_RECIPIENT, AE_UPSTREAM_REJECTED,        NULL,   NO_RECIPIENT                        },
        { 5,   SMTP_STEP_GREETING,  SMTP_STEP_MESSAGE,   AE_UPSTREAM_REJECTED,        NULL,   NULL                                },
        { 450, SMTP_STEP_RECIPIENT, SMTP_STEP_RECIPIENT, AE_RATE_LIMITED,             NULL,   LATER_TO                            },
        { 452, SMTP_STEP_RECIPIENT, SMTP_STEP_RECIPIENT, AE_RATE_LIMITED,             NULL,   LATER_TO                            },
        { 4,   SMTP_STEP_RECIPIENT, SMTP_STEP_RECIPIENT, AE_RATE_LIMITED,             "4.7.", LATER_TO                            },
        { 4,   SMTP_STEP_RECIPIENT, SMTP_STEP_RECIPIENT, AE_UPSTREAM_ERROR,           NULL,   LATER_TO                            },
        { 450, SMTP_STEP_GREETING,  SMTP_STEP_MESSAGE,   AE_RATE_LIMITED,             NULL,   LATER                               },
        { 452, SMTP_STEP_GREETING,  SMTP_STEP_MESSAGE,   AE_RATE_LIMITED,             NULL,   LATER                               },
        { 4,   SMTP_STEP_GREETING,  SMTP_STEP_MESSAGE,   AE_RATE_LIMITED,             "4.7.", LATER                               },
        { 4,   SMTP_STEP_GREETING,  SMTP_STEP_MESSAGE,   AE_UPSTREAM_ERROR,           NULL,   "it cannot take it now; nothing was sent" },
};
/* clang-format on */

static const struct meaning unclear = { .means = AE_UPSTREAM_ERROR };

static const struct meaning *find_meaning(const struct smtp_answer *a) {
        for (size_t i = 0; i < ELEMENTSOF(meanings); i++) {
                const struct meaning *m = &meanings[i];
                int code = m->code < 10 ? a->reply.code / 100 : a->reply.code;

                if (m->code == code && m->first <= a->step && a->step <= m->last &&
                    (!m->enhanced || strncmp(a->reply.text, m->enhanced, strlen(m->enhanced)) == 0))
                        return m;
        }
        return &unclear;
}

/* Findings at those of the recipients who are refused, or cannot be named to the server. */
static int add_findings(const struct adapter_input *input, const struct smtp_answer *a,
                        struct ae_error *error) {
        _cleanup_(freep) struct smtp_recipient *list = NULL;
        _cleanup_(email_done) struct email e = { 0 };
        char path[SMTP_PATH_SIZE];
        size_t n;
        int r;

        r = email_read(input->payload, &e, error);
        if (r >= 0)
                r = smtp_recipients_list(&e, &list, &n);
        if (r < 0)
                return r;

        for (size_t i = 0; i < a->n_refusals; i++) {
                const struct smtp_refusal *refusal = &a->refusals[i];

                if (refusal->recipient >= n)
                        return -EINVAL;
                smtp_recipient_path(&list[refusal->recipient], input->payload, path);
                ae_error_add(error, path, "is refused: '%d %s'", refusal->code,
                             echoes_login(input, refusal->text) ? "" : refusal->text);
        }
        for (size_t i = 0; a->obstacle == SMTP_NO_UTF8 && i < n; i++) {
                if (mail_text_is_ascii(list[i].address))
                        continue;
                smtp_recipient_path(&list[i], input->payload, path);
                ae_error_add(error, path, "needs SMTPUTF8, which the mail server does not have");
        }
        return 0;
}

static int tell_obstacle(const struct smtp_answer *a, struct ae_error *error) {
        switch (a->obstacle) {
        case SMTP_NO_ADDRESS:
                ae_error_detail(error, "by", "configuration");
                return ae_error_set(error, AE_FORBIDDEN,
                                    "the mail server's address is not public, or its port is none "
                                    "for mail: the administrator can list it in [Smtp] "
                                    "AllowAddress=");
        case SMTP_NO_TLS:
                return ae_error_set(error, AE_UPSTREAM_REJECTED,
                                    "the mail server offers no encryption by STARTTLS, and nothing "
                                    "is sent without; store the mailbox with security 'tls' if it "
                                    "has that");
        case SMTP_NO_LOGIN:
                return ae_error_set(
                                error, AE_REAUTHORIZATION_REQUIRED,
                                "the mail server offers no login of the kind that the mailbox "
                                "was stored with; store it with another `auth`, or another port");
        case SMTP_NO_SIZE:
                return ae_error_set(error, AE_UPSTREAM_REJECTED,
                                    "the mail server takes messages of at most %" PRIu64
                                    " bytes, and this one is larger; attach less",
                                    a->max_size);
        case SMTP_NO_UTF8:
                return ae_error_set(error, AE_UPSTREAM_REJECTED,
                                    "an address has letters beyond ASCII before its '@', and the "
                                    "mail server does not take such (SMTPUTF8)");
        case SMTP_NO_OBSTACLE:
                break;
        }
        return 0;
}

static int tell_reply(const struct smtp_answer *a, struct ae_error *error) {
        const struct meaning *m = find_meaning(a);
        const char *said = error->upstream_message;

        if (m->means == AE_RATE_LIMITED)
                error->retry_after_msec = RATE_WAIT_MSEC;
        if (m->advice)
                return ae_error_set(error, m->means, "the mail server answered %d: %s",
                                    a->reply.code, m->advice);
        return ae_error_set(error, m->means, "the mail server answered %d%s%s%s", a->reply.code,
                            *said ? ": '" : "", said, *said ? "'" : "");
}

int smtp_answer_refusal(const struct adapter_input *input, const struct smtp_answer *a,
                        struct ae_error *error) {
        int r;

        if (a->n_refusals > 0 || a->obstacle == SMTP_NO_UTF8) {
                r = add_findings(input, a, error);
                if (r < 0)
                        return ae_error_from_errno(error, r);
        }
        if (a->obstacle != SMTP_NO_OBSTACLE)
                return tell_obstacle(a, error);

        error->upstream_status = a->reply.code;
        snprintf(error->upstream_reason, sizeof(error->upstream_reason), "%.*s",
                 (int)smtp_enhanced_code(a->reply.text), a->reply.text);
        quote(input, &a->reply, error->upstream_message, sizeof(error->upstream_message));
        return tell_reply(a, error);
}
