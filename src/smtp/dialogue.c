/* SPDX-License-Identifier: MIT */
#include "smtp/dialogue.h"

#include <errno.h>
#include <string.h>

#define GO_ON 354

/* By what stands in d->answer. */
static int end(struct smtp_dialogue *d, enum smtp_step step) {
        d->answer.step = step;
        d->phase = SMTP_PHASE_OVER;
        d->piece_size = 0;
        return 1;
}

static int end_with_reply(struct smtp_dialogue *d, enum smtp_step step) {
        d->answer.reply = d->reader.reply;
        return end(d, step);
}

static int end_before(struct smtp_dialogue *d, enum smtp_obstacle obstacle) {
        d->answer.obstacle = obstacle;
        d->answer.max_size = d->features.max_size;
        return end(d, SMTP_STEP_SENDER);
}

static bool is_ascii(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text >= 0x80)
                        return false;
        return true;
}

static void put_sender(struct smtp_dialogue *d) {
        buffer_printf(&d->commands, "MAIL FROM:<%s>", d->envelope->sender);
        if (d->features.size)
                buffer_printf(&d->commands, " SIZE=%zu", smtp_stuffing_size(&d->stuffing));
        if (!d->ascii)
                buffer_puts(&d->commands, " BODY=8BITMIME SMTPUTF8");
        buffer_puts(&d->commands, "\r\n");
}

/* As many as may stand unanswered. */
static void put_commands(struct smtp_dialogue *d) {
        while (d->n_sent <= d->envelope->n_recipients &&
               (d->features.pipelining || d->n_sent == d->n_answered)) {
                if (d->n_sent == 0)
                        put_sender(d);
                else
                        buffer_printf(&d->commands, "RCPT TO:<%s>\r\n",
                                      d->envelope->recipients[d->n_sent - 1]);
                d->n_sent++;
        }
}

/* What was put is what is to be sent: all before it is answered, and so was sent. */
static int offer_commands(struct smtp_dialogue *d) {
        d->piece = d->commands.data;
        d->piece_size = d->commands.size;
        return buffer_error(&d->commands);
}

int smtp_dialogue_init(struct smtp_dialogue *d, const struct smtp_envelope *envelope,
                       const char *message, size_t size, const struct smtp_features *features) {
        int r;

        *d = (struct smtp_dialogue){
                .envelope = envelope,
                .features = *features,
                .stuffing = { .message = message, .size = size },
        };

        if (envelope->login_alone) {
                d->answer.accepted = true;
                return end(d, SMTP_STEP_LOGIN);
        }

        r = smtp_message_check(message, size, &d->ascii);
        if (r < 0)
                return r;
        d->ascii = d->ascii && is_ascii(envelope->sender);
        for (size_t i = 0; i < envelope->n_recipients; i++)
                d->ascii = d->ascii && is_ascii(envelope->recipients[i]);

        if (!d->ascii && !features->utf8)
                return end_before(d, SMTP_NO_UTF8);
        if (features->max_size > 0 && smtp_stuffing_size(&d->stuffing) > features->max_size)
                return end_before(d, SMTP_NO_SIZE);

        put_commands(d);
        return offer_commands(d);
}

void smtp_dialogue_done(struct smtp_dialogue *d) {
        buffer_done(&d->commands);
        free(d->answer.refusals);
        *d = (struct smtp_dialogue){ 0 };
}

size_t smtp_dialogue_output(struct smtp_dialogue *d, const char **ret, bool *ret_last) {
        if (d->piece_size == 0 && d->phase == SMTP_PHASE_MESSAGE)
                d->piece_size = smtp_stuffing_next(&d->stuffing, &d->piece, &d->piece_is_last);
        *ret = d->piece;
        *ret_last = d->piece_is_last;
        return d->piece_size;
}

void smtp_dialogue_sent(struct smtp_dialogue *d, size_t size) {
        d->piece += size;
        d->piece_size -= size;
        if (d->piece_is_last)
                d->phase = SMTP_PHASE_VERDICT;
}

static int note_refusal(struct smtp_dialogue *d) {
        struct smtp_answer *a = &d->answer;
        struct smtp_refusal *refusal;

        if (!a->refusals)
                a->refusals = calloc(SMTP_MAX_REFUSALS, sizeof(*a->refusals));
        if (!a->refusals)
                return -ENOMEM;
        if (a->n_refusals == SMTP_MAX_REFUSALS)
                return 0;

        refusal = &a->refusals[a->n_refusals++];
        refusal->recipient = d->n_answered - 1;
        refusal->code = d->reader.reply.code;
        smtp_reply_quote(&d->reader.reply, refusal->text, sizeof(refusal->text));
        return 0;
}

/* The reply that is worst decides: what can never be accepted is not to be tried again. */
static void note_worst(struct smtp_dialogue *d) {
        if (d->answer.n_refusals <= 1 || d->reader.reply.code / 100 > d->answer.reply.code / 100)
                d->answer.reply = d->reader.reply;
}

static int take_envelope(struct smtp_dialogue *d) {
        int code = d->reader.reply.code, r;

        /* There is always one that was offered; an answer to what was not yet sent is none. */
        if (code / 100 == 3 || (d->n_answered + 1 == d->n_sent && d->piece_size > 0))
                return -EBADMSG;
        if (d->n_answered == 0 && code / 100 != 2)
                return end_with_reply(d, SMTP_STEP_SENDER);
        if (code / 100 != 2) {
                r = note_refusal(d);
                if (r < 0)
                        return r;
                note_worst(d);
        }
        d->n_answered++;

        if (d->n_answered <= d->envelope->n_recipients) {
                if (d->n_answered < d->n_sent)
                        return 0;
                buffer_clear(&d->commands);
                put_commands(d);
                return offer_commands(d);
        }
        if (d->answer.n_refusals > 0)
                return end(d, SMTP_STEP_RECIPIENT);
        d->phase = SMTP_PHASE_DATA;
        buffer_clear(&d->commands);
        buffer_puts(&d->commands, "DATA\r\n");
        return offer_commands(d);
}

/* Returns as smtp_dialogue_feed() does. */
static int take_reply(struct smtp_dialogue *d) {
        int kind = d->reader.reply.code / 100;

        /* It goes, and says so whenever it likes (§3.8). */
        if (d->reader.reply.code == 421 && d->phase == SMTP_PHASE_ENVELOPE)
                return end_with_reply(d, SMTP_STEP_GREETING);

        switch (d->phase) {
        case SMTP_PHASE_ENVELOPE:
                return take_envelope(d);
        case SMTP_PHASE_DATA:
                if (d->piece_size > 0)
                        return -EBADMSG;
                if (kind > 3)
                        return end_with_reply(d, SMTP_STEP_DATA);
                if (d->reader.reply.code != GO_ON)
                        return -EBADMSG;
                d->phase = SMTP_PHASE_MESSAGE;
                return 0;
        case SMTP_PHASE_MESSAGE:
                /* It has heard enough: without the end, there is nothing to be withdrawn. */
                return kind > 3 ? end_with_reply(d, SMTP_STEP_MESSAGE) : -EBADMSG;
        case SMTP_PHASE_VERDICT:
                if (kind == 3)
                        return -EBADMSG;
                d->answer.accepted = kind == 2;
                return end_with_reply(d, SMTP_STEP_MESSAGE);
        case SMTP_PHASE_OVER:
                break;
        }
        return 1;
}

int smtp_dialogue_feed(struct smtp_dialogue *d, const char *data, size_t size) {
        int r = 0;

        while (r == 0 && size > 0) {
                size_t taken;

                r = smtp_reader_feed(&d->reader, data, size, &taken);
                if (r <= 0)
                        return r;
                data += taken;
                size -= taken;
                r = take_reply(d);
        }
        return r;
}
