/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One mail over a connection that is encrypted and logged in (RFC 5321 §3.3):
 *
 *     MAIL FROM ─► RCPT TO, each ─► DATA ─► the message ─► CRLF . CRLF ─► accepted or refused
 *
 * All recipients are asked for, and if one of them is refused nobody gets the message. Where the
 * server takes several commands at once they go so, but DATA waits until all are answered.
 *
 * Until the last line, the dot, the server has nothing that it may deliver: ending the connection
 * withdraws the mail (§4.1.1.4, §3.8). Behind it the mail is the server's if it says so, and if it
 * says nothing nobody knows. A refusal is clear wherever it comes.
 *
 * Where the login is all that is wanted, it is over before it begins, and accepted.
 *
 * Pure: bytes in, bytes out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "smtp/envelope.h"
#include "smtp/ehlo.h"
#include "smtp/message.h"
#include "smtp/reply.h"

/* What the reply that decided is about. The first two are the connection's. */
enum smtp_step {
        SMTP_STEP_GREETING,
        SMTP_STEP_LOGIN,
        SMTP_STEP_SENDER,
        SMTP_STEP_RECIPIENT,
        SMTP_STEP_DATA,
        SMTP_STEP_MESSAGE,
};

/* Why the server was not even asked. */
enum smtp_obstacle {
        SMTP_NO_OBSTACLE,
        SMTP_NO_ADDRESS, /* it has none that we may connect to: see http/address.h */
        SMTP_NO_TLS,
        SMTP_NO_LOGIN, /* none at all, or no kind of it that we may use */
        SMTP_NO_SIZE,  /* not enough of it: see max_size */
        SMTP_NO_UTF8,
};

#define SMTP_REFUSAL_TEXT_SIZE 256

struct smtp_refusal {
        size_t recipient; /* which of the envelope's */
        int code;
        char text[SMTP_REFUSAL_TEXT_SIZE];
};

#define SMTP_MAX_REFUSALS 100

/* What became of a mail that was answered. */
struct smtp_answer {
        bool accepted;
        enum smtp_obstacle obstacle;
        uint64_t max_size; /* of SMTP_NO_SIZE */
        enum smtp_step step;
        struct smtp_reply reply;       /* the one that decided; its code is 0 where there is none */
        struct smtp_refusal *refusals; /* owned: of recipients, the first SMTP_MAX_REFUSALS */
        size_t n_refusals;
};

enum smtp_phase {
        SMTP_PHASE_ENVELOPE,
        SMTP_PHASE_DATA,
        SMTP_PHASE_MESSAGE,
        SMTP_PHASE_VERDICT, /* the end began to leave */
        SMTP_PHASE_OVER,
};

struct smtp_dialogue {
        const struct smtp_envelope *envelope; /* borrowed */
        struct smtp_features features;
        bool ascii;
        enum smtp_phase phase;
        size_t n_sent, n_answered; /* of MAIL and the RCPTs, in this order */
        struct buffer commands;
        struct smtp_stuffing stuffing;
        const char *piece; /* what is left to send: of `commands`, or of the message */
        size_t piece_size;
        bool piece_is_last;
        struct smtp_reader reader;
        struct smtp_answer answer; /* in SMTP_PHASE_OVER */
};

/*
 * Envelope and message are borrowed until smtp_dialogue_done(). Returns 0; 1 when it is over at
 * once, because the server lacks what the mail needs, or there is nothing to send; -EINVAL for a
 * message that must not travel; -ENOMEM.
 */
int smtp_dialogue_init(struct smtp_dialogue *d, const struct smtp_envelope *envelope,
                       const char *message, size_t size, const struct smtp_features *features);
void smtp_dialogue_done(struct smtp_dialogue *d);

/*
 * What is to be sent now, borrowed until the next call; its size, or 0: the server's turn.
 * *ret_last: with this the mail is handed over.
 */
size_t smtp_dialogue_output(struct smtp_dialogue *d, const char **ret, bool *ret_last);
/* So many of these bytes were taken, at least one. */
void smtp_dialogue_sent(struct smtp_dialogue *d, size_t size);

/*
 * What the server said. Returns 0; 1 when it is over; -EBADMSG when that is no answer to what it
 * was asked; -ENOMEM.
 */
int smtp_dialogue_feed(struct smtp_dialogue *d, const char *data, size_t size);
