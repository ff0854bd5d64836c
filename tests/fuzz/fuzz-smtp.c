/* SPDX-License-Identifier: MIT */
/*
 * Random bytes as what a mail server says, through the dialogue. The first two say what the server
 * can and how slowly the connection takes bytes. Whatever comes, the end leaves once and only
 * behind a 354, what left is the message with its dots doubled, and no answer outgrows its limits.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "smtp/dialogue.h"

static void must(bool truth) {
        if (!truth)
                abort();
}

static const char message[] = "Subject: x\r\n\r\n.\r\n..\r\nend";
static const char stuffed[] = "Subject: x\r\n\r\n..\r\n...\r\nend\r\n.\r\n";

static char *recipients[] = { (char *)"a@x", (char *)"b@x", (char *)"c@x" };
static const struct smtp_envelope envelope = {
        .sender = (char *)"me@x",
        .recipients = recipients,
        .n_recipients = 3,
};

/* Returns whether the end began to leave. */
static bool drain(struct smtp_dialogue *d, size_t most, struct buffer *sent) {
        bool left = false, last;
        const char *data;
        size_t n;

        while ((n = smtp_dialogue_output(d, &data, &last)) > 0) {
                n = n < most ? n : most;
                buffer_append(sent, data, n);
                left = left || last;
                smtp_dialogue_sent(d, n);
        }
        return left;
}

static void look(const struct smtp_dialogue *d, bool left, const struct buffer *sent) {
        const struct smtp_answer *a = &d->answer;

        must(d->phase == SMTP_PHASE_OVER);
        must(!a->accepted || (left && a->reply.code / 100 == 2));
        must(a->obstacle == SMTP_NO_OBSTACLE ? a->reply.code >= 200 && a->reply.code < 600 : !left);
        must(strlen(a->reply.text) < SMTP_REPLY_TEXT_SIZE);
        must(a->n_refusals <= envelope.n_recipients);
        for (size_t i = 0; i < a->n_refusals; i++)
                must(a->refusals[i].recipient < envelope.n_recipients &&
                     a->refusals[i].code >= 400 && !left);
        if (left)
                must(sent->size >= strlen(stuffed) &&
                     memcmp(sent->data + sent->size - strlen(stuffed), stuffed, strlen(stuffed)) ==
                                     0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(smtp_dialogue_done) struct smtp_dialogue d = { 0 };
        _cleanup_(buffer_done) struct buffer sent = { 0 };
        struct smtp_features features;
        struct smtp_reader reader = { 0 };
        const char *text = (const char *)data + 2;
        size_t step, taken;
        bool left = false;
        int r;

        if (size < 2)
                return 0;
        size -= 2;
        step = data[1] % 16 + 1U;

        /* Its first reply is that to EHLO. */
        r = smtp_reader_feed(&reader, text, size, &taken);
        if (r < 0)
                return 0;
        smtp_features_read(reader.reply.text, &features);
        features.pipelining = data[0] & 1;

        r = smtp_dialogue_init(&d, &envelope, message, strlen(message), &features);
        must(r >= 0);
        for (; r == 0 && taken < size; taken += step) {
                size_t n = size - taken < step ? size - taken : step;

                if (drain(&d, step, &sent)) {
                        must(!left);
                        left = true;
                }
                r = smtp_dialogue_feed(&d, text + taken, n);
        }
        if (r == 1)
                look(&d, left, &sent);
        must(!left || memmem(text, size, "354", 3));
        return 0;
}
