/* SPDX-License-Identifier: MIT */
/*
 * SMTP as text: replies and features read, messages stuffed, the dialogue gone through.
 */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "smtp/dialogue.h"

static int read_reply(const char *text, size_t size, struct smtp_reader *r) {
        size_t taken;

        memset(r, 0, sizeof(*r));
        return smtp_reader_feed(r, text, size, &taken);
}

static void test_replies(void **state) {
        static const struct {
                const char *text;
                int result, code;
                const char *said;
        } cases[] = {
                { "250 OK\r\n", 1, 250, "OK" },
                { "250\r\n", 1, 250, "" },
                { "250 \r\n", 1, 250, "" },
                { "250 OK\n", 1, 250, "OK" },
                { "599 last\r\n", 1, 599, "last" },
                { "250-a\r\n250-\r\n250 c\r\n", 1, 250, "a\n\nc" },
                { "250-a\r\n250\r\n", 1, 250, "a\n" },
                { "220 a\rb\r\n", 1, 220, "a\rb" },

                { "", 0, 0, NULL },
                { "250 OK", 0, 0, NULL },
                { "250 OK\r", 0, 0, NULL },
                { "250-a\r\n", 0, 0, NULL },

                { "\r\n", -EBADMSG, 0, NULL },
                { "25 OK\r\n", -EBADMSG, 0, NULL },
                { "2500 OK\r\n", -EBADMSG, 0, NULL },
                { "250_OK\r\n", -EBADMSG, 0, NULL },
                { "150 OK\r\n", -EBADMSG, 0, NULL },
                { "600 OK\r\n", -EBADMSG, 0, NULL },
                { "2x0 OK\r\n", -EBADMSG, 0, NULL },
                { " 250 OK\r\n", -EBADMSG, 0, NULL },
                { "250-a\r\n251 b\r\n", -EBADMSG, 0, NULL },
                { "250-a\r\nhello\r\n", -EBADMSG, 0, NULL },
                { "HTTP/1.1 200 OK\r\n", -EBADMSG, 0, NULL },
        };
        static struct smtp_reader r;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                if (read_reply(cases[i].text, strlen(cases[i].text), &r) != cases[i].result)
                        fail_msg("'%s'", cases[i].text);
                if (cases[i].result == 1) {
                        assert_int_equal(r.reply.code, cases[i].code);
                        assert_string_equal(r.reply.text, cases[i].said);
                }
        }
}

/* A stream may break anywhere, so it is broken everywhere. */
static void test_replies_in_pieces(void **state) {
        static const char stream[] = "250-one\r\n250 two\r\n";
        static struct smtp_reader r;

        for (size_t cut = 0; cut < strlen(stream); cut++) {
                size_t taken;

                memset(&r, 0, sizeof(r));
                assert_int_equal(smtp_reader_feed(&r, stream, cut, &taken), 0);
                assert_int_equal(taken, cut);
                assert_int_equal(smtp_reader_feed(&r, stream + cut, strlen(stream) - cut, &taken),
                                 1);
                assert_string_equal(r.reply.text, "one\ntwo");
                /* It begins anew. */
                assert_int_equal(smtp_reader_feed(&r, "354 go\r\nrest", 12, &taken), 1);
                assert_int_equal(taken, 8);
                assert_string_equal(r.reply.text, "go");
        }
}

static void test_replies_have_limits(void **state) {
        static char line[SMTP_MAX_REPLY_LINE + 16], many[(SMTP_MAX_REPLY_LINES + 1) * 16];
        static struct smtp_reader r;
        size_t n;

        memset(line, 'x', sizeof(line));
        memcpy(line, "250 ", 4);
        memcpy(line + SMTP_MAX_REPLY_LINE - 1, "\r\n", 2);
        assert_int_equal(read_reply(line, SMTP_MAX_REPLY_LINE + 1, &r), 1);
        memcpy(line + SMTP_MAX_REPLY_LINE - 1, "xx\r\n", 4);
        assert_int_equal(read_reply(line, SMTP_MAX_REPLY_LINE + 3, &r), -EBADMSG);

        for (size_t lines = SMTP_MAX_REPLY_LINES; lines <= SMTP_MAX_REPLY_LINES + 1; lines++) {
                n = 0;
                for (size_t i = 1; i < lines; i++)
                        n += (size_t)sprintf(many + n, "250-line\r\n");
                n += (size_t)sprintf(many + n, "250 end\r\n");
                assert_int_equal(read_reply(many, n, &r),
                                 lines > SMTP_MAX_REPLY_LINES ? -EBADMSG : 1);
        }

        /* The text is cut, and stays one. */
        memset(&r, 0, sizeof(r));
        memset(line, 'z', sizeof(line));
        memcpy(line, "250-", 4);
        memcpy(line + 2000, "\r\n", 2);
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(smtp_reader_feed(&r, line, 2002, &n), 0);
        assert_int_equal(smtp_reader_feed(&r, "250 end\r\n", 9, &n), 1);
        assert_int_equal(strlen(r.reply.text), SMTP_REPLY_TEXT_SIZE - 1);
}

static void test_what_is_quoted(void **state) {
        static const struct smtp_reply reply = { 550, "5.1.1 a\nb\x1b[m \xff \xc3\xbc" };
        char text[64];

        smtp_reply_quote(&reply, text, sizeof(text));
        assert_string_equal(text, "5.1.1 a b?[m ? \xc3\xbc");
        smtp_reply_quote(&reply, text, 8);
        assert_string_equal(text, "5.1.1 a");
}

static void test_enhanced_codes(void **state) {
        static const struct {
                const char *text;
                size_t n;
        } cases[] = {
                { "5.1.1 no", 5 },
                { "5.1.1", 5 },
                { "4.123.456 x", 9 },
                { "2.0.0\nx", 5 },
                { "5.1.1234 no", 0 },
                { "3.1.1 no", 0 },
                { "5.1 no", 0 },
                { "5..1 no", 0 },
                { "5.1.1x no", 0 },
                { "5.1.1.1 no", 0 },
                { "", 0 },
                { "no", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (smtp_enhanced_code(cases[i].text) != cases[i].n)
                        fail_msg("'%s'", cases[i].text);
}

static void test_features(void **state) {
        static const struct {
                const char *text;
                struct smtp_features expected;
        } cases[] = {
                { "host", { 0 } },
                { "PIPELINING", { 0 } }, /* the first line greets */
                { "h\nPIPELINING", { .pipelining = true } },
                { "h\npipelining\nsmtputf8", { .pipelining = true, .utf8 = true } },
                { "h\nSIZE", { .size = true } },
                { "h\nSIZE 0", { .size = true } },
                { "h\nSIZE 35882577\nX", { .size = true, .max_size = 35882577 } },
                { "h\nSIZE 10\nSMTPUTF8", { .size = true, .max_size = 10, .utf8 = true } },
                { "h\nSIZE -1", { .size = true } },
                { "h\nSIZE 99999999999999999999", { .size = true } },
                { "h\nSIZE=10", { 0 } },
                { "h\nPIPELININGS\nXSIZE 3\n SMTPUTF8", { 0 } },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct smtp_features *e = &cases[i].expected;
                struct smtp_features f;

                smtp_features_read(cases[i].text, &f);
                if (f.pipelining != e->pipelining || f.utf8 != e->utf8 || f.size != e->size ||
                    f.max_size != e->max_size)
                        fail_msg("'%s'", cases[i].text);
        }
}

static void test_messages_that_may_not_travel(void **state) {
        static const struct {
                const char *text;
                size_t size;
                int result;
        } cases[] = {
                { "", 0, 0 },
                { "a", 1, 0 },
                { "a\r\n", 3, 0 },
                { "\r\n.\r\n", 5, 0 },
                { "a\nb", 3, -EINVAL },
                { "\n", 1, -EINVAL },
                { "a\rb", 3, -EINVAL },
                { "a\r", 2, -EINVAL },
                { "a\r\r\n", 4, -EINVAL },
                { "a\n.\r\n", 5, -EINVAL }, /* what smuggling is made of */
                { "a\r.\r\n", 5, -EINVAL },
                { "a\0b", 3, -EINVAL },
        };
        static char line[SMTP_MAX_LINE + 8];
        bool ascii;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (smtp_message_check(cases[i].text, cases[i].size, &ascii) != cases[i].result)
                        fail_msg("case %zu", i);

        memset(line, 'x', sizeof(line));
        memcpy(line + SMTP_MAX_LINE, "\r\n", 2);
        assert_int_equal(smtp_message_check(line, SMTP_MAX_LINE + 2, &ascii), 0);
        assert_int_equal(smtp_message_check(line, SMTP_MAX_LINE, &ascii), 0);
        assert_true(ascii);
        line[7] = (char)0xc3;
        assert_int_equal(smtp_message_check(line, SMTP_MAX_LINE + 2, &ascii), 0);
        assert_false(ascii);
        memcpy(line + SMTP_MAX_LINE, "x\r\n", 3);
        assert_int_equal(smtp_message_check(line, SMTP_MAX_LINE + 3, &ascii), -EINVAL);
        assert_int_equal(smtp_message_check(line, SMTP_MAX_LINE + 1, &ascii), -EINVAL);
}

static void test_dots_are_doubled(void **state) {
        static const struct {
                const char *message, *sent;
        } cases[] = {
                { "", ".\r\n" },
                { "a", "a\r\n.\r\n" },
                { "a\r\n", "a\r\n.\r\n" },
                { ".", "..\r\n.\r\n" },
                { ".\r\n", "..\r\n.\r\n" },
                { "..\r\n.\r\n.a\r\na.\r\n", "...\r\n..\r\n..a\r\na.\r\n.\r\n" },
                { "\r\n\r\n.\r\n\r\n", "\r\n\r\n..\r\n\r\n.\r\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct smtp_stuffing s = { .message = cases[i].message,
                                           .size = strlen(cases[i].message) };
                _cleanup_(buffer_done) struct buffer sent = { 0 };
                bool last = false;
                const char *piece;
                size_t n;

                while ((n = smtp_stuffing_next(&s, &piece, &last)) > 0) {
                        buffer_append(&sent, piece, n);
                        if (last)
                                assert_int_equal(piece[n - 3], '.');
                }
                assert_string_equal(sent.data, cases[i].sent);
                assert_int_equal(smtp_stuffing_next(&s, &piece, &last), 0);
        }
}

/* What both say, in turns: lines of ours begin with '>', those of the server with '<'. */
struct play {
        const char *name;
        struct smtp_features features;
        const char *script;
        int result; /* of the last feed */
        bool accepted, left;
        enum smtp_step step;
        int code;
        size_t n_refusals;
};

static char *recipients[] = { (char *)"a@x", (char *)"b@x" };
static const struct smtp_envelope envelope = {
        .sender = (char *)"me@x",
        .recipients = recipients,
        .n_recipients = 2,
};

#define PIPELINED .features = { .pipelining = true }
#define GREET "> MAIL FROM:<me@x>\n"
#define ENVELOPE \
        GREET "< 250\n" \
              "> RCPT TO:<a@x>\n< 250\n> RCPT TO:<b@x>\n< 250\n> DATA\n"
#define MESSAGE "> Hi\n> ..\n> .\n"

/* clang-format off */
static const struct play plays[] = {
        { "one by one", .script = ENVELOPE "< 354\n" MESSAGE "< 250 queued\n",
          .result = 1, .accepted = true, .left = true, .step = SMTP_STEP_MESSAGE, .code = 250 },
        { "together", PIPELINED,
          .script = GREET "> RCPT TO:<a@x>\n> RCPT TO:<b@x>\n< 250\n< 250\n< 251\n> DATA\n< 354\n" MESSAGE "< 250\n",
          .result = 1, .accepted = true, .left = true, .step = SMTP_STEP_MESSAGE, .code = 250 },
        { "with a size", .features = { .size = true, .max_size = 9 },
          .script = "> MAIL FROM:<me@x> SIZE=7\n< 552\n",
          .result = 1, .step = SMTP_STEP_SENDER, .code = 552 },
        { "the sender refused", PIPELINED,
          .script = GREET "> RCPT TO:<a@x>\n> RCPT TO:<b@x>\n< 550\n< 503\n",
          .result = 1, .step = SMTP_STEP_SENDER, .code = 550 },
        { "one refused", .script = GREET "< 250\n> RCPT TO:<a@x>\n< 550\n> RCPT TO:<b@x>\n< 250\n",
          .result = 1, .step = SMTP_STEP_RECIPIENT, .code = 550, .n_refusals = 1 },
        { "both refused, the worse decides", PIPELINED,
          .script = GREET "> RCPT TO:<a@x>\n> RCPT TO:<b@x>\n< 250\n< 550\n< 450\n",
          .result = 1, .step = SMTP_STEP_RECIPIENT, .code = 550, .n_refusals = 2 },
        { "the same the other way round", PIPELINED,
          .script = GREET "> RCPT TO:<a@x>\n> RCPT TO:<b@x>\n< 250\n< 450\n< 550\n",
          .result = 1, .step = SMTP_STEP_RECIPIENT, .code = 550, .n_refusals = 2 },
        { "a goodbye", PIPELINED, .script = GREET "> RCPT TO:<a@x>\n> RCPT TO:<b@x>\n< 250\n< 421\n",
          .result = 1, .step = SMTP_STEP_GREETING, .code = 421 },
        { "no data", .script = ENVELOPE "< 451\n", .result = 1, .step = SMTP_STEP_DATA, .code = 451 },
        { "the message refused", .script = ENVELOPE "< 354\n" MESSAGE "< 554\n",
          .result = 1, .left = true, .step = SMTP_STEP_MESSAGE, .code = 554 },
        { "the message put off", .script = ENVELOPE "< 354\n" MESSAGE "< 421\n",
          .result = 1, .left = true, .step = SMTP_STEP_MESSAGE, .code = 421 },
        { "refused before the end", .script = ENVELOPE "< 354\n< 552\n",
          .result = 1, .step = SMTP_STEP_MESSAGE, .code = 552 },
        { "accepted before the end", .script = ENVELOPE "< 354\n< 250\n", .result = -EBADMSG },
        { "more answers than questions", .script = GREET "< 250\n< 250\n", .result = -EBADMSG },
        { "data before it was asked", .script = GREET "< 354\n", .result = -EBADMSG },
        { "another go ahead", .script = ENVELOPE "< 355\n", .result = -EBADMSG },
        { "no go ahead", .script = ENVELOPE "< 250\n", .result = -EBADMSG },
        { "more wanted", .script = ENVELOPE "< 354\n" MESSAGE "< 354\n", .result = -EBADMSG, .left = true },
        { "nonsense", .script = GREET "< hello\n", .result = -EBADMSG },
};
/* clang-format on */

/* Takes out what is to be sent, byte by byte, as a slow socket would. */
static void drain(struct smtp_dialogue *d, struct buffer *to, bool *left) {
        const char *data;
        bool last;

        while (smtp_dialogue_output(d, &data, &last) > 0) {
                *left = *left || last;
                buffer_append(to, data, 1);
                smtp_dialogue_sent(d, 1);
        }
}

static void expect_sent(const struct play *p, struct buffer *sent, const char *line, size_t n) {
        if (sent->size < n + 2 || memcmp(sent->data, line, n) != 0 ||
            memcmp(sent->data + n, "\r\n", 2) != 0)
                fail_msg("%s: '%.*s' is not '%.*s'", p->name, (int)sent->size,
                         sent->data ? sent->data : "", (int)n, line);
        memmove(sent->data, sent->data + n + 2, sent->size - n - 2);
        sent->size -= n + 2;
}

static void run(const struct play *p) {
        _cleanup_(smtp_dialogue_done) struct smtp_dialogue d = { 0 };
        _cleanup_(buffer_done) struct buffer sent = { 0 };
        bool left = false;
        int r = 0;

        assert_int_equal(smtp_dialogue_init(&d, &envelope, "Hi\r\n.\r\n", 7, &p->features), 0);
        for (const char *line = p->script; *line;) {
                size_t n = strcspn(line, "\n");
                char said[128];

                if (*line == '>') {
                        drain(&d, &sent, &left);
                        expect_sent(p, &sent, line + 2, n - 2);
                } else {
                        if (sent.size > 0)
                                fail_msg("%s: '%.*s' was not expected", p->name, (int)sent.size,
                                         sent.data);
                        snprintf(said, sizeof(said), "%.*s\r\n", (int)n - 2, line + 2);
                        if (r == 0)
                                r = smtp_dialogue_feed(&d, said, strlen(said));
                }
                line += n + 1;
        }
        if (r != p->result || left != p->left)
                fail_msg("%s: %d, left %d", p->name, r, left);
        if (r != 1)
                return;
        drain(&d, &sent, &left);
        assert_int_equal(sent.size, 0);
        if (d.answer.accepted != p->accepted || d.answer.step != p->step ||
            d.answer.reply.code != p->code || d.answer.n_refusals != p->n_refusals ||
            d.answer.obstacle != SMTP_NO_OBSTACLE)
                fail_msg("%s: accepted %d, step %d, code %d, %zu refusals", p->name,
                         d.answer.accepted, (int)d.answer.step, d.answer.reply.code,
                         d.answer.n_refusals);
}

static void test_dialogues(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(plays); i++)
                run(&plays[i]);
}

/* Whatever there is of a mail, none of it is sent. */
static void test_a_login_alone(void **state) {
        static const struct smtp_envelope alone = { .login_alone = true };
        const struct smtp_features features = { .size = true, .max_size = 1 };
        struct smtp_dialogue d;
        const char *data;
        bool is_last;

        assert_int_equal(smtp_dialogue_init(&d, &alone, NULL, 0, &features), 1);
        assert_int_equal(d.phase, SMTP_PHASE_OVER);
        assert_true(d.answer.accepted);
        assert_int_equal(smtp_dialogue_output(&d, &data, &is_last), 0);
        smtp_dialogue_done(&d);
}

static void test_what_is_in_the_way(void **state) {
        static char *utf8[] = { (char *)"jos\xc3\xa9@x" };
        static const struct smtp_envelope beyond = { .sender = (char *)"me@x",
                                                     .recipients = utf8,
                                                     .n_recipients = 1 };
        static const struct {
                const struct smtp_envelope *envelope;
                const char *message;
                struct smtp_features features;
                int result;
                enum smtp_obstacle obstacle;
        } cases[] = {
                { &envelope, "1234567\r\n", { .size = true, .max_size = 9 }, 0, SMTP_NO_OBSTACLE },
                { &envelope, "1234567", { .size = true, .max_size = 9 }, 0, SMTP_NO_OBSTACLE },
                { &envelope, "12345678\r\n", { .size = true, .max_size = 9 }, 1, SMTP_NO_SIZE },
                { &envelope, "12345678", { .size = true, .max_size = 9 }, 1, SMTP_NO_SIZE },
                { &envelope, "12345678", { .size = true }, 0, SMTP_NO_OBSTACLE },
                { &beyond, "Hi", { .utf8 = true }, 0, SMTP_NO_OBSTACLE },
                { &beyond, "Hi", { 0 }, 1, SMTP_NO_UTF8 },
                { &envelope, "To: jos\xc3\xa9@x", { 0 }, 1, SMTP_NO_UTF8 },
                { &envelope, "Hi\n", { 0 }, -EINVAL, SMTP_NO_OBSTACLE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(smtp_dialogue_done) struct smtp_dialogue d = { 0 };
                const char *data;
                bool last;

                if (smtp_dialogue_init(&d, cases[i].envelope, cases[i].message,
                                       strlen(cases[i].message),
                                       &cases[i].features) != cases[i].result ||
                    d.answer.obstacle != cases[i].obstacle)
                        fail_msg("case %zu", i);
                if (cases[i].result == 1) {
                        assert_int_equal(smtp_dialogue_output(&d, &data, &last), 0);
                        assert_int_equal(d.phase, SMTP_PHASE_OVER);
                }
        }
}

/* A list of refusals grows with the recipients, and no further than its limit. */
static void test_refusals_have_a_limit(void **state) {
        _cleanup_(smtp_dialogue_done) struct smtp_dialogue d = { 0 };
        static char *many[SMTP_MAX_REFUSALS + 1];
        const struct smtp_envelope all = { .sender = (char *)"me@x",
                                           .recipients = many,
                                           .n_recipients = ELEMENTSOF(many) };
        const struct smtp_features features = { .pipelining = true };
        bool left = false;

        for (size_t i = 0; i < ELEMENTSOF(many); i++)
                many[i] = (char *)"a@x";
        assert_int_equal(smtp_dialogue_init(&d, &all, "Hi", 2, &features), 0);
        {
                _cleanup_(buffer_done) struct buffer sent = { 0 };

                drain(&d, &sent, &left);
        }
        assert_int_equal(smtp_dialogue_feed(&d, "250\r\n", 5), 0);
        for (size_t i = 1; i < ELEMENTSOF(many); i++)
                assert_int_equal(smtp_dialogue_feed(&d, "550 no\r\n", 8), 0);
        assert_int_equal(smtp_dialogue_feed(&d, "550 no\r\n", 8), 1);
        assert_int_equal(d.answer.n_refusals, SMTP_MAX_REFUSALS);
        assert_int_equal(d.answer.refusals[SMTP_MAX_REFUSALS - 1].recipient, SMTP_MAX_REFUSALS - 1);
        assert_string_equal(d.answer.refusals[0].text, "no");
        assert_false(left);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_replies),
                cmocka_unit_test(test_replies_in_pieces),
                cmocka_unit_test(test_replies_have_limits),
                cmocka_unit_test(test_what_is_quoted),
                cmocka_unit_test(test_enhanced_codes),
                cmocka_unit_test(test_features),
                cmocka_unit_test(test_messages_that_may_not_travel),
                cmocka_unit_test(test_dots_are_doubled),
                cmocka_unit_test(test_dialogues),
                cmocka_unit_test(test_a_login_alone),
                cmocka_unit_test(test_what_is_in_the_way),
                cmocka_unit_test(test_refusals_have_a_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
